"""Which lines an environment is built from, and which refuse it."""

from __future__ import annotations

import json

import pytest

from gate.scoring.environments.wanted import RefusedLineError, wanted
from tests.scoring.inspection.test_requirements import HONEST, HOSTILE

PYTHON_ENV = "python: 3.11.7\nbuild_dependencies:\n- pip==26.1\ndependencies:\n- -r requirements.txt\n"


@pytest.fixture
def artifact(tmp_path):
    """Write a version's own files; give its folder."""

    def write(**files: str):
        for name, text in files.items():
            (tmp_path / {"env": "python_env.yaml", "mlmodel": "MLmodel"}.get(name, f"{name}.txt")).write_text(text)
        return tmp_path

    return write


@pytest.mark.parametrize("line", HOSTILE)
def test_a_line_that_does_more_than_name_a_package_refuses_all(artifact, line):
    """With the file, the line's number and what it does."""
    with pytest.raises(RefusedLineError, match=r"requirements\.txt, line 2: ") as refused:
        wanted(artifact(requirements=f"mlflow\n{line}\nnumpy\n"))
    assert HOSTILE[line] in str(refused.value)


@pytest.mark.parametrize("line", HOSTILE)
def test_nor_does_python_env_yaml_hide_it(artifact, line):
    """As one of its own entries, of both kinds."""
    for key in ("dependencies", "build_dependencies"):
        env = json.dumps({"python": "3.11.7", "dependencies": ["-r requirements.txt"], key: ["mlflow", line]})
        with pytest.raises(RefusedLineError, match=r"python_env\.yaml, line 1: "):
            wanted(artifact(requirements="mlflow\n", env=env))


@pytest.mark.parametrize(
    "entry",
    ["mlflow\n--index-url https://evil.example", 'x; python_version > "3\n--index-url https://evil.example\n"'],
)
def test_no_line_is_broken_by_what_yaml_quotes(artifact, entry):
    """Not even inside a marker's own quotes, where the grammar of requirements would take it."""
    env = json.dumps({"dependencies": [entry]})
    with pytest.raises(RefusedLineError):
        wanted(artifact(env=env))


def test_lines_that_name_packages_are_taken(artifact):
    """All honest forms; options that change nothing are left out."""
    honest = [line for line in HONEST if not line.startswith("-")]
    found = wanted(artifact(requirements="\n".join([*honest, "--prefer-binary", "--only-binary :all:"])))
    assert len(found.lines) == len([line for line in honest if line])
    assert "x==1 --hash=sha256:aa11 --hash=sha256:bb22" in {line.text for line in found.lines}


def test_files_that_refer_to_files_of_the_artifact(artifact):
    """As MLflow writes them: python_env.yaml, requirements.txt, constraints.txt."""
    folder = artifact(requirements="-c constraints.txt\nmlflow\n", constraints="numpy<3\n", env=PYTHON_ENV)
    found = [(line.text, line.constraint) for line in wanted(folder).lines]
    assert found == [("pip==26.1", False), ("numpy<3", True), ("mlflow", False)]


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"requirements": "-c constraints.txt\n", "constraints": "-e .\n"}, "constraints.txt, line 1"),
        ({"requirements": "-r requirements.txt\n"}, "refer to one another"),
        ({"requirements": "-r gone.txt\n"}, "does not have"),
        ({"requirements": "numpy\n" * 200_000}, "larger than"),
        ({"requirements": "numpy\n" * 6000}, "at most 5000"),
        ({"env": "dependencies: [[numpy]]\n"}, "no requirement"),
        ({"env": "dependencies: [{pip: [numpy]}]\n"}, "no requirement"),
        ({"env": "[" * 5000}, "no requirement"),
    ],
)
def test_what_else_refuses_all(artifact, files, why):
    """Loops, files that are not there, too much of it, other shapes."""
    with pytest.raises(RefusedLineError, match=why):
        wanted(artifact(**files))


def test_a_link_out_of_the_artifact_is_not_followed(artifact, tmp_path):
    """Whatever the rules for trees missed."""
    folder = artifact(requirements="-r more.txt\n")
    (folder / "more.txt").symlink_to("/etc/passwd")
    with pytest.raises(RefusedLineError, match="does not have"):
        wanted(folder)


@pytest.mark.parametrize(
    ("mlmodel", "python", "mlflow"),
    [
        ("mlflow_version: 2.19.0\nflavors:\n  python_function:\n    python_version: 3.10.4\n", "3.10.4", "2.19.0"),
        ("mlflow_version: 3.18.0.dev0\n", None, None),
        ("mlflow_version: ../../x\npython_version: 3.11.7; rm\n", "3.11.7", None),
        ("mlflow_version: '1 --index-url x'\n", None, "1"),
        ("{", None, None),
    ],
)
def test_what_made_the_model(artifact, mlmodel, python, mlflow):
    """Versions, or nothing."""
    found = wanted(artifact(mlmodel=mlmodel))
    assert (found.python, found.mlflow) == (python, mlflow)
