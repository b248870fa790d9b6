"""Measure every promise, print a table, write bench/results.json; exit 1 where one is not kept."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.measure import Measurement, check_wall, help_cpu, output_checks
from gate import __version__
from gate.demo import prepare

RESULTS = Path(__file__).parent / "results.json"


def main() -> int:
    """Measure, tell, and write down."""
    machine = _machine()
    measurements = [help_cpu()]
    with tempfile.TemporaryDirectory(prefix="gate-bench-") as folder:
        _say("making the demo's project")
        project = prepare("elasticnet", Path(folder) / "demo", _say)
        measurements.append(check_wall(project.folder, project.model))
    for kind in ("numbers", "probabilities"):
        _say(f"running the output checks on 1,000,000 rows of {kind}")
        measurements.extend(output_checks(kind))
    _write(machine, measurements)
    _show(measurements)
    return int(any(measured.value > measured.limit for measured in measurements))


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
        ],
    }
    RESULTS.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")


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
