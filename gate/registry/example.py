"""The input example that is stored with a model, as a table."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate.domain import JsonValue, Signature, Snapshot
from gate.registry.mlmodel import read_mlmodel, read_small
from gate.registry.runs import parse_json
from gate.registry.tree import ArtifactFaultError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_MAX_BYTES = 64 * 2**20
_MAX_CELLS = 10_000_000
_DEFAULT_NAME = "inputs"


def read_example(snapshot: Snapshot) -> pa.Table | None:
    """Read a version's input example from the gate's own copy; None where none was logged.

    Raises:
        ArtifactFaultError: it is there, and is nothing that the gate can turn into a table.
    """
    if snapshot.artifact is None or snapshot.input_example is None:
        return None
    root = snapshot.artifact.path
    info = read_mlmodel(root).input_example_info
    content = parse_json(read_small(root / snapshot.input_example, _MAX_BYTES))
    if content is None:
        raise ArtifactFaultError(f"its input example {snapshot.input_example!r} is no JSON")
    import pyarrow as pa

    try:
        table = _typed(_table(content, info, snapshot.signature), snapshot.signature)
    except (pa.ArrowException, ValueError, TypeError, KeyError, IndexError) as error:
        reason = " ".join(str(error).split())[:150]
        raise ArtifactFaultError(f"its input example cannot be turned into a table: {reason}") from None
    return table if table.num_rows and table.num_columns else None


def _table(content: JsonValue, info: Mapping[str, Any], signature: Signature | None) -> pa.Table:
    """MLflow's kinds of example: a frame, arrays, a sparse matrix, or any JSON; parameters beside it are left out."""
    import pyarrow as pa

    content = content["inputs"] if info.get("params") else content
    kind = str(info.get("type"))
    if kind == "dataframe":
        return _frame(content)
    if kind == "ndarray":
        return _arrays(content, signature)
    if kind.startswith("sparse_matrix_"):
        return _arrays(_dense(content, kind), signature)
    if isinstance(content, list) and content and all(isinstance(row, dict) for row in content):
        return pa.Table.from_pylist(content)
    if isinstance(content, dict):
        return _document(content, signature)
    return pa.table({_first_name(signature): content if isinstance(content, list) else [content]})


def _frame(content: JsonValue) -> pa.Table:
    """A frame is stored in pandas' split orientation, or, where its columns have no names, as lists of values."""
    import pyarrow as pa

    rows = content["data"] if isinstance(content, dict) else content
    if rows and isinstance(rows[0], dict):
        return pa.Table.from_pylist(rows)
    given = content.get("columns") if isinstance(content, dict) else None
    names = [str(name) for name in given or range(len(rows[0]))]
    return pa.table({name: [row[place] for row in rows] for place, name in enumerate(names)})


def _dense(content: JsonValue, kind: str) -> list[list[float]]:
    from scipy import sparse

    shape = (int(content["shape"][0]), int(content["shape"][1]))
    if math.prod(shape) > _MAX_CELLS:
        raise ArtifactFaultError(f"its input example is a sparse matrix of {shape[0]} x {shape[1]} cells")
    make = sparse.csc_matrix if kind.endswith("csc") else sparse.csr_matrix
    dense: list[list[float]] = (
        make((content["data"], content["indices"], content["indptr"]), shape=shape).toarray().tolist()
    )
    return dense


def _arrays(content: JsonValue, signature: Signature | None) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    named = content if isinstance(content, dict) else {_first_name(signature): content}
    return pa.table({str(name): array_column(np.asarray(values)) for name, values in named.items()})


def array_column(values: np.ndarray[Any, Any]) -> pa.Array:
    """Turn an array of shape (rows, …) into one column: plain where it has one dimension, else fixed-size lists."""
    import pyarrow as pa

    if values.ndim <= 1:
        return pa.array(values.reshape(-1))
    width = math.prod(values.shape[1:])
    return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), width)


def _document(content: Mapping[str, Any], signature: Signature | None) -> pa.Table:
    """An object is one row, unless it holds equally long lists for fields that are single values."""
    import pyarrow as pa

    lengths = {len(value) if isinstance(value, list) else None for value in content.values()}
    nested = {field.name for field in (signature.inputs or ()) if field.detail} if signature else set()
    if len(lengths) == 1 and None not in lengths and not nested & content.keys():
        return pa.Table.from_pydict(dict(content))
    return pa.Table.from_pylist([dict(content)])


def _first_name(signature: Signature | None) -> str:
    inputs = signature.inputs if signature else None
    return (inputs[0].name if inputs else None) or _DEFAULT_NAME


def _typed(table: pa.Table, signature: Signature | None) -> pa.Table:
    """JSON knows no times and no bytes: give these columns the signature's types."""
    import pyarrow as pa

    for field in (signature.inputs or ()) if signature else ():
        if field.name not in table.column_names or field.type not in {"datetime", "binary"}:
            continue
        values: Sequence[Any] = table.column(field.name).to_pylist()
        if field.type == "binary":
            column = pa.array([None if item is None else base64.b64decode(item) for item in values], pa.binary())
        else:
            import pandas as pd

            column = pa.array(pd.to_datetime(pd.Series(values)))
        table = table.set_column(table.column_names.index(field.name), field.name, column)
    return table


def example_path(snapshot: Snapshot) -> Path | None:
    """Give the file of the input example in the gate's own copy."""
    if snapshot.artifact is None or snapshot.input_example is None:
        return None
    return snapshot.artifact.path / snapshot.input_example
