"""Conditions on rows: what can be written, what it selects, what is refused."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.conditions import ConditionError, mask, parse

FRAME = pd.DataFrame(
    {
        "age": [50, 61, 70, np.nan],
        "sex": ["f", "m", None, "f"],
        "two words": [1, 2, 3, 4],
        "ok": [True, False, None, True],
        "at": pd.date_range("2020-01-01", periods=4, tz="Europe/Berlin"),
        "day": [dt.date(2020, 1, day) for day in (1, 2, 3, 4)],
        "kind": pd.Categorical(["x", "y", "x", None]),
    }
)
MEETS = {
    "age > 60": [1, 2],
    "60 < age <= 61": [1],
    "-age < -60": [1, 2],
    "age >= 50 and sex == 'f'": [0],
    'age>60 & sex=="m"': [1],
    "not (age > 60)": [0, 3],
    "~(age > 60) | ok": [0, 3],
    "age > 60 OR `two words` == 4": [1, 2, 3],
    'sex in ["f", "x"]': [0, 3],
    'sex not in ("f",)': [1, 2],
    "sex is None": [2],
    "sex.isnull() or age != null": [0, 1, 2],
    'col("sex").notNull()': [0, 1, 3],
    "ok": [0, 3],
    "ok == false": [1],
    "abs(age - `two words`) > 58.5": [1, 2],
    'at >= "2020-01-03"': [2, 3],
    'day > "2020-01-03"': [3],
    'kind == "x"': [0, 2],
    "sex == 3": [],
}  # fmt: skip
NO_CONDITIONS = {
    "nothing": "",
    "one equal sign": "age = 60",
    "unfinished": "age >",
    "no column": "1 == 1",
    "a call": "__import__('os').system('true')",
    "a method": "age.to_csv('x')",
    "an attribute": "age.values > 3",
    "an index": "age[0] > 3",
    "a power": "age ** 9 ** 9 > 1",
    "a comprehension": "[x for x in age]",
    "a lambda": "(lambda: age)() > 1",
    "a text with names in it": "f'{age}' == '3'",
    "an open quote": "sex == 'f",
    "deep": "(" * 500 + "age" + ")" * 500 + " > 1",
    "long": "age > " + "1" * 3000,
}


@pytest.mark.parametrize("text", MEETS)
def test_a_condition_selects_the_rows_that_meet_it(text):
    """Pandas' spelling, Great Expectations' and plain words mean the same; what is missing meets no comparison."""
    assert list(np.flatnonzero(mask(parse(text), FRAME))) == MEETS[text]


@pytest.mark.parametrize("text", NO_CONDITIONS.values(), ids=NO_CONDITIONS)
def test_what_is_no_condition_is_refused(text):
    """Nothing is run: calls, attributes and everything else but comparisons are refused when it is read."""
    with pytest.raises(ConditionError):
        parse(text)


@pytest.mark.parametrize("text", ["sex > 3", "age", "age in 3", 'at > "yesterdayish"', "age is 3"])
def test_what_cannot_be_asked_of_a_column_is_said(text):
    """A number is not compared with a text, and an amount is neither true nor false."""
    with pytest.raises(ConditionError):
        mask(parse(text), FRAME)


def test_a_condition_names_its_columns():
    """So that those which do not exist can be refused before anything is asked."""
    assert parse("`two words` > 2 and col('age') < 3 or not ok").columns == {"two words", "age", "ok"}


@given(st.text(alphabet="age sx\"'`()[]<>=!&|~.,:+-*/019anodrisNone\n\\#@{}", max_size=40))
def test_any_text_is_a_condition_or_refused(text):
    """Nothing but a ConditionError comes out, whatever is written, when it is read and when it is asked."""
    try:
        condition = parse(text)
        selected = mask(condition, FRAME) if condition.columns <= set(FRAME) else np.zeros(4, dtype=bool)
    except ConditionError:
        return
    assert selected.shape == (4,)


def test_no_rows_meet_no_condition():
    """An empty frame gives an empty answer."""
    assert mask(parse("age > 60"), FRAME[:0]).shape == (0,)
