"""The commits between two versions, from real repositories."""

from __future__ import annotations

import pytest

from gate.notes.commits import code_between

TAG = "mlflow.source.git.commit"


@pytest.fixture
def at(snapshot):
    """Make a version that records a commit."""
    return lambda number, commit, **tags: snapshot(number, {"tags": {TAG: commit, **tags}})


def test_commits_between(git, at):
    """The commits after the baseline's up to the candidate's, the newest first, with all that is shown of them."""
    old = git.commit("first")
    git.commit("second", train="2", features="f")
    new = git.commit("third", train="3")
    code = code_between(at(2, new), at(1, old), git.folder)
    assert [(each.subject, each.author, each.files) for each in code.commits] == [
        ("third", "Ann Lee", ("train.py",)),
        ("second", "Ann Lee", ("features.py", "train.py")),
    ]
    assert code.commits[0].at == "2026-11-19T17:02:11+01:00"
    assert (code.baseline_commit, code.candidate_commit, code.dirty, code.note) == (old, new, None, "")


def test_first_version(git, at):
    """Without a baseline the candidate's own commit is shown."""
    new = git.commit("first")
    code = code_between(at(1, new), None, git.folder)
    assert [each.subject for each in code.commits] == ["first"]
    assert code.note == "A first version: the commit it comes from."


def test_same_commit(git, at):
    """Two versions of one commit have no commits between them."""
    commit = git.commit("first")
    code = code_between(at(2, commit), at(1, commit), git.folder)
    assert (code.commits, code.note) == ((), "Both versions come from the same commit.")


def test_many_commits_are_capped(git, at):
    """Of 53 commits the newest 50 are listed, and the note says so."""
    old = git.commit("start")
    new = [git.commit(f"change {number}") for number in range(53)][-1]
    code = code_between(at(2, new), at(1, old), git.folder)
    assert len(code.commits) == 50
    assert code.commits[0].subject == "change 52"
    assert code.note == "The newest 50 of 53 commits."


def test_many_files_are_capped(git, at):
    """Of 30 files of a commit 20 are listed and the rest are counted."""
    old = git.commit("start")
    new = git.commit("many", **{f"f{number:02}": "x" for number in range(30)})
    (commit,) = code_between(at(2, new), at(1, old), git.folder).commits
    assert (len(commit.files), commit.files[-1]) == (21, "… 10 more")


def test_older_candidate(git, at):
    """A candidate whose code is older than the baseline's is said to be."""
    old, new = git.commit("first"), git.commit("second")
    code = code_between(at(2, old), at(1, new), git.folder)
    assert code.commits == ()
    assert code.note == "The candidate's code is older: 1 of the baseline's commits are not in it."


def test_other_branch(git, at):
    """Where the baseline is no ancestor, the note says how much of it is missing."""
    git.commit("root")
    git("checkout", "-q", "-b", "other")
    old = git.commit("theirs", theirs="1")
    git("checkout", "-q", "main")
    new = git.commit("ours", ours="1")
    code = code_between(at(2, new), at(1, old), git.folder)
    assert [each.subject for each in code.commits] == ["ours"]
    assert code.note == "On another branch: 1 of the baseline's commits are not in the candidate's history."


def test_unrelated_histories(git, at):
    """Commits without a common ancestor are listed all the same."""
    old = git.commit("root")
    git("checkout", "-q", "--orphan", "fresh")
    new = git.commit("new root", fresh="1")
    code = code_between(at(2, new), at(1, old), git.folder)
    assert [each.subject for each in code.commits] == ["new root"]


def test_detached_head(git, at):
    """A detached head changes nothing."""
    old, new = git.commit("first"), git.commit("second")
    git("checkout", "-q", "--detach", old)
    assert [each.subject for each in code_between(at(2, new), at(1, old), git.folder).commits] == ["second"]


def test_unknown_commit(git, at):
    """A commit that the repository does not hold is named."""
    old = git.commit("first")
    code = code_between(at(2, "d" * 40), at(1, old), git.folder)
    assert code.note == "dddddddddddd is not in the local repository: another repository, or not fetched."


def test_shallow_clone(git, at, tmp_path):
    """In a shallow clone the note says how to bring the history."""
    old, new = git.commit("first"), git.commit("second")
    git("clone", "-q", "--depth", "1", f"file://{git.folder}", str(tmp_path / "shallow"))
    code = code_between(at(2, new), at(1, old), tmp_path / "shallow")
    assert "shallow clone: `git fetch --unshallow`" in code.note


@pytest.mark.parametrize("value", ["--output=/tmp/x", "HEAD", "A" * 40, "a" * 39, "a" * 40 + "\n", "$(id)"])
def test_anything_but_a_commit_id_is_never_given_to_git(value, git, at):
    """What is no full commit id counts as none."""
    git.commit("first")
    code = code_between(at(2, value), None, git.folder)
    assert code.candidate_commit is None
    assert code.note == "No commit is recorded for version 2 (the tag holds no full commit id)."


def test_no_repository(at, tmp_path):
    """Without a repository the note says so."""
    assert code_between(at(2, "a" * 40), None, tmp_path).note.startswith("There is no local git repository")
    assert code_between(at(2, "a" * 40), None, None).note.startswith("There is no local git repository")


def test_empty_and_broken_repositories(git, at):
    """A repository without commits, or with a broken object, is no exception."""
    assert "not in the local repository" in code_between(at(2, "a" * 40), None, git.folder).note
    commit = git.commit("first")
    path = git.folder / ".git" / "objects" / commit[:2] / commit[2:]
    path.chmod(0o644)
    path.write_bytes(b"broken")
    assert code_between(at(2, commit), None, git.folder).note


def test_no_hook_and_no_program_of_the_repository_runs(git, at, tmp_path):
    """Hooks and helpers that a repository names are not run."""
    old, new = git.commit("first"), git.commit("second")
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    git("config", "core.fsmonitor", str(trap))
    git("config", "gpg.program", str(trap))
    git("config", "log.showSignature", "true")
    assert code_between(at(2, new), at(1, old), git.folder).commits
    assert not (tmp_path / "sprung").exists()


def test_hostile_subjects_and_names(git, at):
    """Control characters in subjects and odd file names do not disturb the list."""
    old = git.commit("first")
    (git.folder / "a\nb\t`|.py").write_text("x")
    new = git.commit("closes #1 \x1e\x1f <script> `x` | y")
    (commit,) = code_between(at(2, new), at(1, old), git.folder).commits
    assert "<script>" in commit.subject
    assert commit.files == ("a\nb\t`|.py", "train.py")


def test_dirty_tree_only_where_a_tag_says_so(git, at):
    """MLflow records no dirty tree; a tag of the gate's does."""
    commit = git.commit("first")
    candidates = [at(2, commit, **{"gate.source.dirty": said}) for said in ("true", "false")]
    assert [code_between(each, None, git.folder).dirty for each in candidates] == [True, False]
