"""The check of golden cases: answers that a team has said must never flip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gate import check, inconclusive
from gate.evidence.golden import flipped

FEW = 3


@check(category="quality", severity="critical")
def check_golden(golden: Any, measure: Callable[..., None], offending_cases: Callable[..., None]) -> None:
    """Every golden case gets the answer that it must have.

    The candidate is asked the inputs of golden/<model>.jsonl, whatever the evaluation data are. A class must be the
    same, a number within the case's tolerance (a millionth of it where the case names none), a text and a list the
    same, a number in a case's range. Nothing is estimated: the limit is 0 flipped cases, without a margin.

    A failure means that a mistake which was mended once is back. Cases that lack an input of this version leave the
    check inconclusive: add that input to them.
    To change it: edit the file, add cases with `gate golden add MODEL --from report.json`, name another file by
    `golden: PATH` in gate.yaml, or lower `severity: {quality.golden: warning}`.
    """
    failure = golden.failure
    if failure is not None and failure.kind == "MissingColumns":
        inconclusive(f"{failure.text}: add them to the golden cases of {golden.source}")
    if failure is not None:
        pytest.fail(f"the golden cases got no answers: {failure.kind}: {failure.text}")
    answers = golden.table.to_pylist()
    found = [flipped(case, answer, golden.positive) for case, answer in zip(golden.cases, answers, strict=True)]
    wrong = [place for place, why in enumerate(found) if why]
    measure("cases", len(found))
    measure("flipped", len(wrong), unit="cases")
    offending_cases([_row(golden.cases[place], answers[place]) for place in wrong])
    if wrong:
        told = "; ".join(_told(golden.cases[place], found[place]) for place in wrong[:FEW])
        more = f"; and {len(wrong) - FEW} more" if len(wrong) > FEW else ""
        pytest.fail(f"{len(wrong)} of {len(found)} golden cases flipped: {told}{more}")


def _told(case: Any, why: str) -> str:
    reason = str(case.notes.get("why") or "")
    return f"{case.id} is {why}, not {_expected(case)}" + (f" ({reason[:80]})" if reason else "")


def _expected(case: Any) -> str:
    text = str(case.expected)
    allowed = f" ± {case.tolerance:g}" if case.tolerance is not None else ""
    return (text if len(text) <= 80 else f"{text[:79]}…") + allowed  # noqa: PLR2004 - fits a line


def _row(case: Any, answer: dict[str, Any]) -> dict[str, Any]:
    prediction = next(iter(answer.values())) if len(answer) == 1 else answer
    return {"id": case.id, "inputs": dict(case.inputs), "prediction": prediction, "label": case.expected}
