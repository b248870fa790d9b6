"""The rows as a model meets them, through MLflow's own schema enforcement."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pyarrow as pa
import pytest

from gate.domain import EvaluationData, Field, Signature
from gate.scoring.inputs import inputs_for

TELL = """
import json
def tell(value):
    if isinstance(value, pd.DataFrame):
        return {str(name): [str(value[name].dtype), repr(value[name].iloc[0])] for name in value}
    if isinstance(value, dict):
        return {name: tell(part) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        return [str(value.dtype), list(value.shape), value.ravel()[:3].tolist()]
    return [type(value).__name__, value]
return [json.dumps(tell(model_input))] * 2
"""


def schema(*specs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow.models import ModelSignature
        from mlflow.types import Schema

    return ModelSignature(inputs=Schema(list(specs)))


@pytest.fixture
def told(saved, loaded):
    """What the model was given, in its own words."""

    def ask(table, signature=None):
        worker = loaded(saved(TELL, signature=signature))
        worker.put("k", table)
        return json.loads(worker.predict("k").only[0].as_py())

    return ask


def test_without_a_signature_a_frame(told):
    """Numbers, text, bytes, truth values, dates and missing values in pandas' own types."""
    table = pa.table(
        {
            "number": [1.5, None],
            "whole": [1, 2],
            "gap": [1, None],
            "blob": [b"\x00\x01", b""],
            "flag": [True, False],
            "day": pa.array([0, 1], pa.timestamp("ns")),
        }
    )
    assert told(table) == {
        "number": ["float64", "np.float64(1.5)"],
        "whole": ["int64", "np.int64(1)"],
        "gap": ["float64", "np.float64(1.0)"],
        "blob": ["object", r"b'\x00\x01'"],
        "flag": ["bool", "np.True_"],
        "day": ["datetime64[ns]", "Timestamp('1970-01-01 00:00:00')"],
    }


def test_integers_of_a_file_reach_a_model_of_doubles(told):
    """MLflow refuses int64 for double; the gate's cast lets an honest model through."""
    from mlflow.types import ColSpec

    data = EvaluationData(table=pa.table({"x": [5, 7], "s": [1, 2]}), source="", digest="", target=None, id=None)
    fields = (Field(name="x", type="double"), Field(name="s", type="string"))
    table = inputs_for(Signature(inputs=fields, outputs=None), data).table
    given = told(table, schema(ColSpec("double", "x"), ColSpec("string", "s")))
    assert given["x"] == ["float64", "np.float64(5.0)"]
    assert given["s"][1] == "'1'"


def test_unnamed_columns_are_numbered(told):
    """A signature without names was made from an array: its columns are 0, 1."""
    from mlflow.types import ColSpec

    given = told(pa.table({"a": [1.0, 2.0], "b": [3.0, 4.0]}), schema(ColSpec("double"), ColSpec("double")))
    assert given == {"0": ["float64", "np.float64(1.0)"], "1": ["float64", "np.float64(3.0)"]}


def test_a_tensor(told):
    """Columns side by side become an array of the signature's shape and type."""
    from mlflow.types import TensorSpec

    data = EvaluationData(table=pa.table({"a": [1, 2], "b": [3, 4]}), source="", digest="", target=None, id=None)
    field = Field(name=None, type="float32", shape=(-1, 2))
    table = inputs_for(Signature(inputs=(field,), outputs=None), data).table
    assert told(table, schema(TensorSpec(np.dtype("float32"), (-1, 2)))) == ["float32", [2, 2], [1.0, 3.0, 2.0]]


def test_named_tensors(told):
    """A dict of arrays, flat lists in the shape that the signature names."""
    from mlflow.types import TensorSpec

    image = pa.array([[1, 2, 3, 4], [5, 6, 7, 8]], pa.list_(pa.uint8()))
    signature = schema(
        TensorSpec(np.dtype("uint8"), (-1, 2, 2), name="image"), TensorSpec(np.dtype("float64"), (-1,), name="age")
    )
    assert told(pa.table({"age": [30.0, 40.0], "image": image}), signature) == {
        "image": ["uint8", [2, 2, 2], [1, 2, 3]],
        "age": ["float64", [2], [30.0, 40.0]],
    }


def test_a_plain_list(tmp_path, loaded):
    """A model whose type hint is list[str] gets a list."""
    code = tmp_path / "listing.py"
    code.write_text(
        "import mlflow\n"
        "class Model(mlflow.pyfunc.PythonModel):\n"
        "    def predict(self, model_input: list[str]) -> list[str]:\n"
        "        return [type(model_input).__name__ + ':' + text for text in model_input]\n"
        "mlflow.models.set_model(Model())\n"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.pyfunc

        mlflow.pyfunc.save_model(tmp_path / "model", python_model=str(code), pip_requirements=["mlflow"])
    worker = loaded(tmp_path / "model")
    worker.put("k", pa.table({"text": ["a", "b"]}))
    assert worker.predict("k").only.to_pylist() == ["list:a", "list:b"]
