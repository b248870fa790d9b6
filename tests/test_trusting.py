"""Whose verdicts are believed, and what is said of the key that signs them."""

from __future__ import annotations

import pytest

from gate import trusting
from gate.attesting.keys import VARIABLE, key_files


@pytest.mark.parametrize(("level", "warned"), [("subprocess", True), ("landlock", False), ("bwrap", False)])
def test_a_key_that_a_model_could_read_is_told(tmp_path, monkeypatch, level, warned):
    """Behind a wall the file cannot be read; a process alone runs as the very user who can."""
    private, _, key = key_files(tmp_path)
    monkeypatch.setenv(VARIABLE, str(private))
    said = []
    found = trusting.signing_key(said.append, level)
    assert found is not None
    assert found.public.fingerprint == key.fingerprint
    assert [("isolated by a process alone" in line) for line in said] == [True] * warned
