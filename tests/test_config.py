"""gate.yaml -> Config, and every way in which it can be wrong."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from gate import config
from gate.domain import Stage
from gate.errors import UsageError

CONTRACT = """\
tracking_uri: sqlite:///mlflow.db
checks: [gate.checks, ./checks]
release_notes: {dir: release_notes, lang: en, template: null, html: true}
isolation: {minimum: subprocess, memory_mb: 4096, timeout_s: 600}
confidence: 0.99
defaults:
  severity: {reproducibility.training_data: warning}
models:
  diabetes:
    task: regression
    data: {path: data/eval.parquet, target: progression, id: row_id, slices: [sex, {age: 4}]}
    metrics: {rmse: {max_regression: "2%"}, r2: {min: 0.4}}
    outliers: {paired_delta: {max: 40}, range: {min: 0, max: 400}}
    expect:
      - {id: mean_ok, type: expect_column_mean_to_be_between, column: prediction, min_value: 100, max_value: 200}
    latency: {warn: "2%", block: "5%", batch_sizes: [1, 32, 256], budget_s: 60}
    throughput: {warn: "5%", block: "10%"}
    promotion: {aliases: {staging: challenger}, legacy_stages: true, approvals: {production: 1}}
    waivers: [{check: outliers.drift, owner: ml-platform, reason: "new target scale", expires: 2027-01-31}]
"""


@pytest.fixture
def read(tmp_path):
    """Read a text as gate.yaml."""

    def from_text(text):
        path = tmp_path / "gate.yaml"
        path.write_text(text)
        return config.read(path)

    return from_text


def test_the_contract_s_own_example_is_read(read):
    """Every key that the contract shows is known, and means what it says."""
    settings = read(CONTRACT).model("diabetes")
    assert settings.metrics["rmse"].max_regression == config.Share(0.02)
    assert settings.latency.batch_sizes == (1, 32, 256)
    assert settings.promotion.alias(Stage.STAGING) == "challenger"
    assert settings.promotion.alias(Stage.PRODUCTION) == "production"
    assert settings.waivers[0].expires == "2027-01-31"
    assert settings.expect[0].arguments == {"column": "prediction", "min_value": 100, "max_value": 200}


def test_the_published_schema_accepts_the_contract_s_example():
    """`gate schema config` describes what the gate reads."""
    value = json.loads(json.dumps(yaml.safe_load(CONTRACT), default=str))
    found = jsonschema.Draft202012Validator(config.json_schema()).iter_errors(value)
    assert [error.message for error in found] == []


def test_the_published_schema_refuses_an_unknown_key():
    """An editor shows a typo."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"confidense": 0.9}, config.json_schema())


def test_defaults_are_merged_deeply(read):
    """A model's own settings lie over the defaults key by key."""
    text = "defaults: {latency: {warn: 3%, budget_s: 5}}\nmodels: {m: {latency: {budget_s: 7}}}\n"
    latency = read(text).model("m").latency
    assert (latency.warn, latency.budget_s) == (config.Share(0.03), 7)


def test_a_model_that_is_not_named_has_the_defaults(read):
    """The gate judges models that gate.yaml does not name."""
    assert read("defaults: {latency: {budget_s: 5}}\n").model("other").latency.budget_s == 5


def test_relative_sqlite_addresses_start_at_the_folder_of_the_file(read, tmp_path):
    """Where a user stands does not change which registry is meant."""
    assert read(CONTRACT).file.tracking_uri == f"sqlite:///{tmp_path}/mlflow.db"


def test_variables_come_from_the_environment(read, monkeypatch):
    """${NAME} is replaced."""
    monkeypatch.setenv("GATE_TEST_HOST", "registry")
    assert read("tracking_uri: http://${GATE_TEST_HOST}:5000\n").file.tracking_uri == "http://registry:5000"


def test_a_secret_from_the_environment_is_accepted(read, monkeypatch):
    """Only a literal one is refused."""
    monkeypatch.setenv("GATE_TEST_PASSWORD", "p")
    assert "u:p@" in read("tracking_uri: http://u:${GATE_TEST_PASSWORD}@x\n").file.tracking_uri


WRONG = {
    "max_regresion": ('max_regression: "2%"', 'max_regresion: "2%"', r"gate.yaml:12: .*Did you mean max_regression"),
    "unknown task": ("task: regression", "task: regresion", r"gate.yaml:10: .*'classification'"),
    "date": ("2027-01-31", "soon", r"gate.yaml:19: .*expires"),
    "percentage": ('warn: "2%"', "warn: 0.02", r"gate.yaml:16: .*write a percentage"),
    "duplicate key": ("confidence: 0.99", "confidence: 0.99\nconfidence: 0.9", r"gate.yaml:6: .*twice"),
    "duplicate model": ("models:\n", "models:\n  diabetes: {}\n", r"gate.yaml:10: .*'diabetes' is there twice"),
    "key of another level": ("budget_s: 60", "budget: 60", r"gate.yaml:16: .*budget_s"),
    "literal secret": ("sqlite:///mlflow.db", "http://u:p@x", r"gate.yaml:1: .*literal password"),
    "slice of no form": ("{age: 4}", "{age: many}", r"gate.yaml:11: .*write a column, {column: number of bins"),
    "slice of two columns": ("{age: 4}", "{age: 4, bmi: 4}", r"gate.yaml:11: .*is no slice"),
    "not YAML": ("{age: 4}", "{age: 4", r"gate.yaml:11: not valid YAML"),
    "unset variable": ("sqlite:///mlflow.db", "${GATE_TEST_NOT_SET}", r"gate.yaml:1: .*GATE_TEST_NOT_SET is not set"),
    "python object": ("task: regression", "task: !!python/object/apply:os.system [x]", r"gate.yaml:10: not valid YAML"),
    "negative budget": ("budget_s: 60", "budget_s: -1", r"gate.yaml:16: .*greater than 0"),
    "confidence": ("confidence: 0.99", "confidence: 99", r"gate.yaml:5: .*less than 1"),
    "unknown stage": ("aliases: {staging", "aliases: {stagin", r"gate.yaml:18: .*'staging'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_setting_is_refused_with_file_and_line(read, case):
    """What is wrong is said with its place and what would be right; the exit code is 2."""
    old, new, message = WRONG[case]
    assert old in CONTRACT
    with pytest.raises(UsageError, match=message) as caught:
        read(CONTRACT.replace(old, new, 1))
    assert caught.value.exit_code == 2


def test_an_alias_bomb_is_refused(read):
    """A file of a few lines cannot fill the memory."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(UsageError, match="too large"):
        read("\n".join(lines))


def test_the_policy_digest_ignores_where_the_file_lies(tmp_path):
    """Two machines with the same gate.yaml have the same policy."""
    digests = set()
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "gate.yaml"
        path.write_text(CONTRACT)
        digests.add(config.read(path).policy_digest("diabetes"))
    assert len(digests) == 1


def test_the_policy_digest_changes_with_a_limit(read):
    """A verdict under another policy is another verdict."""
    before = read(CONTRACT).policy_digest("diabetes")
    assert read(CONTRACT.replace("max: 40", "max: 41")).policy_digest("diabetes") != before


def test_the_policy_digest_leaves_out_the_rules_of_promotion(read):
    """Keys of signers are asked at the promotion, and make no verdict stale; whose models are loaded does."""
    promotion = "models: {m: {promotion: {require_signature: true, trusted_keys: [a.pem]}}}"
    assert read(promotion).policy_digest("m") == read("models: {m: {}}").policy_digest("m")
    approvals = "models: {m: {promotion: {approvals: {production: 2}, order: staging_first}}}"
    assert read(approvals).policy_digest("m") == read("models: {m: {}}").policy_digest("m")
    security = "models: {m: {security: {model_keys: [%s]}}}"
    assert read(security % "a.pem").policy_digest("m") != read(security % "b.pem").policy_digest("m")


def test_the_nearest_file_above_is_found(tmp_path):
    """A user may stand anywhere in the project."""
    (tmp_path / "gate.yaml").write_text("")
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert config.find(tmp_path / "a" / "b") == tmp_path / "gate.yaml"


@pytest.mark.parametrize("aliases", ["{staging: x, production: x}", "{staging: production}", "{staging: latest}"])
def test_an_alias_stands_for_one_stage_and_is_one_that_mlflow_takes(read, aliases):
    """Two stages under one alias could not be told apart."""
    with pytest.raises(UsageError, match="alias"):
        read(f"models: {{m: {{promotion: {{aliases: {aliases}}}}}}}\n")
