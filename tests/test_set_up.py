"""`make` on a machine with little on it: a sentence instead of a traceback, and nothing done twice."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = ("sh", "dirname", "cat", "rm", "mkdir", "head", "grep", "id", "cp")


@pytest.fixture
def checkout(tmp_path):
    """What the set-up needs of a checkout, and a PATH with only the plainest tools."""
    folder = tmp_path / "check out"
    (folder / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "set-up", folder / ".ci")
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in TOOLS:
        (tools / tool).symlink_to(shutil.which(tool))
    return folder


def set_up(checkout, **environment):
    return subprocess.run(
        [checkout / ".ci" / "set-up"],
        env={"PATH": str(checkout.parent / "bin"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_without_python_the_message_says_what_to_install(checkout):
    """No Python at all: exit 1, what is needed, and how to get it."""
    done = set_up(checkout)
    assert done.returncode == 1
    assert done.stderr.startswith("set-up: no Python from 3.11 to 3.14 was found.\n")
    assert "apt-get install python3 python3-venv" in done.stderr
    assert not (checkout / ".venv").exists()


def test_a_python_that_does_not_fit_is_not_used(checkout):
    """An old python3 is passed over, and named in the message where it was asked for."""
    old = script(checkout.parent / "old" / "python3", "exit 1")
    done = set_up(checkout, PYTHON=str(old))
    assert done.returncode == 1
    assert f"was found (PYTHON={old})" in done.stderr


def test_a_python_without_venv_is_told_with_the_package_that_brings_it(checkout):
    """Debian's Python without its venv package: the message names the package of this very version."""
    answers = 'case "$2" in *ensurepip*) exit 1;; *print*) echo 3.12;; esac'
    lame = script(checkout.parent / "lame" / "python3", answers)
    done = set_up(checkout, PYTHON=str(lame))
    assert done.returncode == 1
    assert "its modules venv and ensurepip are missing" in done.stderr
    assert "python3.12-venv" in done.stderr


def made_by(checkout, *, pip_exit: int) -> Path:
    """A real Python whose environments have a pip that installs nothing: it notes its calls and ends as told."""
    pip = checkout.parent / "pip"
    pip.mkdir(exist_ok=True)
    (pip / "__main__.py").write_text(
        f"open({str(checkout.parent / 'calls')!r}, 'a').write('called\\n')\nraise SystemExit({pip_exit})\n"
    )
    site = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    return script(
        checkout.parent / "good" / "python3",
        f"""
        [ "$2" = venv ] || exec {sys.executable} "$@"
        {sys.executable} -m venv --without-pip "$3"
        cp -r {pip} "$3/{site}/pip"
        printf '#!%s/bin/python\\n' "$(cd "$3" && pwd -P)" >"$3/bin/pip"
        """,
    )


def calls(checkout) -> int:
    path = checkout.parent / "calls"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_a_second_run_does_nothing(checkout):
    """The environment is made once; it is installed anew when the pins change."""
    python = str(made_by(checkout, pip_exit=0))
    assert set_up(checkout, PYTHON=python).returncode == 0
    assert calls(checkout) == 2
    assert set_up(checkout, PYTHON=python).stderr == ""
    assert calls(checkout) == 2
    with (checkout / "constraints.txt").open("a") as pins:
        pins.write("# moved\n")
    assert set_up(checkout, PYTHON=python).returncode == 0
    assert calls(checkout) == 4


def test_an_interrupted_run_is_done_again_from_the_start(checkout):
    """Half an environment is thrown away, whatever is in it."""
    assert set_up(checkout, PYTHON=str(made_by(checkout, pip_exit=1))).returncode == 1
    (checkout / ".venv" / "half").touch()
    assert set_up(checkout, PYTHON=str(made_by(checkout, pip_exit=0))).returncode == 0
    assert not (checkout / ".venv" / "half").exists()


def test_an_environment_that_was_moved_is_made_anew(checkout):
    """Its scripts name the old place."""
    python = str(made_by(checkout, pip_exit=0))
    assert set_up(checkout, PYTHON=python).returncode == 0
    (checkout / ".venv" / "old").touch()
    moved = checkout.with_name("moved")
    checkout.rename(moved)
    assert set_up(moved, PYTHON=python).returncode == 0
    assert not (moved / ".venv" / "old").exists()
