"""The guard at which a worker's bytes come in."""

from __future__ import annotations

import contextlib
import uuid

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.scoring.protocol import HEADER_LIMIT, FrameError, FrameReader, pack, to_bytes
from gate.scoring.raw import received

GOOD = to_bytes(pa.table({"answer": ["a", "bc", "def"]})).to_pybytes()


def stream(table, compression=None):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (stream(pa.table({"a": [0.0] * 1000}), "zstd"), "compressed"),
        (stream(pa.table({"a": pa.array(["x", "y"]).dictionary_encode()})), "something else than rows|type dictionary"),
        (stream(pa.table({"a": pa.array([uuid.UUID(int=1)])})), "extension type"),
        (stream(pa.table({"a": pa.array([[(1, 2)]], pa.map_(pa.int8(), pa.int8()))})), "type map"),
        (stream(pa.table([[1], [2]], names=["a", "a"])), "two of one name"),
        (stream(pa.table({})), "without columns"),
        (b"", "no valid Arrow"),
        (b"\xff" * 100, "no valid Arrow"),
        (GOOD[:-40], "no valid Arrow"),
    ],
)
def test_what_is_refused(body, why):
    """Compression, exotic types and broken streams are protocol errors."""
    with pytest.raises(FrameError, match=why):
        received("values", body)


@pytest.mark.parametrize("shape", ["pickle", None, 3, ["values"]])
def test_an_unknown_shape_is_refused(shape):
    """Only the shapes of the protocol are taken."""
    with pytest.raises(FrameError, match="unknown shape"):
        received(shape, GOOD)


def test_offsets_that_lie_are_refused():
    """Text offsets that point outside their buffer do not pass `validate(full=True)`."""
    body = bytearray(GOOD)
    at = bytes(body).index((1).to_bytes(4, "little") + (3).to_bytes(4, "little") + (6).to_bytes(4, "little"))
    body[at : at + 4] = (1 << 30).to_bytes(4, "little")
    with pytest.raises(FrameError, match="no valid Arrow"):
        received("values", bytes(body))


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_a_changed_byte_never_breaks_the_gate(place, value):
    """Any one byte changed gives an answer or a FrameError, nothing else."""
    body = bytearray(GOOD)
    body[place] = value
    with contextlib.suppress(FrameError):
        received("values", bytes(body))


def test_frames_are_cut_wherever_the_pipe_cuts():
    """Two frames that come byte by byte are two frames."""
    reader, frames = FrameReader(body_limit=100), []
    for byte in b"".join((*pack({"seq": 1}), *pack({"seq": 2}, b"body"))):
        reader.feed(bytes([byte]))
        if frame := reader.take():
            frames.append(frame)
    assert frames == [({"seq": 1}, b""), ({"seq": 2}, b"body")]
    assert reader.empty


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ((HEADER_LIMIT + 1).to_bytes(4, "big") + bytes(8), "a header of 65537 bytes"),
        ((2).to_bytes(4, "big") + (101).to_bytes(8, "big"), "an answer of 101 bytes"),
        ((2).to_bytes(4, "big") + bytes(8) + b"{]", "no JSON"),
        ((2).to_bytes(4, "big") + bytes(8) + b"[]", "no JSON object"),
        ((40000).to_bytes(4, "big") + bytes(8) + b"[" * 40000, "no JSON"),
    ],
)
def test_bad_frames(data, why):
    """Lengths over the limits and headers that are no JSON object are refused."""
    reader = FrameReader(body_limit=100)
    reader.feed(data)
    with pytest.raises(FrameError, match=why):
        reader.take()


def test_a_header_over_the_limit_is_not_sent():
    """The sender holds the same limit."""
    with pytest.raises(FrameError, match="a header of"):
        pack({"text": "x" * HEADER_LIMIT})
