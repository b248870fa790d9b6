"""The digest of a tree, and trees that are refused."""

from __future__ import annotations

import hashlib
import io
import json
import os
import socket
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.domain import ArtifactFile
from gate.registry.tree import (
    MAX_FILES,
    ArtifactFaultError,
    ArtifactGoneError,
    Listed,
    _copy_at_most,
    copy_local,
    digest_of,
    ensure_sane,
    ensure_space,
    read_tree,
)


def test_digest_by_hand(tmp_path):
    """The digest is SHA-256 over the canonical JSON list of (path, size, sha256), sorted by path."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.txt").write_bytes(b"abc")
    (tmp_path / "MLmodel").write_bytes(b"")
    (tmp_path / "registered_model_meta").write_bytes(b"MLflow writes this itself")
    empty, abc = (hashlib.sha256(content).hexdigest() for content in (b"", b"abc"))
    text = f'[["MLmodel",0,"{empty}"],["b/x.txt",3,"{abc}"]]'
    found = read_tree(tmp_path)
    assert found.digest == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    assert [file.path for file in found.files] == ["MLmodel", "b/x.txt"]


def test_meta_counts_below_the_root(tmp_path):
    """Only MLflow's own file at the root is left out, not one of that name elsewhere."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "registered_model_meta").write_bytes(b"x")
    assert [file.path for file in read_tree(tmp_path).files] == ["a/registered_model_meta"]


_files = st.lists(
    st.builds(
        ArtifactFile,
        path=st.text(min_size=1, max_size=8),
        size=st.integers(0, 9),
        sha256=st.text("0123456789abcdef", min_size=4, max_size=4),
    ),
    unique_by=lambda file: file.path,
)


@given(_files, st.randoms())
def test_digest_knows_no_order(files, random):
    """The order in which a store lists files does not matter."""
    shuffled = list(files)
    random.shuffle(shuffled)
    assert digest_of(files) == digest_of(shuffled)


@given(_files, _files)
def test_digest_tells_trees_apart(one, other):
    """Two lists have one digest only where they are one list."""

    def as_set(files):
        return {json.dumps([file.path, file.size, file.sha256]) for file in files}

    assert (digest_of(one) == digest_of(other)) == (as_set(one) == as_set(other))


def test_names_in_nfc(tmp_path):
    """A name has one spelling in the digest, whatever the file system keeps."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / unicodedata.normalize("NFD", "modèle.bin")).write_bytes(b"1")
    (tmp_path / "out").mkdir()
    copy_local(tmp_path / "in", tmp_path / "out")
    assert [file.path for file in read_tree(tmp_path / "out").files] == ["modèle.bin"]


def _link(folder):
    (folder / "link").symlink_to("/etc/passwd")


def _linked_folder(folder):
    (folder / "link").symlink_to("/etc", target_is_directory=True)


def _pipe(folder):
    os.mkfifo(folder / "pipe")


def _case(folder):
    (folder / "a").write_bytes(b"1")
    (folder / "A").write_bytes(b"2")


def _deep(folder):
    (folder / "/".join(["d"] * 40)).mkdir(parents=True)


def _bytes_name(folder):
    with open(os.fsencode(folder) + b"/\xff\xfe", "wb"):  # noqa: PTH123 - the name is bytes
        pass


def _control(folder):
    (folder / "a\nb").write_bytes(b"")


def _hard_link(folder):
    (folder.parent / "elsewhere").write_bytes(b"x")
    (folder / "link").hardlink_to(folder.parent / "elsewhere")


def _socket(folder):
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(folder)  # an address of a socket is short
        listener.bind("s")
        os.chdir(here)


def _sparse(folder):
    with (folder / "weights").open("wb") as file:
        file.truncate(50 * 2**30)


def _many(folder):
    for number in range(MAX_FILES + 1):
        (folder / str(number)).touch()


@pytest.mark.parametrize(
    "spoil",
    [_link, _linked_folder, _hard_link, _pipe, _socket, _sparse, _many, _case, _deep, _bytes_name, _control],
)
def test_hostile_trees(tmp_path, spoil):
    """Links, pipes, names that cannot be told apart or read, endless folders: refused, nothing is followed."""
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    target.mkdir()
    (source / "MLmodel").write_bytes(b"")
    spoil(source)
    with pytest.raises(ArtifactFaultError) as caught:
        copy_local(source, target)
    assert not isinstance(caught.value, ArtifactGoneError)
    assert not list(target.iterdir())


def test_a_file_that_grows_while_it_is_copied(tmp_path):
    """No more is copied than was listed."""
    with pytest.raises(ArtifactFaultError, match="grows"):
        _copy_at_most(io.BytesIO(b"x" * 9), io.BytesIO(), Listed(path="a", size=5))


def test_no_space_is_said_before_the_first_byte(tmp_path):
    """And is no fault of the model."""
    with pytest.raises(OSError, match="are needed"):
        ensure_space([Listed(path="a", size=2**62)], tmp_path)


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd", "a\\..\\x", "a\0b"])
def test_hostile_listings(path):
    """A path that a store lists and that leaves the folder is refused before it is fetched."""
    with pytest.raises(ArtifactFaultError, match="not accepted"):
        ensure_sane([Listed(path=path, size=1)])


def test_too_large():
    """Sizes are looked at before anything is copied."""
    with pytest.raises(ArtifactFaultError, match="too large"):
        ensure_sane([Listed(path="a", size=2**40)])


def test_gone(tmp_path):
    """A folder that is not there, and one with nothing in it, are files that are gone."""
    for source in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(ArtifactGoneError, match="gone"):
            copy_local(source, tmp_path / "out")
