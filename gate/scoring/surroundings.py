"""What a Python process needs to read of this machine, and no more: the system, the interpreter, what it imports.

Nobody's home, no project folder as a whole, no sockets, no keys. Where an editable install or PYTHONPATH leads into a
project, what can be imported from there is given (modules, folders with modules, metadata of packages): never
its `.git`, `.gate`, `.env`, nor folders of data.
"""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

_PARTS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec", "include", "share")
"""Of a folder in which programs are installed: /usr and the like, an environment, an interpreter."""
_PARTS_OF_ENVIRONMENTS = (*_PARTS, "pyvenv.cfg", "conda-meta", "ssl", "plugins", "Frameworks")
_SYSTEM = (
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime", "/etc/timezone",
    "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/pki/tls", "/etc/ca-certificates", "/etc/crypto-policies",
    "/etc/mime.types", "/etc/fonts", "/etc/nsswitch.conf", "/etc/os-release", "/etc/passwd", "/etc/group",
    "/nix/store", "/gnu/store", "/sys/devices/system",
)  # fmt: skip
_SUFFIXES = (".py", ".pyc", ".so", ".pth", ".egg-link")
_METADATA = (".dist-info", ".egg-info")
_SITES = ("site-packages", "dist-packages")
_MOST_MODULES = 200
"""A folder with more than these is no project but an environment."""


@cache
def readable() -> tuple[Path, ...]:
    """Files and folders that exist, links as they are named and what they lead to, outer ones first."""
    found = {path for given in _all() for path in (given, *_hops(given))}
    return tuple(sorted(path for path in found if not found.intersection(path.parents)))


def searched() -> tuple[Path, ...]:
    """Project folders on the import path: their lists of names are read, what they hold only as far as `readable`."""
    return tuple(sorted(folder for folder in _folders() if not _is_environment(folder)))


def root_links() -> tuple[Path, ...]:
    """Give /bin, /lib and their like, where they are links into /usr."""
    return tuple(path for path in (Path("/", part) for part in _PARTS) if path.is_symlink())


def _all() -> Iterator[Path]:
    for root in ("/", "/usr", "/usr/local"):
        yield from _existing(Path(root, part) for part in _PARTS if not Path(root, part).is_symlink())
    yield from _existing(map(Path, _SYSTEM))
    for prefix in {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}:
        yield from _existing(Path(prefix, part) for part in _PARTS_OF_ENVIRONMENTS)
    yield from _interpreter()
    for folder in _folders():
        yield from [folder] if _is_environment(folder) else _importable(folder)
    yield from _existing(map(Path, _editable()))
    yield Path(__file__).resolve().parents[1]
    yield from _existing(map(Path, os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)))


def _existing(paths: Iterable[Path]) -> Iterator[Path]:
    """Those that exist, without a whole home or the root, whatever a variable says."""
    for path in paths:
        if path.is_absolute() and path.exists() and path != Path.home() and path != Path("/"):
            yield path


def _hops(path: Path) -> Iterator[Path]:
    """What a path leads to, where it goes through links."""
    resolved = path.resolve()
    if resolved != path:
        yield resolved


def _interpreter() -> Iterator[Path]:
    """The interpreter, each link on the way to it, and the folder of the last."""
    path = Path(sys.executable)
    while path.is_symlink():
        yield path
        path = path.parent / path.readlink()
    yield path


def _folders() -> set[Path]:
    """Folders from which the workers' interpreter imports, outside of what the prefixes hold."""
    named = [*os.environ.get("PYTHONPATH", "").split(os.pathsep), *_of_pth_files()]
    if site.ENABLE_USER_SITE:
        named.append(site.getusersitepackages())
    named += [entry for entry in sys.path if Path(entry).name in _SITES]
    return {Path(name) for name in named if name and Path(name).is_absolute() and Path(name).exists()}


def _is_environment(folder: Path) -> bool:
    return folder.is_file() or folder.name in _SITES or sum(map(_is_importable, _entries(folder))) > _MOST_MODULES


def _of_pth_files() -> Iterator[str]:
    """The folders that `.pth` files add (site, "Path configuration files"); lines with code are for `_editable`."""
    for place in {*site.getsitepackages(), site.getusersitepackages()}:
        for file in Path(place).glob("*.pth"):
            try:
                lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
            except OSError:
                continue
            for line in filter(None, map(str.strip, lines)):
                if not line.startswith(("#", "import ", "import\t")):
                    yield str((Path(place) / line).absolute())


def _editable() -> Iterator[str]:
    """What editable installs map names to (setuptools' finders keep it in MAPPING and NAMESPACES)."""
    for name, module in list(sys.modules.items()):
        if name.startswith("__editable__"):
            yield from getattr(module, "MAPPING", {}).values()
            for paths in getattr(module, "NAMESPACES", {}).values():
                yield from paths


def _importable(folder: Path) -> Iterator[Path]:
    """The modules and packages in a folder, and the metadata of what is installed from it."""
    return (entry for entry in _entries(folder) if _is_importable(entry))


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _is_importable(entry: Path) -> bool:
    if entry.name.startswith(".") or entry == Path.home():
        return False
    if entry.suffix in _SUFFIXES or entry.suffix in _METADATA:
        return True
    if not entry.name.isidentifier() or not entry.is_dir():
        return False
    inner = _entries(entry)
    return _has_modules(inner) or any(_has_modules(_entries(child)) for child in inner if _may_be_package(child))


def _may_be_package(child: Path) -> bool:
    return child.name.isidentifier() and child.is_dir() and not child.is_symlink()


def _has_modules(entries: Iterable[Path]) -> bool:
    return any(entry.suffix in (".py", ".so") for entry in entries)
