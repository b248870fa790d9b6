"""Live runs, added to bench/latency/runs.jsonl one line a scenario.

`python -m bench.latency identical --minutes 30` compares identical models again and again, over kinds of processes,
models and noise; `python -m bench.latency peers --minutes 30` identical models and models with 2, 5, 10 and 20 % more
work, by the gate and by the methods that people use, in turns.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from bench.latency import peers
from bench.latency.live import Question, Seen, asked, run
from bench.latency.models import NAMES, World, loops_for, world
from gate.settings import Latency, ModelConfig

RUNS = Path(__file__).parent / "runs.jsonl"
ADDED = (0.02, 0.05, 0.10, 0.20)
SPIN = "import time\nwhile True:\n sum(i * i for i in range(2000))\n time.sleep(0.0005)"


def main() -> None:
    """Run what was asked for, until the time is up."""
    chance = random.SystemRandom()
    parser = argparse.ArgumentParser(prog="python -m bench.latency")
    parser.add_argument("what", choices=["identical", "peers"])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--processes", nargs="+", default=["forked", "fresh"])
    parser.add_argument("--models", nargs="+", default=list(NAMES))
    parser.add_argument("--neighbours", nargs="+", type=int, default=[0, 2, 6])
    parser.add_argument("--budget", type=float, default=15)
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[1, 32, 256])
    parser.add_argument("--out", type=Path, default=RUNS)
    given = parser.parse_args()
    end = time.time() + 60 * given.minutes
    with tempfile.TemporaryDirectory(prefix="gate-latency-") as folder:
        worlds = [world(name, Path(folder)) for name in given.models]
        pairs = [version for each in worlds for version in _versions(each, given.what)]
        for model, added, candidate, baseline in itertools.cycle(pairs):
            for processes, neighbours in itertools.product(given.processes, given.neighbours):
                question = Question(
                    model=model.name,
                    added=added,
                    candidate=candidate,
                    baseline=baseline,
                    inputs=model.inputs,
                    processes=processes,
                    settings=ModelConfig(
                        latency=Latency(
                            budget_s=given.budget * (1 if processes == "forked" else 4),
                            batch_sizes=tuple(given.batch_sizes),
                        )
                    ),
                    neighbours=neighbours,
                )
                if time.time() > end:
                    return
                with noise(neighbours), asked(question) as bench:
                    for _ in range(4 if processes == "forked" and given.what == "identical" else 1):
                        _keep(run(bench, question, chance.randrange(1 << 30)), given.out)
                    if given.what == "peers":
                        _keep(peers.run(bench, question), given.out)


def _versions(model: World, what: str) -> Iterator[tuple[World, float, Path, Path]]:
    """Pairs of versions: the very same files, or one with more work a call, by the share of a single row's time."""
    plain = model.version("plain")
    yield model, 0.0, plain, plain
    if what == "identical":
        return
    rows = model.inputs.slice(0, 1).to_pandas()
    for share in ADDED:
        yield model, share, model.version(f"plus-{share}", loops=loops_for(plain, rows, share)), plain


def _keep(found: Sequence[Seen], out: Path) -> None:
    with out.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(seen)) + "\n" for seen in found)
    told = "  ".join(f"{seen.method} {seen.scenario} {seen.state} {seen.ratio:.3f} ({seen.pairs})" for seen in found)
    first = found[0]
    how = f"{first.model} +{first.added:.0%} {first.processes} load {first.load}"
    sys.stderr.write(f"{how} {first.seconds} s: {told}\n")


@contextmanager
def noise(neighbours: int) -> Iterator[None]:
    """So many busy processes beside what is measured."""
    busy = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(neighbours)]  # noqa: S603 - our own loop
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
