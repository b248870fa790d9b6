"""Serves both versions side by side and loads them: real time, to be held beside the virtual time of the benchmark.

Both are asked by one generator, at once and in random order, so that they see the same machine. Whatever goes wrong
is a sentence in the result.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gate.benchmark.generator import GeneratorError, Load, Target, generate, installed, offered
from gate.domain import Comparison, Served, ServedRun, Signature
from gate.errors import UsageError
from gate.evidence import served as evidence
from gate.scoring import payloads
from gate.scoring.capture import one_line
from gate.scoring.server_process import HOST
from gate.scoring.serving import INVOCATIONS, ModelServer, ServerFailedError

if TYPE_CHECKING:
    import pyarrow as pa

    from gate.settings import Latency

START_S = 120.0
"""For both servers to come up."""
SINGLE = 200
"""Requests to each version one after the other: what a request takes where nobody waits."""
WARM_UP = 20
REQUESTS = 700
"""Requests to each version at each rate, where time allows: enough for the upper end of a p99's interval."""
ENOUGH = 200
"""With fewer at each, fewer rates are tried."""
FEWEST = 20
"""Fewer at one rate tell nothing."""
MORE_RATES = 4
"""Rates that are tried after the first, where time is left, to find the highest one."""
_SINGLE_SHARE = 0.2
_WARM_UP_S = 5.0
_BETWEEN_S = 3.0
"""What starting the generator takes."""
_DRAIN = 0.5
"""What waits at the end of a run is waited for so long, as a share of the run."""
_FIRST_ASK_S = 60.0
_NOT_OFFERED = (
    "There is no build of it for this Python on this machine: take Python 3.11 to 3.13 on macOS or on Linux x86_64, "
    "with pip install 'model-release-gate[load]', or leave out --served."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One version that answered all rows: its artifact, what it takes, and the rows."""

    name: str
    path: Path
    signature: Signature | None
    inputs: pa.Table


def ensure_possible(*, judged: bool) -> None:
    """Refuse before any work where nothing could be loaded; `judged` says whether performance is.

    Raises:
        UsageError: the extra is not installed, or performance was left out.
    """
    if not judged:
        raise UsageError(
            "--served measures performance, which --only leaves out.",
            remedy="Add performance to --only, or leave out one of the two.",
        )
    if installed():
        return
    raise UsageError(
        "--served needs a load generator, MLPerf's LoadGen, which is not installed.",
        remedy="Install it: pip install 'model-release-gate[load]'." if offered() else _NOT_OFFERED,
    )


def sides(comparison: Comparison, inputs: tuple[pa.Table | None, pa.Table | None]) -> tuple[Side, ...]:
    """Give the versions that can be served and asked: those that answered every row."""
    snapshots = (comparison.candidate, comparison.baseline)
    return tuple(
        Side(name=name, path=snapshot.artifact.path, signature=snapshot.signature, inputs=table)
        for name, snapshot, table in zip(("candidate", "baseline"), snapshots, inputs, strict=True)
        if snapshot is not None and snapshot.artifact is not None and table is not None
    )


def serve_and_load(found: Sequence[Side], start: Callable[[Side], ModelServer], limits: Latency) -> Served:
    """Serve these versions, and load them for at most `latency.served_s`.

    Args:
        found: the versions, the candidate first.
        start: starts a server of one.
        limits: the time, and the p99 objective.
    """
    stand = _Stand(names=tuple(side.name for side in found), limits=limits)
    with ExitStack() as stack:
        stand.open(_started(found, start, stack, stand.problems))
        stand.load()
    return stand.served


def _started(
    found: Sequence[Side], start: Callable[[Side], ModelServer], stack: ExitStack, problems: dict[str, str]
) -> list[tuple[Side, ModelServer]]:
    """Start all servers, which come up side by side."""
    servers = []
    for side in found:
        try:
            servers.append((side, stack.enter_context(start(side))))
        except OSError as error:
            problems[side.name] = f"its server could not be started: {error}"
    return servers


@dataclass(slots=True, kw_only=True)
class _Stand:
    """The servers under test, and what was measured so far."""

    names: tuple[str, ...]
    limits: Latency
    end: float = 0.0
    """When the time is up, on the clock of `time.monotonic`; it runs once the servers are up."""
    servers: dict[str, ModelServer] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    made: list[ServedRun] = field(default_factory=list)

    @property
    def left(self) -> float:
        """Seconds of the time."""
        return self.end - time.monotonic()

    @property
    def _time(self) -> str:
        """The time as a setting that can be raised."""
        return f"latency.served_s, {self.limits.served_s:g} s"

    @property
    def served(self) -> Served:
        """What was measured so far."""
        return Served(sides=self.names, runs=tuple(self.made), problems=dict(self.problems))

    def open(self, started: Sequence[tuple[Side, ModelServer]]) -> None:
        """Wait for each server, and find out in which form it takes rows."""
        latest = time.monotonic() + START_S
        for side, server in started:
            try:
                server.wait(latest)
                self.targets[side.name] = _target(side, server, _FIRST_ASK_S)
                self.servers[side.name] = server
            except (ServerFailedError, ValueError) as error:
                self.problems[side.name] = str(error)
        self.end = time.monotonic() + self.limits.served_s

    def load(self) -> None:
        """Send single requests, then the rates that follow from them, then those that tell more, while time is left."""
        if not self.targets or not self._loaded(None, WARM_UP, _WARM_UP_S):
            return
        self.made.clear()
        if not self._loaded(None, SINGLE, _SINGLE_SHARE * self.left):
            return
        if all(self._at(rate, seconds) for rate, seconds in self._first_rates()):
            self._look_for_the_highest()

    def _look_for_the_highest(self) -> None:
        for _ in range(MORE_RATES):
            rate = evidence.next_rate(evidence.results(self.served, calls={}, p99_s=self.limits.p99_s, raw=None))
            if rate is None or self._fitting < REQUESTS / rate or not self._at(rate, REQUESTS / rate):
                return

    def _first_rates(self) -> list[tuple[float, float]]:
        """Rates with the seconds that each may take: equally many requests at each, and fewer rates in less time."""
        self._leave_out_the_slow()
        capacity = evidence.capacity(self.served)
        if capacity is None:
            return []
        plans = [self._plan([load * capacity for load in loads]) for loads in evidence.LOADS]
        return next((plan for plan in plans if plan[0][0] * plan[0][1] >= ENOUGH), plans[-1])

    def _leave_out_the_slow(self) -> None:
        """Load no version that answered next to no single request: nothing would follow from it."""
        for name in list(self.targets):
            if len(evidence.round_trips(self.served, name)) < evidence.FEWEST_TRIPS:
                slow = f"it answered too few single requests to be loaded within {self._time}"
                self.problems[name] = "; ".join(filter(None, (self.problems.get(name), slow)))
                del self.targets[name]

    def _plan(self, rates: Sequence[float]) -> list[tuple[float, float]]:
        """Share the time left over these rates, rising, so that each gets equally many requests."""
        seconds = self.left - _BETWEEN_S * len(rates)
        requests = min(REQUESTS, seconds / (sum(1 / rate for rate in rates) + _DRAIN / rates[-1]))
        return [(rate, max(FEWEST, requests) / rate) for rate in rates]

    @property
    def _fitting(self) -> float:
        """Seconds of load that the time left has room for."""
        return (self.left - _BETWEEN_S) / (1 + _DRAIN)

    def _at(self, rate: float, seconds: float) -> bool:
        """Load at a rate for these seconds, or what is left of them; whether to go on."""
        seconds = min(seconds, self._fitting)
        requests = round(rate * seconds)
        if requests < FEWEST:
            for name in self.targets:
                self.problems.setdefault(name, f"no load of {rate:.3g} requests a second fits into {self._time}")
            return False
        return self._loaded(rate, requests, seconds)

    def _loaded(self, rate: float | None, requests: int, most_s: float) -> bool:
        """Send requests to all servers alike; whether all of them, and the generator, are still well."""
        count = len(self.targets)
        load = Load(
            rate=None if rate is None else rate * count,
            requests=requests * count,
            most_s=max(0.1, most_s),
            seed=len(self.made) + 1,
        )
        try:
            done = generate(list(self.targets.values()), load, HOST)
        except (GeneratorError, OSError) as error:
            self.problems.update({name: one_line(str(error)) for name in self.targets})
            return False
        places = np.array([self.names.index(name) for name in self.targets])
        self.made.append(replace(done.run, side=places[done.run.side]))
        self._hear({list(self.targets)[place]: text for place, text in done.failures.items()}, rate)
        return not any(server.problem for server in self.servers.values())

    def _hear(self, failures: Mapping[str, str], rate: float | None) -> None:
        """Keep what went wrong first at each side; a server that ended is the last word."""
        where = "one after the other" if rate is None else f"at {rate:.3g} a second"
        for name, text in failures.items():
            self.problems.setdefault(name, f"requests {where} failed, the first with {one_line(text, 300)}")
        for name, server in self.servers.items():
            if server.problem:
                self.problems[name] = server.problem


def _target(side: Side, server: ModelServer, timeout_s: float) -> Target:
    """Find the form in which the server takes rows.

    Raises:
        ServerFailedError: it takes them in none.
        ValueError: the rows have no form in JSON.
    """
    refused = ""
    for bodies in payloads.forms(payloads.chosen(side.inputs), side.signature):
        status, text = server.ask(bodies[0], timeout_s)
        if status == 200:  # noqa: PLR2004 - HTTP's OK
            return Target(port=server.port, path=INVOCATIONS, bodies=bodies)
        refused = refused or f"its server answered {status} to a row: {text}"
    raise ServerFailedError(refused)
