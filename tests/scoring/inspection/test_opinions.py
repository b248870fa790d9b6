"""Other scanners, where they are installed."""

from __future__ import annotations

import json

from gate.scoring.inspection import opinions
from tests.scoring.inspection.opcodes import by_global


def test_picklescan_is_asked_and_modelscan_is_missing(tmp_path):
    """The one that is installed answers, with file and symbol; the other says how to install it."""
    (tmp_path / "model.pkl").write_bytes(by_global("os", "system", ("true",)))
    asked = {opinion.scanner: opinion for opinion in opinions.second_opinions(tmp_path)}
    assert [str(finding) for finding in asked["picklescan"].findings] == ["model.pkl: os.system is a dangerous import"]
    assert "model-release-gate[scan]" in asked["modelscan"].problem


def test_modelscans_report_is_read(tmp_path):
    """As version 0.8.8 writes it."""
    issue = {"operator": "system", "module": "posix", "source": "m.pkl", "severity": "CRITICAL", "scanner": "x"}
    found = opinions._read_modelscan(json.dumps({"issues": [issue], "errors": []}), tmp_path)
    assert [str(finding) for finding in found] == ["m.pkl: posix.system is unsafe (critical)"]


def test_a_scanner_that_prints_nonsense_has_no_opinion(tmp_path):
    """Its fault is no fault of the model, and none of the gate."""
    modelscan = opinions._SCANNERS[1]
    for text in ("", "[]", "{}", '{"issues": [1]}', "Traceback"):
        assert opinions._read(modelscan, text, tmp_path).problem
