"""A note of any report keeps within its size, and rendering is quick."""

from __future__ import annotations

import resource
import subprocess
import sys
from dataclasses import replace

from gate.domain import Change, Diff
from gate.notes import figures, render, summary
from gate.report import dumps
from tests.notes.pieces import benchmark, throughput, timed


def huge(reports):
    """300 checks with rows, 5,000 parameters, values as long as the report's cut lets them be."""
    base = reports["rejected"]
    long = "x|`" * 66
    checks = [
        replace(each, id=f"{each.id}_{number}", message=long * 5, rows=({"id": long, "inputs": {long: long}},) * 50)
        for each in base.checks
        for number in range(300 // len(base.checks) + 1)
    ]
    params = tuple(Change(name=f"{long}{number}", baseline=long, candidate=long) for number in range(5000))
    kinds = dict.fromkeys(("params", "metrics", "tags", "data", "requirements", "signature", "environment"), params)
    return replace(
        base, checks=tuple(checks), reasons=(long * 5,) * 300, diff=Diff(**kinds), benchmark=huge_benchmark(long)
    )


def huge_benchmark(long):
    """300 scenarios and as many numbers of threads, with remarks."""
    threads = {str(count): 1.0 for count in range(300)}
    return benchmark(
        latency=tuple(timed(f"{number}{long}", 1, (1.0, 0.9, 1.1), 0.001) for number in range(300)),
        throughput=tuple(throughput(side, rows_per_s_by_threads=threads) for side in ("baseline", "candidate")),
        notes=(long,) * 300,
    )


def test_markdown_stays_small(reports):
    """300 failed checks and 5,000 changes of every kind fit into 60 kB of Markdown, with counts of what is left out."""
    note = render(huge(reports))
    assert len(note.encode()) < 60_000
    assert "more, in report.json." in note


def test_html_stays_small(reports):
    """The same fits into 200 kB of HTML, in Korean too."""
    assert len(render(huge(reports), format="html", lang="ko").encode()) < 200_000


def test_figure_stays_small(reports):
    """A figure of 300 scenarios with long names takes no more than a few kB."""
    assert len(figures(huge(reports))["latency.svg"].encode()) < 8_000


def test_summary_stays_small(reports):
    """A job summary keeps under 900 kB."""
    assert len(summary(huge(reports)).encode()) < 900_000


def test_no_checks_at_all(make):
    """A report without a single check gives a note that says so."""
    note = render(make())
    assert "Nothing was judged." in note


def test_long_value_is_cut(make):
    """A parameter of 100,000 characters takes no more than a few hundred in the note."""
    change = Change(name="prompt", baseline=None, candidate="y" * 100_000)
    assert len(render(make(diff=Diff(params=(change,))))) < 6_000


def test_rendering_is_cheap(reports, tmp_path):
    """A process that reads a report and renders a note takes at most 0.3 s of CPU above an empty one that reads it."""
    (tmp_path / "report.json").write_text(dumps(reports["warnings"]))
    read = "from gate.report import read; from pathlib import Path; report = read(Path('report.json'));"
    write = "from gate.notes import render; render(report, format='html'); render(report)"
    assert cpu_seconds(read + write, tmp_path) - cpu_seconds(read, tmp_path) < 0.3


def cpu_seconds(code, folder):
    """The least of three runs: the machine is shared."""
    return min(_cpu_once(code, folder) for _ in range(3))


def _cpu_once(code, folder):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
