"""The commits between two versions, from a local git repository. The only module that knows GitPython."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gate.domain import CodeDiff, Commit, Snapshot
from gate.notes.cut import cut

if TYPE_CHECKING:
    from git import Repo

COMMIT_TAG = "mlflow.source.git.commit"
DIRTY_TAG = "gate.source.dirty"
URL_TAG = "mlflow.source.git.repoURL"
COMMITS_CAP = 50
FILES_CAP = 20
_PATIENCE_S = 30
_COMMIT = re.compile(r"^[0-9a-f]{40}\Z")
_QUIET = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
_OPTIONS = ["core.hooksPath=/dev/null", "core.fsmonitor=false", "log.showSignature=false", "core.quotePath=false"]


class CommitFacts(NamedTuple):
    """What a repository knows of a commit. `urls` are those of its remotes."""

    found: bool
    reachable: bool
    shallow: bool
    urls: tuple[str, ...]


def recorded_commit(snapshot: Snapshot) -> str | None:
    """The commit that a version's run records; None where there is none or where it is no full SHA-1."""
    value = snapshot.run.tags.get(COMMIT_TAG, "") if snapshot.run else ""
    return value if _COMMIT.match(value) else None


def recorded_dirt(snapshot: Snapshot) -> bool | None:
    """Whether the working tree had uncommitted changes; None where nothing says so: MLflow itself never does."""
    value = snapshot.run.tags.get(DIRTY_TAG, "").lower() if snapshot.run else ""
    return {"true": True, "false": False}.get(value)


def commit_facts(commit: str, repository: Path) -> CommitFacts | None:
    """Look a commit up; None where there is no readable repository at that place."""
    repo = _open(repository)
    if repo is None:
        return None
    with repo:
        found = _holds(repo, commit)
        reachable = found and bool(_ask(repo, "for_each_ref", "--count=1", f"--contains={commit}"))
        urls = _ask(repo, "config", "--get-regexp", r"^remote\..*\.url$") or ""
        return CommitFacts(
            found=found,
            reachable=reachable or (found and _is_ancestor(repo, commit, "HEAD")),
            shallow=_shallow(repo),
            urls=tuple(line.partition(" ")[2] for line in urls.splitlines()),
        )


def code_between(candidate: Snapshot, baseline: Snapshot | None, repository: Path | None) -> CodeDiff:
    """List the commits from the baseline's to the candidate's, the newest first.

    Never raises: what cannot be known is said in `note`.
    """
    new, old = recorded_commit(candidate), recorded_commit(baseline) if baseline else None
    known = CodeDiff(
        baseline_commit=old,
        candidate_commit=new,
        dirty=recorded_dirt(candidate),
        repository=_url(candidate),
    )
    unknown = _unknown(candidate, baseline)
    if unknown:
        return replace(known, note=unknown)
    repo = _open(repository) if repository else None
    if repo is None:
        return replace(known, note="There is no local git repository here to list the commits from.")
    with repo:
        try:
            return _listed(repo, known)
        except Exception as error:  # noqa: BLE001 - GitPython raises a dozen unrelated classes; a note never fails for one
            return replace(known, note=f"git could not list the commits: {cut(_last_line(error))}.")


def _unknown(candidate: Snapshot, baseline: Snapshot | None) -> str:
    without = [snapshot for snapshot in (candidate, baseline) if snapshot and recorded_commit(snapshot) is None]
    if not without:
        return ""
    names = " and ".join(f"version {snapshot.version}" for snapshot in without)
    malformed = any(snapshot.run and snapshot.run.tags.get(COMMIT_TAG) for snapshot in without)
    why = "the tag holds no full commit id" if malformed else "was it trained outside a git repository?"
    return f"No commit is recorded for {names} ({why})."


def _url(snapshot: Snapshot) -> str | None:
    value = snapshot.run.tags.get(URL_TAG) if snapshot.run else None
    return cut(value) if value else None


def _listed(repo: Repo, known: CodeDiff) -> CodeDiff:
    new, old = known.candidate_commit, known.baseline_commit
    missing = [commit[:12] for commit in (new, old) if commit and not _holds(repo, commit)]
    if missing or new is None:
        return replace(known, note=_missing(missing, shallow=_shallow(repo)))
    if new == old:
        return replace(known, note="Both versions come from the same commit.")
    if old is None:
        return replace(known, commits=(_commit(repo, new),), note="A first version: the commit it comes from.")
    commits = tuple(_commit(repo, sha) for sha in _range(repo, old, new, cap=COMMITS_CAP))
    return replace(known, commits=commits, note=_relation(repo, old, new))


def _missing(commits: list[str], *, shallow: bool) -> str:
    what = f"{' and '.join(commits)} {'is' if len(commits) == 1 else 'are'} not in the local repository"
    if shallow:
        return f"{what}, which is a shallow clone: `git fetch --unshallow` brings the history."
    return f"{what}: another repository, or not fetched."


def _relation(repo: Repo, old: str, new: str) -> str:
    ahead, behind = _count(repo, old, new), _count(repo, new, old)
    sentences = []
    if ahead > COMMITS_CAP:
        sentences.append(f"The newest {COMMITS_CAP} of {ahead} commits.")
    if behind and not ahead:
        sentences.append(f"The candidate's code is older: {behind} of the baseline's commits are not in it.")
    elif behind:
        sentences.append(f"On another branch: {behind} of the baseline's commits are not in the candidate's history.")
    if _shallow(repo):
        sentences.append("The clone is shallow, so the list may be incomplete.")
    return " ".join(sentences)


def _commit(repo: Repo, sha: str) -> Commit:
    commit = repo.commit(sha)
    tree = _ask(repo, "diff_tree", "--no-commit-id", "--name-only", "-r", "-z", "--root", "--end-of-options", sha, "--")
    files = [path for path in (tree or "").split("\0") if path]
    more = (f"… {len(files) - FILES_CAP} more",) if len(files) > FILES_CAP else ()
    return Commit(
        sha=sha,
        author=cut(str(commit.author.name or ""), 80),
        at=commit.authored_datetime.isoformat(),
        subject=cut(str(commit.summary).strip()),
        files=(*(cut(path) for path in files[:FILES_CAP]), *more),
    )


def _range(repo: Repo, old: str, new: str, *, cap: int) -> list[str]:
    text = _ask(repo, "rev_list", f"--max-count={cap}", "--end-of-options", f"{old}..{new}", "--")
    return (text or "").split()


def _count(repo: Repo, old: str, new: str) -> int:
    return int(_ask(repo, "rev_list", "--count", "--end-of-options", f"{old}..{new}", "--") or 0)


def _holds(repo: Repo, commit: str) -> bool:
    return _ask(repo, "cat_file", "-t", "--end-of-options", commit) == "commit"


def _is_ancestor(repo: Repo, commit: str, of: str) -> bool:
    return _ask(repo, "merge_base", "--is-ancestor", "--end-of-options", commit, of) is not None


def _shallow(repo: Repo) -> bool:
    return (Path(repo.common_dir) / "shallow").exists()


def _ask(repo: Repo, command: str, *arguments: str) -> str | None:
    """Run one git command, hooks and prompts off; None where it fails."""
    from git import GitCommandError

    try:
        return str(repo.git._call_process(command, *arguments, kill_after_timeout=_PATIENCE_S))  # noqa: SLF001 - the public spelling needs getattr
    except GitCommandError:
        return None


def _open(repository: Path) -> Repo | None:
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    try:
        from git import Repo

        repo = Repo(repository, search_parent_directories=True)
        repo.git.set_persistent_git_options(c=_OPTIONS)
        repo.git.update_environment(**_QUIET)
    except Exception:  # noqa: BLE001 - no git, no repository, not ours, broken: all the same to a note
        return None
    return repo


def _last_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__
