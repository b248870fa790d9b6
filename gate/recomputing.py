"""The benchmark of a report made anew from the raw timings beside it, so that nobody has to believe its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gate import report
from gate.benchmark import raw, served_raw
from gate.domain import Benchmark, JsonValue, ServedResult, Timings
from gate.evidence import benchmarked, served


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomputed:
    """The benchmark section made anew from the raw timings: how many numbers, and those that came out otherwise."""

    path: Path
    section: Benchmark
    numbers: int
    differing: tuple[str, ...]


def recomputed(path: Path) -> Recomputed | None:
    """Compute the benchmark section of a report from the timings beside it; None where nothing was timed.

    Raises:
        UsageError: the report or its timings cannot be read.
    """
    found = report.read(path)
    if found.benchmark.raw is None:
        return None
    place = path.parent / Path(found.benchmark.raw).name
    timings = raw.read(place)
    section = benchmarked.benchmark_of(timings, load_s=found.benchmark.load_s, raw=found.benchmark.raw)
    section = replace(section, served=_served(found.benchmark, timings, path.parent))
    ours, theirs = (dict(_leaves(report.plain(each), "benchmark")) for each in (section, found.benchmark))
    differing = tuple(sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)))
    return Recomputed(path=place, section=section, numbers=len(theirs), differing=differing)


def _served(section: Benchmark, timings: Timings, folder: Path) -> tuple[ServedResult, ...]:
    """What the versions did as servers, from every request that they got."""
    name = next((each.raw for each in section.served if each.raw), None)
    if name is None:
        return section.served
    requests = served_raw.read(folder / Path(name).name)
    return served.results(requests, calls=served.single_calls(timings), p99_s=timings.p99_s, raw=name)


def _leaves(value: JsonValue, name: str) -> Iterator[tuple[str, JsonValue]]:
    """The values of a section, each under its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{name}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{name}[{index}]")
    else:
        yield name, value
