"""Removing private folders, whatever a model left in them. Imported by the worker: the standard library only."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

FOLDER_PREFIX = "gate-worker-"
"""How the name of a worker's private folder begins."""


def remove_folder(folder: Path) -> None:
    """Remove a private folder whatever permissions its content was given; never any other folder."""
    if not folder.name.startswith(FOLDER_PREFIX):
        return
    for root, names, _ in os.walk(folder):
        for path in (Path(root, name) for name in names):
            with suppress(OSError):
                if not path.is_symlink():
                    path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
