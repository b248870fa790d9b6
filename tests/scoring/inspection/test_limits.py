"""What is too large, too deep, broken or closed is not clean, and does not stop the gate."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import zipfile
import zlib

import pytest

from gate.scoring.inspection import budget
from tests.scoring.inspection.opcodes import text


def zipped(**entries: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


def only(found):
    """The one thing that was found."""
    assert len(found.findings) == 1, found
    return found.findings[0]


def test_a_zip_that_says_it_is_huge(look):
    """Nothing is unpacked: what it says of itself is enough."""
    small = zipped(a=b"\0" * 100)
    huge = (100 * 2**30).to_bytes(8, "little")
    content = bytearray(zipped_64(small, huge))
    assert "far too much" in only(look({"model.zip": bytes(content)})).what


def zipped_64(_small: bytes, size: bytes) -> bytes:
    """One entry whose sizes are in the extra field of ZIP64."""
    extra = b"\x01\x00\x08\x00" + size
    central = b"PK\x01\x02" + bytes(4) + bytes(2) + bytes(2) + bytes(4) + bytes(4) + bytes(4) + b"\xff" * 4
    central += (
        len(b"a").to_bytes(2, "little") + len(extra).to_bytes(2, "little") + bytes(2 + 2 + 2 + 4 + 4) + b"a" + extra
    )
    local = b"PK\x03\x04" + bytes(26)
    end = b"PK\x05\x06" + bytes(4) + b"\x01\x00\x01\x00" + len(central).to_bytes(4, "little")
    return local + central + end + len(local).to_bytes(4, "little") + bytes(2)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "zlib"])
def test_a_bomb_is_unpacked_no_further_than_the_budget(look, pack, monkeypatch):
    """A small file of a million times its size."""
    monkeypatch.setattr(budget.Budget.__init__, "__kwdefaults__", {"unpacked": 2**20, "entries": 10, "steps": 10**6})
    inner = b"\x80\x04\x8e" + (2**30).to_bytes(8, "little") + bytes(2**22)
    assert "unpacks to more than" in only(look({"model.bin": pack(inner)})).what


def test_a_pickle_of_endless_opcodes(look, monkeypatch):
    """It ends with the budget."""
    monkeypatch.setattr(budget.Budget.__init__, "__kwdefaults__", {"unpacked": 2**20, "entries": 10, "steps": 10**4})
    assert "opcodes" in only(look({"model.pkl": b"\x80\x04" + b"N0" * 20_000 + b"N."})).what


def test_containers_in_containers(look):
    """Nobody packs seven times."""
    content = pickle.dumps([1])
    for _ in range(7):
        content = gzip.compress(content)
    assert "more than 5 deep" in only(look({"model.bin": content})).what


BROKEN = {
    "a zip cut off": zipped(a=b"x" * 999)[:60],
    "gzip cut off": gzip.compress(pickle.dumps(list(range(9999))))[:50],
    "a pickle cut off": pickle.dumps({"a": list(range(9999))})[:5000],
    "random bytes": bytes(range(128, 256)) * 9,
    "a pickle of the future": b"\x80\x09" + b"N.",
    "lz4": b"\x04\x22\x4d\x18" + bytes(99),
    "zstd": b"\x28\xb5\x2f\xfd" + bytes(99),
    "npy without a header": b"\x93NUMPY\x01\x00\xff\xff",
    "npy of a spelled-out type": b"\x93NUMPY\x01\x00\x40\x00" + b"{'descr': '|\\x4f', 'shape': (1,)}".ljust(64),
    "a schema that is no JSON": zipped(**{"schema.json": b"{"}),
    "a schema of nothing but brackets": zipped(**{"schema.json": b"[" * 100_000}),
    "bytes after the end": pickle.dumps([1.0]) + b"\xfe\xff" * 9,
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_read_is_a_finding(look, name):
    """Never clean, never an exception."""
    found = look({"model.pkl": BROKEN[name]})
    assert found.findings
    assert found.artifact_class == "code"


def test_encrypted_entries(look):
    """Nobody knows what is in them."""
    content = bytearray(zipped(a=b"x"))
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(magic) + place] |= 1
    assert "encrypted" in only(look({"model.zip": bytes(content)})).what


ODD = {
    "changes a class": b"\x80\x04" + text("sklearn.base") + text("BaseEstimator") + b"\x93}" + text("x") + b"Nsb.",
    "computes a name": b"\x80\x04" + text("numpy") + b"\x8c\x05dtype\x85\x93.",
    "calls a list": b"\x80\x04])R.",
    "asks by persistent ids": b"\x80\x04" + text("x") + b"Q.",
    "appends to an array": b"\x80\x04" + text("numpy") + text("ndarray") + b"\x93)RNa.",
    "a number of copyreg's table": b"\x80\x04\x82\x07.",
    "another codec": b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00xX\x0a\x00\x00\x00zlib_codec\x86R.",
    "calls what is only named": b"\x80\x04" + text("numpy") + text("mean") + b"\x93]\x85R.",
    "reads any attribute": b"\x80\x04" + text("builtins") + text("getattr") + b"\x93"
    + text("sklearn.base") + text("BaseEstimator") + b"\x93" + text("__subclasses__") + b"\x86R.",
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_what_no_honest_pickle_does_is_a_finding(look, name):
    """Though every name in it is allowed."""
    assert look({"model.pkl": ODD[name]}).findings


@pytest.mark.parametrize("loader", ["MethodNode", "ReduceNode", "SomethingNew"])
def test_skops_nodes_that_reach_further(look, loader):
    """Only the kinds of nodes that the gate knows."""
    node = {"__class__": "Ridge", "__module__": "sklearn.linear_model._ridge", "__loader__": loader, "content": {}}
    assert loader in only(look({"model.skops": zipped(**{"schema.json": json.dumps(node).encode()})})).what


def test_a_generator_that_is_none(look):
    """Skops calls what numpy.random has under the name that the state tells."""
    name = {"content": json.dumps("set_state")}
    node = {
        "__class__": "Generator", "__module__": "numpy.random._generator", "__loader__": "RandomGeneratorNode",
        "content": {"bit_generator": {"content": {"bit_generator": name}}},
    }  # fmt: skip
    found = look({"model.skops": zipped(**{"schema.json": json.dumps(node).encode()})})
    assert only(found).symbol == "numpy.random.set_state"


def test_names_are_fit_to_be_shown(look):
    """One printable line, cut."""
    found = look({"model.pkl": "cos\x1b[31m\u202e\n".encode() + b"s" * 5000 + b"\n."})
    for finding in found.findings:
        assert str(finding).isprintable()
        assert len(finding.symbol) <= 201
