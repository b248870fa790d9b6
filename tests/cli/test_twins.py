"""The candidate asked in other ways, from gate.yaml to the report."""

from __future__ import annotations

RELATIONS = """
models:
  house:
    metamorphic:
      - {name: a counts, change: {a: "+1"}, expect: increase}
      - {name: a is good, change: {a: "+1"}, expect: decrease}
"""


def test_relations_and_other_ways_to_ask(project):
    """One relation holds, one is broken; columns, batches and a second process make no difference."""
    project.configure(RELATIONS)
    ended = project.gate("check", "house", "2", "--json", "--only", "contract")
    assert ended.code == 1, ended.err
    found = ended.check("contract.relations")
    assert (found["status"], found["severity"], found["message"][:12]) == ("failed", "critical", "a is good: 6")
    for name in ("column_order", "second_process", "batch_invariance"):
        assert ended.status(f"contract.{name}") == "passed"


def test_a_relation_about_a_column_that_is_not_there_is_a_usage_error(project):
    """Exit 2, the line of gate.yaml, and the columns that there are."""
    project.configure("models: {house: {metamorphic: [{change: {aa: 1}}]}}\n")
    ended = project.gate("check", "house", "2", "--only", "contract")
    assert ended.code == 2
    assert all(text in ended.err for text in ("gate.yaml:", "'aa'", "a, b, c")), ended.err
