"""What served versions did under real open-loop load, beside what virtual time says of the very same arrivals.

A real server is not the one server of virtual time. MLflow's reads requests in one thread and predicts in several: a
model that holds the interpreter, or a lock, answers one request at a time; one that waits answers several at once.
So there are two predictions: the server busy for the whole round trip, and for the model's own time alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gate.domain import Predicted, Served, ServedLoad, ServedResult, ServedRun, Timings
from gate.evidence import open_loop
from gate.evidence.arrays import Bools, Floats
from gate.evidence.pairs import sides
from gate.evidence.percentiles import percentile

LOADS = ((0.3, 0.5, 0.7, 0.9), (0.5, 0.7, 0.9), (0.5, 0.7), (0.7,))
"""Shares of the slower version's rate, one request after the other, that are tried first; fewer where time is short."""
OBJECTIVE_TIMES = 10
"""The p99 that is held to be bearable where nobody says: so many times the baseline's median round trip."""
FEWEST_TRIPS = 5
"""Single requests that a version must have answered to be loaded."""

_FOR_EVER_S = 1e9
"""What a request without a good answer took."""
_GOOD = 200
_KNOWN_TO = 1.15
_GROWTH = 1.4
_NS = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """The requests of one side in one run, in the order of being due; seconds, shape (requests,)."""

    due_s: Floats
    late_s: Floats
    took_s: Floats
    good: Bools

    @property
    def failed(self) -> int:
        """How many got no good answer."""
        return int(np.count_nonzero(~self.good))


def requests_of(run: ServedRun, place: int) -> Requests:
    """Pick one side's requests of a run; requests without a good answer took for ever."""
    chosen = np.flatnonzero(run.side == place)
    chosen = chosen[np.argsort(run.due_ns[chosen], kind="stable")]
    good = run.status[chosen] == _GOOD
    return Requests(
        due_s=run.due_ns[chosen] / _NS,
        late_s=run.late_ns[chosen] / _NS,
        took_s=np.where(good, run.took_ns[chosen] / _NS, _FOR_EVER_S),
        good=good,
    )


def round_trips(served: Served, side: str) -> Floats:
    """Give the seconds of the single requests that were answered well, in the order of time."""
    place = served.sides.index(side)
    alone = [requests_of(run, place) for run in served.runs if run.rate is None]
    return np.concatenate([np.zeros(0), *(found.took_s[found.good] for found in alone)])


def capacity(served: Served) -> float | None:
    """Give the requests a second, one after the other, of the slower of the loaded versions; None where none is."""
    trips = [found for side in served.sides if len(found := round_trips(served, side)) >= FEWEST_TRIPS]
    return min(1 / float(found.mean()) for found in trips) if trips else None


def single_calls(timings: Timings | None) -> Mapping[str, Floats]:
    """Give the seconds of each side's timed calls of one row, empty where none was timed."""
    pairs = next((each for each in (timings.pairs if timings else ()) if each.batch_size == 1 and each.pairs), None)
    return {} if pairs is None else dict(zip(("candidate", "baseline"), sides(pairs, "wall"), strict=True))


def results(
    served: Served, *, calls: Mapping[str, Floats], p99_s: float | None, raw: str | None
) -> tuple[ServedResult, ...]:
    """Give each side's result.

    Args:
        served: all requests.
        calls: seconds of the model's own calls of one row, by side, where these were timed.
        p99_s: the objective that callers have, in seconds; None for ten times the baseline's median round trip.
        raw: the file that holds `served`.
    """
    objective = p99_s or _bearable(served)
    return tuple(_result(served, side, calls.get(side), objective, raw) for side in served.sides)


def next_rate(found: Sequence[ServedResult]) -> float | None:
    """Say which rate tells more about the highest one; None where each side's is known well enough."""
    for result in found:
        low, high = result.highest_per_s, result.beyond_per_s
        if low is not None and high is None:
            return low * _GROWTH
        if low is None and high is not None:
            return high / 2
        if low is not None and high is not None and high / low > _KNOWN_TO:
            return math.sqrt(low * high)
    return None


def _bearable(served: Served) -> float | None:
    trips = (round_trips(served, side) for side in reversed(served.sides))  # the baseline's where it answered
    return next((OBJECTIVE_TIMES * float(np.median(found)) for found in trips if len(found) >= FEWEST_TRIPS), None)


def _result(served: Served, side: str, calls: Floats | None, objective: float | None, raw: str | None) -> ServedResult:
    trips, problem = round_trips(served, side), served.problems.get(side, "")
    if len(trips) < FEWEST_TRIPS or objective is None:
        return ServedResult(side=side, problem=problem, raw=raw)
    trip = float(np.median(trips))
    overhead = None if calls is None else max(0.0, trip - float(np.median(calls)))
    place = served.sides.index(side)
    loads = [
        _under_load(run.rate, found, trips, calls, overhead)
        for run in served.runs
        if run.rate is not None and len((found := requests_of(run, place)).due_s)
    ]
    highest, beyond = _bracket(loads, objective)
    return ServedResult(
        side=side,
        round_trip_s=trip,
        overhead_s=overhead,
        under_load=tuple(sorted(loads, key=lambda load: load.rate)),
        p99_objective_s=objective,
        highest_per_s=highest,
        beyond_per_s=beyond,
        predicted_per_s=open_loop.saturation(trips, objective),
        problem=problem,
        raw=raw,
    )


def _under_load(
    rate: float, found: Requests, trips: Floats, calls: Floats | None, overhead: float | None
) -> ServedLoad:
    p99 = percentile(found.took_s, 0.99)
    return ServedLoad(
        load=rate * float(trips.mean()),
        rate=rate,
        requests=len(found.took_s),
        failed=found.failed,
        p50_s=_told(float(np.quantile(found.took_s, 0.5, method="higher"))),
        p99_s=_told(float(np.quantile(found.took_s, 0.99, method="higher"))),
        p99_ci=(_told(p99.low), _told(p99.high)),
        late_p99_s=float(np.quantile(found.late_s, 0.99)),
        predicted=_predicted(trips, found.due_s, 0.0),
        predicted_model=None if calls is None or overhead is None else _predicted(calls, found.due_s, overhead),
    )


def _predicted(service_s: Floats, due_s: Floats, beside_s: float) -> Predicted:
    p50, p99 = np.quantile(open_loop.responses(service_s, due_s), [0.5, 0.99]) + beside_s
    return Predicted(p50_s=float(p50), p99_s=float(p99))


def _bracket(loads: Sequence[ServedLoad], objective: float) -> tuple[float | None, float | None]:
    """The highest rate that kept the objective below the first that did not, and that one."""
    broken = [load.rate for load in loads if load.p99_s is None or load.p99_s > objective]
    beyond = min(broken, default=None)
    kept = [load.rate for load in loads if load.rate not in broken and (beyond is None or load.rate < beyond)]
    return max(kept, default=None), beyond


def _told(value: float | None) -> float | None:
    return value if value is not None and value < _FOR_EVER_S else None
