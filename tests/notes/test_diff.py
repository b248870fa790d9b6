"""What differs between two versions."""

from __future__ import annotations

import math

from gate.domain import Change, Field, LoggedDataset, Signature
from gate.notes.diff import compare

TAG = "mlflow.source.git.commit"


def dataset(**more):
    facts = {"name": "train", "digest": "ab12cd34", "context": "training", "source_type": "local", "source": "{}"}
    return LoggedDataset(**{**facts, "rows": 10, "columns": ("a", "b"), **more})


def test_only_what_differs(snapshot):
    """Parameters that differ, are new or are gone are listed; the same ones are counted."""
    old = snapshot(1, {"params": {"alpha": "0.5", "same": "1", "gone": "x"}})
    new = snapshot(2, {"params": {"alpha": "0.1", "same": "1", "fresh": "y"}})
    diff = compare(new, old, None)
    assert diff.params == (
        Change(name="alpha", baseline="0.5", candidate="0.1"),
        Change(name="fresh", baseline=None, candidate="y"),
        Change(name="gone", baseline="x", candidate=None),
    )
    assert diff.unchanged == {"params": 1}


def test_first_version_lists_what_it_holds(snapshot):
    """Without a baseline parameters, metrics, data, requirements and signature are listed, files are not."""
    facts = {"params": {"alpha": "0.5"}, "metrics": {"rmse": 1.5}, "datasets": (dataset(),)}
    signature = Signature(inputs=(Field(name="age", type="double"),), outputs=None)
    diff = compare(snapshot(1, facts, requirements=("mlflow==3.17.2",), signature=signature), None, None)
    assert [change.name for change in (*diff.params, *diff.metrics, *diff.requirements, *diff.signature)] == [
        "alpha",
        "rmse",
        "mlflow",
        "input age",
    ]
    assert diff.data[0] == Change(name="training: columns", baseline=None, candidate="a, b")
    assert (diff.files.added, diff.files.computes_identical) == ((), False)


def test_thousands_of_params_are_capped_and_counted(snapshot):
    """Of 5,000 new parameters the first 200 are kept, and the rest are counted."""
    diff = compare(snapshot(2, {"params": {f"p{n:04}": "1" for n in range(5000)}}), snapshot(1), None)
    assert (len(diff.params), diff.omitted) == (200, {"params": 4800})


def test_long_values_are_cut_and_still_told_apart(snapshot):
    """Two values of 100,000 characters that differ only at their end look different in the diff."""
    old, new = ("x" * 100_000 + end for end in "ab")
    (change,) = compare(snapshot(2, {"params": {"p": new}}), snapshot(1, {"params": {"p": old}}), None).params
    assert change.baseline != change.candidate
    assert len(change.candidate) < 260
    assert "(100001 characters" in change.candidate


def test_passwords_in_addresses_are_hidden(snapshot):
    """A user and password inside an address never reach a report."""
    line = "pkg @ git+https://user:secret@example.org/x.git"
    assert "secret" not in repr(compare(snapshot(requirements=(line,)), None, None))


def test_nan_equals_nan(snapshot):
    """A metric that is NaN in both did not change."""
    both = [snapshot(number, {"metrics": {"loss": math.nan}}) for number in (2, 1)]
    assert compare(*both, None).metrics == ()


def test_tags_without_the_machinery(snapshot):
    """Tags of the run and of the version are told apart; those of MLflow and of the gate are left out."""
    new = snapshot(2, {"tags": {"team": "a", "mlflow.user": "x", "gate.verdict": "pass"}}, tags={"team": "b"})
    assert [change.name for change in compare(new, snapshot(1), None).tags] == ["run team", "version team"]


def test_requirements_by_normalised_name(snapshot):
    """The same package written otherwise is the same; another version is a change; odd lines stay whole."""
    old = snapshot(1, requirements=("Scikit_Learn==1.8.0", "numpy<3,>=2", "-e git+https://example.org/x"))
    new = snapshot(2, requirements=("scikit-learn==1.9.0", "numpy >=2, <3", "xgboost[gpu]>=3; python_version>'3.9'"))
    changes = {change.name: (change.baseline, change.candidate) for change in compare(new, old, None).requirements}
    assert changes == {
        "scikit-learn": ("==1.8.0", "==1.9.0"),
        "xgboost": (None, "[gpu]>=3; python_version>'3.9'"),
        "-e git+https://example.org/x": ("listed", None),
    }


def test_signature_field_by_field(snapshot):
    """A field that changes its type, becomes optional or moves is a change each."""
    fields = (Field(name="age", type="double"), Field(name="sex", type="string"))
    swapped = (Field(name="sex", type="string", required=False), Field(name="age", type="long"))
    tensor = (Field(name=None, type="float32", shape=(-1, 3)),)
    old = snapshot(1, signature=Signature(inputs=fields, outputs=tensor))
    new = snapshot(2, signature=Signature(inputs=swapped, outputs=tensor))
    changes = {change.name: (change.baseline, change.candidate) for change in compare(new, old, None).signature}
    assert changes == {
        "input age": ("double", "long"),
        "input sex": ("string", "string (optional)"),
        "input order": ("age, sex", "sex, age"),
    }


def test_data_are_paired_by_purpose(snapshot):
    """Another file for the same purpose is a change of it, field by field."""
    old = snapshot(1, {"datasets": (dataset(),)})
    new = snapshot(2, {"datasets": (dataset(name="newer", digest="ff", rows=12),)})
    changes = {change.name: (change.baseline, change.candidate) for change in compare(new, old, None).data}
    assert changes == {
        "training: name": ("train", "newer"),
        "training: digest": ("ab12cd34", "ff"),
        "training: rows": (10, 12),
    }


MLMODEL = b"flavors:\n  python_function:\n    loader_module: mlflow.sklearn\nrun_id: %s\nutc_time_created: '%s'\n"


def test_same_bytes_registered_twice(snapshot):
    """Where only MLmodel's run and time differ, everything that computes is identical."""
    old = snapshot(1, files={"MLmodel": MLMODEL % (b"a", b"1"), "model.pkl": b"weights"})
    new = snapshot(2, files={"MLmodel": MLMODEL % (b"b", b"2"), "model.pkl": b"weights"})
    files = compare(new, old, None).files
    assert (files.changed, files.unchanged, files.computes_identical) == (("MLmodel",), 1, True)


def test_another_loader_is_not_identical(snapshot):
    """Where MLmodel names another loader the same weights may compute something else."""
    old = snapshot(1, files={"MLmodel": MLMODEL % (b"a", b"1"), "model.pkl": b"weights"})
    other = (MLMODEL % (b"b", b"2")).replace(b"mlflow.sklearn", b"evil")
    new = snapshot(2, files={"MLmodel": other, "model.pkl": b"weights"})
    assert not compare(new, old, None).files.computes_identical


def test_files_added_removed_changed(snapshot):
    """Files are compared by their content."""
    old = snapshot(1, files={"MLmodel": b"", "model.pkl": b"1", "gone": b""})
    new = snapshot(2, files={"MLmodel": b"", "model.pkl": b"2", "new": b""})
    files = compare(new, old, None).files
    assert (files.added, files.removed, files.changed, files.unchanged) == (("new",), ("gone",), ("model.pkl",), 1)
    assert not files.computes_identical


def test_no_run_and_no_artifact(snapshot):
    """A version of which nothing is kept is compared without a fault."""
    diff = compare(snapshot(2, artifact=None), snapshot(1, {"params": {"a": "1"}}), None)
    assert diff.params == (Change(name="a", baseline="1", candidate=None),)
    assert diff.code.note.startswith("No commit is recorded for version 2 and version 1")
