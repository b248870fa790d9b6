"""What goes wrong: a process that is killed at its n-th point, a registry whose n-th call fails."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gate.registry import Registry

WRITES = ("create", "set", "delete", "rename", "transition", "update", "log")
ONCE, LOST, DOWN = "refused once", "answer lost", "down from then on"
KINDS = (ONCE, LOST, DOWN)


class Points:
    """Counts the points at which a process can be killed, before and after each write and fsync; kills it at one."""

    def __init__(self, at: int | None) -> None:
        """None kills nothing and only counts."""
        self.count, self._at = 0, at

    def reached(self) -> None:
        """One more point."""
        self.count += 1
        if self.count == self._at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Have a point before and after a call."""

        def called(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any call
            self.reached()
            result = call(*args, **kwargs)
            self.reached()
            return result

        return called


class _Wrapped:
    """A client whose methods are wrapped."""

    def __init__(self, client: Any, wrap: Callable[[str, Callable[..., Any]], Callable[..., Any]]) -> None:  # noqa: ANN401 - MLflow has no types
        self._client, self._wrap = client, wrap

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - MLflow has no types
        found = getattr(self._client, name)
        return self._wrap(name, found) if callable(found) else found


def killing(registry: Registry, points: Points) -> Registry:
    """Have a point before and after each write to the registry and each fsync of this process."""
    os.fsync = points.around(os.fsync)

    def wrap(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        return points.around(call) if name.startswith(WRITES) else call

    return replace(registry, client=_Wrapped(registry.client, wrap))


class Failing:
    """Lets the n-th call to the registry fail, in one of the ways of KINDS."""

    def __init__(self, at: int, kind: str) -> None:
        """Count from 1."""
        self.count, self._at, self._kind = 0, at, kind

    @property
    def happened(self) -> bool:
        """Whether a call failed."""
        return self.count >= self._at

    def wrap(self, _name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Count a call, and let it fail where its time has come."""

        def called(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any call
            self.count += 1
            if self.count == self._at and self._kind == LOST:
                call(*args, **kwargs)
            if self.count == self._at or (self.count > self._at and self._kind == DOWN):
                raise ConnectionError("the connection broke")
            return call(*args, **kwargs)

        return called


def failing(registry: Registry, at: int, kind: str) -> tuple[Registry, Failing]:
    """Give a registry whose n-th call fails, and what counts."""
    fault = Failing(at, kind)
    return replace(registry, client=_Wrapped(registry.client, fault.wrap)), fault
