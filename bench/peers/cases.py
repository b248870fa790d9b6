"""Reads the cases of a simulation and writes a peer's verdicts: what every runner here shares. Needs pandas alone.

A folder of cases holds `cases.json`, a list of {name, file, shape}, and a Parquet file each: the inputs, `label`,
`prediction` and `baseline_prediction`, and for a matrix of probabilities `proba_<class>` and `baseline_proba_<class>`.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

OWN = ("label", "prediction", "baseline_prediction", "proba_", "baseline_proba_")


@dataclass(frozen=True)
class PeerCase:
    """One case: inputs, labels, and both versions' answers, each in columns named alike."""

    shape: str
    inputs: pd.DataFrame
    label: pd.Series
    candidate: pd.DataFrame
    baseline: pd.DataFrame

    @property
    def number(self) -> bool:
        """Whether it is a regression."""
        return self.shape == "number"

    def decisions(self, answers: pd.DataFrame) -> pd.Series:
        """Give the numbers of a regression, the classes of everything else."""
        if self.shape == "probability":
            return (answers["prediction"] > 0.5).astype(int)  # noqa: PLR2004 - the middle
        return answers["prediction"]


Judge = Callable[[PeerCase], list[str]]
"""Says what rejects the candidate: nothing where it is accepted."""


def run(judges: Mapping[str, Judge]) -> None:
    """Judge every case of the folder named first into the file named second.

    Each judge, by the name that it has on the page, gives `accepted`, `rejected` or `raised`, why, and CPU seconds.
    """
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    warnings.simplefilter("ignore")
    cases = json.loads((folder / "cases.json").read_text(encoding="utf-8"))
    found = {
        case["name"]: {
            name: _judged(judge, read(folder / case["file"], case["shape"])) for name, judge in judges.items()
        }
        for case in cases
    }
    out.write_text(json.dumps(found, indent=1), encoding="utf-8")


def _judged(judge: Judge, case: PeerCase) -> dict[str, object]:
    start = time.process_time()
    try:
        why = judge(case)
        verdict = "rejected" if why else "accepted"
    except Exception as error:  # noqa: BLE001 - a peer that raises gave no verdict, whatever it raised
        verdict, why = "raised", [f"{type(error).__name__}: {str(error)[:200]}"]
    return {"verdict": verdict, "why": why[:5], "cpu_s": round(time.process_time() - start, 3)}


def read(path: Path, shape: str) -> PeerCase:
    """Read one case."""
    frame = pd.read_parquet(path)
    mine = [name for name in frame.columns if name.startswith(("prediction", "proba_"))]
    theirs = [name for name in frame.columns if name.startswith("baseline_")]
    return PeerCase(
        shape=shape,
        inputs=frame[[name for name in frame.columns if not name.startswith(OWN)]],
        label=frame["label"],
        candidate=frame[mine],
        baseline=frame[theirs].rename(columns=lambda name: name.removeprefix("baseline_")),
    )
