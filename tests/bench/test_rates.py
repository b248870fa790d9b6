"""What a simulation wrote is counted."""

from __future__ import annotations

from bench.calibrate.rates import as_json, cells_of


def line(verdict, **loud):
    return {
        "world": "w", "change": "c", "sort": "harmless", "rows": 10, "loss": 0.1, "verdict": verdict, "loud": loud,
    }  # fmt: skip


def test_runs_of_one_case_are_counted_by_verdict_and_check():
    """Two verdicts of three runs, and how often a check said what."""
    runs = [line("pass"), line("fail", drift="failed critical"), line("fail", drift="failed critical")]
    (cell,) = as_json(cells_of(runs))
    assert cell["verdicts"] == {"fail": 2, "pass": 1}
    assert cell["checks"] == {"drift": {"failed critical": 2}}


def test_cases_are_kept_apart():
    """Another number of rows is another cell."""
    assert len(as_json(cells_of([line("pass"), line("pass") | {"rows": 20}]))) == 2
