"""Find where a version keeps its preprocessing code, without loading anything of it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path, PurePosixPath

from gate.domain import Artifact, Snapshot
from gate.notes.cut import cut

_SCAN_CAP_BYTES = 64_000_000
_SCHEMA_CAP_BYTES = 4_000_000
_CHUNK_BYTES = 1_000_000
_PIPELINE = b"sklearn.pipeline"
_PICKLED = (".pkl", ".pickle", ".joblib")


def preprocessing_kept(candidate: Snapshot) -> str:
    """Say, as a sentence, what keeps the preprocessing; empty where nothing is known to.

    Looked at: the `code` folder (code_paths), scikit-learn's autolog tags, the class names in a skops file's schema
    and in an uncompressed pickle's text.
    """
    return _in_code(candidate.artifact) or _in_run(candidate) or _in_model_file(candidate.artifact)


def _in_code(artifact: Artifact | None) -> str:
    files = artifact.files if artifact else ()
    code = [file.path for file in files if PurePosixPath(file.path).parts[0] == "code" and file.path.endswith(".py")]
    if not code:
        return ""
    return f"The artifact carries Python code beside the model ({cut(code[0], 80)}{', …' if len(code) > 1 else ''})."


def _in_run(candidate: Snapshot) -> str:
    kind = candidate.run.tags.get("estimator_class", "") if candidate.run else ""
    if kind.startswith("sklearn.pipeline.") or kind.endswith("ColumnTransformer"):
        return f"The run names {cut(kind, 80)}: its steps are part of the model file."
    return ""


def _in_model_file(artifact: Artifact | None) -> str:
    for file in artifact.files if artifact else ():
        path = artifact.path / file.path if artifact else Path()
        if file.path.endswith(".skops") and _skops_names_pipeline(path):
            return f"{cut(file.path, 80)} says that it holds an sklearn Pipeline, with its steps."
        if file.path.endswith(_PICKLED) and _mentions_pipeline(path):
            return f"{cut(file.path, 80)} names sklearn.pipeline (read as bytes, not loaded)."
    return ""


def _skops_names_pipeline(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo("schema.json")
            if info.file_size > _SCHEMA_CAP_BYTES:
                return False
            with archive.open(info) as stream:
                schema = json.loads(stream.read(_SCHEMA_CAP_BYTES))
    except (OSError, KeyError, ValueError, RecursionError, NotImplementedError, RuntimeError, zipfile.BadZipFile):
        return False
    return isinstance(schema, dict) and str(schema.get("__module__", "")).startswith("sklearn.pipeline")


def _mentions_pipeline(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            read, tail = 0, b""
            while read < _SCAN_CAP_BYTES and (chunk := stream.read(_CHUNK_BYTES)):
                if _PIPELINE in tail + chunk:
                    return True
                read, tail = read + len(chunk), chunk[-len(_PIPELINE) :]
    except OSError:
        pass
    return False
