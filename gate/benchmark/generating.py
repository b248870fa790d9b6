"""The load generator's process: `python -P -m gate.benchmark.generating PLAN RESULT`.

MLPerf's LoadGen decides when a request is due and which one it is: a Poisson process that waits for nobody (its
Server scenario), or one request after the other (SingleStream). What is here is the adapter that LoadGen needs: each
query becomes one HTTP request to a served version on this machine. Which version is asked is part of the query, drawn
at random, so that each version gets a Poisson process of its own, on the same machine at the same time.
"""

from __future__ import annotations

import asyncio
import json
import re
import resource
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import mlperf_loadgen as loadgen

ANSWER_BYTES = 64 << 20
"""A longer answer is none."""

_SAMPLE = re.compile(
    r'"name":"Sample".*?"ph":"b".*?"ts":(?P<due_us>[\d.]+),.*?"sample_seq":(?P<sequence>\d+),.*?'
    r'"sample_idx":(?P<index>\d+),"issue_start_ns":(?P<late_ns>\d+),"complete_ns":(?P<took_ns>\d+)'
)
_NO_TIME_LIMIT_NS = 10**15
_TEXT = 200


@dataclass(slots=True, kw_only=True)
class Client:
    """Sends queries, from a thread of its own, and tells LoadGen when each is answered."""

    urls: list[str]
    bodies: list[list[bytes]]
    timeout_s: float
    end: float
    """When no answer is waited for any more, on the clock of `time.monotonic`."""
    asked: list[int] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    failures: dict[int, str] = field(default_factory=dict)
    """Side -> what its first failure was."""
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Start the thread."""
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(self._open(), self.loop).result()

    def issue(self, queries: list[Any]) -> None:
        """Send these and return at once; LoadGen calls this when they are due."""
        for query in queries:
            place = len(self.asked)
            self.asked.append(query.index)
            self.status.append(0)
            asyncio.run_coroutine_threadsafe(self._ask(query.id, query.index, place), self.loop)

    def close(self) -> None:
        """Close all connections."""
        if self.session is not None:
            asyncio.run_coroutine_threadsafe(self.session.close(), self.loop).result()

    async def _open(self) -> None:
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        )

    async def _ask(self, query: int, index: int, place: int) -> None:
        side, row = index % len(self.urls), index // len(self.urls)
        bodies = self.bodies[side]
        try:
            self.status[place], text = await self._answer(self.urls[side], bodies[row % len(bodies)])
            if self.status[place] != 200:  # noqa: PLR2004 - HTTP's OK
                self.failures.setdefault(side, f"HTTP {self.status[place]}: {text}")
        except Exception as error:  # noqa: BLE001 - whatever it was: LoadGen must hear of the end of each query
            self.failures.setdefault(side, f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
        finally:
            loadgen.QuerySamplesComplete([loadgen.QuerySampleResponse(query, 0, 0)])

    async def _answer(self, url: str, body: bytes) -> tuple[int, str]:
        """Read an answer to its end; a redirection is an answer like another, and leads nowhere."""
        assert self.session is not None  # noqa: S101 - opened before anything is sent
        left = aiohttp.ClientTimeout(total=max(0.01, min(self.timeout_s, self.end - time.monotonic())))
        headers = {"Content-Type": "application/json"}
        async with self.session.post(url, data=body, headers=headers, allow_redirects=False, timeout=left) as answer:
            size, begin = 0, b""
            async for piece in answer.content.iter_any():
                size += len(piece)
                begin = begin or piece[:_TEXT]
                if size > ANSWER_BYTES:
                    raise ValueError("the answer does not end")
            return answer.status, begin.decode(errors="replace")


def main(arguments: list[str]) -> None:
    """Run the plan and write what happened."""
    plan = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    _open_as_many_connections_as_allowed()
    client = Client(
        urls=plan["urls"],
        bodies=[Path(path).read_bytes().splitlines() for path in plan["bodies"]],
        timeout_s=plan["timeout_s"],
        end=time.monotonic() + plan["most_s"] + plan["drain_s"],
    )
    client.open()
    trace = _run(client, plan)
    client.close()
    Path(arguments[1]).write_text(json.dumps(_told(client, trace)), encoding="utf-8")


def _run(client: Client, plan: dict[str, Any]) -> str:
    """Let LoadGen send the queries, and give its trace."""
    queries = len(client.urls) * max(len(bodies) for bodies in client.bodies)
    sut = loadgen.ConstructSUT(client.issue, lambda: None)
    samples = loadgen.ConstructQSL(queries, queries, lambda _: None, lambda _: None)
    with tempfile.TemporaryDirectory() as folder:
        loadgen.StartTestWithLogSettings(sut, samples, _settings(plan), _logging(folder))
        trace = (Path(folder) / "mlperf_log_trace.json").read_text(encoding="utf-8", errors="replace")
    loadgen.DestroyQSL(samples)
    loadgen.DestroySUT(sut)
    return trace


def _settings(plan: dict[str, Any]) -> Any:  # noqa: ANN401 - LoadGen ships no types
    settings = loadgen.TestSettings()
    settings.mode = loadgen.TestMode.PerformanceOnly
    if plan["rate"] is None:
        settings.scenario = loadgen.TestScenario.SingleStream
    else:
        settings.scenario = loadgen.TestScenario.Server
        settings.server_target_qps = plan["rate"]
        settings.server_target_latency_ns = _NO_TIME_LIMIT_NS
    settings.min_query_count = settings.max_query_count = plan["requests"]
    settings.min_duration_ms = 0
    settings.max_duration_ms = max(1, int(plan["most_s"] * 1000))
    settings.qsl_rng_seed = settings.sample_index_rng_seed = settings.schedule_rng_seed = plan["seed"]
    return settings


def _logging(folder: str) -> Any:  # noqa: ANN401 - LoadGen ships no types
    output = loadgen.LogOutputSettings()
    output.outdir = folder
    output.copy_summary_to_stdout = False
    settings = loadgen.LogSettings()
    settings.log_output = output
    settings.enable_trace = True
    return settings


def _told(client: Client, trace: str) -> dict[str, Any]:
    """What happened, in the order of being due: LoadGen's times, and the adapter's answers."""
    found = sorted(_SAMPLE.finditer(trace), key=lambda each: int(each["sequence"]))
    if [int(each["index"]) for each in found] != client.asked:
        raise RuntimeError(f"LoadGen's trace tells of {len(found)} queries, {len(client.asked)} were sent")
    return {
        "side": [index % len(client.urls) for index in client.asked],
        "due_ns": [round(float(each["due_us"]) * 1000) for each in found],
        "late_ns": [int(each["late_ns"]) for each in found],
        "took_ns": [int(each["took_ns"]) for each in found],
        "status": client.status,
        "failures": client.failures,
    }


def _open_as_many_connections_as_allowed() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


if __name__ == "__main__":
    main(sys.argv[1:])
