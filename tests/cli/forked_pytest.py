"""Runs plain pytest like `forked.py` runs the gate: in a process that was forked after the slow imports."""

import os
import sys
from pathlib import Path
from typing import Any

given: dict[str, Any] = globals()
os.chdir(given["folder"])
os.environ.clear()
os.environ.update(given["environment"])
for stream, path in ((1, given["out"]), (2, given["err"])):
    with Path(path).open("wb") as file:
        os.dup2(file.fileno(), stream)

import pytest  # noqa: E402 - after the streams are in place

sys.exit(pytest.main(list(given["arguments"])))
