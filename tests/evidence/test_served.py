"""What served versions did, from made-up requests."""

from __future__ import annotations

import numpy as np
import pytest

from gate.domain import Served, ServedRun
from gate.evidence import open_loop
from gate.evidence.served import capacity, next_rate, requests_of, results

MS = 1_000_000


def run(rate, took_ms, *, side=0, status=200, gap_ms=10):
    """A run of one side whose requests took so long."""
    took = np.asarray(took_ms, dtype=np.int64) * MS
    return ServedRun(
        rate=rate,
        side=np.full(len(took), side),
        due_ns=np.arange(len(took)) * gap_ms * MS,
        late_ns=np.full(len(took), MS),
        took_ns=took,
        status=np.broadcast_to(status, len(took)).copy(),
    )


def served(*runs, sides=("candidate",)):
    return Served(sides=sides, runs=(run(None, [10] * 50), *runs))


def result(*runs, p99_s=0.05, calls=None):
    return results(served(*runs), calls=calls or {}, p99_s=p99_s, raw=None)[0]


def test_waits_follow_from_the_very_arrivals():
    """Three requests of 20 ms, due at 0, 5 and 100 ms: the second waits 15 ms, the third nothing."""
    found = open_loop.responses(np.full(10, 0.02), np.array([0.0, 0.005, 0.1]))
    assert found[:3] == pytest.approx([0.02, 0.035, 0.02])


def test_the_highest_rate_lies_below_the_first_that_broke_the_objective():
    """Kept at 10 and 40, broken at 20: noise above a broken rate is no proof."""
    found = result(run(10, [10] * 100), run(20, [99] * 100), run(40, [10] * 100))
    assert (found.highest_per_s, found.beyond_per_s) == (10, 20)


def test_requests_without_a_good_answer_count_as_the_slowest():
    """Two of a hundred failed: the p99 is null, the rate is not kept, the median is told."""
    found = result(run(10, [10] * 100, status=[500, 0] + [200] * 98))
    load = found.under_load[0]
    assert (load.failed, load.p50_s, load.p99_s, load.p99_ci[1]) == (2, 0.01, None, None)
    assert (found.highest_per_s, found.beyond_per_s) == (None, 10)


def test_a_p99_of_few_requests_has_no_upper_end():
    """A hundred requests cannot bound a 99th percentile."""
    assert result(run(10, [10] * 100)).under_load[0].p99_ci[1] is None


def test_the_objective_is_ten_times_the_baselines_round_trip_where_nobody_says():
    """Of 10 and 20 ms the baseline's counts."""
    two = served(run(None, [20] * 50, side=1), sides=("candidate", "baseline"))
    assert {each.p99_objective_s for each in results(two, calls={}, p99_s=None, raw=None)} == {0.2}
    assert capacity(two) == pytest.approx(50)


def test_what_the_model_does_not_take_is_beside_the_queue():
    """A call of 4 ms in a round trip of 10: the overhead is 6, and both predictions start at the round trip."""
    found = result(run(10, [10] * 100, gap_ms=1000), calls={"candidate": np.full(20, 0.004)})
    load = found.under_load[0]
    assert found.overhead_s == pytest.approx(0.006)
    assert load.predicted_model is not None
    assert load.predicted.p99_s == pytest.approx(0.01) == pytest.approx(load.predicted_model.p99_s)


def test_too_few_answers_are_no_result():
    """Four single requests: nothing but the problem."""
    few = Served(sides=("candidate",), runs=(run(None, [10] * 4),), problems={"candidate": "it died"})
    found = results(few, calls={}, p99_s=0.1, raw="raw")[0]
    assert (found.under_load, found.round_trip_s, found.problem) == ((), None, "it died")
    assert capacity(few) is None


@pytest.mark.parametrize(
    ("kept", "broken", "expected"),
    [((10,), (), 14), ((), (20,), 10), ((10,), (40,), 20), ((10,), (11,), None)],
)
def test_the_next_rate_narrows_what_is_known(kept, broken, expected):
    """Beyond what was kept, half of what was not, between both, and nothing once they are near."""
    runs = [run(rate, [10] * 50) for rate in kept] + [run(rate, [99] * 50) for rate in broken]
    found = next_rate([result(*runs)])
    assert found == (None if expected is None else pytest.approx(expected))


def test_requests_come_in_the_order_of_being_due():
    """Whatever order they were written in."""
    mixed = run(10, [3, 1, 2])
    mixed.due_ns[:] = [30, 10, 20]
    assert requests_of(mixed, 0).took_s.tolist() == [0.001, 0.002, 0.003]
