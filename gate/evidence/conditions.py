"""Conditions on rows as people write them, `age > 60 and sex == "f"`: read safely, never run as code."""

from __future__ import annotations

import ast
import io
import operator
import re
import tokenize
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gate.evidence.arrays import Array

LONGEST = 2_000
"""Characters: a longer condition is a mistake."""
QUOTED = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|`([^`]+)`""")
WORDS = {
    "AND": "and", "OR": "or", "NOT": "not", "IN": "in", "IS": "is", "&": "and", "|": "or", "~": "not",
    "true": "True", "false": "False", "null": "None", "NULL": "None", "none": "None",
}  # fmt: skip
NULL_CALLS = {"isnull": True, "isna": True, "is_null": True, "notnull": False, "notna": False, "notNull": False}
COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip
COMPUTE: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
PARTS = (
    ast.Constant, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp, *COMPUTE, ast.Compare,
    *COMPARE, ast.In, ast.NotIn, ast.Is, ast.IsNot, ast.List, ast.Tuple, ast.Set, ast.Load,
)  # fmt: skip
HELP = 'write it like `age > 60 and sex == "f"`, with names that hold spaces in backticks'


class ConditionError(ValueError):
    """What cannot be read as a condition, or not be asked of these columns; the text says what and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition that was read; `columns` are the names that it asks for."""

    text: str
    tree: ast.expr
    columns: frozenset[str]
    names: Mapping[str, str]
    """Identifiers that stand for names in backticks."""


def parse(text: str) -> Condition:
    """Read a condition: comparisons (chained too), `in`, `is None`, `isnull()`, + - * /, `abs`, and, or, not.

    pandas' spellings work too (`&`, `|`, `~`, names in backticks), and Great Expectations' `col("age") > 60`.

    Raises:
        ConditionError: it is no such condition.
    """
    if len(text) > LONGEST:
        raise ConditionError(f"it is longer than {LONGEST:,} characters")
    names: dict[str, str] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in texts
            tree = ast.parse(_python(text, names), mode="eval").body
        found = _names(tree, names)
    except (SyntaxError, ValueError, tokenize.TokenError, RecursionError, MemoryError) as error:
        if isinstance(error, ConditionError):
            raise
        hint = "; two equal signs compare" if re.search(r"(?<![=!<>])=(?!=)", QUOTED.sub("", text)) else ""
        raise ConditionError(f"it cannot be read{hint}: {HELP}") from None
    if not found:
        raise ConditionError(f"it names no column: {HELP}")
    return Condition(text=text, tree=tree, columns=found, names=names)


def _names(tree: ast.expr, names: Mapping[str, str]) -> frozenset[str]:
    visitor = _Names(names)
    visitor.visit(tree)
    return frozenset(visitor.found)


def _python(text: str, names: dict[str, str]) -> str:
    """The condition as Python writes it: words of other languages replaced, names in backticks made identifiers."""

    def named(match: re.Match[str]) -> str:
        if match[2] is None:
            return match[0]
        names[f"__name_{len(names)}__"] = match[2]
        return f"__name_{len(names) - 1}__"

    line = " ".join(QUOTED.sub(named, text).split("\n")).strip()
    tokens = tokenize.generate_tokens(io.StringIO(line).readline)
    words = [WORDS.get(token.string, token.string) for token in tokens]
    return " ".join(word for word in words if word.strip())


class _Names(ast.NodeVisitor):
    """Names the columns below a node; what is no part of a condition is refused."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names
        self.found: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        self.found.add(self.names.get(node.id, node.id))

    def visit_Call(self, node: ast.Call) -> None:
        match node:
            case ast.Call(func=ast.Name(id="col"), args=[ast.Constant(value=str(name))], keywords=[]):
                self.found.add(name)
            case ast.Call(func=ast.Name(id="abs"), args=[inner], keywords=[]):
                self.visit(inner)
            case ast.Call(func=ast.Attribute(value=inner, attr=attr), args=[], keywords=[]) if attr in NULL_CALLS:
                self.visit(inner)
            case _:
                raise ConditionError(f"{ast.unparse(node)!r} is not known: abs(x), x.isnull() and x.notnull() are")

    def generic_visit(self, node: ast.AST) -> None:
        if not isinstance(node, PARTS):
            what = ast.unparse(node) or type(node).__name__.lower()
            raise ConditionError(f"{what!r} is no part of a condition: {HELP}")
        super().generic_visit(node)


def mask(condition: Condition, columns: Mapping[str, Any]) -> Array:
    """Say which of n rows meet a condition: bool, shape (n,). What is missing meets no comparison but `!=`.

    `columns` holds a pandas Series of n values under each name of `condition.columns`.

    Raises:
        ConditionError: a column's values cannot be compared so.
    """
    rows = len(columns[next(iter(condition.columns))])
    try:
        found = _Values(condition.names, columns).visit(condition.tree)
        return _as_mask(found if np.ndim(found) else [found] * rows)
    except ConditionError:
        raise
    except Exception as error:  # noqa: BLE001 - pandas raises many classes of its own
        said = " ".join(str(error).split())[:200]
        raise ConditionError(f"it cannot be asked of these columns: {said}") from None


class _Values(ast.NodeVisitor):
    """Computes a part of a condition: a column, a number, a text, a list, or truths."""

    def __init__(self, names: Mapping[str, str], columns: Mapping[str, Any]) -> None:
        self.names, self.columns = names, columns

    def visit_Name(self, node: ast.Name) -> Any:  # noqa: ANN401 - a pandas Series
        return _column(self.columns[self.names.get(node.id, node.id)])

    def visit_Constant(self, node: ast.Constant) -> Any:  # noqa: ANN401 - a number or a text
        return node.value

    def visit_List(self, node: ast.List | ast.Tuple | ast.Set) -> list[Any]:
        return [self.visit(part) for part in node.elts]

    visit_Tuple = visit_Set = visit_List  # noqa: N815 - the names that ast looks for

    def visit_BoolOp(self, node: ast.BoolOp) -> Array:
        join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        return np.asarray(join.reduce([_as_mask(self.visit(part)) for part in ast.iter_child_nodes(node)][1:]))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:  # noqa: ANN401 - series, array, number
        inner = self.visit(node.operand)
        return ~_as_mask(inner) if isinstance(node.op, ast.Not) else -inner

    def visit_BinOp(self, node: ast.BinOp) -> Any:  # noqa: ANN401 - series, number
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(left, (str, bytes, list)) or isinstance(right, (str, bytes, list)):
            raise ConditionError(f"{ast.unparse(node)!r} computes with what is no number")
        return COMPUTE[type(node.op)](left, right)

    def visit_Compare(self, node: ast.Compare) -> Array:
        """A chain of comparisons holds where each of them does."""
        sides = [self.visit(side) for side in (node.left, *node.comparators)]
        pairs = zip(node.ops, sides, sides[1:], strict=False)
        return np.asarray(np.logical_and.reduce([_as_mask(_pair(op, a, b)) for op, a, b in pairs]))

    def visit_Call(self, node: ast.Call) -> Any:  # noqa: ANN401 - series, array
        match node:
            case ast.Call(func=ast.Name(id="col"), args=[ast.Constant(value=name)]):
                return _column(self.columns[str(name)])
            case ast.Call(func=ast.Attribute(value=inner, attr=attr)):
                missing = np.asarray(pd.isna(self.visit(inner)))
                return missing if NULL_CALLS[attr] else ~missing
            case _:
                return abs(self.visit(node.args[0]))


def _pair(op: ast.cmpop, left: Any, right: Any) -> Any:  # noqa: ANN401 - series, numbers, texts
    if isinstance(op, (ast.In, ast.NotIn)):
        if not isinstance(right, list) or not hasattr(left, "isin"):
            raise ConditionError('`in` wants a column and a list: `sex in ["f", "m"]`')
        found = left.isin(right)
        return found if isinstance(op, ast.In) else ~found
    same = isinstance(op, (ast.Eq, ast.Is))
    if right is None and isinstance(op, (ast.Eq, ast.Is, ast.NotEq, ast.IsNot)):
        return pd.isna(left) if same else ~pd.isna(left)
    if type(op) not in COMPARE:
        raise ConditionError("`is` asks for None alone: compare with ==")
    return COMPARE[type(op)](*_alike(left, right))


def _alike(left: Any, right: Any) -> tuple[Any, Any]:  # noqa: ANN401 - series, numbers, texts
    """A text beside a column of moments is a moment, in the column's own zone."""
    for column, other in ((left, right), (right, left)):
        if isinstance(other, str) and getattr(getattr(column, "dtype", None), "kind", "") == "M":
            moment = pd.Timestamp(other)
            zone = getattr(column.dtype, "tz", None)
            if zone is not None and moment.tzinfo is None:
                moment = moment.tz_localize(zone)
            return (left, moment) if column is left else (moment, right)
    return left, right


def _column(series: Any) -> Any:  # noqa: ANN401 - a pandas Series
    """A column of dates as moments, of categories as their values, so that both can be compared."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        return series.astype(series.dtype.categories.dtype)
    if series.dtype == object and pd.api.types.infer_dtype(series, skipna=True) == "date":
        return pd.to_datetime(series)
    return series


def _as_mask(value: Any) -> Array:  # noqa: ANN401 - series, array, truths
    """Truth values, bool, shape (n,); what is missing is not true."""
    series = pd.Series(value)
    if series.dtype != bool and pd.api.types.infer_dtype(series, skipna=True) not in {"boolean", "empty"}:
        raise ConditionError(f"{getattr(value, 'name', None) or 'a part of it'} is neither true nor false")
    return (series == True).to_numpy(dtype=bool, na_value=False)  # noqa: E712 - missing truths are not true
