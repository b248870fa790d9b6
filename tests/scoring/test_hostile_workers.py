"""Models that hang, crash, lie or leave children behind: each is a clear failure, and nothing survives it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from gate.scoring.session import WorkerFailedError


def failure_of(worker, rows):
    worker.put("k", rows)
    with pytest.raises(WorkerFailedError) as caught:
        worker.predict("k")
    return caught.value.failure


@pytest.fixture(params=["fresh", "forked"])
def processes(request):
    """Both ways for a worker to come about."""
    return request.param


def processes_in(folder: Path) -> list[int]:
    """Living processes whose working directory this is: children inherit it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                where = (entry / "cwd").readlink()
                alive = (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
            except OSError:
                continue
            if alive and str(where).removesuffix(" (deleted)") == str(folder):
                found.append(int(entry.name))
    return found


def test_a_hang_at_load_ends_at_the_limit(saved, started):
    """An endless load is a Timeout, and the worker is dead afterwards."""
    worker = started(saved(load="time.sleep(600)"), timeout_s=1.0, load=False)
    with pytest.raises(WorkerFailedError) as caught:
        worker.load(saved(load="time.sleep(600)"))
    assert (caught.value.failure.stage, caught.value.failure.kind) == ("load", "Timeout")
    assert caught.value.failure.text == "No answer within 1 s."
    assert not worker.alive


def test_a_hang_at_predict_ends_at_the_limit(saved, started, rows):
    """An endless predict is a Timeout, and every later call says the same."""
    worker = started(saved("while True: pass"), timeout_s=5.0)
    began = time.monotonic()
    failure = failure_of(worker, rows)
    assert (failure.stage, failure.kind) == ("predict", "Timeout")
    assert time.monotonic() - began < 10
    with pytest.raises(WorkerFailedError, match="Timeout"):
        worker.put("k", rows)


@pytest.mark.parametrize(
    ("predict", "kind", "text"),
    [
        ("os._exit(0)", "Exited", "The process ended itself with exit code 0."),
        ("os._exit(3)", "Exited", "The process ended itself with exit code 3."),
        ("ctypes.string_at(0)", "Killed", "The process was killed by SIGSEGV."),
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            "Killed",
            "The process was killed by SIGKILL, as the system does when",
        ),
    ],
)
def test_a_death_is_described(saved, started, rows, predict, kind, text):
    """How the process ended is told in words."""
    worker = started(saved(predict))
    failure = failure_of(worker, rows)
    assert (failure.stage, failure.kind) == ("predict", kind)
    assert failure.text.startswith(text)
    assert not worker.alive


def test_ten_gigabytes_are_refused(saved, started, rows):
    """An allocation beyond the limit is a MemoryError, and the worker goes on."""
    worker = started(saved("return bytearray(10 << 30) if len(model_input) == 5 else [1]"), memory_mb=2048)
    failure = failure_of(worker, rows)
    assert (failure.stage, failure.kind) == ("predict", "Memory")
    worker.put("k", rows.slice(0, 1))
    assert worker.predict("k").rows == 1


def test_an_answer_over_the_limit_is_refused(saved, started, rows):
    """A frame that claims a terabyte is a protocol error before a byte of it is taken."""
    claim = "import struct\nfor fd in range(3, 4096):\n    try: os.write(fd, struct.pack('>IQ', 2, 1 << 40))\n"
    worker = started(saved(claim + "    except OSError: pass\nreturn model_input['x']"))
    failure = failure_of(worker, rows)
    assert (failure.stage, failure.kind) == ("protocol", "ProtocolError")
    assert failure.text == "The worker sent an answer of 1099511627776 bytes, at most 1073741824 are taken."


def test_a_flood_of_output_is_capped(saved, started, rows):
    """A gigabyte without a newline neither fills memory nor stops the model."""
    flood = "block = b'y' * (1 << 20)\nfor _ in range(1024): os.write(1, block)\nreturn model_input['x']"
    worker = started(saved(flood), timeout_s=60)
    worker.put("k", rows)
    assert worker.predict("k").rows == 5
    assert len(worker.output) < 20_000
    assert "bytes left out" in worker.output


def test_output_is_cleaned_and_kept_from_the_gates_own(saved, loaded, rows, capfd):
    """Escapes and control characters are gone; nothing reaches the terminal."""
    worker = loaded(saved(r"print('\x1b[31mred\x1b[0m\x07 \u202edone'); return model_input['x']"))
    worker.put("k", rows)
    worker.predict("k")
    assert worker.output.splitlines()[-1] == "red done"
    assert "\x1b" not in worker.output
    assert capfd.readouterr() == ("", "")


def test_protocol_lookalikes_on_standard_output_mean_nothing(saved, loaded, rows):
    """Frames printed to standard output are output."""
    forged = "import json, struct\nhead = json.dumps({'seq': 3, 'shape': 'values'}).encode()\n"
    forged += "os.write(1, struct.pack('>IQ', len(head), 0) + head)\nreturn model_input['x']"
    worker = loaded(saved(forged))
    worker.put("k", rows)
    assert worker.predict("k").only.to_pylist() == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_frames_that_nobody_asked_for_are_a_protocol_error(saved, started, rows):
    """A model that finds the pipe and writes to it breaks the protocol, and fails."""
    write = "for fd in range(3, 4096):\n    try: os.write(fd, b'\\0' * 64)\n    except OSError: pass\n"
    extra = f"{write}return model_input['x']"
    worker = started(saved(extra))
    assert failure_of(worker, rows).stage == "protocol"


@pytest.mark.parametrize("closing", ["os.close(1); os.close(2)", "sys.stdout.close(); sys.stderr.close()"])
def test_closing_standard_output_changes_nothing(saved, started, rows, closing):
    """The protocol has pipes of its own."""
    worker = started(saved(f"{closing}\nreturn model_input['x']"))
    worker.put("k", rows)
    assert worker.predict("k").rows == 5


def test_closing_every_descriptor_is_a_failure(saved, started, rows):
    """A model that closes the pipes ends its process, and the gate says so."""
    worker = started(saved("os.closerange(3, 65536)\nreturn model_input['x']"), timeout_s=5)
    assert failure_of(worker, rows).kind in ("Exited", "Killed")


def test_a_daemon_that_keeps_the_pipes_open_does_not_hold_the_gate(saved, started, rows):
    """The process dies, its child holds the pipes: the death is seen at once, and the child is killed."""
    daemon = "import subprocess\nif os.fork() == 0:\n    time.sleep(300)\nos._exit(0)"
    worker = started(saved(daemon), timeout_s=20)
    began = time.monotonic()
    folder = worker._sandbox.folder
    assert failure_of(worker, rows).kind == "Exited"
    assert time.monotonic() - began < 5
    assert processes_in(folder) == []


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="strays are found through /proc")
def test_a_child_with_a_session_of_its_own_is_found(saved, started, rows):
    """A daemon that left the process group is killed when the worker is closed."""
    daemon = "import subprocess\nsubprocess.Popen(['sleep', '300'], start_new_session=True)\nreturn model_input['x']"
    worker = started(saved(daemon))
    worker.put("k", rows)
    worker.predict("k")
    folder = worker._sandbox.folder
    assert len(processes_in(folder)) == 2
    worker.close()
    time.sleep(0.1)
    assert processes_in(folder) == []


def test_a_forked_child_has_no_say(saved, started, rows):
    """A model that forks and returns twice answers once."""
    worker = started(saved("os.fork()\nreturn model_input['x']"))
    for _ in range(3):
        worker.put("k", rows)
        assert worker.predict("k").rows == 5


def test_a_private_folder_that_resists_is_removed(saved, started, rows):
    """Folders without permissions go too."""
    worker = started(saved("os.makedirs('a/b'); open('a/b/c', 'w').close(); os.chmod('a', 0); return model_input['x']"))
    worker.put("k", rows)
    worker.predict("k")
    folder = worker._sandbox.folder
    worker.close()
    assert not folder.exists()


def test_a_model_that_removes_its_own_folder_is_still_ended(saved, started, rows):
    """The end does not depend on what the model left."""
    worker = started(saved("import shutil; shutil.rmtree(os.getcwd()); return model_input['x']"))
    worker.put("k", rows)
    worker.predict("k")
    pid = worker.pid
    worker.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_is_no_answer_is_named(saved, loaded, rows):
    """An answer that is no column fails as UnsupportedAnswer, says what came, and the worker goes on."""
    worker = loaded(saved("return None"))
    failure = failure_of(worker, rows)
    assert (failure.stage, failure.kind) == ("predict", "UnsupportedAnswer")
    assert failure.text == "the model answered None; one value or one row of values for each input row is needed"
    assert worker.alive
