"""Artifacts laid down as files, and looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gate.domain import Inspection
from gate.scoring.inspection import inspect


@pytest.fixture
def look(tmp_path: Path) -> Callable[..., Inspection]:
    """Lay files down (name -> bytes) and look at them, with what MLmodel says of each flavour."""

    def laid(files: dict[str, bytes], **flavors: dict[str, object]) -> Inspection:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return inspect(tmp_path, list(files), flavors)

    return laid
