"""Evaluation data from files of every kind, and columns that are not there."""

from __future__ import annotations

import gzip
import hashlib
import json

import pandas as pd
import pyarrow as pa
import pyarrow.feather as pf
import pytest

from gate.domain import EvaluationData, Field, Signature
from gate.errors import DataError, UsageError
from gate.registry import infer_columns, read_data

FRAME = pd.DataFrame({"x": [1.0, 2.5, 3.0], "s": ["a", "b", "c"], "target": [1, 2, 3]})
ROWS = FRAME.to_dict("records")


def _parquet(path):
    FRAME.to_parquet(path / "d.parquet")


def _csv(path):
    FRAME.to_csv(path / "d.csv", index=False)


def _csv_gz(path):
    (path / "d.csv.gz").write_bytes(gzip.compress(FRAME.to_csv(index=False).encode()))


def _tsv(path):
    FRAME.to_csv(path / "d.tsv", index=False, sep="\t")


def _feather(path):
    pf.write_feather(pa.Table.from_pandas(FRAME, preserve_index=False), str(path / "d.feather"))


def _stream(path):
    table = pa.Table.from_pandas(FRAME, preserve_index=False)
    with pa.OSFile(str(path / "d.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def _jsonl(path):
    (path / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))


def _jsonl_gz(path):
    (path / "d.jsonl.gz").write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in ROWS).encode()))


def _json(path):
    (path / "d.json").write_text(json.dumps(ROWS))


def _split(path):
    FRAME.to_json(path / "d.json", orient="split", index=False)


@pytest.mark.parametrize("write", [_parquet, _csv, _csv_gz, _tsv, _feather, _stream, _jsonl, _jsonl_gz, _json, _split])
def test_kinds(tmp_path, write):
    """Every kind of file gives the same three rows, and the digest of its bytes."""
    write(tmp_path)
    path = next(tmp_path.iterdir())
    data = read_data(path, "target", "s", ["s", {"x": 4}])
    assert data.table.select(["x", "s", "target"]).to_pylist() == ROWS
    assert data.digest == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    assert (data.rows, data.target, data.id, data.slices) == (3, "target", "s", ("s", {"x": 4}))


def test_folder(tmp_path):
    """A folder is its files in the order of their names; hidden ones and others are left out."""
    (tmp_path / "b.csv").write_text("x\n3\n")
    (tmp_path / "a.csv").write_text("x\n1\n2\n")
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / "README.md").write_text("read me")
    data = read_data(tmp_path)
    assert data.table.to_pydict() == {"x": [1, 2, 3]}
    (tmp_path / "b.csv").write_text("x\n4\n")
    assert read_data(tmp_path).digest != data.digest


def test_pandas_index_is_no_column(tmp_path):
    """An index without a name is no column; one with a name is."""
    FRAME.iloc[::2].to_parquet(tmp_path / "plain.parquet")
    FRAME.set_index("s").to_parquet(tmp_path / "named.parquet")
    assert set(read_data(tmp_path / "plain.parquet").table.column_names) == {"x", "s", "target"}
    assert "s" in read_data(tmp_path / "named.parquet").table.column_names


def test_type_that_shows_late(tmp_path, monkeypatch):
    """A column whose first rows look like integers and later ones do not is read all the same."""
    monkeypatch.setattr("gate.registry.tables._CSV_BLOCK", 64)
    (tmp_path / "d.csv").write_text("x\n" + "1\n" * 100 + "1.5\n")
    data = read_data(tmp_path / "d.csv")
    assert (data.rows, data.table["x"][100].as_py()) == (101, 1.5)


def test_missing_path(tmp_path):
    """A path where there is nothing is a usage error."""
    with pytest.raises(UsageError, match="do not exist"):
        read_data(tmp_path / "nothing.csv")


def test_unknown_kind(tmp_path):
    """A file of another kind is a usage error with the kinds that are read."""
    (tmp_path / "d.xlsx").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"\.parquet"):
        read_data(tmp_path / "d.xlsx")
    with pytest.raises(UsageError, match=r"\.parquet"):
        read_data(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("header.csv", b"x,y\n"),
        ("blank.jsonl", b"\n\n"),
        ("broken.parquet", b"PAR1 not really"),
        ("cut.parquet", None),
        ("broken.arrow", b"nothing of the kind"),
        ("broken.jsonl", b"{"),
        ("broken.csv.gz", b"no gzip"),
        ("ragged.csv", b"x,y\n1,2,3,4\n5\n"),
        ("twice.csv", b"x,x\n1,2\n"),
        ("list.json", b"[1, 2]"),
        ("binary.csv", bytes(range(256))),
    ],
)
def test_unreadable(tmp_path, name, content):
    """Data that cannot be read, or hold nothing, are a data error (exit 3) in one sentence."""
    if content is None:
        FRAME.to_parquet(tmp_path / name)
        content = (tmp_path / name).read_bytes()[:-20]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_data(tmp_path / name)
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)


def test_files_that_do_not_fit(tmp_path):
    """Files of a folder that do not fit together are said to be so."""
    (tmp_path / "a.csv").write_text("x\nabc\n")
    (tmp_path / "b.csv").write_text("x\n1\n")
    with pytest.raises(DataError, match="do not fit together"):
        read_data(tmp_path)


@pytest.mark.parametrize(
    ("columns", "role"),
    [
        ({"target": "targt"}, "target column 'targt'"),
        ({"id": "targt"}, "id column 'targt'"),
        ({"slices": ["targt"]}, "slice column 'targt'"),
        ({"slices": [{"targt": 4}]}, "slice column 'targt'"),
        ({"slices": [{"name": "a", "where": "targt > 3"}]}, "slice column 'targt'"),
    ],
)
def test_unknown_column(tmp_path, columns, role):
    """A configured column that does not exist is a usage error with the existing ones, the closest first."""
    _csv(tmp_path)
    with pytest.raises(UsageError, match=f"{role} is not in .* They have: 'target', 'x', 's'"):
        read_data(tmp_path / "d.csv", **columns)


def test_a_condition_that_cannot_be_read(tmp_path):
    """A slice's condition is never run as code: what is none is a usage error that names it."""
    _csv(tmp_path)
    with pytest.raises(UsageError, match="The slice 'old' has the condition"):
        read_data(tmp_path / "d.csv", slices=[{"name": "old", "where": "__import__('os').system('x')"}])


def data_of(*names: str) -> EvaluationData:
    return EvaluationData(
        table=pa.table({name: [1] for name in names}), source="d.csv", digest="", target=None, id=None
    )


def signature_of(*names: str | None) -> Signature:
    return Signature(inputs=tuple(Field(name=name, type="double") for name in names), outputs=None)


@pytest.mark.parametrize(
    ("columns", "inputs", "target", "row_id"),
    [
        (("x", "progression"), ("x",), "progression", None),
        (("x", "label", "note"), ("x",), "label", None),
        (("row_id", "x", "price"), ("x",), "price", "row_id"),
        (("x", "a", "b"), ("x",), None, None),
        (("x", "Target", "other"), ("x",), "Target", None),
        (("x", "", "price"), ("x",), "price", None),
        (("x",), ("x",), None, None),
        (("a", "b", "y"), (None,), "y", None),
        (("a", "b", "c"), (None,), None, None),
        (("id", "x", "y"), ("id", "x"), "y", None),
    ],
)
def test_inference(columns, inputs, target, row_id):
    """The label is what is left over with a usual name, or alone; what was inferred is said."""
    found = infer_columns(data_of(*columns), signature_of(*inputs))
    assert (found.target, found.id) == (target, row_id)
    assert ("inferred" in found.source) == (target is not None or row_id is not None)


def test_settings_beat_inference():
    """A configured label stays."""
    data = EvaluationData(
        table=pa.table({"x": [1], "target": [1], "price": [1]}), source="d", digest="", target="price", id=None
    )
    assert infer_columns(data, signature_of("x")).target == "price"
