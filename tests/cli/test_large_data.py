"""`gate check` on more rows than fit in memory, and on fewer than there are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

FAST = ("--only", "contract,outliers,quality", "--json")
SMALL = Path(__file__).with_name("forked_small.py")


def test_rows_that_do_not_fit_in_memory_are_all_judged(project):
    """A version that answers NaN to few rows fails on all of them; the report says what was judged and how."""
    ended = replace(project, script=SMALL).gate("check", "broken-nan_for_some", "2", *FAST)
    assert ended.code == 1, ended.err
    assert (ended.report["data"]["rows"], ended.report["data"]["coverage"]) == (
        500,
        {"rows_total": 500, "rows_judged": 500, "rows_sampled": 200, "share": 1.0, "seed": 20_260_102},
    )
    assert ended.check("outliers.nulls")["message"].endswith("over all 500 rows")
    assert ended.status("outliers.nulls") == "failed"


def test_a_cap_judges_no_more_rows(project):
    """The same rows for both versions; the terminal says how many of how many."""
    project.configure("models: {house: {data: {max_rows: 300}}}\n")
    ended = project.gate("check", "house", "2", *FAST[:2])
    assert "300 of 500 rows were judged, drawn with the seed 20260102" in ended.out, ended.err
