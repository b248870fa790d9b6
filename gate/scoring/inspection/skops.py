"""skops files: their schema, held against the gate's own list instead of the list that the model's MLmodel brings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from gate.scoring.inspection.budget import UnscannableError
from gate.scoring.inspection.judge import Tolerance
from gate.scoring.inspection.looks import SKOPS, Seen, Wrong
from gate.scoring.inspection.machine import Symbol
from gate.scoring.inspection.names import allowed
from gate.scoring.inspection.streams import Source

_MAX_SCHEMA = 256 * 2**20
_NAMING = frozenset({"FunctionNode", "TypeNode"})
_LOADERS = _NAMING | {
    "BytearrayNode", "BytesNode", "ConstructorFromReduceNode", "DTypeNode", "DefaultDictNode", "DictNode", "JsonNode",
    "ListNode", "LossNode", "MaskedArrayNode", "NdArrayNode", "ObjectNode", "OperatorFuncNode", "PartialNode",
    "RandomGeneratorNode", "RandomStateNode", "SetNode", "SliceNode", "SparseMatrixNode", "TreeNode", "TupleNode",
}  # fmt: skip
_GENERATORS = frozenset({"MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"})


def look(source: Source, tolerance: Tolerance) -> Seen:
    """Look at every node of a schema.

    Raises:
        UnscannableError: it is too large, or no JSON.
    """
    raw = source.head(_MAX_SCHEMA + 1)
    if len(raw) > _MAX_SCHEMA:
        raise UnscannableError(f"has a schema of more than {_MAX_SCHEMA:,} bytes")
    try:
        schema = json.loads(raw)
    except (ValueError, RecursionError):
        raise UnscannableError("has a schema that is no JSON") from None
    wrong: dict[tuple[str, str], None] = {}
    for node in _nodes(schema):
        wrong.update(dict.fromkeys(_judged(node, tolerance)))
    return Seen(format=SKOPS, wrong=tuple(Wrong(file=source.name, symbol=name, what=what) for name, what in wrong))


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON
    """Give every object that names a class or a loader, wherever it stands."""
    waiting = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
            if {"__class__", "__module__", "__loader__"} & value.keys():
                yield value
        elif isinstance(value, list):
            waiting.extend(value)


def _judged(node: dict[str, Any], tolerance: Tolerance) -> Iterator[tuple[str, str]]:
    loader = str(node.get("__loader__"))
    symbol = Symbol(str(node.get("__module__")), str(node.get("__class__")))
    if loader not in _LOADERS:
        yield str(symbol), f"is loaded by {loader}, which can reach more than the gate allows"
    elif not _is_allowed(symbol, loader, tolerance):
        yield str(symbol), "is not among the names that the gate allows"
    elif loader == "OperatorFuncNode" and symbol.name != "itemgetter":
        yield str(symbol), "calls methods or reads attributes by name"
    elif loader == "RandomGeneratorNode" and _generator(node) not in _GENERATORS:
        yield f"numpy.random.{_generator(node)}", "is called as a random generator"


def _is_allowed(symbol: Symbol, loader: str, tolerance: Tolerance) -> bool:
    if symbol.module.partition(".")[0] in tolerance.modules or tolerance.any_names:
        return True
    return symbol in (allowed().named if loader in _NAMING else allowed().called)


def _generator(node: dict[str, Any]) -> str:
    """Skops calls whatever of numpy.random the state names."""
    try:
        return str(json.loads(node["content"]["bit_generator"]["content"]["bit_generator"]["content"]))
    except (KeyError, TypeError, ValueError, RecursionError):
        return "?"
