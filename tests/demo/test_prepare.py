"""The demo keeps to its own folder, whatever surrounds it, and says what is wrong."""

from __future__ import annotations

import stat
import subprocess
import sys

import git
import pytest

from gate.demo import prepare
from gate.demo.repository import commit
from gate.demo.scripts import run_script
from gate.errors import GateError, UsageError


def silent(_line):
    pass


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    """The demo overwrites nothing."""
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UsageError, match=r"is not empty, and the demo overwrites nothing\. Name an empty folder"):
        prepare("elasticnet", tmp_path, silent)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    """A path that is no folder is a usage error, not a crash."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be used"):
        prepare("elasticnet", tmp_path / "file", silent)


def test_an_unknown_example_is_answered_with_the_known_ones(tmp_path):
    """The message names every example."""
    with pytest.raises(UsageError, match=r"no example 'ridge'\. Choose one of: elasticnet, pipeline, xgboost"):
        prepare("ridge", tmp_path, silent)


def test_without_xgboost_the_message_has_the_command_that_installs_it(tmp_path, monkeypatch):
    """A missing extra is named with its pip line, before anything is written."""
    monkeypatch.setitem(sys.modules, "xgboost", None)
    with pytest.raises(UsageError, match=r"pip install 'model-release-gate\[xgboost\]'"):
        prepare("xgboost", tmp_path, silent)
    assert list(tmp_path.iterdir()) == []


def test_without_git_the_message_says_so(tmp_path, monkeypatch):
    """A machine without git gets a sentence."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git is not installed"):
        prepare("elasticnet", tmp_path, silent)


def test_a_failing_script_is_told_with_its_last_line_and_its_log(tmp_path):
    """The reason reaches the user, the rest is kept."""
    (tmp_path / "train.py").write_text("print('reading')\nraise ValueError('no rows left')\n")
    with pytest.raises(
        GateError, match=r"train\.py failed: ValueError: no rows left\. All that it printed is in .*demo\.log"
    ):
        run_script(tmp_path, "train.py")
    assert (tmp_path / ".gate" / "demo.log").read_text().startswith("reading\n")


def test_settings_of_a_real_server_do_not_reach_the_training(tmp_path, monkeypatch):
    """Whoever has MLFLOW_TRACKING_URI and a token set does not get the demo's model on that server."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example.invalid")
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "https://mlflow.example.invalid")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    script = "import os\nprint(sorted((k, v) for k, v in os.environ.items() if k.startswith(('MLFLOW_', 'GIT_'))))\n"
    (tmp_path / "show.py").write_text(script)
    run_script(tmp_path, "show.py")
    assert (tmp_path / ".gate" / "demo.log").read_text() == (
        "[('MLFLOW_DISABLE_TELEMETRY', 'true'), ('MLFLOW_TRACKING_URI', 'sqlite:///mlflow.db')]\n"
    )


def test_commits_need_no_configuration_and_run_no_hooks(tmp_path, monkeypatch):
    """Hooks from a template, signing, a missing name and a foreign GIT_DIR: the commit is made all the same."""
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    for name in ("pre-commit", "commit-msg", "post-commit"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n")
        (hooks / name).chmod((hooks / name).stat().st_mode | stat.S_IXUSR)
    settings = tmp_path / "gitconfig"
    settings.write_text(
        f"[init]\ntemplateDir = {tmp_path}/template\n[core]\nhooksPath = {hooks}\n[commit]\ngpgSign = true\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text("1\n")
    commit(folder, ["train.py"], "First")
    (folder / "train.py").write_text("2\n")
    commit(folder, ["train.py"], "Second")
    monkeypatch.delenv("GIT_DIR")
    with git.Repo(folder) as repository:
        assert [entry.message for entry in repository.iter_commits()] == ["Second", "First"]
        assert repository.head.commit.author.name == "gate demo"
    assert not (tmp_path / "ran").exists()


def test_importing_the_demo_is_cheap():
    """`gate demo --help` needs neither git nor MLflow."""
    code = "import sys, gate.demo; print([m for m in ('mlflow', 'git', 'pandas', 'sklearn') if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
