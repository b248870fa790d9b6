"""Whose settings say where packages come from."""

from __future__ import annotations

import os

import pytest

from gate.scoring.environments.index import index


@pytest.fixture
def operator(monkeypatch, tmp_path):
    """Set an operator's variables and pip's settings; none of this machine's own are left. Give the folder."""
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_", "SSL_"))]:
        monkeypatch.delenv(name)
    for name in ("XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "empty"))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))

    def write(pip: str = "", **variables: str):
        (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = https://one.example/simple\n{pip}")
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return tmp_path

    return write


def test_uv_takes_what_pip_takes(operator, tmp_path):
    """Its index, more of them with the same right, files of this machine, hosts; variables beat files."""
    (tmp_path / "wheels").mkdir()
    operator(
        "extra-index-url = https://two.example/simple\n  https://three.example\nfind-links = /nowhere\n"
        "trusted-host = two.example\n",
        PIP_FIND_LINKS=str(tmp_path / "wheels"),
    )
    found = index()
    assert found.variables["UV_DEFAULT_INDEX"] == "https://one.example/simple"
    assert found.variables["UV_INDEX"] == "https://two.example/simple https://three.example"
    assert found.variables["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert found.variables["UV_INSECURE_HOST"] == "two.example"
    assert tmp_path / "wheels" in found.readable
    assert found.config == ("--no-config",)


def test_an_index_that_is_off(operator):
    """As pip's no-index says."""
    operator("no-index = true\n")
    assert index().options == ("--no-index",)


def test_settings_of_uv_beat_those_of_pip(operator):
    """Those are not read then."""
    operator("extra-index-url = https://two.example/simple\n", UV_DEFAULT_INDEX="https://uv.example/simple")
    assert "UV_INDEX" not in index().variables
    assert index().variables["UV_DEFAULT_INDEX"] == "https://uv.example/simple"


def test_uvs_own_file_is_named(operator, tmp_path):
    """That of the user, and no other is looked for."""
    operator()
    file = tmp_path / "empty/uv/uv.toml"
    file.parent.mkdir(parents=True)
    file.write_text("")
    found = index()
    assert found.variables == {"UV_CONFIG_FILE": str(file)}
    assert (found.readable, found.config) == ((file,), ())


def test_nothing_else_is_passed_on(operator):
    """No token but that of an index; and nothing of it is shown by accident."""
    operator(AWS_SECRET_ACCESS_KEY="canary", UV_PUBLISH_TOKEN="canary", UV_INDEX_INNER_PASSWORD="for-the-index", CI="1")
    found = index()
    assert found.variables["UV_INDEX_INNER_PASSWORD"] == "for-the-index"
    assert "canary" not in found.variables.values()
    assert "CI" not in found.variables
    assert "for-the-index" not in repr(found)
