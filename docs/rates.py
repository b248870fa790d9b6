"""What docs/error-rates.md quotes of the last `make calibrate`, counted from the file that it wrote."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from scipy.stats import beta

RESULTS = Path(__file__).parent.parent / "bench" / "calibrate" / "results.json"
GOOD = ("harmless", "better")
"""Versions as good as the baseline, or better."""
BAD = ("blocking", "to warn of")
"""Defects."""
CLEAR = -1.0
"""An improvement is clear where every metric gains at least its margin."""
MAIN = 2000
STOPPED = ("rejected", "raised")
"""What a peer said where a release would stop: an exception stops it too."""
Cell = dict[str, Any]


@cache
def _results() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def _cells(wanted: Callable[[Cell], bool]) -> list[Cell]:
    return [cell for cell in _results()["cells"] if wanted(cell)]


def _verdicts(cells: Iterable[Cell]) -> Counter[str]:
    total: Counter[str] = Counter()
    for cell in cells:
        total.update(cell["verdicts"])
    return total


def measured() -> str:
    """Say what was simulated."""
    found = _results()
    runs, cells = _verdicts(found["cells"]).total(), found["cells"]
    changes = {sort: len({cell["change"] for cell in cells if cell["sort"] in sort}) for sort in (GOOD, BAD)}
    return (
        f"Measured on {found['measured_at']} with gate {found['gate']}: {runs:,} runs, {changes[GOOD]} kinds of "
        f"harmless changes, {changes[BAD]} kinds of defects, {len(found['worlds'])} data sets, "
        f"confidence 0.99 shared over {found['looks']} looks, settings left at their defaults.\n"
    )


def summary() -> str:
    """Give the project's goals, each with what was measured, the runs behind it and the bound."""
    good = _verdicts(_cells(lambda cell: cell["rows"] == MAIN and cell["sort"] in GOOD))
    clear = _verdicts(_cells(lambda cell: cell["rows"] == MAIN and cell["sort"] == "better" and cell["loss"] <= CLEAR))
    worse = _verdicts(_cells(lambda cell: cell["sort"] == "slightly worse"))
    blocking = _verdicts(_cells(lambda cell: cell["rows"] == MAIN and cell["sort"] == "blocking"))
    warn = _verdicts(_cells(lambda cell: cell["rows"] == MAIN and cell["sort"] == "to warn of"))
    lines = [
        _at_most("Harmless changes that are rejected", "1 in 1,000", good["fail"], good.total()),
        _at_most("Harmless changes that are warned of", "1 in 50", good["pass_with_warnings"], good.total()),
        _at_most("Harmless changes that stay inconclusive", "1 in 50", good["inconclusive"], good.total()),
        _at_most("Clear improvements that stay inconclusive", "none", clear["inconclusive"], clear.total()),
        _at_most(
            "Versions worse, within the margin, that are rejected (any n)", "1 in 100", worse["fail"], worse.total()
        ),
        _at_least("Defects that must block: rejected", "99 in 100", blocking["fail"], blocking.total()),
        _at_least(
            "Defects that must block: not let through", "", blocking.total() - _passed(blocking), blocking.total()
        ),
        _at_least(
            "Defects that must block: noticed at all", "all", blocking.total() - blocking["pass"], blocking.total()
        ),
        _at_least("Defects that must be warned of: noticed", "all", warn.total() - warn["pass"], warn.total()),
        _at_most("Runs that ended in an error of the gate", "none", *_errors()),
    ]
    return _table(("at 2,000 rows", "goal", "measured", "runs", "95 % bound"), lines)


def _passed(verdicts: Counter[str]) -> int:
    return verdicts["pass"] + verdicts["pass_with_warnings"]


def _errors() -> tuple[int, int]:
    found = _verdicts(_results()["cells"])
    return found["error"], found.total()


def _at_most(what: str, goal: str, events: int, runs: int) -> tuple[str, ...]:
    return (
        what,
        f"at most {goal}" if goal != "none" else goal,
        _share(events, runs),
        f"{runs:,}",
        f"≤ {_percent(upper(events, runs))}",
    )


def _at_least(what: str, goal: str, events: int, runs: int) -> tuple[str, ...]:
    wanted = f"at least {goal}" if goal and goal != "all" else goal
    return what, wanted, _share(events, runs), f"{runs:,}", f"≥ {_percent(lower(events, runs))}"


def upper(events: int, runs: int, confidence: float = 0.95) -> float:
    """Bound a rate from above, one-sided: Clopper and Pearson, Biometrika 26 (1934)."""
    return 1.0 if runs == 0 or events >= runs else float(beta.ppf(confidence, events + 1, runs - events))


def lower(events: int, runs: int, confidence: float = 0.95) -> float:
    """Bound a rate from below, one-sided."""
    return 0.0 if runs == 0 or events <= 0 else float(beta.ppf(1 - confidence, events, runs - events + 1))


def by_rows() -> str:
    """Give the rates by the number of rows."""
    return _grouped("rows", sorted({cell["rows"] for cell in _results()["cells"]}), lambda rows: f"{rows:,}")


def by_world() -> str:
    """Give the rates by data set, at 2,000 rows."""
    worlds = _results()["worlds"]
    return _grouped("world", list(worlds), lambda name: f"{name}: {worlds[name]['what']} ({worlds[name]['task']})")


def _grouped(key: str, values: list[Any], title: Callable[[Any], str]) -> str:
    lines = []
    for value in values:
        cells = _cells(lambda cell: cell[key] == value and (key == "rows" or cell["rows"] == MAIN))  # noqa: B023 - used at once
        good = _verdicts(cell for cell in cells if cell["sort"] in GOOD)
        blocking = _verdicts(cell for cell in cells if cell["sort"] == "blocking")
        warn = _verdicts(cell for cell in cells if cell["sort"] == "to warn of")
        lines.append(
            (
                title(value),
                f"{good.total():,}",
                *(_share(good[name], good.total()) for name in ("fail", "pass_with_warnings", "inconclusive")),
                f"{blocking.total():,}",
                _share(blocking["fail"], blocking.total()),
                _share(blocking["inconclusive"], blocking.total()),
                _share(warn.total() - warn["pass"], warn.total()),
            )
        )
    head = (
        "harmless runs",
        "rejected",
        "warned",
        "inconclusive",
        "blocking runs",
        "rejected",
        "held",
        "others noticed",
    )
    return _table(({"rows": "rows", "world": "data set"}[key], *head), lines)


def harmless() -> str:
    """Give a row a harmless change, at 2,000 rows, all data sets together."""
    lines = []
    for sort in (*GOOD, "slightly worse"):
        cells = _cells(lambda cell: cell["rows"] == MAIN and cell["sort"] == sort)  # noqa: B023 - used at once
        for change in sorted({cell["change"] for cell in cells}):
            found = _verdicts(cell for cell in cells if cell["change"] == change)
            shares = [_share(found[name], found.total()) for name in ("fail", "pass_with_warnings", "inconclusive")]
            lines.append((change, sort, f"{found.total():,}", *shares))
    return _table(("change", "what it is", "runs", "rejected", "warned", "inconclusive"), lines)


def defects() -> str:
    """Give a row a defect, at 2,000 rows, all data sets together, with the checks that failed most often."""
    lines = []
    for sort in BAD:
        cells = _cells(lambda cell: cell["rows"] == MAIN and cell["sort"] == sort)  # noqa: B023 - used at once
        for change in sorted({cell["change"] for cell in cells}):
            mine = [cell for cell in cells if cell["change"] == change]
            found = _verdicts(mine)
            names = ("fail", "inconclusive", "pass_with_warnings", "pass")
            shares = [_share(found[name], found.total()) for name in names]
            lines.append((change, sort, f"{found.total():,}", *shares, ", ".join(_finders(mine))))
    head = ("defect", "should", "runs", "rejected", "inconclusive", "warned", "missed", "found by")
    return _table(head, lines)


def _finders(cells: list[Cell]) -> list[str]:
    """The checks that failed in at least a quarter of the runs, commonest first."""
    runs, failed = _verdicts(cells).total(), _loud(cells, "failed critical", "failed warning")
    return [f"`{name}`" for name, times in failed.most_common(4) if times >= runs / 4]


def _loud(cells: Iterable[Cell], *what: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for cell in cells:
        for name, said in cell["checks"].items():
            found[name] += sum(said.get(one, 0) for one in what)
    return found


def checks() -> str:
    """Give a row a check, at 2,000 rows: how often it raised a false alarm, how many defects it found."""
    good = _cells(lambda cell: cell["rows"] == MAIN and cell["sort"] in GOOD)
    bad = _cells(lambda cell: cell["rows"] == MAIN and cell["sort"] in BAD)
    quiet, total = _verdicts(good).total(), _verdicts(bad).total()
    columns = [_loud(good, "failed critical"), _loud(good, "failed warning"), _loud(good, *_OPEN), _loud(bad, *_FAILED)]
    names = sorted({name for column in columns for name, times in column.items() if times})
    lines = [
        (f"`{name}`", *(_share(column[name], quiet) for column in columns[:3]), _share(columns[3][name], total))
        for name in names
    ]
    return _table(("check", "false failure", "false warning", "inconclusive on harmless", "failed on defects"), lines)


_OPEN = ("inconclusive critical", "inconclusive warning")
_FAILED = ("failed critical", "failed warning")


def peers() -> str:
    """Give a row a tool: what it rejects of the same cases at 2,000 rows."""
    cases = _results().get("peers", [])
    names = list(dict.fromkeys(name for case in cases for name in case["peers"]))
    judges: dict[str, Callable[[Cell], str]] = {"gate, rejected": _gate_rejects, "gate, warned or held too": _gate_says}
    for name in names:
        judges[name] = lambda case, name=name: case["peers"][name]
    return _table(
        ("judge", "harmless rejected", "better rejected", "blocking found", "others found", "raised"),
        [(name, *_rates_of(judge, cases)) for name, judge in judges.items()],
    )


def peer_defects() -> str:
    """Give a row a defect: the share of data sets in which each tool rejects it."""
    cases = [case for case in _results().get("peers", []) if case["sort"] in BAD]
    names = list(dict.fromkeys(name for case in cases for name in case["peers"]))
    lines = []
    for change in dict.fromkeys(case["change"] for case in cases):
        mine = [case for case in cases if case["change"] == change]
        theirs = [sum(case["peers"][name] in STOPPED for case in mine) for name in names]
        ours = [sum(judge(case) == "rejected" for case in mine) for judge in (_gate_rejects, _gate_says)]
        lines.append((change, *(f"{times}/{len(mine)}" for times in (*ours, *theirs))))
    return _table(("defect", "gate rejects", "or warns", *names), lines)


def _gate_rejects(case: Cell) -> str:
    return "rejected" if case["gate"] == "fail" else "accepted"


def _gate_says(case: Cell) -> str:
    return "accepted" if case["gate"] == "pass" else "rejected"


def _rates_of(judge: Callable[[Cell], str], cases: list[Cell]) -> list[str]:
    found = []
    for sort in ("harmless", "better", "blocking", "to warn of"):
        verdicts = [judge(case) for case in cases if case["sort"] == sort]
        found.append(_share(sum(verdict in STOPPED for verdict in verdicts), len(verdicts)))
    return [*found, f"{sum(judge(case) == 'raised' for case in cases)} of {len(cases)}"]


def speed() -> str:
    """Say what the same frame costs Evidently's presets and the gate."""
    found = _results().get("speed")
    if not found:
        return "Not measured yet.\n"
    presets = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in found["evidently"].items())
    theirs, ours = sum(found["evidently"].values()), found["gate_s"]
    return (
        f"{found['rows']:,} rows with {found['columns']} inputs, a regression: Evidently's default presets with their "
        f"tests take {theirs:.2f} s of CPU ({presets}), all of the gate's checks of answers and metrics {ours:.2f} s: "
        f"{theirs / ours:.1f} times fewer (the goal is 20).\n"
    )


def _share(events: int, runs: int) -> str:
    """A rate with its count, so that small numbers of runs are not mistaken for precision."""
    return "" if not runs else f"{_percent(events / runs)} ({events})" if events else "0"


def _percent(share: float) -> str:
    digits = 0 if share in {0, 1} else 2 if share < 0.01 or share > 0.99 else 1  # noqa: PLR2004 - near the ends digits count
    return f"{100 * share:.{digits}f} %"


def _table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    names = list(head)
    rows = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join(["| " + " | ".join(names) + " |", "|" + "---|" * len(names), *rows, ""])
