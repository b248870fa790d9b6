"""Where evaluation data may lie: folders, MLflow's addresses, an S3 server, Delta tables."""

from __future__ import annotations

import os
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from gate.errors import DataError, GateError, RegistryError, UsageError
from gate.registry import logged_data, read_data, snapshot, with_repeats_said
from gate.registry.sources import exists, locate_data
from gate.registry.stores import within
from gate.registry.tables import read_table
from gate.scoring.python import own
from gate.scoring.sandbox import environment
from tests.conftest import quiet
from tests.registry.conftest import free_port

TABLE = pa.table({"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0]})
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def s3_server():
    """A real S3 server on this machine, with a bucket that holds a file, a folder and a Delta table."""
    with quiet():
        from deltalake import write_deltalake
        from moto.server import ThreadedMotoServer

        server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
        server.start()
    address = f"http://127.0.0.1:{server._port}"
    store = fs.S3FileSystem(
        access_key="test", secret_key="test", endpoint_override=address, region="us-east-1",
        allow_bucket_creation=True,
    )  # fmt: skip
    store.create_dir("bucket")
    pq.write_table(TABLE, "bucket/eval.parquet", filesystem=store)
    for part in (0, 1):
        pq.write_table(TABLE, f"bucket/parts/day={part}/part.parquet", filesystem=store)
    options = {**KEYS, "AWS_ENDPOINT_URL": address, "AWS_ALLOW_HTTP": "true"}
    write_deltalake("s3://bucket/table", TABLE, storage_options=options)
    yield address
    with quiet():
        server.stop()


@pytest.fixture
def s3(s3_server, monkeypatch):
    """The server, by the variables that a user sets."""
    for name, value in {**KEYS, "MLFLOW_S3_ENDPOINT_URL": s3_server}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    return s3_server


def read(address, tmp_path, registry=None, root=None):
    place = locate_data(registry, address, root or tmp_path, tmp_path / "brought")
    with place.naming():
        return place.named(read_data(place.path))


def test_a_file_in_an_object_store_is_the_same_data_as_a_local_one(s3, tmp_path):
    """Table and digest are those of the same bytes here; the source is the address."""
    pq.write_table(TABLE, tmp_path / "eval.parquet")
    data = read("s3://bucket/eval.parquet", tmp_path)
    assert data.table == TABLE
    assert data.digest == read("eval.parquet", tmp_path).digest
    assert data.source == "s3://bucket/eval.parquet"


def test_a_partitioned_folder_in_an_object_store(s3, tmp_path):
    """All files, with the columns that the folders' names hold."""
    data = read("s3://bucket/parts", tmp_path)
    assert data.table.column("day").to_pylist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("address", ["s3://bucket/table", "delta:s3://bucket/table"])
def test_a_delta_table_in_an_object_store(s3, tmp_path, address):
    """With or without its name."""
    data = read(address, tmp_path)
    assert data.table == TABLE
    assert data.source == "delta:s3://bucket/table"


@pytest.mark.parametrize("address", ["s3://bucket/none.parquet", "s3://bucket/none/", "delta:s3://bucket/none"])
def test_what_is_not_in_the_store_is_exit_2(s3, tmp_path, address):
    """By its address."""
    with pytest.raises(UsageError, match="bucket/none"):
        read(address, tmp_path)


@pytest.mark.parametrize("address", ["s3://bucket/eval.parquet", "delta:s3://bucket/table"])
def test_a_store_that_is_out_of_reach_is_exit_3(monkeypatch, tmp_path, address):
    """With what to check."""
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(DataError) as found:
        read(address, tmp_path)
    assert found.value.exit_code == 3
    assert "AWS_ENDPOINT_URL" in found.value.remedy


def test_a_store_that_says_nothing_is_not_waited_for():
    """Whatever its driver does: the gate goes on."""
    with pytest.raises(DataError, match="no answer within") as found:
        within(0.05, lambda: time.sleep(2), "s3://bucket/eval.parquet")
    assert found.value.exit_code == 3


def test_wrong_columns_are_named_by_the_address(s3, tmp_path):
    """Never by the private copy."""
    place = locate_data(None, "s3://bucket/eval.parquet", tmp_path, tmp_path / "brought")
    with pytest.raises(UsageError, match="s3://bucket/eval") as found, place.naming():
        read_data(place.path, "price")
    assert str(tmp_path) not in str(found.value)


@pytest.fixture
def delta_table(tmp_path):
    """A table of two writes, the second of which replaced the first."""
    from deltalake import write_deltalake

    write_deltalake(str(tmp_path / "table"), TABLE.slice(0, 1))
    write_deltalake(str(tmp_path / "table"), TABLE, mode="overwrite")
    return tmp_path / "table"


@pytest.mark.parametrize("address", ["table", "delta:table"])
def test_a_delta_table_is_what_it_holds_now(delta_table, tmp_path, address):
    """Files of former versions lie in the folder, too, and are no data."""
    assert read(address, tmp_path).table == TABLE


def test_a_delta_tables_digest_changes_with_its_content_alone(delta_table, tmp_path):
    """It tells the looks of one content from those of another."""
    from deltalake import write_deltalake

    first, again = (read("table", tmp_path).digest for _ in range(2))
    write_deltalake(str(delta_table), TABLE.slice(0, 1), mode="append")
    assert first == again != read("table", tmp_path).digest


def test_a_delta_table_that_a_run_logged(registry, teacher, delta_table, tmp_path):
    """As its own address would be read: what it holds now."""
    frame = TABLE.to_pandas()
    teacher.register(datasets=[(frame, delta_table, "evaluation")])
    snap = snapshot(registry, "wine", 1, tmp_path / "work")
    assert logged_data(registry, snap, None, tmp_path / "work").data.table == TABLE


def test_a_damaged_delta_table_is_exit_3(delta_table, tmp_path):
    """A data file of it is gone."""
    for file in delta_table.glob("*.parquet"):
        file.unlink()
    with pytest.raises(DataError, match="table cannot be read"):
        read("table", tmp_path)


def test_what_is_no_delta_table_is_exit_2(tmp_path):
    """A folder without a log."""
    (tmp_path / "plain").mkdir()
    with pytest.raises(UsageError, match="no Delta table"):
        read("delta:plain", tmp_path)


def test_partitioned_folders_keep_their_columns(tmp_path):
    """Whole numbers as such, texts, nulls, and a column that a file has itself."""
    for folder in ("year=2026/region=eu", "year=2025/region=__HIVE_DEFAULT_PARTITION__/x=9"):
        (tmp_path / "data" / folder).mkdir(parents=True)
        pq.write_table(TABLE.slice(0, 1), tmp_path / "data" / folder / "part.parquet")
    table, _ = read_table(tmp_path / "data")
    assert table.to_pylist() == [
        {"x": 1.0, "y": 2.0, "year": 2025, "region": None},
        {"x": 1.0, "y": 2.0, "year": 2026, "region": "eu"},
    ]


def test_mlflows_own_addresses(registry, teacher, tmp_path):
    """What a run, a version, or a logged model holds."""
    teacher.register(example=True)
    version = registry.client.get_model_version("wine", "1")
    pq.write_table(TABLE, tmp_path / "eval.parquet")
    registry.client.log_artifact(version.run_id, str(tmp_path / "eval.parquet"), "data")
    data = read(f"runs:/{version.run_id}/data/eval.parquet", tmp_path, registry)
    assert data.source == f"runs:/{version.run_id}/data/eval.parquet"
    assert data.table == TABLE
    for root in ("models:/wine/1", "models:/wine/latest", version.source):
        assert read(f"{root}/input_example.json", tmp_path, registry).table.to_pydict() == {"x": [0.0, 1.0, 2.0]}


def test_addresses_of_an_artifact_server(server, tmp_path):
    """A file and a folder, by the run and by the store behind it; what is not there is exit 2."""
    client = server.client
    run = client.create_run(client.create_experiment(f"data {tmp_path.name}"))
    (tmp_path / "logged").mkdir()
    pq.write_table(TABLE, tmp_path / "logged" / "eval.parquet")
    client.log_artifacts(run.info.run_id, str(tmp_path / "logged"), "data")
    root = run.info.artifact_uri
    assert root.startswith("mlflow-artifacts:")
    for address in (f"{root}/data/eval.parquet", f"{root}/data", f"runs:/{run.info.run_id}/data"):
        assert read(address, tmp_path, server).table == TABLE
    with pytest.raises(UsageError, match="none"):
        read(f"{root}/none.parquet", tmp_path, server)


@pytest.mark.parametrize(
    "address", ["runs:/0123456789abcdef0123456789abcdef/data.csv", "runs:/0123", "models:/none/1/data.csv"]
)
def test_what_mlflow_does_not_have_is_exit_2(registry, tmp_path, address):
    """A run, a path, a model."""
    with pytest.raises(UsageError):
        read(address, tmp_path, registry)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://example.com/eval.csv", "'https' address"),
        ("s3://key:secret@bucket/eval.csv", "secret in it"),
        ("delta:s3://key:secret@bucket/table", "secret in it"),
        ("file://elsewhere/eval.csv", "another machine"),
    ],
)
def test_addresses_that_gate_does_not_read(tmp_path, address, said):
    """With what it reads; a secret is not repeated."""
    with pytest.raises(UsageError, match=said) as found:
        read(address, tmp_path)
    assert ":secret" not in str(found.value)


def test_a_file_address_is_a_local_file(tmp_path):
    """And is looked for before the gate starts."""
    pq.write_table(TABLE, tmp_path / "eval.parquet")
    address = (tmp_path / "eval.parquet").as_uri()
    assert read(address, tmp_path).table == TABLE
    assert [exists(each, tmp_path) for each in (address, "eval.parquet", "none", "s3://b/k")] == [
        True, True, False, None,
    ]  # fmt: skip


@pytest.mark.parametrize(("ids", "repeats"), [(["a", "a", "a"], 2), ([1, 2, 3], 0), ([None, None, 3], 1)])
def test_repeated_ids_are_said(tmp_path, ids, repeats):
    """They name no row alone; nothing else is the matter with them."""
    pq.write_table(TABLE.append_column("row", pa.array(ids)), tmp_path / "eval.parquet")
    source = with_repeats_said(read_data(tmp_path / "eval.parquet", id="row")).source
    assert (f"{repeats} rows repeat another's" in source) is bool(repeats)


def test_hadoop_without_its_client_is_exit_3(tmp_path):
    """With what to install."""
    with pytest.raises(GateError) as found:
        read("hdfs://127.0.0.1:1/eval.parquet", tmp_path)
    assert found.value.exit_code == 3
    assert not isinstance(found.value, RegistryError)


def test_credentials_stay_with_the_gate(monkeypatch, tmp_path):
    """The process that holds the untrusted model has none of them."""
    secrets = (*KEYS, "AWS_SESSION_TOKEN", "AWS_PROFILE", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_STORAGE_ACCOUNT_KEY",
               "AZURE_CLIENT_SECRET", "MLFLOW_TRACKING_TOKEN", "HADOOP_CONF_DIR", "DATABRICKS_TOKEN")  # fmt: skip
    for name in secrets:
        monkeypatch.setenv(name, "secret")
    assert not set(secrets) & set(environment(tmp_path, own()))
    assert environment(tmp_path, own())["HOME"] != os.environ.get("HOME")
