"""Measurements of whole commands, as a user meets them."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

GATE = str(Path(sys.executable).parent / "gate")
CATEGORIES = "contract,outliers,quality,reproducibility,security"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One promise, held against what was measured. `values` are the repetitions, `value` is their median."""

    name: str
    what: str
    unit: str
    limit: float
    values: tuple[float, ...]
    command: str
    method: str

    @property
    def value(self) -> float:
        """The median of the repetitions."""
        return statistics.median(self.values)


def help_cpu() -> Measurement:
    """CPU seconds of `gate --help`, user and system, of the process and its children."""
    _cpu_of([GATE, "--help"])
    return Measurement(
        name="help_cpu",
        what="`gate --help`, CPU",
        unit="s",
        limit=0.2,
        values=tuple(_cpu_of([GATE, "--help"]) for _ in range(9)),
        command="gate --help",
        method="user and system CPU time of the process, median of 9 after one warm-up",
    )


def check_wall(project: Path, model: str) -> Measurement:
    """Wall seconds of the demo's `gate check` without the performance category, start-up and imports included."""
    arguments = ["check", model, "2", "--baseline", "1", "--only", CATEGORIES, "--quiet"]
    return Measurement(
        name="check_wall",
        what="The demo's `gate check` without the performance category, wall time",
        unit="s",
        limit=10,
        values=tuple(_wall_of([GATE, *arguments], project) for _ in range(3)),
        command=f"gate {' '.join(arguments)}",
        method="from the start of the process to its end, imports and both workers included, median of 3",
    )


def hashing(files: int) -> tuple[Measurement, ...]:
    """Hash 1 GB in so many files: seconds beside what the processor needs for the bytes alone, and memory."""
    command = [sys.executable, "-m", "bench.hashing", str(files)]
    done = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # noqa: S603 - ours
    many = "one file" if files == 1 else f"{files} files"
    speeds = (
        f"hashing 1 GB of {many} from the page cache took {done['tree_s']:.2f} s, the same bytes in memory "
        f"{done['memory_s']:.2f} s, with a thread for each processor; the fastest of five turns each"
    )
    called = f"python -m bench.hashing {files}"
    return (
        Measurement(
            name=f"hashing_{files}",
            what=f"The digest of an artifact of 1 GB in {many}, wall time beside SHA-256 of the same bytes in memory",
            unit="x",
            limit=1.25,
            values=(done["tree_s"] / done["memory_s"],),
            command=called,
            method=speeds,
        ),
        Measurement(
            name=f"hashing_memory_{files}",
            what=f"The digest of an artifact of 1 GB in {many}, memory",
            unit="MB",
            limit=50,
            values=(done["memory_mb"],),
            command=called,
            method="peak resident memory of the process above that before the first turn",
        ),
    )


def output_checks(kind: str) -> tuple[Measurement, ...]:
    """CPU seconds and peak memory of the output checks on a million rows, beside the frame itself.

    `kind` is "numbers" (a regression) or "probabilities" (a matrix of two classes).
    """
    from bench.output_checks import measure

    runs = [measure(1_000_000, kind) for _ in range(3)]
    command = f"python -m bench.output_checks 1000000 {kind}"
    beside = "the categories outliers and contract, made-up answers, median of 3 runs in processes of their own"
    return (
        Measurement(
            name=f"output_checks_cpu_{kind}",
            what=f"The output checks on 1,000,000 rows of {kind}, CPU beside the models' own",
            unit="s",
            limit=3,
            values=tuple(run.cpu_s for run in runs),
            command=command,
            method=f"CPU time of all checks of {beside}",
        ),
        Measurement(
            name=f"output_checks_memory_{kind}",
            what=f"The output checks on 1,000,000 rows of {kind}, memory above the frame",
            unit="MB",
            limit=300,
            values=tuple(run.extra_mb for run in runs),
            command=command,
            method=f"peak resident memory above that before the checks, of {beside}",
        ),
    )


def million_rows() -> Measurement:
    """CPU seconds of the gate for all output and quality checks on a million rows, held in memory."""
    from bench.large_data import FEW_ROWS, measure

    few, runs = measure(FEW_ROWS), [measure(1_000_000) for _ in range(3)]
    return Measurement(
        name="million_rows_cpu",
        what="1,000,000 rows of 20 features and 50 slices, all output and quality checks, CPU of the gate",
        unit="s",
        limit=10,
        values=tuple(run.gate_cpu_s - few.gate_cpu_s for run in runs),
        command="python -m bench.large_data 1000000",
        method="user and system CPU time of `gate check --only contract,outliers,quality`, reading and hashing the "
        "data included, the workers not, less that of the same command on 2,000 rows; median of 3",
    )


def large_data(rows: int) -> Measurement:
    """Peak memory of the gate's own process above the interpreter while it judges more rows than it holds."""
    from bench.large_data import FEW_ROWS, measure

    few, run = measure(FEW_ROWS), measure(rows)
    return Measurement(
        name=f"large_data_memory_{rows}",
        what=f"{rows:,} rows of 20 features from Parquet, memory above the interpreter",
        unit="MB",
        limit=1000,
        values=(run.peak_mb - few.peak_mb,),
        command=f"python -m bench.large_data {rows}",
        method="peak resident memory of the gate's process above that of the same command on 2,000 rows; "
        f"it took {run.gate_cpu_s:.0f} s of CPU, the two workers {run.workers_cpu_s:.0f} s",
    )


def isolation_costs() -> tuple[Measurement, ...]:
    """Seconds that a worker takes longer behind the strongest wall of this machine, and what its predictions cost."""
    from bench.isolation import measure

    cost = measure()
    command = "python -m bench.isolation"
    pairs = zip(cost.start_s, cost.plain_start_s, strict=True)
    return (
        Measurement(
            name="isolation_start",
            what=f"Isolation at level {cost.level}, a worker, wall time above that without",
            unit="s",
            limit=0.1,
            values=tuple(ours - theirs for ours, theirs in pairs),
            command=command,
            method="from asking for a worker to its end, greeting included, less that of a worker without any wall, "
            f"in turns; the medians are {statistics.median(cost.start_s):.3f} s with and "
            f"{statistics.median(cost.plain_start_s):.3f} s without",
        ),
        Measurement(
            name="isolation_prediction",
            what=f"Isolation at level {cost.level}, a prediction, CPU above that without",
            unit="%",
            limit=2,
            values=cost.slower_percent,
            command=command,
            method="median CPU time of 150 predictions of one row behind the wall beside 150 without any, in random "
            "order, of a pair of processes each; two processes without any wall differ as much",
        ),
    )


def _cpu_of(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run(command, None)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def _wall_of(command: list[str], folder: Path) -> float:
    return _timed(lambda: _run(command, folder))


def _timed(action: Callable[[], None]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _run(command: list[str], folder: Path | None) -> None:
    """Run a command that must end in a verdict of pass."""
    done = subprocess.run(  # noqa: S603 - the command is gate's own
        command,
        cwd=folder,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended in {done.returncode}:\n{done.stdout}{done.stderr}")
