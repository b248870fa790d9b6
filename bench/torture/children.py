"""What runs in a process of its own: one promotion, one resumption. Each ends with the gate's exit code."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.torture.faults import Points, killing
from bench.torture.worlds import MODEL, STAGE, judged, mover, opened, settings
from gate.errors import GateError, RefusedError

KILLED = -signal.SIGKILL
SLOW_IMPORTS = (
    "mlflow", "mlflow.store.model_registry.sqlalchemy_store", "mlflow.store.tracking.sqlalchemy_store",
    "gate.registry", "bench.torture.worlds", "pydantic",
)  # fmt: skip


def start(target: Callable[..., None], **given: Any) -> multiprocessing.process.BaseProcess:  # noqa: ANN401 - passed on
    """Start a function of this module in a process forked from one that has MLflow imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(SLOW_IMPORTS))
    process = context.Process(target=_ended, args=(target, given))
    process.start()
    return process


def run(target: Callable[..., None], **given: Any) -> int:  # noqa: ANN401 - passed on
    """Run one to its end; give its exit code, the negative signal where it was killed."""
    process = start(target, **given)
    process.join(240)
    assert process.exitcode is not None, "a child hangs"  # noqa: S101 - a bench asserts
    return process.exitcode


def _ended(target: Callable[..., None], given: Mapping[str, Any]) -> None:
    try:
        target(**given)
    except GateError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)


def promote(uri: str, folder: str, version: int, at: int | None = None, counted: str | None = None) -> None:
    """Judge and record a version, then promote it, killed at its n-th point; write how many points there were."""
    from gate.registry import promote as move

    registry, place = opened(uri), Path(folder)
    report = judged(registry, version, place / "copies")
    points = Points(at)
    move(killing(registry, points), report, to=STAGE, settings=settings(place), mover=mover(place))
    if counted is not None:
        Path(counted).write_text(str(points.count), encoding="utf-8")


def resume(uri: str, folder: str, at: int | None = None) -> None:
    """Finish or undo what another left open, killed at its n-th point."""
    from gate.registry import resume as finish

    place = Path(folder)
    finish(killing(opened(uri), Points(at)), MODEL, settings=settings(place), mover=mover(place, "bob"))


def compete(uri: str, folder: str, version: int, at_once: float) -> None:
    """Judge a version, wait for a moment, and promote it then: of many that do, one is not stale."""
    from gate.registry import promote as move

    registry, place = opened(uri), Path(folder)
    report = judged(registry, version, place / f"copies-{version}", recorded=False)
    time.sleep(max(0.0, at_once - time.time()))
    move(registry, report, to=STAGE, settings=settings(place), mover=mover(place / f"p{version}", f"p{version}"))


def insist(uri: str, folder: str, version: int, times: int) -> None:
    """Promote a version so many times against all others, judging it anew where its verdict became stale."""
    from gate.registry import promote as move

    registry, place = opened(uri), Path(folder)
    chance = random.Random(os.getpid())  # noqa: S311 - no secret
    done = 0
    while done < times:
        report = judged(registry, version, place / f"copies-{version}", recorded=False)
        try:
            moved = move(registry, report, to=STAGE, settings=settings(place), mover=mover(place / f"p{version}"))
        except RefusedError:
            time.sleep(chance.uniform(0, 0.2))
            continue
        done += moved.former is not None or not moved.notes
