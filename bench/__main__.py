"""Measure every promise, print a table, write bench/results.json; exit 1 where one is not kept.

`python -m bench` measures what `make bench` does; `python -m bench NAME…` these alone, and keeps the others' numbers:
help, check, hashing, numbers, probabilities, million, large, huge (50,000,000 rows: 9 GB of disk, only by its name).
"""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.measure import (
    Measurement,
    check_wall,
    hashing,
    help_cpu,
    isolation_costs,
    large_data,
    million_rows,
    output_checks,
)
from gate import __version__
from gate.demo import prepare

RESULTS = Path(__file__).parent / "results.json"


def main() -> int:
    """Measure, tell, and write down."""
    machine = _machine()
    wanted = sys.argv[1:] or [name for name in MEASURES if name != "huge"]
    unknown = [name for name in wanted if name not in MEASURES]
    if unknown:
        raise SystemExit(f"there is nothing called {unknown[0]!r} to measure: there are {', '.join(MEASURES)}")
    measurements: list[Measurement] = []
    for name in wanted:
        _say(f"measuring {name}")
        measurements.extend(MEASURES[name]())
    _write(machine, measurements)
    _show(measurements)
    return int(any(measured.value > measured.limit for measured in measurements))


def _check() -> list[Measurement]:
    with tempfile.TemporaryDirectory(prefix="gate-bench-") as folder:
        project = prepare("elasticnet", Path(folder) / "demo", _say)
        return [check_wall(project.folder, project.model)]


MEASURES: dict[str, Callable[[], Sequence[Measurement]]] = {
    "help": lambda: [help_cpu()],
    "check": _check,
    "hashing": lambda: [*hashing(1), *hashing(8)],
    "isolation": isolation_costs,
    "numbers": lambda: output_checks("numbers"),
    "probabilities": lambda: output_checks("probabilities"),
    "million": lambda: [million_rows()],
    "large": lambda: [large_data(10_000_000)],
    "huge": lambda: [large_data(50_000_000)],
}


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu(),
        "memory_gb": round(memory / 1e9),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def _cpu() -> str:
    """Name the processor as Linux does, else as Python does."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _write(machine: dict[str, Any], measurements: list[Measurement]) -> None:
    found = {
        "gate": __version__,
        "machine": machine,
        "measured_at": dt.datetime.now(dt.UTC).date().isoformat(),
        "measurements": [
            *_kept({measured.name for measured in measurements}),
            *(
                {
                    "name": measured.name,
                    "what": measured.what,
                    "unit": measured.unit,
                    "limit": measured.limit,
                    "value": round(measured.value, 3),
                    "values": [round(value, 3) for value in measured.values],
                    "command": measured.command,
                    "method": measured.method,
                }
                for measured in measurements
            ),
        ],
    }
    RESULTS.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _kept(anew: set[str]) -> list[dict[str, Any]]:
    """The numbers of an earlier run that this one did not measure."""
    known = json.loads(RESULTS.read_text(encoding="utf-8"))["measurements"] if RESULTS.exists() else []
    return [entry for entry in known if entry["name"] not in anew]


def _show(measurements: list[Measurement]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("what", "measured", "allowed", "")
    for measured in measurements:
        kept = "ok" if measured.value <= measured.limit else "too much"
        table.add_row(
            measured.what, f"{measured.value:.2f} {measured.unit}", f"{measured.limit:g} {measured.unit}", kept
        )
    Console().print(table)
    _say(f"written to {RESULTS.name}; `make docs` puts it into the pages")


if __name__ == "__main__":
    sys.exit(main())
