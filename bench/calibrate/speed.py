"""CPU seconds of the same 100,000 rows: Evidently's default presets, and all of the gate's checks of answers."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bench.calibrate import peers
from bench.calibrate.judge import judge
from bench.calibrate.samples import Sample
from bench.calibrate.worlds import WORLDS

ROWS, COLUMNS = 100_000, 20


def speed() -> dict[str, Any]:
    """Give the CPU seconds of each of Evidently's presets, and of the gate's categories outliers and quality."""
    folder = peers.BUILD / "speed"
    folder.mkdir(parents=True, exist_ok=True)
    sample = _made_up(ROWS)
    peers.frame_of(sample).to_parquet(folder / "case.parquet")
    judge(_made_up(500))
    start = time.process_time()
    judge(sample)
    ours = time.process_time() - start
    return {"rows": ROWS, "columns": COLUMNS, "evidently": peers.speed_of_evidently(folder), "gate_s": ours}


def _made_up(rows: int) -> Sample:
    """A regression with twenty inputs and two similar versions."""
    draw = np.random.default_rng(0)
    inputs = pd.DataFrame(draw.normal(size=(rows, COLUMNS)), columns=[f"x{index}" for index in range(COLUMNS)])
    truth = inputs["x0"].to_numpy() + draw.normal(size=rows)
    baseline = {"prediction": 0.97 * inputs["x0"].to_numpy()}
    sample = Sample(
        world=WORLDS["friedman"], frame=inputs, labels=truth, baseline=baseline, candidate=baseline, draw=draw
    )
    return replace(sample, candidate={"prediction": inputs["x0"].to_numpy() + 0.01 * draw.normal(size=rows)})
