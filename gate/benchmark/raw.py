"""The raw pairs beside the report, compressed: every number of the benchmark can be recomputed from them."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

from gate.domain import Timings

COLUMNS = ("scenario", "batch_size", "pair", "candidate_cpu_s", "baseline_cpu_s", "candidate_wall_s", "baseline_wall_s")
FILE_NAME = "latency_pairs.csv.gz"


def write(timings: Timings, folder: Path) -> Path:
    """Write one line a pair; seconds a call, in full precision."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for pairs in timings.latency:
        columns = (pairs.candidate_cpu_s, pairs.baseline_cpu_s, pairs.candidate_wall_s, pairs.baseline_wall_s)
        for index, row in enumerate(zip(*columns, strict=True)):
            writer.writerow((pairs.scenario, pairs.batch_size, index, *(repr(float(value)) for value in row)))
    path = folder / FILE_NAME
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))
    return path
