"""The history as tenures: who held what from when to when, also where somebody moved a stage by hand."""

from __future__ import annotations

from gate.domain import HistoryEntry, Stage
from gate.registry.history import Chapter
from gate.registry.tenures import BY_HAND, drift, former_holders, line_of_holders, moment, tenures


def told(*moves, stage="production"):
    """A history of (action, from, to), an entry a minute."""
    return [
        Chapter(
            number=number,
            entry=HistoryEntry(
                at=f"2026-11-28T00:0{number}:00Z",
                action=action,
                stage=stage,
                from_version=before,
                to_version=after,
                verdict="pass",
                digest=f"sha256:{after}",
                by="ann",
            ),
        )
        for number, (action, before, after) in enumerate(moves, start=1)
    ]


def at(minute):
    return f"2026-11-28T00:0{minute}:00Z"


def short(history, held):
    return [(each.version, each.since, each.until, each.action, each.current) for each in tenures(history, held)]


def test_one_after_the_other():
    """Each tenure ends when the next begins; the last one lasts."""
    history = told(("promote", None, 1), ("promote", 1, 2), ("rollback", 2, 1))
    assert short(history, {"production": 1}) == [
        (1, at(1), at(2), "promote", False),
        (2, at(2), at(3), "promote", False),
        (1, at(3), None, "rollback", True),
    ]


def test_by_hand_between():
    """A holder that the history knows only as somebody's predecessor came by hand; nobody knows when."""
    history = told(("promote", None, 1), ("promote", 5, 2))
    assert short(history, {"production": 2}) == [
        (1, at(1), None, "promote", False),
        (5, None, at(2), BY_HAND, False),
        (2, at(2), None, "promote", True),
    ]


def test_by_hand_now():
    """The same where nobody promoted since; it is said in a sentence, too."""
    history = told(("promote", None, 1))
    assert short(history, {"production": 3})[1] == (3, None, None, BY_HAND, True)
    assert short(history, {}) == [(1, at(1), None, "promote", False)]
    assert "version 3 holds it, and the history's last word is version 1 (by ann" in drift(history, 3, Stage.PRODUCTION)
    assert "nobody holds it" in drift(history, None, Stage.PRODUCTION)
    assert drift(history, 1, Stage.PRODUCTION) is None
    assert drift(history, 7, Stage.STAGING) is None


def test_stages_apart():
    """Each stage has a history of its own."""
    history = told(("promote", None, 1)) + told(("promote", None, 2), stage="staging")
    assert [(each.stage, each.version) for each in tenures(history, {"production": 1, "staging": 2})] == [
        ("staging", 2),
        ("production", 1),
    ]


def test_a_rollback_goes_further_back_each_time():
    """Twice goes back two, and never forward to what was rolled back."""
    history = told(("promote", None, 1), ("promote", 1, 2), ("promote", 2, 3))
    assert line_of_holders(history, Stage.PRODUCTION, 3) == [1, 2, 3]
    once = told(("promote", None, 1), ("promote", 1, 2), ("promote", 2, 3), ("rollback", 3, 2))
    assert line_of_holders(once, Stage.PRODUCTION, 2) == [1, 2]
    assert line_of_holders(once, Stage.PRODUCTION, 9) == [1, 2, 9], "9 came by hand, before it was 2"
    on = told(("promote", None, 1), ("promote", 1, 2), ("rollback", 2, 1), ("promote", 1, 4))
    assert line_of_holders(on, Stage.PRODUCTION, 4) == [1, 4]
    assert former_holders(on, Stage.PRODUCTION) == [4, 1, 2]


def test_a_clock_that_was_set_back():
    """No entry is older than the one before it."""
    late = told(("promote", None, 1))
    late = [Chapter(number=1, entry=HistoryEntry(**{**fields(late[0].entry), "at": "2999-01-01T00:00:00Z"}))]
    assert moment(late) == "2999-01-01T00:00:00Z"
    assert moment([]) < "2999"


def fields(entry):
    return {name: getattr(entry, name) for name in entry.__dataclass_fields__}
