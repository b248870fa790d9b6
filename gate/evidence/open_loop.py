"""Latency under load in virtual time: requests come when they come, and wait while the server is busy.

Callers that wait for each answer before they ask again hide what a queue does. Here arrivals are a Poisson process
that knows nothing of the server: Lindley's recursion W' = max(0, W + S - A) gives each request's wait from recorded
service times S and times between arrivals A, for one server.

Source: D. Lindley, The theory of queues with a single server, Math. Proc. Camb. Phil. Soc. 48 (1952).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gate.evidence.arrays import Floats

LOADS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9)
"""Shares of the rate at which the server would never rest."""
REQUESTS = 100_000
DRAWS = 100
"""How often service times are drawn anew for the arrivals of one real run."""
_BLOCK = 10
_STEPS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderLoad:
    """Seconds from arrival to answer at a rate of requests a second."""

    load: float
    rate: float
    p50_s: float
    p99_s: float


def curve(service_s: Floats) -> tuple[UnderLoad, ...]:
    """Give the latency at rising rates, from service times of shape (calls,) in the order of time."""
    service, gaps = _drawn(service_s)
    return tuple(_at(load, service, gaps) for load in LOADS)


def saturation(service_s: Floats, p99_s: float) -> float:
    """Give the highest rate, requests a second, whose p99 keeps within the objective; 0 where none does."""
    service, gaps = _drawn(service_s)
    low, high = 0.0, 1.0
    for _ in range(_STEPS):  # the p99 grows with the load, since the draws stay the same
        middle = (low + high) / 2
        low, high = (middle, high) if _at(middle, service, gaps).p99_s <= p99_s else (low, middle)
        if high - low < 1e-4:  # noqa: PLR2004 - a ten-thousandth of the capacity
            break
    return low / float(service.mean())


def waits(service: Floats, gaps: Floats) -> Floats:
    """Give each request's wait in seconds: Lindley's recursion, as a running sum less its running minimum.

    Args:
        service: service times, shape (requests,).
        gaps: time from each request's arrival to the next one's, shape (requests,).
    """
    walk = np.concatenate([[0.0], np.cumsum(service[:-1] - gaps[:-1])])
    return np.asarray(walk - np.minimum.accumulate(np.minimum(walk, 0.0)))


def responses(service_s: Floats, due_s: Floats) -> Floats:
    """Give the seconds from due to answered of requests due at these moments, for DRAWS draws of service times.

    Args:
        service_s: service times, shape (calls,), in the order of time.
        due_s: rising moments of a real run, shape (requests,), at least one.

    Returns:
        Shape (DRAWS * requests,). The server is idle when the run begins, as in the real one.
    """
    random = np.random.default_rng(0)
    gaps = np.diff(due_s, append=due_s[-1])
    drawn = (_resampled(service_s, len(due_s), random) for _ in range(DRAWS))
    return np.concatenate([waits(service, gaps) + service for service in drawn])


def _drawn(service_s: Floats) -> tuple[Floats, Floats]:
    """Service times, and gaps of mean one."""
    random = np.random.default_rng(0)
    return _resampled(service_s, REQUESTS, random), random.exponential(1.0, REQUESTS)


def _resampled(service_s: Floats, count: int, random: np.random.Generator) -> Floats:
    """Service times resampled in blocks of neighbours, which keeps slow spells together."""
    starts = random.integers(0, len(service_s), -(-count // _BLOCK))
    chosen = (starts[:, None] + np.arange(_BLOCK)).ravel()[:count] % len(service_s)
    return np.asarray(service_s[chosen])


def _at(load: float, service: Floats, gaps: Floats) -> UnderLoad:
    rate = load / float(service.mean())
    response = waits(service, gaps / max(rate, 1e-12)) + service
    p50, p99 = np.quantile(response, [0.5, 0.99])
    return UnderLoad(load=load, rate=rate, p50_s=float(p50), p99_s=float(p99))
