"""Metrics as users configure them: their own functions, several targets, names that do not exist."""

from __future__ import annotations

import pytest

OWN = """
models:
  house:
    metrics:
      "ours:cost": {max_regression: "5%"}
      "ours:broken": {}
      mean_absolute_error: {}
      neg_median_absolute_error: {max_regression: "20%"}
"""


def test_a_function_of_the_teams_own_is_a_metric(project):
    """Imported from the folder of gate.yaml, quiet; one that raises fails alone, with the class and the text."""
    (project.folder / "ours.py").write_text(
        "def cost(y, p):\n    print('loud')\n    return float(abs(y - p).mean())\n\n\n"
        "def broken(y, p):\n    raise LookupError('no prices')\n"
    )
    project.configure(OWN)
    ended = project.gate("check", "house", "2", "--json", "--only", "quality")
    assert ended.code == 1, ended.err
    asked = ("ours:cost", "mean_absolute_error", "neg_median_absolute_error")
    assert {name: ended.status(f"quality.{name}") for name in asked} == dict.fromkeys(asked, "passed")
    assert "LookupError: no prices" in ended.check("quality.ours:broken")["message"]
    measured = ended.check("quality.ours:cost")["measurements"][0]
    assert measured["value"] < measured["baseline"]


def test_no_target_is_ever_an_input(project):
    """With c among the targets the model lacks an input: exit 2, said so."""
    project.configure("models: {house: {data: {target: [y, c]}}}\n")
    ended = project.gate("check", "house", "2", "--json", "--only", "quality")
    assert (ended.code, ended.out) == (2, "")
    assert "needs columns that the evaluation data do not offer: c" in ended.err


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("f1_makro", "Did you mean f1_macro"),
        ('"ours:nothing"', "has no 'nothing'"),
        ('"nowhere:f"', "ModuleNotFoundError"),
    ],
)
def test_a_metric_that_does_not_exist_is_a_configuration_error(project, metric, said):
    """Exit 2 with the line and what would be right."""
    (project.folder / "ours.py").write_text("")
    project.configure(f"models:\n  house:\n    metrics:\n      {metric}: {{}}\n")
    ended = project.gate("check", "house", "2", "--json")
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "gate.yaml:" in ended.err
