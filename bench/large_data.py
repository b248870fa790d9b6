"""CPU time and memory of judging more rows than fit in memory: `python -m bench.large_data ROWS [KIND]`.

Makes Parquet files of 20 features, 5 of them cut into 10 slices each (kept in build/bench), registers two linear
models, and runs `gate check` on them as a user would. `KIND` is numbers or probabilities. Memory is the peak of the
gate's own process above that of the same command on 2,000 rows, which is the interpreter with its libraries; the
workers hold one batch each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FILES = ROOT / "build" / "bench"
FEATURES = 20
FILE_ROWS = 1_000_000
FEW_ROWS = 2_000
SLICES = "[{x0: 10}, {x1: 10}, {x2: 10}, {x3: 10}, {x4: 10}]"
CATEGORIES = "contract,outliers,quality"
MODEL = """
import mlflow
import numpy as np

WEIGHTS = np.cos(np.arange({features}))


class Model(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        score = model_input.to_numpy() @ WEIGHTS + {noise} * model_input["x0"].to_numpy() * model_input["x1"].to_numpy()
        {answer}


mlflow.models.set_model(Model())
"""
ANSWERS = {
    "numbers": "return score",
    "probabilities": "p = 1 / (1 + np.exp(-score)); return np.column_stack([1 - p, p])",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """CPU seconds of the gate's own process and of both workers, wall seconds, peak memory (MB) of the gate."""

    rows: int
    kind: str
    gate_cpu_s: float
    workers_cpu_s: float
    wall_s: float
    peak_mb: float
    verdict: str


def measure(rows: int, kind: str = "numbers") -> Run:
    """Judge that many rows."""
    data = _data(rows, kind)
    with tempfile.TemporaryDirectory(prefix="gate-bench-") as folder:
        project = Path(folder)
        _register(project, kind)
        (project / "gate.yaml").write_text(
            "tracking_uri: sqlite:///mlflow.db\n"
            f"models: {{large: {{task: {'regression' if kind == 'numbers' else 'probability'}, "
            f"data: {{path: {json.dumps(str(data))}, target: y, slices: {SLICES}}}}}}}\n"
        )
        return _judged(project, rows, kind)


def _judged(project: Path, rows: int, kind: str) -> Run:
    gate = str(Path(sys.executable).parent / "gate")
    began = time.perf_counter()
    with (project / "out.json").open("wb") as out, (project / "err.txt").open("wb") as err:
        process = subprocess.Popen(  # noqa: S603 - the command is gate's own
            [gate, "check", "large", "2", "--baseline", "1", "--only", CATEGORIES, "--json"],
            cwd=project,
            stdout=out,
            stderr=err,
            env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        )
        peak, cpu, workers = _watched(process)
    wall = time.perf_counter() - began
    try:
        verdict = json.loads((project / "out.json").read_text())["verdict"]
    except ValueError:
        raise SystemExit((project / "err.txt").read_text()[-3000:]) from None
    return Run(rows=rows, kind=kind, gate_cpu_s=cpu, workers_cpu_s=workers, wall_s=wall, peak_mb=peak, verdict=verdict)


def _watched(process: subprocess.Popen[bytes]) -> tuple[float, float, float]:
    """Peak memory (MB), CPU seconds of the process itself, and those of its children as last seen."""
    peak, cpu, workers = 0.0, 0.0, dict[str, float]()
    while process.poll() is None:
        peak, cpu = max(peak, _peak_mb(process.pid)), max(cpu, _cpu_s(process.pid))
        for child in _children(process.pid):
            workers[child] = max(workers.get(child, 0.0), _cpu_s(child))
        time.sleep(0.05)
    return peak, cpu, sum(workers.values())


def _peak_mb(pid: int) -> float:
    lines = _read(f"/proc/{pid}/status").splitlines()
    return next((int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmHWM")), 0.0)


def _cpu_s(pid: int | str) -> float:
    parts = _read(f"/proc/{pid}/stat").rpartition(") ")[2].split()
    return sum(map(int, parts[11:13])) / os.sysconf("SC_CLK_TCK") if parts else 0.0


def _children(pid: int) -> list[str]:
    return [child for task in Path(f"/proc/{pid}/task").glob("*") for child in _read(f"{task}/children").split()]


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _data(rows: int, kind: str) -> Path:
    """A folder of Parquet files, made once."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = FILES / f"{kind}-{rows}"
    if (folder / "done").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for part, first in enumerate(range(0, rows, FILE_ROWS)):
        draw = np.random.default_rng(part)
        size = min(FILE_ROWS, rows - first)
        inputs = draw.normal(size=(size, FEATURES)).astype(np.float32).astype(np.float64)
        label = inputs @ np.cos(np.arange(FEATURES)) + draw.normal(size=size)
        columns: dict[str, Any] = {f"x{place}": inputs[:, place] for place in range(FEATURES)}
        columns["y"] = label if kind == "numbers" else (label > 0).astype(np.int64)
        pq.write_table(pa.table(columns), folder / f"part-{part:03}.parquet", row_group_size=131_072)
    (folder / "done").touch()
    return folder


def _register(project: Path, kind: str) -> None:
    """Two versions that differ a little: in a process of its own, since MLflow leaves threads behind."""
    script = f"""
import sys, warnings
warnings.simplefilter("ignore")
import mlflow, pandas as pd, numpy as np
from pathlib import Path
mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.create_experiment("bench", artifact_location=Path("artifacts").resolve().as_uri())
mlflow.set_experiment("bench")
example = pd.DataFrame(np.zeros((2, {FEATURES})), columns=[f"x{{place}}" for place in range({FEATURES})])
for number, noise in enumerate((0.02, 0.0)):
    Path(f"model{{number}}.py").write_text({MODEL!r}.format(features={FEATURES}, noise=noise, answer={ANSWERS[kind]!r}))
    with mlflow.start_run():
        signature = mlflow.models.infer_signature(example)
        mlflow.pyfunc.log_model(name="model", python_model=f"model{{number}}.py", signature=signature,
            pip_requirements=["numpy"], registered_model_name="large")
"""
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
    )
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])


def main() -> None:
    """Print one run as JSON."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    kind = sys.argv[2] if len(sys.argv) > 2 else "numbers"  # noqa: PLR2004 - the second argument
    sys.stdout.write(json.dumps(asdict(measure(rows, kind))) + "\n")


if __name__ == "__main__":
    main()
