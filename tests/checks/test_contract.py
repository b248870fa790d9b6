"""contract.*: what callers rely on, broken and kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from gate.domain import Category, Failure, Field, Signature, Task, Twin

N = 200
RNG = np.random.default_rng(1)
NUMBERS = RNG.normal(size=N)
CONTRACT = frozenset({Category.CONTRACT})


@pytest.fixture
def contract(case_of, results_of):
    """Judge the contract of a case after a change to it."""

    def judge(*args, answers=None, signatures=None, **named):
        case = case_of(*args, **named)
        if answers is not None:
            case = replace(case, answers=replace(case.answers, **answers))
        if signatures is not None:
            pair = case.comparison
            versions = {
                "candidate": replace(pair.candidate, signature=signatures[0]),
                "baseline": replace(pair.baseline, signature=signatures[1]),
            }
            case = replace(case, comparison=replace(pair, **versions))
        return results_of(case, CONTRACT)

    return judge


def twin(name, values, rows=None):
    rows = np.arange(len(values)) if rows is None else rows
    return Twin(name=name, rows=rows, table=pa.table({"prediction": values}))


TWINS = {"repeated": "contract.repeatable", "alone": "contract.batch_invariance", "shuffled": "contract.row_order"}


@pytest.mark.parametrize("name", TWINS)
def test_the_same_answers_within_single_precision_pass(contract, name):
    """Rounding is no other answer."""
    again = NUMBERS.astype(np.float32).astype(float)
    found = contract(NUMBERS, NUMBERS, answers={"twins": (twin(name, again),)})[TWINS[name]]
    assert found.status == "passed"


@pytest.mark.parametrize("name", TWINS)
def test_small_random_noise_is_a_warning(contract, name):
    """Noise of a five-hundredth of the answers' spread."""
    again = NUMBERS + 0.002 * RNG.uniform(-1, 1, N)
    found = contract(NUMBERS, NUMBERS, answers={"twins": (twin(name, again),)})[TWINS[name]]
    assert (found.status, found.severity) == ("failed", "warning")


@pytest.mark.parametrize("name", TWINS)
def test_other_answers_are_critical(contract, name):
    """Answers that depend on their neighbours, with the rows."""
    found = contract(NUMBERS, NUMBERS, answers={"twins": (twin(name, NUMBERS[::-1].copy()),)})[TWINS[name]]
    assert (found.status, found.severity, found.rows_total) == ("failed", "critical", N)


@pytest.mark.parametrize("again", [["a"] * N, [[1.0]] * N, [None] * N], ids=["texts", "lists", "nothing"])
def test_answers_of_another_kind_are_the_models_fault(contract, again):
    """Numbers first, something else when asked again: failed and critical, not an error of the gate."""
    found = contract(NUMBERS, NUMBERS, answers={"twins": (twin("repeated", again),)})["contract.repeatable"]
    assert (found.status, found.severity) == ("failed", "critical")


def test_another_class_for_one_row_is_critical(contract):
    """A class has no small noise."""
    names = ["a", "b"] * (N // 2)
    again = ["b", *names[1:]]
    found = contract(names, names, task=Task.CLASSIFICATION, answers={"twins": (twin("repeated", again),)})
    assert (found["contract.repeatable"].status, found["contract.repeatable"].severity) == ("failed", "critical")


def test_a_version_that_does_not_load_fails_with_class_and_text(contract):
    """The exception's class and text are in the message, with what the worker printed."""
    broken = Failure(stage="load", kind="ModuleNotFoundError", text="No module named 'x'", output="Traceback\nboom")
    found = contract(None, NUMBERS, answers={"table": None, "failure": broken})["contract.loads"]
    assert (found.status, found.severity) == ("failed", "critical")
    assert "ModuleNotFoundError: No module named 'x'" in found.message


def test_fewer_answers_than_rows_fail(contract):
    """199 answers to 200 rows."""
    found = contract(NUMBERS, NUMBERS, answers={"table": pa.table({"prediction": NUMBERS[1:]})})
    assert (found["contract.row_count"].status, found["contract.row_count"].message) == (
        "failed",
        "199 answers for 200 rows",
    )


@pytest.mark.parametrize(
    "answers",
    [["a"] * N, [None] * N, {"other": NUMBERS}, {"prediction": [[1.0, 2.0]] * N}],
    ids=["texts", "nothing", "another column", "vectors"],
)
def test_answers_of_a_wrong_type_fail(contract, answers):
    """Regression asks for numbers, as the baseline gave them."""
    found = contract(answers, NUMBERS)["contract.types"]
    assert (found.status, found.severity) == ("failed", "critical")


@pytest.mark.parametrize("answers", [NUMBERS.astype(np.float32), np.arange(N), NUMBERS * 1e9])
def test_numbers_of_any_width_pass(contract, answers):
    """A wider or narrower number is the same type."""
    assert contract(answers, NUMBERS)["contract.types"].status == "passed"


def signature(*inputs, output="double"):
    return Signature(inputs=inputs, outputs=(Field(name=None, type=output),))


A, B = Field(name="a", type="double"), Field(name="b", type="long")
BREAKING = {
    "removed": (signature(A), signature(A, B)),
    "renamed": (signature(A, Field(name="c", type="long")), signature(A, B)),
    "added as required": (signature(A, B, Field(name="c", type="long")), signature(A, B)),
    "narrowed": (signature(Field(name="a", type="float"), B), signature(A, B)),
    "became required": (signature(A), signature(Field(name="a", type="double", required=False))),
    "output changed": (signature(A, output="string"), signature(A)),
}
COMPATIBLE = {
    "the same": (signature(A, B), signature(A, B)),
    "added as optional": (signature(A, B, Field(name="c", type="long", required=False)), signature(A, B)),
    "became optional": (signature(Field(name="a", type="double", required=False)), signature(A)),
    "in another order": (signature(B, A), signature(A, B)),
    "integer became long": (signature(B), signature(Field(name="b", type="integer"))),
}


@pytest.mark.parametrize("name", BREAKING)
def test_a_breaking_signature_is_critical(contract, name):
    """Callers of the baseline would have to change."""
    found = contract(NUMBERS, NUMBERS, signatures=BREAKING[name])["contract.signature"]
    assert (found.status, found.severity, bool(found.message)) == ("failed", "critical", True)


@pytest.mark.parametrize("name", COMPATIBLE)
def test_a_compatible_signature_passes(contract, name):
    """Callers of the baseline need no change."""
    assert contract(NUMBERS, NUMBERS, signatures=COMPATIBLE[name])["contract.signature"].status == "passed"


def test_a_lost_signature_is_a_warning(contract):
    """The baseline has one, the candidate none."""
    found = contract(NUMBERS, NUMBERS, signatures=(None, signature(A)))["contract.signature"]
    assert (found.status, found.severity) == ("failed", "warning")


MORE = {
    "split": "contract.batch_invariance",
    "twice": "contract.batch_invariance",
    "columns": "contract.column_order",
    "elsewhere": "contract.second_process",
}


@pytest.mark.parametrize("name", MORE)
def test_other_answers_to_rows_asked_otherwise_are_critical(contract, name):
    """And say how the rows were asked."""
    found = contract(NUMBERS, NUMBERS, answers={"twins": (twin(name, NUMBERS[::-1].copy()),)})[MORE[name]]
    assert (found.status, found.severity, found.rows_total) == ("failed", "critical", N)


BROKEN = Failure(stage="predict", kind="KeyError", text="'a'")


@pytest.mark.parametrize("name", MORE)
def test_a_model_that_fails_when_asked_otherwise_fails(contract, name):
    """With the exception's class and text; all rows were answered before."""
    failed = Twin(name=name, rows=np.arange(4), table=None, failure=BROKEN)
    found = contract(NUMBERS, NUMBERS, answers={"twins": (failed,)})[MORE[name]]
    assert (found.status, found.severity, "KeyError: 'a'" in found.message) == ("failed", "critical", True)


@pytest.mark.parametrize(
    "table", [None, pa.table({"prediction": [None, *NUMBERS[1:]]})], ids=["raises", "no answer to one row"]
)
def test_optional_inputs_that_are_needed_are_a_warning(contract, table):
    """The signature promised otherwise."""
    asked = Twin(name="optional", rows=np.arange(N), table=table, failure=None if table else BROKEN)
    found = contract(NUMBERS, NUMBERS, answers={"twins": (asked,)})["contract.optional_inputs"]
    assert (found.status, found.severity) == ("failed", "warning")


def test_other_answers_without_optional_inputs_are_no_fault(contract):
    """What is not given cannot count."""
    found = contract(NUMBERS, NUMBERS, answers={"twins": (twin("optional", NUMBERS + 1),)})["contract.optional_inputs"]
    assert found.status == "passed"


RELATIONS = {
    "the same": ("same", 0.0, 0.0, "passed"),
    "not the same": ("same", 0.0, 0.5, "failed"),
    "the same within a tolerance": ("same", 1.0, 0.5, "passed"),
    "no lower": ("increase", 0.0, 0.5, "passed"),
    "lower": ("increase", 0.0, -0.5, "failed"),
    "lower within a tolerance": ("increase", 1.0, -0.5, "passed"),
    "no higher": ("decrease", 0.0, -0.5, "passed"),
    "higher": ("decrease", 0.0, 0.5, "failed"),
}


@pytest.mark.parametrize("name", RELATIONS)
def test_declared_relations_are_held(contract, name):
    """Critical where they break."""
    expect, tolerance, moved, status = RELATIONS[name]
    config = {"metamorphic": [{"name": "r", "change": {"x": "+1"}, "expect": expect, "tolerance": tolerance}]}
    answers = {"twins": (twin("relation:r", NUMBERS + moved),)}
    found = contract(NUMBERS, NUMBERS, answers=answers, config=config)["contract.relations"]
    assert (found.status, found.severity) == (status, "critical")


def test_a_relation_that_no_row_can_be_asked_for_is_inconclusive(contract):
    """The evaluation data hold no such value."""
    config = {"metamorphic": [{"change": {"x": {7: 8}}}]}
    found = contract(NUMBERS, NUMBERS, config=config)["contract.relations"]
    assert (found.status, "change of x" in found.message) == ("inconclusive", True)


def test_of_classes_without_probabilities_nothing_rises(contract):
    """A failure that says so, not a fault of the gate."""
    names = ["a", "b"] * (N // 2)
    config = {"metamorphic": [{"name": "r", "change": {"x": "+1"}, "expect": "increase"}]}
    answers = {"twins": (twin("relation:r", names),)}
    found = contract(names, names, task=Task.CLASSIFICATION, answers=answers, config=config)["contract.relations"]
    assert (found.status, "no column of numbers" in found.message) == ("failed", True)
