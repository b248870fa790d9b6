"""The tables of the benchmark, and what is said of how it was timed."""

from __future__ import annotations

import pytest

from gate.domain import Endurance
from gate.notes import render
from tests.notes.pieces import benchmark, check, report, scarce_benchmark, start, throughput, timed

EVEN = (1.0, 0.99, 1.01)


def note(lang="en", **more):
    return render(report([check("contract.loads", "It loads.")], benchmark=benchmark(**more)), lang=lang)


def rows(text, start):
    """The cells of the rows of tables that begin so."""
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line.startswith(start)
    ]


def test_percentiles_of_both_versions():
    """Each scenario has a row a version, with the interval of each percentile; an end that nobody can tell says so."""
    baseline, candidate = rows(note(latency=(timed("a", 1, EVEN, 0.1),)), "| `a` | ")[1:]
    assert baseline == ["`a`", "Baseline", "100 (97 to 106)", "131 (127 to 139)", "212 (206 to not estimable)"]
    assert candidate == ["`a`", "Candidate", "101 (98 to 106)", "132 (128 to 139)", "214 (208 to not estimable)"]


def test_percentiles_without_any_end():
    """Where neither end can be told the percentile stands alone."""
    text = render(report([check("contract.loads", "It loads.")], benchmark=scarce_benchmark()))
    assert "2.22 (interval not estimable)" in text
    assert "1.58 (1.54 to not estimable)" in text


def test_percentiles_that_are_means():
    """Where calls are timed together the note says that their percentiles hide single slow calls."""
    one = note(latency=(timed("a", 1, EVEN, 0.1, calls_per_block=20),))
    two = note(latency=tuple(timed(name, 1, EVEN, 0.1, calls_per_block=20) for name in "ab"))
    assert "`a`: several calls are timed together, so its percentiles are those of means" in one
    assert "`a`, `b`: several calls are timed together, so their percentiles are those of means" in two
    assert "160 × 20 calls" in one  # noqa: RUF001 - a sign of multiplication


def test_throughput():
    """Costs, rows a second, threads, latency under load and the saturation stand side by side."""
    text = note(throughput=(throughput("baseline"), throughput("candidate", 2.0)))
    assert rows(text, "| Fixed cost of a call") == [["Fixed cost of a call", "1.5 ms", "3 ms"]]
    assert rows(text, "| Cost of a row") == [["Cost of a row", "2.1 µs", "4.2 µs"]]
    assert rows(text, "| Rows a second") == [
        ["Rows a second, 256 rows a call", "125,500", "62,750"],
        ["Rows a second, 4,096 rows a call", "405,800", "202,900"],
        ["Rows a second from 1 thread, by the wall clock", "124,000", "62,000"],
        ["Rows a second from 2 threads at once, by the wall clock", "131,000", "65,500"],
    ]
    assert rows(text, "| From arrival to answer, at 50%")[0][1:] == [
        "p50 1.9 ms, p99 8.1 ms (330/s)",
        "p50 3.8 ms, p99 16.2 ms (165/s)",
    ]
    assert rows(text, "| Most requests") == [["Most requests a second with a p99 within 15.1 ms", "498", "249"]]


def test_throughput_of_one_row_alone():
    """Where no large batch was timed the largest size is quoted."""
    entries = tuple(throughput(side, rows_per_s={"1": 660.0}) for side in ("baseline", "candidate"))
    text = note(throughput=entries)
    assert rows(text, "| Rows a second, ") == [["Rows a second, 1 row a call", "660", "660"]]


def test_what_was_not_measured_has_no_row():
    """A throughput of which nothing is known has no table; one known side stands beside a dash."""
    nothing = {"fixed_s": None, "row_s": None, "rows_per_s": {}, "rows_per_s_by_threads": {}, "under_load": ()}
    unknown = tuple(
        throughput(side, **nothing, saturation_per_s=None, p99_objective_s=None) for side in ("baseline", "candidate")
    )
    assert "### Throughput" not in note(throughput=unknown)
    assert rows(note(throughput=(throughput("candidate"),)), "| Cost of a row") == [["Cost of a row", "—", "2.1 µs"]]


def test_no_rate_meets_the_objective():
    """A saturation rate of 0 is told as 0."""
    entries = tuple(throughput(side, saturation_per_s=0.0) for side in ("baseline", "candidate"))
    assert rows(note(throughput=entries), "| Most requests")[0][1:] == ["0", "0"]


def test_starts_and_memory():
    """Cold starts, threads, peaks, and memory from the first to the last of many calls."""
    text = note(
        cold_start=(start("baseline", 0.9), start("candidate", 1.25, threads=None)),
        endurance=(Endurance(side="candidate", calls=(0, 1), rss_bytes=(200_000_000, 260_000_000)),),
    )
    assert rows(text, "| Loading in a new process") == [["Loading in a new process, CPU", "900 ms", "1.25 s"]]
    assert rows(text, "| Threads") == [["Threads of the process", "3", "—"]]
    assert rows(text, "| Peak memory") == [["Peak memory", "212 MB", "214 MB"]]
    assert rows(text, "| Memory over") == [["Memory over many calls", "—", "200 MB → 260 MB after 1 call"]]


@pytest.mark.parametrize(
    ("processes", "said"),
    [
        ("forked", "Processes: forked from one that had imported the libraries of both versions"),
        ("fresh", "Processes: started anew for each version, who is first strictly in turns"),
        ("cloned", "Processes: `cloned`"),
    ],
)
def test_processes(processes, said):
    """How the processes came about is said."""
    assert f"- {said}\n" in note(processes=processes)


def test_what_the_harness_adds():
    """The gate's own part of a call is told beside the call of which it is most; nothing where it is not known."""
    scenarios = (timed("short", 1, EVEN, 0.0002), timed("long", 1, EVEN, 0.2))
    said = "The gate itself adds 16 µs of CPU to a call, at most 8% of it (in `short`)"
    assert said in note(latency=scenarios)
    assert "gate itself" not in note(latency=(timed("a", 1, EVEN, 0.1, harness_s=None),))


def test_remarks_and_the_raw_file():
    """What was remarked while timing, and where all timings are, is told."""
    text = note(notes=("memory did not suffice for a second pair of processes",))
    assert "- Remark: memory did not suffice for a second pair of processes\n" in text
    assert "- All that was timed: `timings.json.gz`, beside report.json\n" in text


def test_durations_have_the_unit_that_suits_them():
    """Seconds are written in the largest unit with a digit before the point."""
    from gate.notes.wording import duration

    written = [duration(seconds) for seconds in (0, 5e-10, 6.5e-8, 0.0000154, 0.0032, 0.9994, 1, 93.25)]
    assert written == ["0 s", "0.5 ns", "65 ns", "15.4 µs", "3.2 ms", "999 ms", "1 s", "93.2 s"]
