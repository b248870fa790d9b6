"""The candidate loaded in another process: what the first one answered must come again."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from gate.asking_again import ask_elsewhere
from gate.domain import Answers, Task
from gate.evidence.twins import disagreement
from gate.scoring.answers import Naming

INPUTS = pa.table({"x": np.arange(100.0)})
LOADS = {
    "the same each time": ("self.w = 1.0", False),
    "drawn anew": ("self.w = np.random.default_rng().random()", True),
}


@pytest.mark.parametrize("name", LOADS)
def test_a_load_that_is_random_shows_in_another_process(saved, started, name):
    """A worker that is dead, as the baseline's may be, is replaced; one that lives is used."""
    load, differs = LOADS[name]
    model = saved("return model_input['x'] + self.w", load)
    first = started(model)
    first.put("all", INPUTS)
    scored = SimpleNamespace(
        candidate=Answers(table=pa.table({"prediction": first.predict("all").only}), failure=None),
        naming=Naming(task=Task.REGRESSION),
        inputs=INPUTS,
        load_s={"candidate": 0.1},
    )
    comparison = SimpleNamespace(candidate=SimpleNamespace(artifact=SimpleNamespace(path=model)))
    dead = started(model, load=False)
    dead.close()
    (twin,) = ask_elsewhere((dead, lambda: started(model, load=False)), comparison, scored)
    whole = scored.candidate.table.to_pandas()
    assert disagreement(whole.iloc[twin.rows], twin.table.to_pandas(), whole).differs.any() == differs
