"""The worker process: what an honest model sees, and what the gate learns from it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gate.scoring.session import Limits, Worker, WorkerFailedError

ABC = pa.table({"a": [1.0, 0.0], "b": [1.0, 0.0], "c": [1.0, 2.0]})

LOOK_AROUND = """
import json, threading
return [json.dumps({
    "env": dict(os.environ), "cwd": os.getcwd(), "stdin": sys.stdin.read(),
    "gate": sorted(name for name in sys.modules if name.startswith("gate")),
    "tracking": mlflow.get_tracking_uri(), "home": os.path.expanduser("~"),
})] * len(model_input)
"""


@pytest.fixture(scope="module")
def seen(saved):
    """What a model sees of the world around it, and its worker's private folder after the end."""
    import json

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATE_CANARY", "canary-7")
        patch.setenv("GITHUB_TOKEN", "ghs_secret")
        patch.setenv("CI", "true")
        patch.setenv("HTTPS_PROXY", "http://proxy.example")
        patch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
        with Worker.start(Limits(timeout_s=30)) as worker:
            worker.load(saved(LOOK_AROUND))
            worker.put("k", pa.table({"x": [1.0]}))
            return json.loads(worker.predict("k").only[0].as_py())


def test_a_model_answers_its_rows(linear, loaded):
    """A scikit-learn model answers one number a row."""
    worker = loaded(linear)
    worker.put("two", ABC)
    answer = worker.predict("two")
    assert answer.shape == "values"
    assert answer.only.to_pylist() == pytest.approx([6.0, 6.0])


def test_start_returns_at_once(linear, started):
    """The worker's imports overlap with the gate's own."""
    began = time.perf_counter()
    worker = started(linear, load=False)
    assert time.perf_counter() - began < 0.3
    assert worker.load(linear) > 0


def staged(worker, rows, calls, batch=1):
    """Put the rows and stage calls on them, the first rows first."""
    worker.put("k", rows)
    worker.stage("k", np.arange(calls * batch) % rows.num_rows, batch)


def test_timing_counts_the_models_cpu(saved, loaded, rows):
    """A model that computes 50 ms a call costs that much CPU time; one that sleeps costs wall time only."""
    spin = "until = time.process_time() + 0.05\nwhile time.process_time() < until: pass\nreturn model_input['x']"
    worker = loaded(saved(spin))
    staged(worker, rows, 4)
    cpu, wall = worker.call(4)
    assert 0.2e9 <= cpu < 0.3e9
    assert wall >= cpu * 0.9


def test_sleep_is_wall_time_only(saved, loaded, rows):
    """Waiting is seen by the wall clock and not by the CPU clock."""
    worker = loaded(saved("time.sleep(0.1)\nreturn model_input['x']"))
    staged(worker, rows, 2)
    cpu, wall = worker.call(2)
    assert wall > 0.15e9  # what the machine kept it waiting is left out, by an estimate
    assert cpu < 0.05e9


def test_a_timed_call_sees_its_own_rows_numbered_from_zero(saved, loaded, rows):
    """Rows are cut from what was put, look like rows of their own, and come in the order that was asked for."""
    model = "assert list(model_input.index) == [0, 1]\nprint(list(model_input['x']))\nreturn model_input['x']"
    worker = loaded(saved(model))
    worker.put("k", rows)
    worker.stage("k", np.array([3, 0, 2, 2]), 2)
    worker.call(1)
    worker.call(1)
    assert worker.output.endswith("[4.0, 1.0]\n[3.0, 3.0]")


def test_a_ping_makes_no_call(saved, loaded, rows):
    """What the gate itself adds to a call is measured by a token that asks for none."""
    worker = loaded(saved("print('called')\nreturn model_input['x']"))
    staged(worker, rows, 1)
    cpu, wall = worker.call(0)
    assert 0 < cpu <= wall
    assert "called" not in worker.output
    worker.call(1)
    assert "called" in worker.output


def test_frames_go_on_after_timed_calls(saved, loaded, rows):
    """A worker that was timed answers as before."""
    worker = loaded(saved())
    staged(worker, rows, 3)
    worker.call(2)
    assert worker.predict("k").rows == 5


def test_an_exception_in_a_timed_call_is_the_models(saved, loaded, rows):
    """Its class and words come through, and the worker goes on."""
    worker = loaded(saved("raise ValueError('no such city')"))
    staged(worker, rows, 1)
    with pytest.raises(WorkerFailedError, match="no such city") as raised:
        worker.call(1)
    assert raised.value.failure.kind == "ValueError"
    assert worker.alive


def test_a_timed_call_that_does_not_end_is_ended(saved, started, rows):
    """At its own limit, which may be shorter than that of the worker."""
    worker = started(saved("time.sleep(60)"))
    staged(worker, rows, 1)
    with pytest.raises(WorkerFailedError, match=r"No answer within 0\.3 s") as raised:
        worker.call(1, timeout_s=0.3)
    assert raised.value.failure.kind == "Timeout"


def test_a_word_too_many_in_a_timed_call_is_a_protocol_error(saved, started, rows):
    """A model that says by itself that it is done is found out."""
    write = "for fd in range(3, 4096):\n    try: os.write(fd, b'.')\n    except OSError: pass\n"
    worker = started(saved(f"{write}return model_input['x']"))
    staged(worker, rows, 2)
    with suppress(WorkerFailedError):  # the word too many may come with the first answer or after it
        worker.call(1)
    with pytest.raises(WorkerFailedError) as raised:
        worker.call(1)
    assert raised.value.failure.stage == "protocol"


def test_threads_that_predict_at_once_take_as_long_as_their_waiting(saved, loaded, rows):
    """Four calls that sleep take as long as one where four threads make them."""
    worker = loaded(saved("time.sleep(0.2)\nreturn model_input['x']"))
    staged(worker, rows, 4)
    assert worker.crowd(4, 4) < 0.6


def test_the_system_tells_memory_and_threads(saved, loaded, rows):
    """What a worker uses is read from outside."""
    usage = loaded(saved()).usage()
    assert usage.peak_bytes >= usage.rss_bytes > 20_000_000
    assert usage.threads >= 1
    assert usage.cpu_ns > 0


def test_modules_that_loading_imports_are_told(saved, loaded):
    """Those that were there before are not."""
    modules = loaded(saved(load="import tabnanny")).modules()
    assert "tabnanny" in modules
    assert "os" not in modules


def test_a_model_that_changes_its_rows_meets_the_same_rows_again(saved, loaded, rows):
    """Every call gets its own copy."""
    worker = loaded(saved("model_input['x'] = model_input['x'] + 1\nreturn model_input['x'].to_numpy()"))
    worker.put("k", rows)
    worker.stage("k", np.arange(5 * 3) % 5, 5)
    worker.call(3)
    assert worker.predict("k").only.to_pylist() == [2.0, 3.0, 4.0, 5.0, 6.0]


def test_an_exception_is_the_models_and_the_worker_goes_on(saved, loaded, rows):
    """The class and the first line come back, with what was printed."""
    worker = loaded(
        saved("print('about to fail')\nif len(model_input) == 5:\n    raise KeyError('glucose')\nreturn [1]")
    )
    worker.put("k", rows)
    with pytest.raises(WorkerFailedError) as caught:
        worker.predict("k")
    failure = caught.value.failure
    assert (failure.stage, failure.kind, failure.text) == ("predict", "KeyError", "'glucose'")
    assert "about to fail" in failure.output
    worker.put("k", rows.slice(0, 1))
    assert worker.predict("k").only.to_pylist() == [1]


def test_mlflows_own_words_on_a_wrong_type(linear, loaded):
    """A schema that MLflow refuses is told by its reason, not by the print of a frame."""
    worker = loaded(linear)
    worker.put("k", pa.table({"a": ["x"], "b": [1.0], "c": [1.0]}))
    with pytest.raises(WorkerFailedError) as caught:
        worker.predict("k")
    assert caught.value.failure.kind == "MlflowException"
    assert caught.value.failure.text.startswith("Incompatible input types for column a.")


def test_a_missing_package_is_named(saved, loaded):
    """A model that needs what is not installed fails to load, and says what."""
    with pytest.raises(WorkerFailedError) as caught:
        loaded(saved(load="import no_such_package"))
    failure = caught.value.failure
    assert (failure.stage, failure.kind) == ("load", "ModuleNotFoundError")
    assert failure.text == "No module named 'no_such_package'"


def test_sys_exit_in_a_model_is_an_exception(saved, loaded, rows):
    """SystemExit is answered like any other."""
    worker = loaded(saved("sys.exit(0)"))
    worker.put("k", rows)
    with pytest.raises(WorkerFailedError) as caught:
        worker.predict("k")
    assert caught.value.failure.kind == "SystemExit"
    assert worker.alive


def test_no_secret_reaches_the_model(seen):
    """Tokens, CI marks, proxies and whatever else the gate's environment holds stay outside."""
    hidden = {"GATE_CANARY", "GITHUB_TOKEN", "CI", "HTTPS_PROXY", "MLFLOW_TRACKING_TOKEN"}
    assert hidden.isdisjoint(seen["env"])
    assert "canary-7" not in str(seen["env"])


def test_the_model_lives_in_a_private_folder(seen):
    """Home, temporary files and working directory are one folder, which is gone afterwards."""
    assert seen["home"] == seen["cwd"] == seen["env"]["TMPDIR"]
    assert not Path(seen["home"]).exists()


def test_tracking_leads_nowhere(seen):
    """A model that logs does so to a place that does not exist."""
    assert seen["tracking"].startswith("file:///")
    assert seen["tracking"].endswith("/nowhere")


def test_one_thread(seen):
    """Numeric libraries use one thread."""
    assert seen["env"]["OMP_NUM_THREADS"] == seen["env"]["OPENBLAS_NUM_THREADS"] == "1"


def test_the_worker_imports_only_its_own_part_of_gate(seen):
    """The protocol, the worker and its parts: nothing that knows labels, registry or verdict."""
    own = {"gate.scoring", "gate.scoring.protocol"} | {
        f"gate.scoring.worker{part}"
        for part in ("", "_inputs", "_answers", "_columns", "_wall", "_landlock", "_filter", "_folder")
    }
    rooms = {name for name in seen["gate"] if name.count(".")}
    assert {name for name in rooms if name.startswith("gate.scoring")} <= own
    assert not [name for name in rooms if name.startswith(("gate.registry", "gate.checking", "gate.pipeline"))]


def test_the_worker_ends_with_the_gate(linear):
    """A gate that is killed leaves no worker and no folder behind."""
    code = f"""
import sys, time
from pathlib import Path
from gate.scoring.session import Limits, Worker
worker = Worker.start(Limits())
worker.load(Path({str(linear)!r}))
print(worker.pid, worker._sandbox.folder, flush=True)
time.sleep(60)
"""
    gate = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert gate.stdout
    pid, folder = gate.stdout.readline().split()
    gate.kill()
    gate.wait()
    gate.stdout.close()
    assert ended(int(pid))
    assert not Path(folder).exists()


def ended(pid: int, within_s: float = 5) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if state(pid) == "Z":
            return True
        time.sleep(0.05)
    return False


def state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
