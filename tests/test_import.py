"""`import gate.cli` stays light: `gate --help` answers at once."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("mlflow", "great_expectations", "pandas", "sklearn", "numpy", "scipy", "pyarrow", "pytest", "pydantic", "rich")


def test_the_command_line_imports_nothing_heavy():
    """None of the libraries that cost start-up time."""
    code = f"import gate.cli, sys; print([name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert found == "[]"
