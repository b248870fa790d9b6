"""Which Python runs models: the gate's own, or that of an environment that was built for a version."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

_FOREIGN = frozenset({"CONDA_PREFIX", "PYTHONPATH", "VIRTUAL_ENV"})
"""Variables that lead an interpreter to the modules of another one."""
_SAFE_PATH_SINCE = (3, 11)
_PARTS = ("bin", "lib", "lib64", "Frameworks", "Python", "Resources")
"""Of an installed interpreter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Python:
    """An interpreter, and what its processes are given."""

    path: Path
    version: tuple[int, ...]
    digest: str = ""
    """Of the environment that it belongs to; empty for the gate's own."""
    readable: tuple[Path, ...] = ()
    """What its processes must read beside what the gate's own read."""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What its processes find in their environment beside what all workers find."""

    @property
    def own(self) -> bool:
        """Whether it is the gate's own."""
        return not self.digest

    def command(self, module: str, *arguments: str) -> list[str]:
        """Give what runs a module of the gate's, the working directory left out of the search where that is known."""
        safe = ["-P"] if self.version >= _SAFE_PATH_SINCE else []
        return [str(self.path), *safe, "-m", module, *arguments]

    def environ(self, kept: Mapping[str, str]) -> dict[str, str]:
        """Give these variables without those that lead elsewhere, and with its own."""
        fitting = kept if self.own else {name: value for name, value in kept.items() if name not in _FOREIGN}
        return {**fitting, **self.variables}


@cache
def own() -> Python:
    """Give the gate's own."""
    return Python(path=Path(sys.executable), version=tuple(sys.version_info[:3]))


def parts_of(prefix: Path) -> tuple[Path, ...]:
    """Give what lies in a folder that an interpreter was installed to, never a whole home or the root."""
    if prefix in {Path.home(), Path(os.sep)}:
        return ()
    return tuple(path for path in (prefix / name for name in _PARTS) if path.exists())
