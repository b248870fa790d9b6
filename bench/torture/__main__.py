"""Kill promotions and resume them, let the registry fail, let many promote at once; exit 1 where anything is lost.

`make torture` does it a thousand times each (every call of a promotion fails in every way), on SQLite;
`--uri http://…` does it on a server (an empty registry). Every run says its seed.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import shutil
import sys
import tempfile
from pathlib import Path

from bench.torture import children, faults, worlds
from bench.torture.invariants import broken
from gate.domain import Report
from gate.errors import GateError
from gate.registry import Registry, history, holder, promote

POINTS = 30
"""How many points a promotion has at which it is killed, about; beyond the last one it goes through."""


def main() -> int:
    """Do both, and tell."""
    wanted = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="gate-torture-"))
    uri = wanted.uri or f"sqlite:///{folder}/mlflow.db"
    worlds.build(uri, folder, max(3, wanted.promoters))
    registry = worlds.opened(uri)
    _say(f"seed {wanted.seed}, registry {registry.address}")
    children.run(children.promote, uri=uri, folder=str(folder / "here"), version=1)
    problems = _kill(registry, uri, folder, wanted) + _fail(registry, folder, wanted)
    problems += _compete(registry, uri, folder, wanted)
    for problem in problems:
        _say(problem)
    if not problems:
        shutil.rmtree(folder)
    return int(bool(problems))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="kill-and-resume runs")
    parser.add_argument("--promotions", type=int, default=1000, help="concurrent promotions in all")
    parser.add_argument("--promoters", type=int, default=50, help="processes that promote at once")
    parser.add_argument("--faults", type=int, default=150, help="promotions with a failing registry")
    parser.add_argument("--uri", help="an empty registry [a new SQLite one]")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31), help="repeats a run's choices")  # noqa: S311 - no secret
    return parser.parse_args()


def _kill(registry: Registry, uri: str, folder: Path, wanted: argparse.Namespace) -> list[str]:
    """Kill a promotion at a point, often its resumption too, then resume or promote again; look at what is there."""
    chance, problems = random.Random(wanted.seed), list[str]()  # noqa: S311 - no secret
    for run in range(wanted.kills):
        version = 2 if holder(registry, worlds.MODEL, worlds.STAGE, {}) == 3 else 3  # noqa: PLR2004 - two take turns
        before = len(history(registry, worlds.MODEL))
        at = chance.randint(1, POINTS)
        children.run(children.promote, uri=uri, folder=str(folder / "here"), version=version, at=at)
        where = str(folder / chance.choice(("here", "elsewhere")))
        while chance.random() < 1 / 3:
            children.run(children.resume, uri=uri, folder=where, at=chance.randint(1, POINTS))
        ended = children.run(children.resume, uri=uri, folder=where)
        found = broken(registry) + ([f"resume ended with {ended}"] if ended else [])
        grown = len(history(registry, worlds.MODEL)) - before
        if grown != (holder(registry, worlds.MODEL, worlds.STAGE, {}) == version):
            found.append(f"the history grew by {grown}")
        problems += [f"run {run}, killed at point {at}: {text}" for text in found]
        _tell(run, wanted.kills, "killed and resumed", problems)
    return problems


def _fail(registry: Registry, folder: Path, wanted: argparse.Namespace) -> list[str]:
    """Let each call fail in each way, one after the other; then promote the same once more, and look."""
    problems: list[str] = []
    for run in range(wanted.faults):
        kind, at = faults.KINDS[run % len(faults.KINDS)], run // len(faults.KINDS) + 1
        version = 2 if holder(registry, worlds.MODEL, worlds.STAGE, {}) == 3 else 3  # noqa: PLR2004 - two take turns
        report, before = worlds.judged(registry, version, folder / "copies"), len(history(registry, worlds.MODEL))
        worse, _ = faults.failing(registry, at, kind)
        with contextlib.suppress(GateError):
            _promote(worse, report, folder)
        _promote(registry, report, folder)
        found = broken(registry)
        if len(history(registry, worlds.MODEL)) != before + 1:
            found.append(f"the history grew by {len(history(registry, worlds.MODEL)) - before}")
        problems += [f"call {at} {kind}: {text}" for text in found]
        _tell(run, wanted.faults, "with a failing registry", problems)
    return problems


def _promote(registry: Registry, report: Report, folder: Path) -> None:
    promote(registry, report, to=worlds.STAGE, settings=worlds.settings(folder), mover=worlds.mover(folder))


def _compete(registry: Registry, uri: str, folder: Path, wanted: argparse.Namespace) -> list[str]:
    """Let many processes promote versions of their own at once, each until it succeeded so many times."""
    if not wanted.promotions:
        return []
    before = len(history(registry, worlds.MODEL))
    times = max(1, wanted.promotions // wanted.promoters)
    running = [
        children.start(children.insist, uri=uri, folder=str(folder / "many"), version=number, times=times)
        for number in range(1, wanted.promoters + 1)
    ]
    for process in running:
        process.join()
    problems = [f"a promoter ended with {process.exitcode}" for process in running if process.exitcode]
    grown = len(history(registry, worlds.MODEL)) - before
    if grown != times * wanted.promoters:
        problems.append(f"{times * wanted.promoters} promotions, and the history grew by {grown}")
    _say(f"{grown} promotions by {wanted.promoters} at once")
    return problems + broken(registry)


def _tell(run: int, runs: int, what: str, problems: list[str]) -> None:
    if (run + 1) % max(1, runs // 20) == 0:
        _say(f"{run + 1} {what}, {len(problems)} problems")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
