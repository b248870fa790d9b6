"""Real load on served versions, by MLPerf's LoadGen in a process of its own: it can be ended, and has its own lock."""

from __future__ import annotations

import importlib.util
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gate.domain import ServedRun

MODULE = "mlperf_loadgen"
TIMEOUT_S = 60.0
"""A request that takes longer got no answer."""
START_S = 30.0
"""For the generator's own imports, at the most."""
_ARRAYS = ("side", "due_ns", "late_ns", "took_ns", "status")
_TEXT = 300


class GeneratorError(Exception):
    """The load generator itself failed; the text says how."""


def installed() -> bool:
    """Whether the load generator can be imported."""
    return importlib.util.find_spec(MODULE) is not None


def offered() -> bool:
    """Whether the extra brings the load generator for this Python on this machine, as pyproject.toml has it."""
    return sys.version_info < (3, 14) and (sys.platform != "linux" or platform.machine() == "x86_64")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One served version: its port on this machine, the path that takes requests, a body for each row."""

    port: int
    path: str
    bodies: Sequence[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """So many requests in all, at `rate` a second in all; one after the other where it is None. Ends after `most_s`."""

    rate: float | None
    requests: int
    most_s: float
    seed: int

    @property
    def drain_s(self) -> float:
        """How long answers are waited for after the last request."""
        return max(2.0, self.most_s / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A run, and the first failure of each side that had one, as it was told."""

    run: ServedRun
    failures: Mapping[int, str]


def generate(targets: Sequence[Target], load: Load, host: str) -> Loaded:
    """Send the load to all targets alike, in random order; `ServedRun.rate` is that of one target.

    Raises:
        GeneratorError: the generator did not start, or did not end in time.
    """
    with tempfile.TemporaryDirectory(prefix="gate-load-") as folder:
        plan, result = Path(folder, "plan.json"), Path(folder, "result.json")
        plan.write_text(json.dumps(_plan(targets, load, host, Path(folder))), encoding="utf-8")
        _run([str(plan), str(result)], folder, load.most_s + load.drain_s + START_S)
        told: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    arrays = {name: np.asarray(told[name], dtype=np.int64) for name in _ARRAYS}
    rate = None if load.rate is None else load.rate / len(targets)
    return Loaded(
        run=ServedRun(rate=rate, **arrays),
        failures={int(side): str(text) for side, text in told["failures"].items()},
    )


def _plan(targets: Sequence[Target], load: Load, host: str, folder: Path) -> dict[str, Any]:
    files = [folder / f"bodies-{place}" for place in range(len(targets))]
    for file, target in zip(files, targets, strict=True):
        file.write_bytes(b"\n".join(target.bodies))
    return {
        "urls": [f"http://{host}:{target.port}{target.path}" for target in targets],
        "bodies": [str(file) for file in files],
        "rate": load.rate,
        "requests": load.requests,
        "most_s": load.most_s,
        "drain_s": load.drain_s,
        "timeout_s": TIMEOUT_S,
        "seed": load.seed,
    }


def _run(arguments: list[str], folder: str, timeout_s: float) -> None:
    command = [sys.executable, "-P", "-m", "gate.benchmark.generating", *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - the gate's own command, no shell
            command, cwd=folder, capture_output=True, text=True, errors="replace", check=False, timeout=timeout_s
        )
    except subprocess.TimeoutExpired:
        raise GeneratorError(f"the load generator did not end within {timeout_s:.3g} s") from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise GeneratorError(f"the load generator failed: {last[:_TEXT]}")
