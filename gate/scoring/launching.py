"""Starts workers that are alike: forked from one process that has the libraries where the system can, else fresh."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from gate.scoring.fork_server import AVAILABLE, ForkServer
from gate.scoring.session import Limits, Worker

Processes = Literal["forked", "fresh"]

_NAMES_BYTES = 100_000
"""What a request to the fork server may hold."""


class Launcher:
    """Starts workers. Use it from one thread at a time; close it when all of them are closed."""

    def __init__(self, limits: Limits, *, isolation: str, processes: Processes, server: ForkServer | None) -> None:
        """Start workers from a fork server, or fresh ones where there is none. `Launcher.of` chooses."""
        self.limits, self.isolation, self.processes = limits, isolation, processes
        self._server = server

    @classmethod
    def of(cls, limits: Limits, *, isolation: str, processes: Processes | None = None) -> Self:
        """Fork workers where the system can, unless `processes` says otherwise; returns at once."""
        chosen: Processes = processes or ("forked" if AVAILABLE else "fresh")
        server = ForkServer.start(isolation=isolation) if chosen == "forked" else None
        return cls(limits, isolation=isolation, processes=chosen, server=server)

    def start(self) -> Worker:
        """Start a worker and return at once. A fork server that a model killed is replaced."""
        if self._server is None:
            return Worker.start(self.limits, isolation=self.isolation)
        try:
            return Worker.fork(self._server, self.limits)
        except OSError:
            self._server.close()
            self._server = ForkServer.start(isolation=self.isolation)
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
                server = ForkServer.start(isolation=self.isolation)
        return Launcher(self.limits, isolation=self.isolation, processes=self.processes, server=server)

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


def _fitting(modules: Sequence[str]) -> list[str]:
    """As many names as a request holds."""
    kept, size = [], 0
    for name in modules:
        size += len(name) + 4
        if size > _NAMES_BYTES:
            break
        kept.append(name)
    return kept
