"""What of this machine a worker may read: what can be imported, never a project's secrets or data."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gate.scoring import surroundings


@pytest.fixture
def read(monkeypatch, tmp_path):
    """What is readable where PYTHONPATH leads to a project."""

    def look(*made: str) -> set[str]:
        for name in made:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        surroundings.readable.cache_clear()
        found = {str(path.relative_to(tmp_path)) for path in surroundings.readable() if path.is_relative_to(tmp_path)}
        surroundings.readable.cache_clear()
        return found

    return look


def test_of_a_project_what_can_be_imported_is_given(read):
    """Modules, packages, packages without an __init__, metadata; not the secrets, the history, the data."""
    found = read(
        "module.py", "package/__init__.py", "space/inner/module.py", "thing-1.0.dist-info/METADATA", "native.so",
        ".env", ".git/config", ".gate/house/v1/report.json", "data/eval.parquet", "mlflow.db", "mlruns/0/meta.yaml",
        ".venv/lib/x.py", "notes.md", "keys.pem",
    )  # fmt: skip
    assert found == {"module.py", "package", "space", "thing-1.0.dist-info", "native.so"}


def test_a_folder_of_hundreds_of_modules_is_an_environment(read):
    """Then it is given as a whole."""
    assert read(*(f"module_{number}.py" for number in range(201))) == {"."}


def test_the_interpreter_and_its_libraries_are_there():
    """Where it lies, and where its links lead."""
    found = surroundings.readable()

    def given(path: Path) -> bool:
        return any(path == one or path.is_relative_to(one) for one in found)

    assert given(Path(sys.executable))
    assert given(Path(sys.executable).resolve())
    assert given(Path(pytest.__file__))
    assert given(Path(surroundings.__file__))


def test_nobodys_home_and_no_root_is_given():
    """Neither as a whole, nor the keys in it."""
    found = surroundings.readable()
    assert not {Path("/"), Path.home(), Path("/etc"), Path("/var"), Path("/usr"), Path("/tmp")} & set(found)
    assert not any((Path.home() / ".ssh").is_relative_to(path) for path in found)
