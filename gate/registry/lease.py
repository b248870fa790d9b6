"""One promotion of a model at a time: a lease, though MLflow has neither locks nor compare-and-swap.

The one exclusive operation of MLflow is creating a registered model of a name that is not taken. So who moves a stage
of `wine` creates the model `_gate_lease_wine`, and deletes it when he is done: seconds later. Nobody's clock is
compared with another's. A lease is dead where its process is gone (seen on the same machine), or where whoever waits
saw no beat of it for 60 s by his own clock. It is taken away by renaming, to a name that the dead lease's own mark
makes unique: of several who saw the same dead lease, one succeeds.
"""

from __future__ import annotations

import json
import random
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from gate.errors import GateError, RegistryError
from gate.registry.connection import Registry
from gate.registry.faults import AbsentError, TakenError
from gate.registry.process import elapsed, is_gone, this_process
from gate.registry.runs import parse_json
from gate.registry.versions import DEAD_MARK, LEASE_MARK

BEAT_S = 10.0
"""The holder shows that he is alive where his last sign is older, before he writes."""
DEAD_S = 60.0
"""A lease without a beat for so long is dead: longer than a step, with the time that one answer may take."""
PATIENCE_S = 600.0
"""How long one waits for others."""
_MARK, _BEAT = "gate.lease", "gate.lease.beat"
_POLL_S = (0.05, 0.25)
_TOLD_AFTER_S = 2.0
_SWEPT = 100
_TOKEN, _UNMARKED = "[0-9a-f]{16}", "0" * 16
_TEXT_CAP = 60
_LEFT: set[str] = set()
"""Leases that this process could not give back: whoever asks again in the same process need not wait for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What happens while one waits: `look` may raise where the wait is worth nothing any more, `say` tells people."""

    look: Callable[[], None] = lambda: None
    say: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A lease as it was seen: whose it is, and its last sign of life."""

    token: str
    process: str
    by: str
    beat: str


class Lease:
    """The right to move the stages of one model. Made by `leased`."""

    def __init__(self, registry: Registry, model: str, by: str) -> None:
        """Nothing is asked yet."""
        self._registry, self._model, self._by = registry, model, by
        self._name, self._token = lease_name(model), secrets.token_hex(8)
        self._beats, self._beat_at = 0, elapsed()

    def ensure_held(self) -> None:
        """Look that the lease is still this process's, and show that it lives; called before every write.

        Raises:
            RegistryError: somebody took it, since nothing was seen of this process for long; or out of reach.
        """
        found = self._seen()
        if found is None or found.token != self._token or not self._beat():
            raise RegistryError(
                f"This process lost its turn to move the stages of {self._model!r}: it was silent for too long.",
                remedy=f"Run `gate promote --resume {self._model}`.",
            )

    def _beat(self) -> bool:
        """Show that this process lives, where its last sign is old; say whether there is something to show it on."""
        at = elapsed()
        if at - self._beat_at <= BEAT_S:
            return True
        self._beats += 1
        tag, beats = self._registry.client.set_registered_model_tag, str(self._beats)
        try:
            self._registry.write("renew the lease", tag, self._name, _BEAT, beats)
        except AbsentError:
            return False
        self._beat_at = at
        return True

    def acquire(self, waiting: Waiting) -> None:
        """Create the lease; wait where another has it, take it away where that one is dead."""
        since = watched = elapsed()
        before, told = None, False
        while not self._create():
            found = self._seen()
            if found is None or found.token == self._token:
                continue  # gone meanwhile; or ours: the answer to its creation was lost
            if found != before:
                before, watched = found, elapsed()
            if found.token in _LEFT or is_gone(found.process) or elapsed() - watched > DEAD_S:
                self._take_away(found)
                continue
            self._ensure_patience(since, found)
            if not told and elapsed() - since > _TOLD_AFTER_S:
                told = True
                waiting.say(f"Waiting for {found.by}, who moves a stage of {self._model}")
            waiting.look()
            time.sleep(random.uniform(*_POLL_S))  # noqa: S311 - who waits together should not ask together

    def _create(self) -> bool:
        """Take the lease where nobody has it."""
        mark = {"token": self._token, "process": this_process(), "by": self._by}
        try:
            self._registry.write(
                "take the lease (a registered model that exists for a moment)",
                self._registry.client.create_registered_model,
                self._name,
                {_MARK: json.dumps(mark, ensure_ascii=False), _BEAT: "0"},
                f"The gate's, while {self._by} moves a stage of {self._model}. It goes away by itself.",
            )
        except (TakenError, AbsentError):  # MLflow looks at who was first, and fails where that one is gone again
            found = self._seen()
            return found is not None and found.token == self._token
        self._beat_at = elapsed()
        return True

    def _seen(self, name: str | None = None) -> _Seen | None:
        """Read a lease, None where there is none; one that the gate did not make has no mark and no beat."""
        try:
            found = self._registry.ask(
                "look at the lease", self._registry.client.get_registered_model, name or self._name
            )
        except AbsentError:
            return None
        tags = {str(key): str(value) for key, value in (found.tags or {}).items()}
        told = parse_json(tags.get(_MARK))
        mark = told if isinstance(told, dict) else {}
        token, process, by = (str(mark.get(key) or "") for key in ("token", "process", "by"))
        token = token if re.fullmatch(_TOKEN, token) else ""
        return _Seen(token=token, process=process, by=_printable(by) or "somebody", beat=tags.get(_BEAT, ""))

    def _take_away(self, dead: _Seen) -> None:
        """Rename a dead lease, look at what was renamed, and delete it.

        Whoever saw it dead, slept, and woke when another already has the lease, would rename that one's: he gives it
        back.
        """
        aside = dead_name(self._model, dead.token or _UNMARKED)
        client = self._registry.client
        with suppress(AbsentError, TakenError):
            self._registry.write("take a dead lease away", client.rename_registered_model, self._name, aside)
        found = self._seen(aside)
        if found is None:
            return
        if found.token != dead.token:
            with suppress(TakenError, AbsentError):
                self._registry.write("give a lease back", client.rename_registered_model, aside, self._name)
                return
        with suppress(AbsentError):
            self._registry.write("delete a dead lease", client.delete_registered_model, aside)

    def _ensure_patience(self, since: float, found: _Seen) -> None:
        if elapsed() - since > PATIENCE_S:
            raise RegistryError(
                f"Others have been moving stages of {self._model!r} for {PATIENCE_S:.0f} s, now {found.by}.",
                remedy="Try again later, or look whether a job hangs.",
            )

    def release(self) -> None:
        """Give the lease back, where it still is this process's."""
        _LEFT.add(self._token)
        found = self._seen()
        if found is not None and found.token == self._token:
            with suppress(AbsentError):
                self._registry.write("give the lease back", self._registry.client.delete_registered_model, self._name)
        _LEFT.discard(self._token)

    def sweep(self) -> None:
        """Delete dead leases that somebody set aside and could not delete; where that fails, the next one does it."""
        client, pattern = self._registry.client, re.compile(re.escape(dead_name(self._model, "@")).replace("@", _TOKEN))
        with suppress(GateError):
            like = f"name LIKE '{dead_name(self._model, '%')}'"
            named = self._registry.ask("look for dead leases", client.search_registered_models, like, _SWEPT)
            for name in [str(model.name) for model in named if pattern.fullmatch(str(model.name))]:
                self._registry.write("delete a dead lease", client.delete_registered_model, name)


@contextmanager
def leased(registry: Registry, model: str, by: str, waiting: Waiting) -> Iterator[Lease]:
    """Hold the lease of a model.

    Raises:
        RegistryError: others hold it all the time; this user may not create registered models; or out of reach.
    """
    lease = Lease(registry, model, f"{_printable(by)[:_TEXT_CAP]} on {socket.gethostname()[:_TEXT_CAP]}")
    try:
        lease.acquire(waiting)
        lease.sweep()
        yield lease
    except BaseException:
        with suppress(GateError):  # what went wrong first is what is told; a lease that is left behind is taken away
            lease.release()
        raise
    lease.release()


def lease_name(model: str) -> str:
    """Name the lease of a model: no name that the gate takes for a model's, in the model's catalogue and schema."""
    return _beside(model, LEASE_MARK)


def dead_name(model: str, token: str) -> str:
    """Name what a dead lease is renamed to; its token makes the name the dead lease's own."""
    return _beside(model, f"{DEAD_MARK}{token}_")


def _beside(model: str, mark: str) -> str:
    above, dot, name = model.rpartition(".") if model.count(".") == 2 else ("", "", model)  # noqa: PLR2004 - a.b.c
    return f"{above}{dot}{mark}{name}"


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable()).strip()
