"""The latency tables of a note, and the lines below them: how it was timed, and what that adds to a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gate.notes import found
from gate.notes.findings import more
from gate.notes.found import Plain
from gate.notes.values import Duration, Number, Phrase, Sentence, Several, Share, Table, Value

_TOLD_STATUSES = ("failed", "passed", "inconclusive")
_PROCESSES = ("forked", "fresh")
SIDES = ("baseline", "candidate")


def latency(report: Plain, most: int) -> Table | None:
    """Give the latency of every scenario, both versions and the ratio with its interval."""
    scenarios = report["benchmark"]["latency"]
    names = ("scenario", "baseline_cpu", "candidate_cpu", "cpu_ratio", "wall_ratio", "visible", "pairs")
    head = tuple(Phrase(f"head.{name}") for name in names)
    numbers = (False, True, True, True, True, True, True)
    rows = [_scenario(each) for each in scenarios[:most]]
    return Table(head, rows, numbers, more(scenarios, most)) if scenarios else None


def _scenario(each: Plain) -> Sequence[Value]:
    calls, visible = each["calls_per_block"], found.real(each["visible"])
    return (
        each["scenario"],
        _milliseconds(each["baseline_cpu_s"]),
        _milliseconds(each["candidate_cpu_s"]),
        _ratio(each, "cpu_ratio"),
        _ratio(each, "wall_ratio"),
        Phrase("visible_none") if visible is None else Share(visible),
        Phrase("pairs", {"pairs": each["pairs"], "n": calls, "calls": calls}),
    )


def _milliseconds(seconds: object) -> Value:
    value = found.real(seconds)
    return None if value is None else Number(value * 1000, 3)


def _ratio(each: Plain, name: str) -> Phrase:
    low, high = each[f"{name}_ci"]
    values: dict[str, Any] = {"ratio": each[name], "low": low, "high": high}
    return Phrase("ratio", {key: _end(value) for key, value in values.items()})


def _end(value: object) -> Value:
    number = found.real(value)
    return Phrase("no_end") if number is None else Number(number, 4)


def percentiles(report: Plain, most: int) -> Table | None:
    """Give the percentiles of a call of every scenario, a row for each version, as milliseconds by the wall clock."""
    scenarios = [each for each in report["benchmark"]["latency"] if each["percentiles"]]
    names = shares(scenarios)
    head = (
        Phrase("head.scenario"),
        Phrase("head.version"),
        *(Phrase("head.percentile", {"percentile": percentile_name(share)}) for share in names),
    )
    rows = [_of_side(each, side, names) for each in scenarios[:most] for side in SIDES]
    numbers = (False, False, *(True for _ in names))
    return Table(head, rows, numbers, more(scenarios, most)) if rows else None


def shares(scenarios: Sequence[Plain]) -> list[float]:
    """Give all shares of calls that some scenario has a percentile for, in rising order."""
    return sorted({each["share"] for scenario in scenarios for each in scenario["percentiles"]})


def percentile_name(share: float) -> Sentence:
    """Name a percentile as people do: p50, p99, p99.9."""
    return Sentence(f"p{share * 100:.4g}")


def _of_side(scenario: Plain, side: str, names: Sequence[float]) -> Sequence[Value]:
    known = {each["share"]: each for each in scenario["percentiles"]}
    cells = [_percentile(known.get(share), side) for share in names]
    return (scenario["scenario"], Phrase(f"head.{side}"), *cells)


def _percentile(each: Plain | None, side: str) -> Value:
    value = None if each is None else _milliseconds(each[f"{side}_s"])
    if each is None or value is None:
        return None
    low, high = (_milliseconds(end) for end in each[f"{side}_ci"])
    if low is None and high is None:
        return Phrase("percentile.unknown", {"value": value})
    unknown = Phrase("not_estimable")
    return Phrase("percentile.known", {"value": value, "low": low or unknown, "high": high or unknown})


def latency_why(report: Plain) -> Value:
    """Say why there is no latency; None where there is."""
    if report["benchmark"]["latency"]:
        return None
    each = found.check(report, "performance.latency")
    if each is None or not each["message"]:
        return Phrase("latency_none")
    why = Sentence(each["message"])
    return why if each["status"] in _TOLD_STATUSES else Phrase("latency_skipped", {"why": why})


def remarks(report: Plain, most: int) -> list[Value]:
    """Give the lines under the tables: what the numbers are, how they came about, what was remarked on the way."""
    bench = report["benchmark"]
    lines = [*_harness(bench), *_blocks(bench), *_processes(bench)]
    lines += [Phrase("bench.method", {"method": Sentence(bench["method"])})] if bench["method"] else []
    if bench["environment"]:
        facts = Several([f"{name}: {_brief(value)}" for name, value in sorted(bench["environment"].items())])
        lines.append(Phrase("bench.environment", {"environment": facts}))
    lines += [Phrase("bench.note", {"note": Sentence(note)}) for note in bench["notes"][:most]]
    return [*lines, Phrase("bench.raw", {"raw": bench["raw"]})] if bench["raw"] else lines


def _harness(bench: Plain) -> list[Value]:
    """What the gate itself adds to a call, and what that is of the call of which it is most."""
    known = [
        (harness, harness / spent, each["scenario"])
        for each in bench["latency"]
        if (harness := found.real(each["harness_s"])) is not None and (spent := _spent(each)) > 0
    ]
    if not known:
        return []
    seconds, share, scenario = max(known, key=lambda each: each[1])
    args: dict[str, Value] = {"harness": Duration(seconds), "share": Share(share), "scenario": scenario}
    return [Phrase("bench.harness", args)]


def _spent(each: Plain) -> float:
    both = [found.real(each[f"{side}_cpu_s"]) for side in SIDES]
    return min((value for value in both if value is not None), default=0.0)


def _blocks(bench: Plain) -> list[Value]:
    """Where several calls were timed together their percentiles are those of means."""
    names = [each["scenario"] for each in bench["latency"] if each["calls_per_block"] > 1 and each["percentiles"]]
    args: dict[str, Value] = {"n": len(names), "scenarios": Several(names)}
    return [Phrase("bench.blocks", args)] if names else []


def _processes(bench: Plain) -> list[Value]:
    how = bench["processes"]
    if not how or not bench["latency"]:
        return []
    if how in _PROCESSES:
        return [Phrase(f"bench.processes.{how}")]
    return [Phrase("bench.processes.other", {"how": how})]


def _brief(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    return "" if value is None else str(value)


def by_side(entries: Sequence[Plain]) -> Mapping[str, Plain]:
    """Give the entries of a list by the version that they tell of."""
    return {each["side"]: each for each in entries}
