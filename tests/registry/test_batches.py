"""Evaluation data that do not fit in memory."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gate.domain import LoggedDataset, RunFacts
from gate.errors import DataError, UsageError
from gate.registry import batches, evaluation_data
from gate.registry.batches import read_large
from gate.registry.columns import Columns
from gate.registry.tables import read_table

ROWS = 5_000
RUN = RunFacts(run_id="1", name="r", deleted=False, params={}, metrics={}, tags={}, datasets=())


@pytest.fixture
def table():
    draw = np.random.default_rng(0)
    return pa.table({
        "n": np.arange(ROWS), "x": draw.normal(size=ROWS), "c": draw.choice(["a", "b"], ROWS),
        "y": draw.normal(size=ROWS),
    })  # fmt: skip


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Let 1,000 rows be the most that fit, and 200 the sample."""
    monkeypatch.setattr(batches, "IN_MEMORY_ROWS", 1_000)
    monkeypatch.setattr(batches, "SAMPLE_ROWS", 200)
    monkeypatch.setattr(batches, "READ_ROWS", 512)


@pytest.fixture
def folder(tmp_path, table):
    """Two files of several row groups."""
    pq.write_table(table.slice(0, 3_000), tmp_path / "a.parquet", row_group_size=700)
    pq.write_table(table.slice(3_000), tmp_path / "b.parquet", row_group_size=700)
    return tmp_path


def test_data_that_fit_are_left_to_be_read_as_a_whole(tmp_path, table):
    """And so are files of another kind, and what does not exist."""
    pq.write_table(table.slice(0, 1_000), tmp_path / "small.parquet")
    (tmp_path / "data.csv").write_text("n\n" * 3_000)
    found = [read_large(tmp_path / name, Columns()) for name in ("small.parquet", "data.csv", "none")]
    assert found == [None, None, None]


def test_the_stream_gives_every_row_once_with_its_number(folder, table):
    """In batches of the size that is asked for, over all files."""
    found = list(read_large(folder, Columns(target="y")).stream.batches(333))
    assert max(part.num_rows for part, _ in found) <= 333
    assert pa.concat_tables([part for part, _ in found]).combine_chunks().equals(table.combine_chunks())
    assert np.concatenate([numbers for _, numbers in found]).tolist() == list(range(ROWS))


def test_the_sample_does_not_depend_on_the_files(folder, table, tmp_path):
    """One shuffled file gives the same sample in the same order."""
    other = tmp_path / "other.parquet"
    pq.write_table(table.take(pa.array(np.random.default_rng(1).permutation(ROWS))), other, row_group_size=100)
    samples = [read_large(path, Columns()).table for path in (_only(folder, "ab"), other)]
    assert samples[0].equals(samples[1])
    assert samples[0].num_rows == 200


def _only(folder, names):
    """A folder with the two files alone."""
    target = folder / "both"
    target.mkdir()
    for name in names:
        (folder / f"{name}.parquet").rename(target / f"{name}.parquet")
    return target


def test_the_sample_says_where_its_rows_stand(folder, table):
    """Its positions are the rows' numbers in the set."""
    sample = read_large(folder, Columns())
    assert sample.positions.tolist() == sample.table.column("n").to_pylist()
    assert (sample.coverage.rows_judged, sample.coverage.rows_sampled) == (ROWS, 200)


def test_the_digest_is_that_of_the_whole_data(folder):
    """The same bytes have one digest, however they are read."""
    assert read_large(folder, Columns()).digest == read_table(folder)[1]


def test_a_cap_that_fits_needs_no_stream(folder):
    """The drawn rows are read in the files' order."""
    drawn = read_large(folder, Columns(max_rows=900))
    numbers = drawn.table.column("n").to_pylist()
    assert (drawn.stream, len(numbers), numbers == sorted(numbers)) == (None, 900, True)
    assert (drawn.coverage.rows_total, drawn.coverage.rows_judged, drawn.coverage.rows_sampled) == (ROWS, 900, 900)


def test_a_cap_that_does_not_fit_cuts_the_stream(folder):
    """No more rows than the cap, nearly as many, and the sample is of these."""
    drawn = read_large(folder, Columns(max_rows=3_000))
    streamed = np.concatenate([numbers for _, numbers in drawn.stream.batches(1_000)])
    assert 2_500 < len(streamed) <= 3_000
    assert drawn.coverage.rows_judged == len(streamed)
    assert set(drawn.positions.tolist()) <= set(streamed.tolist())


def test_a_run_s_logged_data_are_streamed_too(folder):
    """What a run logged is a file like any other; a column that is not in it is the settings' mistake."""
    dataset = LoggedDataset(
        name="d", digest="1", context="evaluation", source_type="local", source=json.dumps({"uri": str(folder)}),
        rows=None, columns=None,
    )  # fmt: skip
    source = evaluation_data._Source(dataset=dataset, run=RUN, title="evaluation data of run 1")
    found = evaluation_data._read_source(None, source, folder, Columns(target="y"))
    assert (found.source, found.coverage.rows_total, found.stream is None) == (source.title, ROWS, False)
    with pytest.raises(UsageError, match="'z' is not in the evaluation data"):
        evaluation_data._read_source(None, source, folder, Columns(target="z"))


def test_a_column_that_one_file_lacks_is_null_there(tmp_path, table):
    """Files need not have the same columns and widths of numbers."""
    pq.write_table(table, tmp_path / "a.parquet")
    pq.write_table(table.drop_columns(["c"]).set_column(0, "n", pa.array(range(ROWS), pa.int32())), tmp_path / "b.pq")
    rows = pa.concat_tables([part for part, _ in read_large(tmp_path, Columns()).stream.batches(4_096)])
    assert rows.column("c").null_count == ROWS
    assert rows.schema.field("n").type == pa.int64()


def test_a_column_that_does_not_exist_is_named(folder):
    """With those that exist."""
    with pytest.raises(UsageError, match="'z' is not in the evaluation data"):
        read_large(folder, Columns(target="z"))


def test_a_broken_file_is_told(folder):
    """In one sentence, with the file."""
    (folder / "c.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(DataError, match=r"c\.parquet cannot be read"):
        read_large(folder, Columns())
