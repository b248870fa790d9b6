"""The rows that both versions answer: what the settings name, else what runs logged, else the input example."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from gate.domain import EvaluationData, JsonValue, LoggedDataset, RunFacts, Snapshot
from gate.errors import DataError, GateError, UsageError
from gate.registry import delta
from gate.registry.batches import large_rows, sampled
from gate.registry.columns import Columns, ensure_columns, infer_columns
from gate.registry.connection import Registry
from gate.registry.download import fetch_file, local_path
from gate.registry.example import example_path, read_example
from gate.registry.runs import find_run, parse_json
from gate.registry.tables import kind_of, read_table
from gate.registry.tree import ArtifactFaultError, sha256_of

_EVALUATION = {"eval", "evaluation", "evaluate", "test", "testing", "validation", "valid", "val", "holdout", "hold_out"}
_TRAINING = {"train", "training", "fit"}
_MAX_FILES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The data that were found, None where there are none; `problems` says why each other source was not taken."""

    data: EvaluationData | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """One dataset of one run, and how it is called in the report."""

    dataset: LoggedDataset
    run: RunFacts
    title: str


def read_data(
    path: Path,
    target: str | tuple[str, ...] | None = None,
    id: str | None = None,  # noqa: A002 - the setting's name
    slices: Sequence[JsonValue] = (),
) -> EvaluationData:
    """Read the evaluation data that the settings name.

    Raises:
        UsageError: there is nothing at the path, or a named column does not exist.
        DataError: the data cannot be read, or are empty.
    """
    table, digest = read_table(path)
    ensure_columns(table.column_names, Columns(target=target, id=id, slices=slices), str(path))
    return EvaluationData(table=table, source=str(path), digest=digest, target=target, id=id, slices=tuple(slices))


def logged_data(
    registry: Registry, candidate: Snapshot, baseline: Snapshot | None, into: Path, columns: Columns | None = None
) -> Found:
    """Find evaluation data where the settings name none.

    Asked in this order: the datasets that the candidate's run logged for evaluation, those of the baseline's run,
    what the candidate was trained on (optimistic, and said so), the candidate's input example. Local files and the
    runs' own artifacts are read; nothing is fetched from elsewhere.

    Raises:
        UsageError: data were found, and a column that the settings name is not in them.
        RegistryError: the registry or its artifact store is out of reach.
    """
    columns = columns or Columns()
    problems: list[str] = []
    problems += _without_context(candidate)
    for source in _sources(candidate, baseline):
        try:
            data = _read_source(registry, source, into, columns)
        except (ArtifactFaultError, DataError) as error:
            problems.append(f"{source.title}: {error}")
            continue
        return Found(data=infer_columns(data, candidate.signature), problems=tuple(problems))
    example = _example(candidate, columns, problems)
    return Found(data=example, problems=tuple(problems))


def _sources(candidate: Snapshot, baseline: Snapshot | None) -> Iterator[_Source]:
    for snapshot in (candidate, baseline):
        yield from _of(snapshot, _EVALUATION, "evaluation data of run {run}: dataset {name!r}")
    yield from _of(candidate, _TRAINING, "training data of run {run}: optimistic, the model has seen them: {name!r}")


def _of(snapshot: Snapshot | None, contexts: set[str], title: str) -> Iterator[_Source]:
    run = snapshot.run if snapshot else None
    for dataset in run.datasets if run else ():
        if run and (dataset.context or "").strip().lower().replace("-", "_") in contexts:
            yield _Source(dataset=dataset, run=run, title=title.format(run=run.run_id, name=dataset.name))


def _without_context(candidate: Snapshot) -> Iterator[str]:
    for dataset in candidate.run.datasets if candidate.run else ():
        if not dataset.context:
            yield f"dataset {dataset.name!r} was logged without a context: log it with context='evaluation'"


def _read_source(registry: Registry, source: _Source, into: Path, columns: Columns) -> EvaluationData:
    path = _localised(registry, source, into)
    try:
        table_digest = None
        if delta.is_table(path):
            path, table_digest = delta.fetch(str(path), into)
        rows = large_rows(path)
        table, digest = read_table(path) if rows is None else (rows.schema.empty_table(), "")
    except UsageError as error:
        raise DataError(error.text) from None
    if rows is not None:
        data = sampled(rows, columns, source.title)
        return replace(data, digest=table_digest) if table_digest else data
    ensure_columns(table.column_names, columns, source.title)
    return EvaluationData(
        table=table,
        source=source.title,
        digest=table_digest or digest,
        target=columns.target,
        id=columns.id,
        slices=tuple(columns.slices),
    )


def _localised(registry: Registry, source: _Source, into: Path) -> Path:
    """Give a local file or folder with the dataset's bytes."""
    address = _address(source.dataset)
    local = local_path(address)
    if local is not None:
        return _local(local)
    scheme = urlsplit(address).scheme
    run = find_run(registry, source.run.run_id)
    root = str(run.info.artifact_uri).rstrip("/") if run else ""
    own = f"runs:/{source.run.run_id}"
    for prefix in (root, own):
        if prefix and address.startswith(f"{prefix}/"):
            return fetch_file(registry, root, address.removeprefix(f"{prefix}/"), into)
    raise ArtifactFaultError(f"lies at a {scheme!r} address that gate does not fetch from: give it with --data")


def _address(dataset: LoggedDataset) -> str:
    found = parse_json(dataset.source)
    address = next((found[key] for key in ("uri", "path", "url") if found.get(key)), None) if found else None
    if not isinstance(found, dict) or not isinstance(address, str):
        raise ArtifactFaultError(f"its source is {dataset.source_type!r}, which names no file: log it with source=PATH")
    return address


def _local(path: Path) -> Path:
    if path.is_dir():
        return path
    if not path.is_file():
        raise ArtifactFaultError(f"the file {path} is not on this machine")
    if kind_of(path) is None:
        raise ArtifactFaultError(f"the file {path} is of no kind that gate reads")
    return path


def _example(candidate: Snapshot, columns: Columns, problems: list[str]) -> EvaluationData | None:
    """Use the input example: a few rows without labels, enough to see that the model answers."""
    try:
        table = read_example(candidate)
    except (ArtifactFaultError, GateError) as error:
        problems.append(f"input example of version {candidate.version}: {error}")
        return None
    path = example_path(candidate)
    if table is None or path is None:
        problems.append(f"version {candidate.version} was registered without an input example")
        return None
    targets = (columns.target,) if isinstance(columns.target, str) else columns.target or ()
    labelled = bool(targets) and set(targets) <= set(table.column_names)
    return EvaluationData(
        table=table,
        source=f"input example of version {candidate.version}",
        digest=f"sha256:{sha256_of(path)[1]}",
        target=columns.target if labelled else None,
        id=columns.id if columns.id in table.column_names else None,
    )
