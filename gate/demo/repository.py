"""The demo's git repository: real commits, whatever git is told elsewhere on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from git import Actor, Repo
from git.exc import GitError

from gate.errors import GateError

AUTHOR = Actor("gate demo", "demo@example.invalid")


def commit(folder: Path, paths: Iterable[str], message: str) -> None:
    """Commit the files at these paths, and make the repository first where there is none.

    Needs no git configuration and runs no hooks: neither the user's own nor those of a template.
    Raises GateError where git does not do it.
    """
    try:
        with _open(folder) as repository:
            repository.index.add(list(paths))
            repository.index.commit(message, author=AUTHOR, committer=AUTHOR, skip_hooks=True)
    except GitError as error:
        problem = " ".join(str(error).split())
        raise GateError(
            f"git could not commit the demo's files: {problem}.", remedy="See that git init and git commit work there."
        ) from error


def _open(folder: Path) -> Repo:
    if (folder / ".git").exists():
        return Repo(folder)
    here = {"GIT_DIR": str(folder / ".git"), "GIT_WORK_TREE": str(folder), "GIT_TEMPLATE_DIR": ""}
    return Repo.init(folder, env=here, initial_branch="main")
