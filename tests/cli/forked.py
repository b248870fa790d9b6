"""Runs one gate command in a process that was forked after the slow imports; what to run comes as globals.

`runpy.run_path` runs this file in a child of Python's fork server; the command sees its own folder, environment,
output and exit code, as it would from a shell.
"""

from __future__ import annotations

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
sys.argv = ["gate", *given["arguments"]]

from gate.cli import main  # noqa: E402 - after the streams are in place

main()
