"""What a worker answered, before its columns get names; and the guard at which untrusted Arrow bytes come in."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal, cast, get_args

import pyarrow as pa

from gate.scoring.protocol import FrameError

Shape = Literal["values", "matrix", "frame", "dict", "tensor", "nested"]

_DEPTH_LIMIT = 8
_SCHEMA, _RECORD_BATCH = 1, 3
_HEADER_TYPE, _HEADER, _COMPRESSION = 1, 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """One answer of a model.

    `values`: one column, one value a row. `matrix`, `tensor` (three dimensions and more), `nested` (lists in a
    list): one column of lists. `frame` and `dict`: the columns that the model named.
    """

    shape: Shape
    table: pa.Table

    @property
    def rows(self) -> int:
        """The number of answers."""
        return int(self.table.num_rows)

    @property
    def only(self) -> pa.ChunkedArray:
        """The first column: the only one of every shape but `frame` and `dict`."""
        return self.table.column(0)


def received(shape: object, body: bytes) -> RawAnswer:
    """The answer in a frame, after the guards: known shape, plain types, nothing compressed, every offset valid.

    Raises FrameError.
    """
    if shape not in get_args(Shape):
        raise FrameError("an answer of unknown shape")
    try:
        table = _read(body)
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, struct.error) as error:
        raise FrameError("an answer that is no valid Arrow stream") from error
    if table.num_columns == 0 or len(set(table.column_names)) != table.num_columns:
        raise FrameError("an answer without columns, or with two of one name")
    return RawAnswer(shape=cast("Shape", shape), table=table)


def _read(body: bytes) -> pa.Table:
    _refuse_compression(body)
    with pa.ipc.open_stream(pa.BufferReader(body)) as reader:
        for field in reader.schema:
            _refuse_type(field, depth=0)
        return reader.read_all().replace_schema_metadata(None)


def _refuse_type(field: pa.Field, depth: int) -> None:
    kind = field.type
    if depth > _DEPTH_LIMIT:
        raise FrameError("an answer that is nested too deeply")
    if isinstance(kind, pa.BaseExtensionType) or (field.metadata and b"ARROW:extension:name" in field.metadata):
        raise FrameError("an answer of an extension type")
    if pa.types.is_struct(kind) or pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        for index in range(kind.num_fields):
            _refuse_type(kind.field(index), depth + 1)
    elif pa.types.is_nested(kind) or pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        raise FrameError(f"an answer of type {kind}")


def _refuse_compression(body: bytes) -> None:
    """A few compressed bytes could become gigabytes, so the messages are looked at before Arrow opens them."""
    for message in pa.ipc.MessageReader.open_stream(pa.BufferReader(body)):
        metadata = message.metadata.to_pybytes()
        root = struct.unpack_from("<I", metadata)[0]
        kind = metadata[_slot(metadata, root, _HEADER_TYPE)]
        if kind == _SCHEMA:
            continue
        if kind != _RECORD_BATCH:
            raise FrameError("an answer with something else than rows")
        at = _slot(metadata, root, _HEADER)
        batch = at + struct.unpack_from("<I", metadata, at)[0]
        if _slot(metadata, batch, _COMPRESSION):
            raise FrameError("a compressed answer")


def _slot(flatbuffer: bytes, table: int, slot: int) -> int:
    """Where a field of a flatbuffer table lies, 0 where it is absent (FlatBuffers internals, "Tables")."""
    vtable = table - struct.unpack_from("<i", flatbuffer, table)[0]
    if vtable < 0:
        raise FrameError("an answer that is no valid Arrow stream")
    size = struct.unpack_from("<H", flatbuffer, vtable)[0]
    entry = 4 + 2 * slot
    if entry + 2 > size:
        return 0
    offset = struct.unpack_from("<H", flatbuffer, vtable + entry)[0]
    return table + offset if offset else 0
