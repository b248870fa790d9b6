"""What docs/latency-rates.md quotes of the live runs, counted from the file that they are kept in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from scipy.stats import beta

RESULTS = Path(__file__).parent.parent / "bench" / "latency" / "results.json"
WORSE = ("warn", "block")
Cell = dict[str, Any]


@cache
def _results() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def _count(wanted: Callable[[Cell], bool]) -> Counter[str]:
    total: Counter[str] = Counter()
    for cell in _results()["cells"]:
        if wanted(cell):
            total[cell["state"]] += cell["runs"]
    return total


def identical() -> str:
    """Give the runs of identical models: how many, how many were called slower, the bound, the undecided."""
    lines = ["| processes | runs | called slower beyond 2 % | 95 % bound | undecided |", "|---|---|---|---|---|"]
    for processes in ("forked", "fresh", "all"):
        states = _count(
            lambda c, p=processes: c["method"] == "gate" and not c["added"] and p in (c["processes"], "all")
        )
        runs = states.total() - states["untimed"]
        if runs:
            slower = sum(states[state] for state in WORSE)
            lines.append(
                f"| {processes} | {runs:,} | {slower} | {_upper(slower, runs)} | {_share(states['open'], runs)} |"
            )
    found = _results()
    note = (
        f"A run is one scenario of one comparison. The highest load average in them was {found['highest_load']:.0f} "
        f"on two cores; last added to on {found['measured_at']}."
    )
    return "\n".join([*lines, "", note, ""])


def by_method() -> str:
    """Give how often each method calls a version slower, by the work that was added to it."""
    added = sorted({cell["added"] for cell in _results()["cells"]})
    head = ["method", *("identical" if not share else f"+{share:.0%}" for share in added)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    methods = {cell["method"] for cell in _results()["cells"]}
    for method in sorted(methods, key=lambda name: (name != "gate", name)):
        names = [("gate: warned or rejected", WORSE), ("gate: rejected", ("block",))]
        for name, states in names if method == "gate" else [(method, WORSE)]:
            lines.append("| " + " | ".join([name, *(_called(method, share, states) for share in added)]) + " |")
    return "\n".join([*lines, ""])


def quick() -> str:
    """Give how often the gate warned within 15 seconds for all scenarios together."""
    lines = ["| added work | warned or rejected within 15 s | within 60 s |", "|---|---|---|"]
    for share in sorted({cell["added"] for cell in _results()["cells"]} - {0.0}):
        own = [
            c for c in _results()["cells"] if c["method"] == "gate" and c["added"] == share and c["state"] != "untimed"
        ]
        runs = sum(c["runs"] for c in own)
        fast = sum(c["runs"] for c in own if c["quick"] and c["state"] in WORSE)
        lines.append(f"| +{share:.0%} | {_share(fast, runs)} | {_called('gate', share, WORSE)} |")
    return "\n".join([*lines, ""])


def _called(method: str, added: float, states: tuple[str, ...]) -> str:
    """The share of a method's runs that ended so; the gate's are those that ran beside the others."""
    counted = _count(
        lambda c: c["method"] == method and c["added"] == added and (method != "gate" or c["processes"] == "forked")
    )
    runs = counted.total() - counted["untimed"]
    return _share(sum(counted[state] for state in states), runs)


def _share(events: int, runs: int) -> str:
    return f"{events / runs:.1%} of {runs:,}" if runs else "not run"


def _upper(events: int, runs: int) -> str:
    """The one-sided 95 % bound of Clopper and Pearson."""
    return f"≤ {float(beta.ppf(0.95, events + 1, runs - events)):.2%}"
