"""Runs one gate command like `forked.py`, in a process that holds no more than 300 rows in memory."""

import runpy
from pathlib import Path

from gate.registry import batches

batches.IN_MEMORY_ROWS = 300
batches.SAMPLE_ROWS = 200
runpy.run_path(str(Path(__file__).with_name("forked.py")), dict(globals()))
