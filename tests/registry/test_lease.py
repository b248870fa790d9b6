"""One promoter at a time, a dead one's turn goes on, and nobody's clock is asked."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gate.errors import RegistryError
from gate.registry import lease, process
from gate.registry.lease import Lease, Waiting, lease_name, leased


def models(registry):
    return [model.name for model in registry.client.search_registered_models()]


def test_held_and_given_back(registry):
    """While it is held there is one more registered model, which says whose it is; afterwards there is none."""
    with leased(registry, "wine", "ann", Waiting()):
        assert models(registry) == ["_gate_lease_wine"]
        assert "while ann on" in registry.client.get_registered_model("_gate_lease_wine").description
    assert models(registry) == []


def test_given_back_after_a_fault(registry):
    """A fault gives the lease back too."""
    with pytest.raises(ZeroDivisionError), leased(registry, "wine", "ann", Waiting()):
        raise ZeroDivisionError
    assert models(registry) == []


def test_one_that_could_not_be_given_back(registry, monkeypatch):
    """The same process goes on with it at once: a server that lives for weeks does not wait for itself."""

    def broken(_name):
        raise ConnectionError("connection reset")

    breaks = pytest.raises(RegistryError, match="the connection breaks")
    with monkeypatch.context() as patched, breaks, leased(registry, "wine", "ann", Waiting()):
        patched.setattr(registry.client, "delete_registered_model", broken)
    assert models(registry) == ["_gate_lease_wine"]
    monkeypatch.setattr(lease, "PATIENCE_S", 0.0)
    with leased(registry, "wine", "ann", Waiting()):
        pass
    assert models(registry) == []


def test_others_wait(registry, monkeypatch):
    """Who waits is told for whom, looks whether the wait is worth it, and gives up in the end."""
    monkeypatch.setattr(lease, "PATIENCE_S", 0.5)
    monkeypatch.setattr(lease, "_TOLD_AFTER_S", 0.1)
    told, looked = [], []
    waiting = Waiting(look=lambda: looked.append(1), say=told.append)
    with leased(registry, "wine", "ann", Waiting()):
        with (
            pytest.raises(RegistryError, match="Others have been moving stages of 'wine'"),
            leased(registry, "wine", "bob", waiting),
        ):
            raise AssertionError
        assert models(registry) == ["_gate_lease_wine"]
    assert looked
    assert [text.partition(" on ")[0] for text in told] == ["Waiting for ann"]


def test_a_dead_process_of_this_machine(registry):
    """Its lease is taken away at once, also where nobody waited for the dead one (a zombie)."""
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    name = process.this_process().split(" ")
    mark = " ".join([*name[:2], str(child.pid), process._state(child.pid)[1]])
    assert not process.is_gone(mark)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process.is_gone(mark)
    child.communicate()
    assert process.is_gone(mark)
    abandon(registry, mark)
    with leased(registry, "wine", "bob", Waiting()):
        pass
    assert models(registry) == []


def abandon(registry, mark):
    """Leave a lease behind, as a process of this mark would."""
    left = Lease(registry, "wine", "ann")
    left.acquire(Waiting())
    text = registry.client.get_registered_model("_gate_lease_wine").tags["gate.lease"]
    registry.client.set_registered_model_tag(
        "_gate_lease_wine", "gate.lease", text.replace(process.this_process(), mark)
    )
    return left


def test_a_silent_process_of_another_machine(registry, monkeypatch):
    """Its lease is taken away after a time without a beat, by the clock of who waits; it notices when it wakes."""
    left = abandon(registry, "another machine")
    monkeypatch.setattr(lease, "DEAD_S", 0.5)
    with leased(registry, "wine", "bob", Waiting()):
        with pytest.raises(RegistryError, match=r"lost its turn.*gate promote --resume wine"):
            left.ensure_held()
        left.release()
        assert models(registry) == ["_gate_lease_wine"]
    assert models(registry) == []


def test_a_beating_process_keeps_its_lease(registry, monkeypatch):
    """A holder that shows that it lives is waited for, however long."""
    monkeypatch.setattr(lease, "BEAT_S", 0.0)
    monkeypatch.setattr(lease, "DEAD_S", 0.5)
    monkeypatch.setattr(lease, "PATIENCE_S", 1.5)
    left = abandon(registry, "another machine")
    with pytest.raises(RegistryError, match="now ann"), leased(registry, "wine", "bob", Waiting(look=left.ensure_held)):
        raise AssertionError


def test_who_wakes_late_gives_back(registry):
    """Whoever saw a dead lease, slept, and takes another's away instead, gives it back."""
    abandon(registry, "another machine")
    late = Lease(registry, "wine", "carl")
    dead = late._seen()
    late._take_away(dead)
    with leased(registry, "wine", "bob", Waiting()) as held:
        late._take_away(dead)
        held.ensure_held()
        assert models(registry) == ["_gate_lease_wine"]


def test_a_dead_lease_that_was_set_aside(registry):
    """Whoever took a dead lease away and was killed before he deleted it leaves it to the next one."""
    others = ["_gate_dead_0123456789abcdef_red wine", "_gate_dead_0123456789abcdef_x_wine", "_gate_lease_wine.2"]
    for name in ("_gate_dead_0123456789abcdef_wine", *others):
        registry.client.create_registered_model(name)
    with leased(registry, "wine", "bob", Waiting()):
        pass
    assert models(registry) == others


def test_a_lease_that_nobody_of_the_gate_made(registry, monkeypatch):
    """A registered model of that name without a mark is taken away like a dead lease."""
    monkeypatch.setattr(lease, "DEAD_S", 0.3)
    registry.client.create_registered_model("_gate_lease_wine")
    with leased(registry, "wine", "bob", Waiting()):
        pass
    assert models(registry) == []


def test_names():
    """A lease lies in its model's catalogue and schema, and has no name that a model can have."""
    assert lease_name("wine") == "_gate_lease_wine"
    assert lease_name("main.ml.wine") == "main.ml._gate_lease_wine"
    assert lease_name("v1.wine") == "_gate_lease_v1.wine"


def test_no_lease_among_the_models(registry):
    """Nobody is proposed a lease as a model."""
    from gate.errors import UsageError
    from gate.registry import resolve, survey

    with leased(registry, "wine", "ann", Waiting()):
        assert survey(registry) == []
        with pytest.raises(UsageError, match="holds no model yet"):
            resolve(registry, "gate_lease_wine", "1")


def test_a_mark_of_another_machine_is_never_dead():
    """Nor is one that cannot be read."""
    name = process.this_process().split(" ")
    for mark in ("", "x", " ".join(["boot", *name[1:]]), " ".join([*name[:2], "-1", "0"])):
        assert not process.is_gone(mark)
    assert not process.is_gone(process.this_process())
