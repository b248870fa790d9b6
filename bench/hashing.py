"""Hashing an artifact of 1 GB, beside hashing the same bytes in memory: `python -m bench.hashing FILES`.

Prints JSON: wall seconds of both, the fastest of five turns, and the memory that the tree took above the interpreter.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gate.registry.tree import read_tree

BYTES = 1_000_000_000
_BLOCK = 1_000_000
_TURNS = 5


def main(files: int) -> dict[str, float]:
    """Hash a tree of so many equal files, and as many streams in memory, in turns."""
    block = os.urandom(_BLOCK)
    each = BYTES // files // _BLOCK
    with tempfile.TemporaryDirectory(prefix="gate-bench-") as folder:
        for number in range(files):
            with Path(folder, f"weights-{number}.bin").open("wb") as written:
                written.writelines(block for _ in range(each))
        before = _peak_mb()
        turns = [
            (_seconds(lambda: _tree(Path(folder))), _seconds(lambda: _memory(block, each, files)))
            for _ in range(_TURNS)
        ]
    return {
        "tree_s": min(tree for tree, _ in turns),
        "memory_s": min(memory for _, memory in turns),
        "memory_mb": _peak_mb() - before,
    }


def _tree(folder: Path) -> None:
    read_tree(folder)


def _memory(block: bytes, blocks: int, streams: int) -> None:
    def hashed(_: int) -> str:
        state = hashlib.sha256()
        for _turn in range(blocks):
            state.update(block)
        return state.hexdigest()

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(hashed, range(streams)))


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(int(sys.argv[1]))))
