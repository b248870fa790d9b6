"""Is it slower? What the note answers, and what it tells people to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate.domain import Measurement, Severity, Status, Waiver
from gate.notes import render
from tests.notes.pieces import benchmark, check, ratios, report, throughput, timed

LATENCY = "performance.latency"
SLOW, FAST, LITTLE, WIDE = (1.12, 1.08, 1.16), (0.85, 0.8, 0.9), (1.02, 1.01, 1.03), (1.06, 0.98, 1.15)
UNCLEAR = (1.01, 0.99, 1.03)


def judged(status, *measurements, severity=Severity.WARNING, name=LATENCY, **more):
    return check(name, "Not slower.", status, severity, measurements=measurements, **more)


def answer(*checks, lang="en", **more):
    """The line of the note that answers, without its shape and question."""
    question = {"en": "**Is it slower?** ", "ko": "**더 느린가?** "}[lang]
    note = render(report([check("contract.loads", "It loads."), *checks], **more), lang=lang)
    (line,) = [line for line in note.splitlines() if question in line]
    return line[2:].replace(question, "")


def slower(fixed=1.0, rows=1.0, *scenarios):
    """A benchmark in which calls and rows take so many times as long."""
    base, ours = throughput("baseline"), throughput("candidate")
    ours = replace(ours, fixed_s=base.fixed_s * fixed, row_s=base.row_s * rows)
    return benchmark(throughput=(base, ours), latency=scenarios or (timed("batch_1", 1, SLOW, 0.0015),))


def test_slower_beyond_the_limit():
    """It tells the scenario with its number and limit, what became dearer, what to do, what else would do."""
    told = answer(
        judged(Status.FAILED, *ratios("batch_1", SLOW), severity=Severity.CRITICAL), benchmark=slower(fixed=1.2)
    )
    assert told == (
        "✖ Yes. `batch_1`: +12.0% CPU time (+8.0% to +16.0%, at 99.5%). The limit is 5%. "
        "A call takes 1.68 ms against 1.5 ms. "
        "Calls became dearer: 1.8 ms each against 1.5 ms, whatever they hold; a row costs 2.1 µs against 2.1 µs. "
        "Next: profile what `predict` does once a call. "
        "To release it as it is, raise `latency.block` or waive `performance.latency` in gate.yaml."
    )


def test_slower_in_korean():
    """The same in Korean."""
    failed = judged(Status.FAILED, *ratios("batch_1", SLOW), severity=Severity.CRITICAL)
    assert answer(failed, benchmark=slower(rows=1.2), lang="ko") == (
        "✖ 예. `batch_1`: CPU 시간 +12.0% (+8.0% ~ +16.0%, 신뢰수준 99.5%). 한계는 5%입니다. "
        "호출당 1.68 ms, 기준 버전은 1.5 ms입니다. "
        "행 비용이 늘었습니다. 행당 비용 2.52 µs(기준 버전 2.1 µs), 호출의 고정 비용 1.5 ms(기준 버전 1.5 ms). "
        "다음 할 일: `predict`가 행마다 하는 일을 프로파일링하세요. "
        "이대로 릴리스하려면 gate.yaml에서 `latency.block` 값을 올리거나 `performance.latency` 검사를 면제하세요."
    )


def test_slower_by_rows():
    """Where rows became dearer it says so, and to look at what is done for each row."""
    told = answer(judged(Status.FAILED, *ratios("batch_1", SLOW)), benchmark=slower(rows=1.2))
    assert "Rows became dearer: 2.52 µs each against 2.1 µs" in told
    assert "what `predict` does for each row" in told


def test_slower_as_a_warning():
    """A warning does not block."""
    told = answer(judged(Status.FAILED, *ratios("batch_1", SLOW)), benchmark=slower())
    assert told.startswith("▲ Yes.")
    assert told.endswith("This does not block a release.")


def test_slower_and_waived():
    """A waiver is said."""
    waiver = Waiver(check=LATENCY, owner="ml", reason="known", expires="2027-01-31")
    failed = judged(Status.FAILED, *ratios("batch_1", SLOW), severity=Severity.CRITICAL, waiver=waiver)
    told = answer(failed, benchmark=slower())
    assert told.startswith("▲ Yes.")
    assert told.endswith("A waiver covers it.")


def test_nothing_became_dearer():
    """Where neither calls nor rows became dearer no cause is claimed."""
    told = answer(judged(Status.FAILED, *ratios("batch_1", SLOW)), benchmark=slower(fixed=0.9))
    assert "neither calls (1.35 ms against 1.5 ms) nor rows (2.1 µs against 2.1 µs) became dearer" in told
    assert "profile `predict` of both versions on the same rows" in told


def test_the_worst_scenario_is_told():
    """Of several slow scenarios the one that is farthest beyond its own limit decides."""
    failed = judged(
        Status.FAILED,
        *ratios("batch_1", SLOW, limit=1.5),
        *ratios("batch_32", (1.09, 1.06, 1.12)),
        *ratios("a", LITTLE),
    )
    assert answer(failed, benchmark=slower()).startswith("▲ Yes. `batch_32`: +9.0% CPU time")


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (Measurement(name="p95_ratio_batch_1", value=1.6, ci=(1.5, 1.7)), "find the rows whose calls are slow"),
        (Measurement(name="cpu_ratio_sustained", value=1.6, ci=(1.5, 1.7)), "find what grows with the calls"),
        (Measurement(name="wall_ratio_batch_1", value=1.6, ci=(1.5, 1.7)), "find what `predict` waits for"),
    ],
)
def test_where_to_look(measured, said):
    """Slow rows, slowness after many calls and waiting each have a next step of their own."""
    told = answer(judged(Status.FAILED, *ratios("batch_1", UNCLEAR), measured), benchmark=slower(fixed=1.2))
    assert said in told
    assert "became dearer" not in told


def test_the_tail_has_its_own_times():
    """The times beside a ratio of percentiles are those of the percentile."""
    tail = Measurement(name="p95_ratio_batch_1", value=1.6, ci=(1.5, 1.7))
    told = answer(judged(Status.FAILED, tail), benchmark=slower(1, 1, timed("batch_1", 1, UNCLEAR, 0.001)))
    assert "`batch_1`: +60.0% time at the 95th percentile of its calls (+50.0% to +70.0%)." in told
    assert "A call takes 1.32 ms against 1.31 ms." in told


def test_not_slower():
    """A pass says how much slower the worst scenario could be at most, and that there is nothing to do."""
    told = answer(judged(Status.PASSED, *ratios("batch_1", UNCLEAR), *ratios("a", (0.99, 0.97, 1.01))))
    assert told == (
        "✔ Not beyond the limit. `batch_1`: +1.0% CPU time (-1.0% to +3.0%, at 99.5%). The limit is 5%. Nothing to do."
    )


def test_slightly_slower():
    """A pass that shows a slowdown within the limit does not hide it."""
    told = answer(judged(Status.PASSED, *ratios("a", UNCLEAR), *ratios("b", LITTLE)))
    assert told.startswith("✔ Slightly, within the limit. `b`: +2.0% CPU time (+1.0% to +3.0%")


def test_faster():
    """A pass that shows a gain says so."""
    told = answer(judged(Status.PASSED, *ratios("a", UNCLEAR), *ratios("b", FAST)))
    assert told.startswith("✔ No, it is faster. `b`: -15.0% CPU time (-20.0% to -10.0%")


def test_undecided():
    """Where nothing is decided it says what could have been seen, in how many pairs, and what would decide."""
    scenario = timed("batch_1", 1, WIDE, 0.0015, pairs=1)
    told = answer(judged(Status.INCONCLUSIVE, *ratios("batch_1", WIDE)), benchmark=slower(1, 1, scenario))
    assert told.startswith("○ Not decided. `batch_1`: +6.0% CPU time (-2.0% to +15.0%, at 99.5%).")
    assert "Only a slowdown above 8.49% could have been seen in 1 pair." in told
    assert "Next: judge it again on a quieter machine, or with a larger `latency.budget_s`." in told
    assert told.endswith("This does not block a release.")


def test_undecided_without_an_end():
    """An interval without an end can show nothing."""
    blind = Measurement(name="cpu_ratio_batch_1", value=1.0, ci=(0.0, "Infinity"))
    told = answer(judged(Status.INCONCLUSIVE, blind))
    assert "`batch_1`: 0.0% CPU time (-100.0% to unknown)" in told.replace("+0.0%", "0.0%")
    assert "Too few calls were timed to see any slowdown." in told


def test_undecided_and_strict():
    """Under --strict an open question blocks: the note does not say that it does not."""
    told = answer(judged(Status.INCONCLUSIVE, *ratios("batch_1", WIDE), severity=Severity.CRITICAL))
    assert "does not block" not in told


def test_throughput_counts_too():
    """Batches that became slower answer the question although latency passed."""
    passed = judged(Status.PASSED, *ratios("batch_1", UNCLEAR))
    failed = judged(Status.FAILED, *ratios("batch_4096", SLOW, limit=1.11), name="performance.throughput")
    told = answer(passed, failed)
    assert told.startswith("▲ Yes. `batch_4096`: +12.0% CPU time")


def test_throughput_has_its_own_setting():
    """What lets a slow batch pass is the limit of the throughput."""
    failed = judged(
        Status.FAILED, *ratios("batch_256", SLOW), name="performance.throughput", severity=Severity.CRITICAL
    )
    assert "raise `throughput.block` or waive `performance.throughput`" in answer(failed)


def test_a_candidate_that_broke_down():
    """A candidate that failed while it was timed is no open question."""
    failed = judged(Status.FAILED, severity=Severity.CRITICAL, message="the candidate failed twice while it was timed")
    told = answer(failed)
    assert told == "✖ Not measured. Because: the candidate failed twice while it was timed."


def test_a_fault_of_the_gate():
    """Where one of the checks went wrong a pass of the other does not answer."""
    wrong = judged(Status.ERROR, message="it broke")
    passed = judged(Status.PASSED, *ratios("batch_256", UNCLEAR), name="performance.throughput")
    assert answer(wrong, passed) == "○ Not measured. Because: it broke."


def test_other_failures_of_performance():
    """A start or memory that became worse is told after the latency."""
    passed = judged(Status.PASSED, *ratios("batch_1", UNCLEAR))
    memory = judged(Status.FAILED, name="performance.memory", message="memory grows with the calls")
    told = answer(passed, memory)
    assert told.startswith("▲ Not beyond the limit.")
    assert told.endswith("`performance.memory` ✖ failed: memory grows with the calls.")


def test_the_sentence_stands_above_the_table():
    """The answer is repeated where the numbers are."""
    note = render(
        report(
            [judged(Status.PASSED, *ratios("batch_1", UNCLEAR))],
            benchmark=slower(1, 1, timed("batch_1", 1, UNCLEAR, 1)),
        )
    )
    section = note[note.index("## Latency") :]
    assert section.startswith("## Latency\n\n**Not beyond the limit.** `batch_1`: +1.0% CPU time")
    assert section.index("**Not beyond") < section.index("![") < section.index("| Scenario |")
