"""A version's files: a private copy of them, their hashes, the digest of the whole tree."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from gate.domain import Artifact, ArtifactFile

MAX_FILES = 20_000
MAX_BYTES = 64 * 2**30
MAX_DEPTH = 32
SPARSE_BYTES = 2**30
"""A file that claims more than this and stores less than a hundredth of it is refused."""
_SPARSE_TIMES = 100
_BLOCK = 512
"""What st_blocks counts in, whatever the file system's blocks: stat(2)."""
_CHUNK = 2**20
LEFT_OUT = "registered_model_meta"
"""MLflow writes it into a locally stored artifact when somebody loads the version by name. A file at the root."""


class ArtifactFaultError(Exception):
    """The stored files are gone, or are nothing that a model consists of. A fault of the model, not of the gate."""


class ArtifactGoneError(ArtifactFaultError):
    """The stored files are not there any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One file before it is copied: its path below the root, its size in bytes where the store says it."""

    path: str
    size: int | None


def read_tree(root: Path) -> Artifact:
    """Hash every file below a folder that is the gate's own.

    The digest is `sha256:` over the canonical JSON list [[path, size, sha256], …] sorted by path, paths in NFC;
    `registered_model_meta` at the root is left out.

    Raises:
        ArtifactFaultError: a link, a special file, too many files, or names that cannot be told apart.
    """
    listed = list_local(root)
    ensure_sane(listed)
    files = tuple(
        sorted(_hashed(root, [file.path for file in listed if file.path != LEFT_OUT]), key=lambda file: file.path)
    )
    return Artifact(path=root, files=files, digest=digest_of(files))


def digest_of(files: Iterable[ArtifactFile]) -> str:
    """Give the digest of a list of files: contract, section 4."""
    rows = sorted([file.path, file.size, file.sha256] for file in files)
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def list_local(root: Path) -> tuple[Listed, ...]:
    """List the files below a local folder without following a link.

    Raises:
        ArtifactFaultError: the folder is gone or no folder, holds a link, a special or a sparse file, or far too much.
    """
    if not root.is_dir():
        raise ArtifactGoneError("its files are gone: the folder does not exist")
    found: list[Listed] = []
    for entry, path in _walk(root, PurePosixPath()):
        found.append(Listed(path=str(path), size=entry.st_size))
        _ensure_plain(entry, path)
        if len(found) > MAX_FILES:
            raise ArtifactFaultError(f"its artifact has more than {MAX_FILES:,} files")
    return tuple(found)


def _walk(folder: Path, below: PurePosixPath) -> Iterator[tuple[os.stat_result, PurePosixPath]]:
    if len(below.parts) > MAX_DEPTH:
        raise ArtifactFaultError(f"its artifact is nested more than {MAX_DEPTH} folders deep")
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = below / entry.name
            facts = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(facts.st_mode):
                yield from _walk(folder / entry.name, path)
            elif stat.S_ISREG(facts.st_mode):
                yield facts, path
            else:
                raise ArtifactFaultError(f"its artifact holds {_kind(facts.st_mode)}, {str(path)!r}")


def _kind(mode: int) -> str:
    kinds = {stat.S_IFLNK: "a symbolic link", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _ensure_plain(facts: os.stat_result, path: PurePosixPath) -> None:
    """A second name may lie outside and change the file; a sparse file costs nothing until somebody copies it."""
    if facts.st_nlink > 1:
        raise ArtifactFaultError(f"its artifact holds a hard link, {str(path)!r}")
    if facts.st_size > SPARSE_BYTES and facts.st_blocks * _BLOCK * _SPARSE_TIMES < facts.st_size:
        raise ArtifactFaultError(f"its artifact holds a file with nearly nothing in it, {str(path)!r}: a sparse one")


def ensure_sane(files: Iterable[Listed]) -> None:
    """Look at names and sizes before anything is copied.

    Raises:
        ArtifactFaultError: a path that leaves the folder, names that cannot be told apart, or far too much.
    """
    seen: set[str] = set()
    total = count = 0
    for file in files:
        _ensure_inside(file.path)
        folded = unicodedata.normalize("NFC", file.path).casefold()
        if folded in seen:
            raise ArtifactFaultError(f"its artifact has names that differ only in case or spelling: {file.path!r}")
        seen.add(folded)
        count, total = count + 1, total + (file.size or 0)
    if not count:
        raise ArtifactGoneError("its files are gone: there is nothing where the registry says that they are")
    if count > MAX_FILES or total > MAX_BYTES:
        raise ArtifactFaultError(f"its artifact is too large: {count:,} files, {total:,} bytes")


def _ensure_inside(path: str) -> None:
    parts = path.split("/")
    hostile = path.startswith("/") or ".." in parts or "\\" in path or "\0" in path
    if hostile or not path.isprintable() or len(parts) > MAX_DEPTH:
        raise ArtifactFaultError(f"its artifact holds a path that is not accepted, {path[:200]!r}")
    try:
        path.encode()
    except UnicodeEncodeError:
        raise ArtifactFaultError(f"its artifact holds a name that is no UTF-8, {path[:200]!r}") from None


def copy_local(source: Path, into: Path) -> None:
    """Copy a local folder's regular files, following no link, into an empty folder.

    Raises:
        ArtifactFaultError: as list_local and ensure_sane; or a file that changes its kind or size meanwhile.
        OSError: there is no room for them, said before the first byte.
    """
    listed = list_local(source)
    ensure_sane(listed)
    ensure_space(listed, into)
    for file in listed:
        target = into / unicodedata.normalize("NFC", file.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with open_regular(source / file.path) as readable, target.open("xb") as writable:
            _copy_at_most(readable, writable, file)


def ensure_space(listed: Iterable[Listed], into: Path) -> None:
    """Look whether files fit, before the first byte is copied.

    Raises:
        OSError: they do not.
    """
    needed = sum(file.size or 0 for file in listed)
    if needed > shutil.disk_usage(into).free:
        raise OSError(errno.ENOSPC, f"{needed:,} bytes are needed", str(into))


def _copy_at_most(readable: BinaryIO, writable: BinaryIO, file: Listed) -> None:
    """Copy what was listed: a file that grows meanwhile would fill the disk."""
    left = file.size or 0
    while chunk := readable.read(min(_CHUNK, left + 1)):
        left -= len(chunk)
        if left < 0:
            raise ArtifactFaultError(f"its artifact changes while it is copied: {file.path!r} grows")
        writable.write(chunk)


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading only where it is a regular one: never a link, never a pipe that blocks.

    Raises:
        ArtifactFaultError: it is something else.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ArtifactFaultError(f"{path.name!r} is no regular file")
    return os.fdopen(descriptor, "rb")


def hash_file(root: Path, path: str) -> ArtifactFile:
    """Hash one file below a folder, in pieces of 1 MiB."""
    size, sha256 = sha256_of(root / path)
    return ArtifactFile(path=unicodedata.normalize("NFC", path), size=size, sha256=sha256)


def _hashed(root: Path, paths: Sequence[str]) -> list[ArtifactFile]:
    """Hash files on every processor: OpenSSL lets other threads run meanwhile."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return list(threads.map(partial(hash_file, root), paths))


def sha256_of(path: Path) -> tuple[int, str]:
    """Give a file's size in bytes and its SHA-256 in hex."""
    size, state = 0, hashlib.sha256()
    with open_regular(path) as readable:
        while chunk := readable.read(_CHUNK):
            state.update(chunk)
            size += len(chunk)
    return size, state.hexdigest()
