"""What makes an environment the same one, and what a worker needs besides."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gate.scoring.environments import recipe, recipe_of
from gate.scoring.environments.interpreters import Interpreter

OWN = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def of(tmp_path):
    """Give the recipe of a version with these lines."""

    def read(lines: str, python: str = f"{OWN}.99", mlflow: str = "3.17.2"):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        (folder / "requirements.txt").write_text(lines)
        (folder / "MLmodel").write_text(f"mlflow_version: {mlflow}\npython_version: {python}\n")
        return recipe_of(folder)

    return read


@pytest.mark.parametrize(
    "lines", ["b>=1,<3\na.b==1\n", "# a note\na_b == 1\n\nB<3,>=1", "A-B==1 \\\n\nb <3, >=1\na.b==1\n"]
)
def test_what_means_alike_is_alike(of, lines):
    """Whatever the order, the spelling, the comments."""
    assert of(lines).digest == of("a-b==1\nb<3,>=1\n").digest


@pytest.mark.parametrize(
    ("lines", "more"),
    [("a==2\n", {}), ("a==1\nb\n", {}), ("a==1 --hash=sha256:aa\n", {}), ("a==1\n", {"mlflow": "3.16.0"})],
)
def test_what_means_another_thing_is_another(of, lines, more):
    """Each part counts."""
    assert of(lines, **more).digest != of("a==1\n").digest


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("", {"numpy", "pandas", "pyarrow", "mlflow-skinny==3.17.2"}),
        ("mlflow\nNumPy==2\n", {"mlflow", "mlflow==3.17.2", "numpy==2", "pandas", "pyarrow"}),
        ("mlflow==2.9.0\n", {"mlflow==2.9.0", "numpy", "pandas", "pyarrow"}),
        ("mlflow<3\n", {"mlflow<3", "numpy", "pandas", "pyarrow"}),
    ],
)
def test_what_a_worker_needs_is_added(of, lines, expected):
    """Where it is not named; MLflow as the release that saved the model, where the lines leave that open."""
    assert set(of(lines).lines) == expected


def test_another_python_where_there_is_one(of, monkeypatch):
    """Else the gate's own, which the report says."""
    there = Interpreter(path=Path("/x/python3.10"), version=(3, 10, 4), prefix=Path("/x"))
    monkeypatch.setattr(recipe, "interpreter_of", lambda minor: there if minor == (3, 10) else None)
    assert (of("a\n", python="3.10.1").interpreter, of("a\n", python="3.10.1").note) == (there, "")
    for python, why in (("3.99.1", "not on this machine"), ("3.7.2", "too old")):
        found = of("a\n", python=python)
        assert found.interpreter.version[:2] == sys.version_info[:2]
        assert why in found.note
        assert python in found.note
