"""Looks as a user meets them."""

from __future__ import annotations

import shutil


def test_looks_that_are_used_up_leave_quality_undecided(project):
    """One look is planned: the second candidate's quality is an inconclusive warning that says what to do.

    The first look was recorded, so that another machine knows of it.
    """
    path = project.folder / "gate.yaml"
    path.write_text(path.read_text().replace("target: y", "target: y, looks: 1"))
    project.configure("models: {house: {latency: {batch_sizes: [1], budget_s: 1}}}\n")
    first = project.gate("check", "house", "2", "--json", "--record")
    assert first.report["data"]["looks"] == {"used": 1, "planned": 1}
    assert first.status("quality.rmse") == "passed"
    shutil.rmtree(project.folder / ".gate")
    second = project.gate("check", "house", "1", "--baseline", "2", "--json", "--only", "quality")
    assert second.report["data"]["looks"] == {"used": 2, "planned": 1}
    rmse = second.check("quality.rmse")
    assert (rmse["status"], rmse["severity"]) == ("inconclusive", "warning")
    assert "rotate the set" in rmse["message"]
