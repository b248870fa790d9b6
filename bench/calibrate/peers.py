"""The peers on the gate's own cases: writes the cases, runs each peer in its own environment, reads its verdicts."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bench.calibrate.cases import Kind
from bench.calibrate.judge import judge
from bench.calibrate.samples import Sample

HERE = Path(__file__).parent.parent / "peers"
BUILD = Path("build/peers")
PEERS = ("new_not_worse", "mlflow", "evidently", "deepchecks", "great_expectations")
WORLDS = ("diabetes", "prices", "churn", "digits", "income")
"""One of each kind of answer and learner: the peers take longer than the gate."""
HARMLESS = (
    "the same bytes", "other seed", "refit on 2 % more rows", "columns in another order", "another solver",
    "weights of 8 bits", "four times the rows", "a column that matters is used",
)  # fmt: skip
DEFECTS = (
    "0.5 % without an answer", "0.5 % stuck at one value", "a slice of 10 % shifted", "5 % of the rows permuted",
    "all rows permuted", "shifted by one row", "2 % flipped", "5 % flipped", "0.5 % at -999", "0.5 % above 1",
    "overconfident", "one answer to all", "the main column is lost when answering",
)  # fmt: skip
"""What teams meet most often."""


def write_cases(kinds: Sequence[Kind], rows: int, folder: Path) -> list[dict[str, Any]]:
    """Write one sample of each chosen case for the peers, with the gate's own verdict on it."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    asked = [kind for kind in kinds if kind.pool.world.name in WORLDS and kind.name in {*HARMLESS, *DEFECTS}]
    for kind in asked:
        sample, name = kind.sample(rows, 0), f"{len(found):05d}"
        frame_of(sample).to_parquet(folder / f"{name}.parquet")
        case = {"name": name, "file": f"{name}.parquet", "shape": sample.world.shape}
        about = {"world": sample.world.name, "change": kind.name, "sort": kind.sort}
        found.append({**case, **about, "gate": str(judge(sample).verdict)})
    (folder / "cases.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    return found


def frame_of(sample: Sample) -> pd.DataFrame:
    """Give a case as the peers read it: inputs, label, both versions' answers."""
    answers = {name: list(values) for name, values in sample.candidate.items()}
    before = {f"baseline_{name}": list(values) for name, values in sample.baseline.items()}
    return sample.frame.assign(label=sample.labels, **answers, **before)


def set_up(peer: str) -> Path:
    """Make a peer's environment from its list of packages; give its Python."""
    home, wanted = BUILD / peer, (HERE / f"{peer}.txt").read_text(encoding="utf-8")
    python, stamp = home / "bin" / "python", home / "installed.txt"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        _call(sys.executable, "-m", "venv", "--clear", str(home))
        _call(str(python), "-m", "pip", "install", "-q", "-r", str(HERE / f"{peer}.txt"))
        stamp.write_text(wanted, encoding="utf-8")
    return python


def verdicts_of(peer: str, folder: Path) -> dict[str, Any]:
    """Run a peer on the cases of a folder, or read what it said of the very same ones: case -> judge -> verdict."""
    digest = hashlib.sha256((HERE / f"with_{peer}.py").read_bytes() + (HERE / f"{peer}.txt").read_bytes())
    for path in sorted(folder.glob("*.parquet")):
        digest.update(path.read_bytes())
    out = folder.resolve() / f"{peer}-{digest.hexdigest()[:12]}.json"
    if not out.exists():
        _call(str(set_up(peer).absolute()), str(HERE / f"with_{peer}.py"), str(folder.resolve()), str(out))
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


def speed_of_evidently(folder: Path) -> dict[str, float]:
    """Give the CPU seconds of Evidently's default presets on `case.parquet` of a folder, by preset."""
    out = folder.resolve() / "evidently.json"
    script, case = HERE / "speed_of_evidently.py", folder.resolve() / "case.parquet"
    _call(str(set_up("evidently").absolute()), str(script), str(case), str(out))
    found: dict[str, float] = json.loads(out.read_text(encoding="utf-8"))
    return found


def _call(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own scripts and pip
