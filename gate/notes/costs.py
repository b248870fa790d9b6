"""What a version costs beside the latency of one call, as tables: calls and rows, load, starting, memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gate.notes import found
from gate.notes.findings import more
from gate.notes.found import Plain
from gate.notes.timed import SIDES, by_side
from gate.notes.values import Duration, Number, Phrase, Share, Size, Table, Value

_QUOTED_SIZES = (256, 4096)
_DIGITS = 10
_Row = tuple[Value, Value, Value]


def throughput(report: Plain, most: int) -> Table | None:
    """Give what calls and rows cost, rows a second, the latency under load, and the rate that saturates."""
    entries = by_side(report["benchmark"]["throughput"])
    if not entries:
        return None
    return _table([*_cost_rows(entries), *_rate_rows(entries), *_load_rows(entries), *_saturation_row(entries)], most)


def _table(rows: Sequence[_Row], most: int) -> Table | None:
    told = [row for row in rows if row[1:] != (None, None)]
    head = tuple(Phrase(f"head.{name}") for name in ("what", *SIDES))
    return Table(head, told[:most], (False, True, True), more(told, most)) if told else None


def _row(label: Value, entries: Mapping[str, Plain], write: Callable[[Plain], Value]) -> _Row:
    before, after = (write(entries[side]) if side in entries else None for side in SIDES)
    return (label, before, after)


def _duration(seconds: object) -> Value:
    value = found.real(seconds)
    return None if value is None else Duration(value)


def _rate(rate: object) -> Value:
    value = found.real(rate)
    return None if value is None else Number(value, 3)


def _cost_rows(entries: Mapping[str, Plain]) -> list[_Row]:
    return [
        _row(Phrase("cost.fixed"), entries, lambda each: _duration(each["fixed_s"])),
        _row(Phrase("cost.row"), entries, lambda each: _duration(each["row_s"])),
    ]


def _rate_rows(entries: Mapping[str, Plain]) -> list[_Row]:
    sizes = _counts(entries, "rows_per_s")
    quoted = [size for size in _QUOTED_SIZES if size in sizes] or sizes[-1:]
    rows = [
        _row(Phrase("cost.rows_per_s", {"n": size, "size": size}), entries, _reading("rows_per_s", size))
        for size in quoted
    ]
    threads = _counts(entries, "rows_per_s_by_threads")
    return rows + [
        _row(Phrase("cost.threads", {"n": count, "threads": count}), entries, _reading("rows_per_s_by_threads", count))
        for count in threads
    ]


def _counts(entries: Mapping[str, Plain], key: str) -> list[int]:
    """The whole numbers that a mapping of some version has as keys, in rising order."""
    return sorted(
        {
            int(name)
            for each in entries.values()
            for name in each[key]
            if name.isascii() and name.isdigit() and len(name) < _DIGITS
        }
    )


def _reading(key: str, count: int) -> Callable[[Plain], Value]:
    return lambda each: _rate(each[key].get(str(count)))


def _load_rows(entries: Mapping[str, Plain]) -> list[_Row]:
    loads = sorted({point["load"] for each in entries.values() for point in each["under_load"]})
    return [_row(Phrase("cost.load", {"load": Share(load)}), entries, _at_load(load)) for load in loads]


def _at_load(load: float) -> Callable[[Plain], Value]:
    def write(each: Plain) -> Value:
        point = next((point for point in each["under_load"] if point["load"] == load), None)
        if point is None:
            return None
        args = {"p50": _duration(point["p50_s"]), "p99": _duration(point["p99_s"]), "rate": _rate(point["rate"])}
        return Phrase("cost.at_load", args)

    return write


def _saturation_row(entries: Mapping[str, Plain]) -> list[_Row]:
    objective = next(
        (value for each in entries.values() if (value := found.real(each["p99_objective_s"])) is not None), None
    )
    if objective is None:
        return []
    label = Phrase("cost.saturation", {"objective": Duration(objective)})
    return [_row(label, entries, lambda each: _rate(each["saturation_per_s"]))]


def starts(report: Plain, most: int) -> Table | None:
    """Give cold starts, loading, threads and memory, at the peak and after many calls."""
    bench = report["benchmark"]
    cold, lasting = by_side(bench["cold_start"]), by_side(bench["endurance"])
    rows = [
        *_start_rows(cold),
        _sides(Phrase("cost.load_wall"), bench["load_s"], _duration),
        _sides(Phrase("cost.peak"), bench["peak_rss_bytes"], _size),
        _row(Phrase("cost.endurance"), lasting, _growth),
    ]
    return _table(rows, most)


def _start_rows(cold: Mapping[str, Plain]) -> list[_Row]:
    return [
        _row(Phrase("cost.start_load"), cold, lambda each: _duration(each["load_s"])),
        _row(Phrase("cost.start_first"), cold, lambda each: _duration(each["first_s"])),
        _row(Phrase("cost.start_second"), cold, lambda each: _duration(each["second_s"])),
        _row(Phrase("cost.start_wall"), cold, lambda each: _duration(each["wall_s"])),
        _row(Phrase("cost.starts"), cold, lambda each: each["starts"]),
        _row(Phrase("cost.process_threads"), cold, lambda each: each["threads"]),
    ]


def _sides(label: Phrase, values: Mapping[str, Any], write: Callable[[object], Value]) -> _Row:
    before, after = (write(values.get(side)) for side in SIDES)
    return (label, before, after)


def _size(count: object) -> Value:
    value = found.real(count)
    return None if value is None else Size(int(value))


def _growth(run: Plain) -> Value:
    """Memory before the first and after the last of many calls."""
    if not run["calls"] or not run["rss_bytes"]:
        return None
    calls = run["calls"][-1]
    args = {"before": _size(run["rss_bytes"][0]), "after": _size(run["rss_bytes"][-1]), "n": calls, "calls": calls}
    return Phrase("cost.growth", args)
