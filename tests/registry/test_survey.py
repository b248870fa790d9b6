"""What `gate init` can propose from a registry."""

from __future__ import annotations

import pandas as pd
import pytest

from gate.registry import survey
from gate.registry.survey import propose_aliases


def test_survey(registry, teacher, tmp_path):
    """Models, aliases in use, and the local files that runs logged, those for evaluation first."""
    frame = pd.DataFrame({"x": [1.0], "y": [1.0]})
    for name in ("train.csv", "test.csv"):
        frame.to_csv(tmp_path / name, index=False)
    datasets = [(frame, tmp_path / "train.csv", "train"), (frame, tmp_path / "test.csv", "test")]
    teacher.register("wine", datasets=datasets)
    teacher.register("beer")
    registry.client.set_registered_model_alias("wine", "champion", "1")
    beer, wine = survey(registry)
    assert (beer.model, beer.versions, dict(beer.proposed), beer.data) == ("beer", 1, {}, ())
    assert (wine.model, dict(wine.aliases), dict(wine.proposed)) == (
        "wine",
        {"champion": 1},
        {"production": "champion"},
    )
    assert wine.data == (str(tmp_path / "test.csv"), str(tmp_path / "train.csv"))


def test_empty(registry):
    """An empty registry has nothing to propose."""
    assert survey(registry) == []


@pytest.mark.parametrize(
    ("aliases", "proposed"),
    [
        (["champion", "challenger"], {"production": "champion", "staging": "challenger"}),
        (["Prod", "stage"], {"production": "Prod", "staging": "stage"}),
        (["production", "champion"], {}),
        (["blessed"], {}),
    ],
)
def test_proposals(aliases, proposed):
    """Usual alias names stand for stages, unless the stage's own name is in use."""
    assert propose_aliases(dict.fromkeys(aliases, 1)) == proposed
