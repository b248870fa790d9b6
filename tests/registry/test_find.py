"""Versions by number, alias and stage; the baseline that the contract's rule gives."""

from __future__ import annotations

import pytest

from gate.domain import Stage
from gate.errors import UsageError
from gate.registry import choose_baseline, holders, resolve
from gate.registry.versions import ensure_name
from tests.conftest import quiet


@pytest.fixture
def versions(registry, registry_uri):
    """Make versions of `wine` without any artifact; each `status` makes one."""
    client = registry.client

    def make(*statuses: str) -> None:
        if not client.search_registered_models("name='wine'"):
            client.create_registered_model("wine")
        for status in statuses:
            made = client.create_model_version("wine", source="file:///nowhere/model", await_creation_for=0)
            if status != "READY":
                _set_status(registry_uri, int(made.version), status)

    return make


def _set_status(uri, number, status):
    import sqlite3

    with sqlite3.connect(uri.removeprefix("sqlite:///")) as database:
        database.execute("UPDATE model_versions SET status = ? WHERE version = ?", (status, number))
    database.close()


def alias(registry, name, number):
    registry.client.set_registered_model_alias("wine", name, str(number))


def stage(registry, number, name):
    with quiet():
        registry.client.transition_model_version_stage("wine", str(number), name)


def baseline(registry, candidate, wanted=None, to=None, aliases=None):
    return choose_baseline(registry, "wine", candidate, wanted, aliases or {}, to)


def test_number_latest_alias(registry, versions):
    """A number, `latest` and an alias each name a version."""
    versions("READY", "READY", "FAILED_REGISTRATION")
    alias(registry, "champion", 1)
    assert [resolve(registry, "wine", name) for name in ("1", "latest", "@champion")] == [1, 2, 1]


@pytest.mark.parametrize("version", ["0", "-1", "1e3", "v3", "", "1.0", "٣", " 1", "production", "1\n", "9" * 30])
def test_no_version(registry, versions, version):
    """What is no version is refused with what would be one."""
    versions("READY")
    with pytest.raises(UsageError, match="whole number like 3"):
        resolve(registry, "wine", version)


def test_unknown_model(registry, versions):
    """An unknown model is answered with the closest names."""
    versions("READY")
    with pytest.raises(UsageError, match=r"no model 'wime'.*Did you mean: wine\?"):
        resolve(registry, "wime", "1")


def test_no_model_at_all(registry):
    """An empty registry is said to be one."""
    with pytest.raises(UsageError, match="holds no model yet"):
        resolve(registry, "wine", "1")


def test_unknown_version_and_alias(registry, versions):
    """An unknown version or alias is answered with the existing ones, a few of them."""
    versions(*["READY"] * 10)
    alias(registry, "champion", 1)
    with pytest.raises(UsageError, match="It has: 10, 9, 8, 7, 6, 5, 4, 3 and 2 more"):
        resolve(registry, "wine", "99")
    with pytest.raises(UsageError, match=r"no alias 'Champion'.*It has: @champion"):
        resolve(registry, "wine", "@Champion")


@pytest.mark.parametrize(("status", "advice"), [("PENDING_REGISTRATION", "Wait"), ("FAILED_REGISTRATION", "again")])
def test_not_ready(registry, versions, status, advice):
    """A version that is not READY is refused with its status and what to do."""
    versions(status)
    with pytest.raises(UsageError, match=f"{status}.*{advice}"):
        resolve(registry, "wine", "1")


@pytest.mark.parametrize(
    "name", ["--help", "-rf", "$(id)", "a\nb", "wine\n", "a'b", "@octocat", "x" * 129, "", "a/b", "\u202ex"]
)
def test_hostile_names(registry, name):
    """Names that no shell, path or page should see are refused with the rule."""
    with pytest.raises(UsageError, match="The rule"):
        resolve(registry, name, "1")


@pytest.mark.parametrize("name", ["wine", "a.b.c", "Wine quality 2", "модель", "한국어 모델", "x" * 128, "a-b_c"])
def test_good_names(name):
    """Ordinary names are taken, of any script, where they start with a letter or digit."""
    ensure_name(name)


def test_check_takes_the_holder_of_production(registry, versions):
    """A check compares with the holder of production, else of staging."""
    versions(*["READY"] * 4)
    alias(registry, "staging", 2)
    assert baseline(registry, 4) == (2, "holder of staging")
    alias(registry, "production", 1)
    assert baseline(registry, 4) == (1, "holder of production")


def test_release_takes_the_holder_of_its_stage(registry, versions):
    """A release compares with the holder of the stage that it promotes to, else of production."""
    versions(*["READY"] * 4)
    alias(registry, "production", 1)
    assert baseline(registry, 4, to=Stage.STAGING) == (1, "holder of production")
    alias(registry, "staging", 2)
    assert baseline(registry, 4, to=Stage.STAGING) == (2, "holder of staging")
    assert baseline(registry, 4, to=Stage.PRODUCTION) == (1, "holder of production")


def test_candidate_that_holds_the_stage(registry, versions):
    """The holder itself is compared with the highest lower version that is READY."""
    versions("READY", "READY", "FAILED_REGISTRATION", "READY")
    alias(registry, "production", 4)
    assert baseline(registry, 4) == (2, "previous READY version")


def test_first_version(registry, versions):
    """The first version has no baseline, nor has one that only failed ones precede."""
    versions("FAILED_REGISTRATION", "READY")
    assert baseline(registry, 2) is None
    assert baseline(registry, 2, "previous") is None


def test_wanted_baseline(registry, versions):
    """A wanted baseline is taken and named; `none` is none."""
    versions(*["READY"] * 3)
    alias(registry, "champion", 1)
    assert baseline(registry, 3, "1") == (1, "--baseline 1")
    assert baseline(registry, 3, "@champion") == (1, "--baseline @champion")
    assert baseline(registry, 3, "previous") == (2, "--baseline previous")
    assert baseline(registry, 3, "none") is None


def test_baseline_is_the_candidate(registry, versions):
    """A version is never compared with itself."""
    versions("READY", "READY")
    with pytest.raises(UsageError, match="the candidate itself"):
        baseline(registry, 2, "2")
    with pytest.raises(UsageError, match="the candidate itself"):
        baseline(registry, 2, "latest")


def test_names_of_a_team(registry, versions):
    """A team's own alias names stand for the stages."""
    versions("READY", "READY")
    alias(registry, "champion", 1)
    assert baseline(registry, 2, aliases={"production": "champion"}) == (1, "holder of production")
    assert holders(registry, "wine", {Stage.PRODUCTION: "champion"}) == {"production": 1}


def test_stages_without_aliases(registry, versions):
    """A team that only used stages has holders too; an alias beats its stage."""
    versions("READY", "READY", "READY")
    stage(registry, 1, "Production")
    assert baseline(registry, 3) == (1, "holder of production")
    alias(registry, "production", 2)
    assert baseline(registry, 3) == (2, "holder of production")
