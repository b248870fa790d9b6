"""Honest models give no finding, in any format that they are saved in."""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest

from gate.domain import ArtifactClass

ROWS = 40
RANDOM = np.random.default_rng(5)
X = np.abs(RANDOM.normal(size=(ROWS, 4)))
Y = (X[:, 0] > 0.6).astype(int)
FRAME = pd.DataFrame(X, columns=list("abcd")).assign(kind=["x", "y"] * (ROWS // 2))
TEXTS = ["good red wine", "bad white wine"] * (ROWS // 2)


def models() -> dict[str, tuple[Callable[[], Any], Any]]:
    """Estimators by name, each with what it is trained on."""
    from scipy import sparse
    from sklearn import (
        calibration,
        cluster,
        compose,
        decomposition,
        ensemble,
        gaussian_process,
        impute,
        isotonic,
        linear_model,
        model_selection,
        naive_bayes,
        neighbors,
        neural_network,
        preprocessing,
        svm,
        tree,
    )  # fmt: skip
    from sklearn.feature_extraction import text
    from sklearn.pipeline import make_pipeline as make

    columns = compose.ColumnTransformer(
        [("numbers", make(impute.SimpleImputer(), preprocessing.StandardScaler()), list("abcd")),
         ("kind", preprocessing.OneHotEncoder(handle_unknown="ignore"), ["kind"])],
    )  # fmt: skip
    logs = preprocessing.FunctionTransformer(np.log1p)
    return {
        "LinearRegression": (linear_model.LinearRegression, X),
        "LogisticRegression": (linear_model.LogisticRegression, X),
        "ElasticNet": (linear_model.ElasticNet, X),
        "Pipeline": (lambda: make(logs, decomposition.PCA(2), linear_model.Ridge()), X),
        "ColumnTransformer": (lambda: make(columns, linear_model.SGDClassifier()), FRAME),
        "RandomForest": (lambda: ensemble.RandomForestClassifier(3, random_state=np.random.RandomState(0)), X),
        "ExtraTrees": (lambda: ensemble.ExtraTreesRegressor(3), X),
        "GradientBoosting": (lambda: ensemble.GradientBoostingClassifier(n_estimators=3), X),
        "HistGradientBoosting": (lambda: ensemble.HistGradientBoostingRegressor(max_iter=3), X),
        "AdaBoost": (lambda: ensemble.AdaBoostClassifier(n_estimators=3), X),
        "Stacking": (lambda: ensemble.StackingRegressor([("t", tree.DecisionTreeRegressor(max_depth=2))]), X),
        "Voting": (lambda: ensemble.VotingRegressor([("r", linear_model.Ridge()), ("l", linear_model.Lasso())]), X),
        "KNN": (neighbors.KNeighborsClassifier, X),
        "BallTree": (lambda: neighbors.KNeighborsRegressor(algorithm="ball_tree", metric="manhattan"), X),
        "SVC": (svm.SVC, X),
        "SVR": (svm.SVR, X),
        "naive Bayes": (naive_bayes.GaussianNB, X),
        "GaussianProcess": (lambda: gaussian_process.GaussianProcessRegressor(gaussian_process.kernels.RBF()), X),
        "MLP": (lambda: neural_network.MLPClassifier((3,), max_iter=3), X),
        "KMeans": (lambda: cluster.KMeans(2, n_init=1), X),
        "Calibrated": (lambda: calibration.CalibratedClassifierCV(linear_model.RidgeClassifier(), cv=2), X),
        "GridSearch": (lambda: model_selection.GridSearchCV(linear_model.Ridge(), {"alpha": [1, 2]}, scoring="r2"), X),
        "Isotonic": (isotonic.IsotonicRegression, X[:, 0]),
        "Tfidf": (lambda: make(text.TfidfVectorizer(), linear_model.LogisticRegression()), TEXTS),
        "Count": (lambda: make(text.CountVectorizer(), naive_bayes.MultinomialNB()), TEXTS),
        "sparse": (linear_model.Ridge, sparse.csr_array(X)),
    }  # fmt: skip


@pytest.fixture(scope="module")
def trained():
    """All of them, trained once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name: new().fit(inputs, Y) for name, (new, inputs) in models().items()}


def joblib_dump(model, **how) -> bytes:
    file = io.BytesIO()
    joblib.dump(model, file, **how)
    return file.getvalue()


FORMATS = {
    **{f"pickle {number}": lambda model, number=number: pickle.dumps(model, number) for number in (0, 2, 4, 5)},
    "cloudpickle": cloudpickle.dumps,
    "joblib": joblib_dump,
    **{f"joblib {name}": lambda model, name=name: joblib_dump(model, compress=(name, 3))
       for name in ("zlib", "gzip", "bz2", "xz", "lzma")},
}  # fmt: skip


@pytest.mark.parametrize("how", FORMATS)
def test_scikit_learn_models(how, trained, look):
    """Every kind of estimator, in every form of pickle: within the gate's list of names."""
    for name, model in trained.items():
        found = look({"model.pkl": FORMATS[how](model)})
        assert (found.artifact_class, found.findings, found.declared) == (ArtifactClass.PICKLE, (), ()), name


def test_skops_models(trained, look):
    """The same in skops, where skops can save them: with a class of their own."""
    import skops.io
    from skops.io.exceptions import UnsupportedTypeException

    saved = 0
    for name, model in trained.items():
        try:
            content = skops.io.dumps(model)
        except UnsupportedTypeException:
            continue
        saved += 1
        found = look({"model.skops": content})
        assert (found.artifact_class, found.findings) == (ArtifactClass.SKOPS, ()), name
    assert saved > 20


def test_xgboost_models(look, tmp_path):
    """Its own formats are data, its pickles within the list."""
    import xgboost

    model = xgboost.XGBClassifier(n_estimators=2).fit(X, Y)
    for name in ("model.ubj", "model.json"):
        model.save_model(tmp_path / name)
        flavors = {"python_function": {"loader_module": "mlflow.xgboost", "data": name},
                   "xgboost": {"data": name, "model_class": "xgboost.sklearn.XGBClassifier"}}  # fmt: skip
        found = look({name: (tmp_path / name).read_bytes()}, **flavors)
        assert (found.artifact_class, found.findings, found.declared) == (ArtifactClass.DATA, (), ())
    for saved in (model, model.get_booster()):
        assert look({"model.pkl": pickle.dumps(saved)}).findings == ()


def test_lightgbm_models(look):
    """Its text is data, its pickles within the list."""
    import lightgbm

    model = lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(X, Y)
    text = model.booster_.model_to_string().encode()
    flavors = {"python_function": {"loader_module": "mlflow.lightgbm", "data": "model.lgb"},
               "lightgbm": {"data": "model.lgb", "model_class": "lightgbm.basic.Booster"}}  # fmt: skip
    found = look({"model.lgb": text}, **flavors)
    assert (found.artifact_class, found.findings) == (ArtifactClass.DATA, ())
    assert look({"model.pkl": pickle.dumps(model)}).findings == ()


def onnx_model(location=None):
    """A linear model; its weights in another file where a location is given."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(RANDOM.normal(size=(4, 512)).astype("f4"), "W")
    if location:
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", "0"), ("length", str(4 * 512 * 4))):
            weights.external_data.add(key=key, value=value)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "W"], ["y"])], "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 512])], [weights],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[onnx.OperatorSetIdProto(version=17)]).SerializeToString()


ONNX = {"python_function": {"loader_module": "mlflow.onnx", "data": "model.onnx"}, "onnx": {"data": "model.onnx"}}


def test_onnx_models(look):
    """Data, with the weights inside, and with the weights in a file of bytes beside it."""
    found = look({"model.onnx": onnx_model()}, **ONNX)
    assert (found.artifact_class, found.findings) == (ArtifactClass.DATA, ())
    weights = RANDOM.bytes(4 * 512 * 4)
    found = look({"model.onnx": onnx_model("weights.bin"), "weights.bin": weights}, **ONNX)
    assert (found.artifact_class, found.findings) == (ArtifactClass.DATA, ())


def test_onnx_weights_outside_the_artifact_are_found(look):
    """A model that reads another file of the machine as its numbers."""
    found = look({"model.onnx": onnx_model("../../../etc/passwd")}, **ONNX)
    assert [finding.symbol for finding in found.findings] == ["../../../etc/passwd"]


def test_a_python_model_is_code_and_no_finding(look):
    """A class pickled by value, with functions and imports of its own: openly code."""

    class Model:
        def predict(self, model_input):
            import os

            return [os.getpid()] * len(model_input)

    content = cloudpickle.dumps(Model())
    pyfunc = {"loader_module": "mlflow.pyfunc.model", "python_model": "python_model.pkl"}
    found = look({"python_model.pkl": content, "artifacts/vocabulary.bin": RANDOM.bytes(99)}, python_function=pyfunc)
    assert (found.artifact_class, found.findings) == (ArtifactClass.CODE, ())
    assert [finding.symbol for finding in found.declared] == ["python_model.pkl"]


def test_what_lies_beside_a_model(look):
    """Texts that begin like opcodes, tables, pictures and notes are data."""
    beside = {
        "columns.csv": b"column,id\n1,2\n", "vocabulary.txt": b"cat\ndog\nelephant\n", "notes.md": b"Invented.\n",
        "ids.csv": b"id,name\n7,x\n", "plot.png": b"\x89PNG\r\n\x1a\n" + bytes(99), "x.npy": npy(X),
        "example.json": b'{"columns": []}', "empty": b"", "weights.safetensors": safetensors(),
        "Umlaute.txt": "für alle\n".encode(), "long.txt": b"Version 1\n" * 9999,
    }  # fmt: skip
    found = look(beside)
    assert (found.artifact_class, found.findings, found.declared) == (ArtifactClass.DATA, (), ())


def npy(array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def safetensors() -> bytes:
    header = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    return len(header).to_bytes(8, "little") + header + bytes(8)
