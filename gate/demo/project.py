"""Make the demo's project: a git repository, its data, and two registered versions that were really trained."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path

from gate.demo.examples import EXAMPLES, Example, Training
from gate.demo.scripts import run_script
from gate.errors import GateError, UsageError

COMMITTED = (".gitignore", "data/eval.parquet", "data/train.parquet", "gate.yaml", "prepare_data.py", "train.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoProject:
    """What `prepare` made: `folder` holds the repository, `config` is its gate.yaml, `versions` are registered."""

    folder: Path
    config: Path
    model: str
    versions: tuple[int, ...]


def prepare(example: str, folder: Path, say: Callable[[str], None]) -> DemoProject:
    """Write, commit, train and register everything that `gate release` needs, in an empty or new folder.

    `say` gets one line per finished step. Takes about 15 s. Raises UsageError where the example is unknown, needs a
    package that is missing, or the folder is not empty; GateError where git or a training fails.
    """
    chosen = _choose(example)
    folder = _claim(folder)
    try:
        _lay_out(example, folder)
        run_script(folder, "prepare_data.py")
        say("wrote train.py, gate.yaml and scikit-learn's diabetes data")
        for number, training in enumerate(chosen.trainings, start=1):
            _commit_and_train(example, folder, training)
            say(f"trained and registered {chosen.model} version {number}: {training.message}")
    except OSError as error:
        raise GateError(
            f"The demo could not be written into {folder}: {error.strerror or error}.",
            remedy="Try a folder with free space that you may write to.",
        ) from error
    return DemoProject(
        folder=folder,
        config=folder / "gate.yaml",
        model=chosen.model,
        versions=tuple(range(1, len(chosen.trainings) + 1)),
    )


def _choose(name: str) -> Example:
    """Return the example, if everything that it needs is installed."""
    if name not in EXAMPLES:
        raise UsageError(f"There is no example {name!r}.", remedy=f"Choose one of: {', '.join(EXAMPLES)}.")
    if shutil.which("git") is None:
        raise UsageError("The demo makes a git repository, and git is not installed.", remedy="Install git.")
    example = EXAMPLES[name]
    if example.needs and find_spec(example.needs) is None:
        raise UsageError(
            f"The example {name} trains with {example.needs}, which is not installed.",
            remedy=f"Install it: pip install 'model-release-gate[{example.extra}]'",
        )
    return example


def _claim(folder: Path) -> Path:
    """Make the folder if it is not there, and see that nothing is in it."""
    folder = folder.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        occupied = any(folder.iterdir())
    except OSError as error:
        raise UsageError(
            f"The folder {folder} cannot be used: {error.strerror}.", remedy="Name an empty folder."
        ) from error
    if occupied:
        raise UsageError(
            f"The folder {folder} is not empty, and the demo overwrites nothing.", remedy="Name an empty folder."
        )
    return folder


def _lay_out(example: str, folder: Path) -> None:
    """Copy what both versions share."""
    with as_file(files("gate.demo") / "example-projects") as projects:
        shutil.copyfile(projects / "shared" / "gitignore", folder / ".gitignore")
        shutil.copyfile(projects / "shared" / "prepare_data.py", folder / "prepare_data.py")
        shutil.copyfile(projects / example / "gate.yaml", folder / "gate.yaml")


def _commit_and_train(example: str, folder: Path, training: Training) -> None:
    """Put a version's code in place, commit it, so that the run can name the commit, and train it."""
    from gate.demo.repository import commit

    with as_file(files("gate.demo") / "example-projects") as projects:
        shutil.copyfile(projects / example / training.code / "train.py", folder / "train.py")
    commit(folder, COMMITTED, training.message)
    run_script(folder, "train.py", *training.arguments)
