"""Draw the README's picture from a real run: `python docs/picture.py` makes the demo and runs gate check on it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from gate.demo import prepare

WIDTH = 116
PICTURE = Path(__file__).parent / "images" / "check.svg"
COMMAND = ("gate", "check", "diabetes-elasticnet", "2", "--baseline", "1")


def main() -> None:
    """Make a project, judge its second version, keep what the terminal showed."""
    with tempfile.TemporaryDirectory(prefix="gate-picture-") as folder:
        project = prepare("elasticnet", Path(folder) / "demo", print)
        shown = _run(project.folder)
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "bold green"), (" ".join(COMMAND), "bold")))
    console.print(Text.from_ansi(shown))
    picture = console.export_svg(title="gate check", theme=MONOKAI, unique_id="gate-check")
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(_self_contained(picture), encoding="utf-8")


def _run(folder: Path) -> str:
    """What the command prints on standard output: the table and the verdict."""
    gate = Path(sys.executable).parent / COMMAND[0]
    done = subprocess.run(  # noqa: S603 - the command is gate's own
        [gate, *COMMAND[1:], "--color", "always"],
        cwd=folder,
        env={**os.environ, "COLUMNS": str(WIDTH), "MLFLOW_DISABLE_TELEMETRY": "true"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"the demo's second version ended in {done.returncode}:\n{done.stdout}")
    return done.stdout.rstrip()


def _self_contained(picture: str) -> str:
    """Take out the fonts that a viewer would fetch from elsewhere."""
    without_fonts = re.sub(r"\s*@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    return re.sub(r"[ \t]+\n", "\n", without_fonts.replace("Fira Code, monospace", "monospace")) + "\n"


if __name__ == "__main__":
    main()
