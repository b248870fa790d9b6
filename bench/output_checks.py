"""CPU time and memory of the output checks on a million rows: `python -m bench.output_checks [ROWS]`.

Both versions' answers, their labels and five inputs, made up. A small run first imports every library, so that the
numbers are the checks' own. The frame itself is in memory before the measurement starts.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from gate.checking.case import Case
    from gate.domain import Snapshot

CATEGORIES = ("outliers", "contract")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """CPU seconds of the checks, and peak resident memory (MB) above that before them; each check's own seconds."""

    cpu_s: float
    extra_mb: float
    seconds: dict[str, float]


def measure(rows: int, kind: str = "numbers") -> Run:
    """Run the checks on that many rows in a process of its own; `kind` is numbers or probabilities."""
    command = [sys.executable, "-m", "bench.output_checks", str(rows), kind, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent)  # noqa: S603 - our own module
    return Run(**json.loads(done.stdout.splitlines()[-1]))


def measure_here(rows: int, kind: str) -> Run:
    """Run the checks in this process."""
    from gate.checking import engine
    from gate.domain import Category

    only = frozenset(Category(name) for name in CATEGORIES)
    engine.run(made_up(500, kind), ["gate.checks"], only)
    case = made_up(rows, kind)
    frames = (case.predictions, case.baseline_predictions, case.labels)
    before = _resident_mb()
    with _Peak() as peak:
        start = time.process_time()
        outcomes = engine.run(case, ["gate.checks"], only)
        spent = time.process_time() - start
    broken = [f"{outcome.id}: {outcome.message}" for outcome in outcomes if outcome.status == "error"]
    if broken or frames[0] is None:
        raise SystemExit("; ".join(broken) or "no frame")
    seconds = {outcome.id: round(outcome.duration_s, 3) for outcome in outcomes if outcome.duration_s > 0.01}  # noqa: PLR2004 - shorter ones are noise
    return Run(cpu_s=spent, extra_mb=max(0.0, peak.highest_mb - before), seconds=seconds)


def made_up(rows: int, kind: str) -> Case:
    """Make a case of two similar versions with labels."""
    import numpy as np
    import pyarrow as pa

    from gate.checking.case import Case
    from gate.domain import Answers, Comparison, EvaluationData, Reproducibility, Task
    from gate.settings import ModelConfig

    draw = np.random.default_rng(0)
    inputs = {f"x{index}": draw.normal(size=rows) for index in range(5)}
    scores = [inputs["x0"] + 0.1 * draw.normal(size=rows) for _ in range(2)]
    label = inputs["x0"] + draw.normal(size=rows)
    if kind == "probabilities":
        label = (label > 0).astype(np.int64)
        tables = [pa.table(_matrix(score)) for score in scores]
    else:
        tables = [pa.table({"prediction": score}) for score in scores]
    data = EvaluationData(
        table=pa.table({**inputs, "y": label}), source="made up", digest="sha256:0", target="y", id=None
    )
    return Case(
        comparison=Comparison(
            candidate=version_of(2), baseline=version_of(1), baseline_chosen_by="previous", data=data
        ),
        answers=Answers(table=tables[0], failure=None),
        baseline_answers=Answers(table=tables[1], failure=None),
        task=Task.PROBABILITY if kind == "probabilities" else Task.REGRESSION,
        config=ModelConfig(),
        confidence=0.99,
        metrics=(),
        reproducibility=Reproducibility(),
    )


def _matrix(score: Any) -> dict[str, Any]:  # noqa: ANN401 - an array in, arrays out
    import numpy as np

    positive = 1 / (1 + np.exp(-score))
    return {"prediction": (positive > 0.5).astype(np.int64), "proba_0": 1 - positive, "proba_1": positive}  # noqa: PLR2004 - the middle


def version_of(number: int) -> Snapshot:
    """Give a version of nothing but its number."""
    from gate.domain import Snapshot

    return Snapshot(
        model="m", version=number, run_id=None, model_id=None, source=None, created_at=None, description="", tags={},
        aliases=(), legacy_stage=None, run=None, signature=None, requirements=(), environment={}, flavors=(),
        artifact=None,
    )  # fmt: skip


class _Peak:
    """Looks at the resident memory every few milliseconds; where /proc is missing, at its peak at the end."""

    def __init__(self) -> None:
        self.highest_mb = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.003):
            self.highest_mb = max(self.highest_mb, _resident_mb())


def _resident_mb() -> float:
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    """Print one run, as JSON where asked for."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--json"]
    rows = int(arguments[0]) if arguments else 1_000_000
    found = measure_here(rows, arguments[1] if len(arguments) > 1 else "numbers")
    if "--json" in sys.argv:
        sys.stdout.write(json.dumps(asdict(found)) + "\n")
        return
    sys.stdout.write(f"{rows:,} rows: {found.cpu_s:.2f} s of CPU, {found.extra_mb:.0f} MB above the frame\n")
    for name, seconds in sorted(found.seconds.items(), key=lambda item: -item[1]):
        sys.stdout.write(f"  {seconds:7.3f} s  {name}\n")


if __name__ == "__main__":
    main()
