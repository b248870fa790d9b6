"""Starts workers that are alike: forked from one process that has the libraries where the system can, else fresh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

from gate.scoring.enclosure import Enclosure, plain
from gate.scoring.fork_server import AVAILABLE, ForkServer
from gate.scoring.session import Limits, Worker

Processes = Literal["forked", "fresh"]

_NAMES_BYTES = 100_000
"""What a request to the fork server may hold."""


class Launcher:
    """Starts workers. Use it from one thread at a time; close it when all of them are closed."""

    def __init__(
        self, limits: Limits, *, enclosure: Enclosure, processes: Processes, server: ForkServer | None
    ) -> None:
        """Start workers from a fork server, or fresh ones where there is none. `Launcher.of` chooses."""
        self.limits, self.enclosure, self.processes = limits, enclosure, processes
        self._server = server

    @classmethod
    def of(cls, limits: Limits, *, enclosure: Enclosure | None = None, processes: Processes | None = None) -> Self:
        """Fork workers where the system can, unless `processes` says otherwise; returns at once.

        Workers that one process forked share its wall: where they could touch each other, each gets one of its own.
        """
        around = enclosure or plain()
        possible = AVAILABLE and around.siblings
        chosen: Processes = "forked" if possible and processes != "fresh" else "fresh"
        server = ForkServer.start(around, limits.memory_mb) if chosen == "forked" else None
        return cls(limits, enclosure=around, processes=chosen, server=server)

    def start(self) -> Worker:
        """Start a worker and return at once. A fork server that a model killed is replaced."""
        if self._server is None:
            return Worker.start(self.limits, enclosure=self.enclosure)
        try:
            return Worker.fork(self._server, self.limits)
        except OSError:
            self._server.close()
            self._server = self._another()
            return Worker.fork(self._server, self.limits)

    def prepared(self, modules: Sequence[str]) -> Launcher:
        """Give a launcher whose workers have these modules already; fresh workers never have.

        Closing this one closes that one, too.
        """
        server = self._server
        if server is not None:
            try:
                server = server.prepared(_fitting(modules))
            except OSError:
                server = self._another()
        return Launcher(self.limits, enclosure=self.enclosure, processes=self.processes, server=server)

    def _another(self) -> ForkServer:
        return ForkServer.start(self.enclosure, self.limits.memory_mb)

    def close(self) -> None:
        """End the fork server. Can be called again."""
        if self._server is not None:
            self._server.close()

    def __enter__(self) -> Self:
        """Close at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Launchers:
    """What starts workers of each version: one for both where they run on the same interpreter."""

    candidate: Launcher
    baseline: Launcher

    @classmethod
    def alike(cls, launcher: Launcher) -> Self:
        """Give one launcher for both."""
        return cls(candidate=launcher, baseline=launcher)

    def of(self, side: str) -> Launcher:
        """Give that of a version ("candidate", "baseline")."""
        return self.baseline if side == "baseline" else self.candidate

    @property
    def apart(self) -> bool:
        """Whether the versions run on interpreters of their own."""
        return self.candidate is not self.baseline

    @property
    def processes(self) -> Processes:
        """How workers begin: what is forked from different processes is not alike."""
        return "fresh" if self.apart else self.candidate.processes

    @property
    def limits(self) -> Limits:
        """What each worker may use."""
        return self.candidate.limits


def _fitting(modules: Sequence[str]) -> list[str]:
    """As many names as a request holds."""
    kept, size = [], 0
    for name in modules:
        size += len(name) + 4
        if size > _NAMES_BYTES:
            break
        kept.append(name)
    return kept
