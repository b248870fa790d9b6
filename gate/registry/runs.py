"""What the run behind a version holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from gate.domain import LoggedDataset, RunFacts
from gate.errors import RegistryError, UsageError
from gate.registry.connection import Registry
from gate.registry.faults import AbsentError

CONTEXT_TAG = "mlflow.data.context"
_SOURCE_SUFFIXES = (".py", ".ipynb", ".r", ".R", ".sql", ".sh", ".csv", ".parquet", ".feather", ".arrow", ".jsonl")
_FOLDERS_LISTED = 12
_FILES_KEPT = 200


def read_run(registry: Registry, run_id: str | None) -> RunFacts | None:
    """Read a run, deleted ones too; None where there is none."""
    run = find_run(registry, run_id)
    if run is None:
        return None
    return RunFacts(
        run_id=str(run.info.run_id),
        name=str(run.info.run_name or ""),
        deleted=is_deleted(run),
        params={str(key): str(value) for key, value in run.data.params.items()},
        metrics={str(key): float(value) for key, value in run.data.metrics.items()},
        tags={str(key): str(value) for key, value in run.data.tags.items()},
        datasets=tuple(_datasets(run)),
        source_files=_source_files(registry, str(run.info.run_id)),
    )


def find_run(registry: Registry, run_id: str | None) -> Any:  # noqa: ANN401 - MLflow has no types
    """Give MLflow's own run, None where there is none."""
    if not run_id:
        return None
    try:
        return registry.ask(f"read the run {run_id!r}", registry.client.get_run, run_id)
    except AbsentError:
        return None
    except RegistryError as error:
        if "invalid run id" in str(error).lower():
            return None
        raise


def is_deleted(run: Any) -> bool:  # noqa: ANN401 - MLflow has no types
    """Whether somebody deleted the run: it can still be read, not be written."""
    return str(run.info.lifecycle_stage) == "deleted"


def _datasets(run: Any) -> Iterator[LoggedDataset]:  # noqa: ANN401 - MLflow has no types
    inputs = getattr(getattr(run, "inputs", None), "dataset_inputs", None) or ()
    for entry in inputs:
        dataset = entry.dataset
        context = next((str(tag.value) for tag in entry.tags or () if tag.key == CONTEXT_TAG), None)
        yield LoggedDataset(
            name=str(dataset.name),
            digest=str(dataset.digest),
            context=context,
            source_type=str(dataset.source_type),
            source=str(dataset.source),
            rows=_rows(dataset.profile),
            columns=_columns(dataset.schema),
        )


def parse_json(text: object) -> Any:  # noqa: ANN401 - any JSON
    """Read JSON that somebody else wrote; None where it is none."""
    try:
        return json.loads(text) if isinstance(text, str | bytes) else None
    except (ValueError, RecursionError):
        return None


def _rows(profile: object) -> int | None:
    found = parse_json(profile)
    rows = found.get("num_rows") if isinstance(found, dict) else None
    return rows if isinstance(rows, int) else None


def _columns(schema: object) -> tuple[str, ...] | None:
    found = parse_json(schema)
    specs = found.get("mlflow_colspec") if isinstance(found, dict) else None
    if not isinstance(specs, list):
        return None
    return tuple(str(spec["name"]) for spec in specs if isinstance(spec, dict) and "name" in spec)


def _source_files(registry: Registry, run_id: str) -> tuple[str, ...]:
    """List the run's artifacts that look like source code or data; nothing where the store cannot be listed."""
    found: list[str] = []
    folders: list[str | None] = [None]
    try:
        for _ in range(_FOLDERS_LISTED):
            if not folders:
                break
            for info in registry.ask("list artifacts", registry.client.list_artifacts, run_id, folders.pop(0)):
                if info.is_dir:
                    folders.append(str(info.path))
                elif str(info.path).endswith(_SOURCE_SUFFIXES):
                    found.append(str(info.path))
    except (RegistryError, UsageError):
        return ()
    return tuple(sorted(found)[:_FILES_KEPT])
