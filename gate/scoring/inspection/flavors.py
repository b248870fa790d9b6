"""What MLmodel says would be loaded, and by what. Its settings are the artifact's own, so hostile."""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gate.domain import Finding
from gate.scoring.inspection.judge import Tolerance
from gate.scoring.inspection.machine import Symbol
from gate.scoring.inspection.names import allowed

READ_BY_CONTENT = frozenset(
    {"mlflow.sklearn", "mlflow.xgboost", "mlflow.lightgbm", "mlflow.onnx", "mlflow.catboost", "mlflow.prophet"}
)
"""MLflow's loaders that do no more than what the files hold, of libraries whose names the gate knows."""
RUN_WHAT_THEY_FIND = frozenset(
    "mlflow." + name
    for name in (
        "diffusers", "diviner", "dspy", "fastai", "gluon", "h2o", "johnsnowlabs", "keras", "langchain", "llama_index",
        "mleap", "openai", "paddle", "pmdarima", "promptflow", "prompt.promptlab_model", "pyspark.ml", "pytorch",
        "sentence_transformers", "shap", "spacy", "spark", "statsmodels", "tensorflow", "transformers",
        "langchain.model", "llama_index.model", "dspy.load", "keras.load", "openai.model",
    )
)  # fmt: skip
"""MLflow's loaders of libraries that run programs out of a model, or pickles of classes that the gate does not know."""
PYTHON_MODEL = frozenset(
    "mlflow.pyfunc." + name
    for name in ("model", "loaders.chat_agent", "loaders.chat_model", "loaders.code_model", "loaders.responses_agent")
)
"""MLflow's loaders of Python classes that the artifact brings."""
_XGBOOST = frozenset(
    Symbol("xgboost.sklearn", f"XGB{kind}")
    for kind in ("Classifier", "Model", "RFClassifier", "RFRegressor", "Ranker", "Regressor")
) | {Symbol("xgboost.core", "Booster")}
_MLMODEL = "MLmodel"
_CODE = (".py", ".pyc", ".pyo", ".so", ".pyd", ".dll", ".dylib")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be loaded.

    `expected` are files with the formats that their loader takes. `declared` is code that the artifact openly brings,
    `findings` what no flavour of MLflow's writes. `tolerance` is what its pickles may hold.
    """

    expected: Mapping[str, frozenset[str]]
    declared: tuple[Finding, ...]
    findings: tuple[Finding, ...]
    tolerance: Tolerance


def plan(flavors: Mapping[str, Mapping[str, Any]], paths: Sequence[str]) -> Plan:
    """Read what the flavours say. `paths` are the artifact's files, as POSIX paths below its root."""
    pyfunc = flavors.get("python_function", {})
    loader = str(pyfunc.get("loader_module", ""))
    modules = _own_modules(flavors, paths)
    declared = [*_declared(pyfunc, loader, modules), *_brought(flavors, paths)]
    findings = [
        *_loader_findings(pyfunc, loader, modules),
        *_class_findings(flavors, modules),
        *_shadows(_code_files(flavors, paths)),
    ]
    open_to_any = loader in PYTHON_MODEL | RUN_WHAT_THEY_FIND
    return Plan(
        expected=dict(_expected(flavors, loader)),
        declared=tuple(declared),
        findings=tuple(findings),
        tolerance=Tolerance(any_names=open_to_any, modules=modules),
    )


def _own_modules(flavors: Mapping[str, Mapping[str, Any]], paths: Sequence[str]) -> frozenset[str]:
    """Name the top-level modules that the code folders bring: they come first on the path."""
    return frozenset(path.partition("/")[0].removesuffix(".py") for path in _code_files(flavors, paths))


def _code_files(flavors: Mapping[str, Mapping[str, Any]], paths: Sequence[str]) -> list[str]:
    """Give the files of the code folders as paths below these."""
    folders = _code_folders(flavors)
    return [path.removeprefix(folder) for folder in folders for path in paths if path.startswith(folder)]


def _code_folders(flavors: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Give the folders of code as prefixes of paths; `.` is the whole artifact."""
    folders = {posixpath.normpath(str(settings["code"])) for settings in flavors.values() if settings.get("code")}
    return frozenset("" if folder == "." else f"{folder}/" for folder in folders)


def _declared(pyfunc: Mapping[str, Any], loader: str, modules: frozenset[str]) -> Iterator[Finding]:
    if loader in PYTHON_MODEL:
        code = posixpath.basename(str(pyfunc.get("model_code_path") or ""))
        what = "is run: a model from code" if code else "is unpickled: a Python class of its own"
        yield _finding(code or str(pyfunc.get("python_model", "")), what)
    elif loader in RUN_WHAT_THEY_FIND:
        yield _finding(loader, "runs what the model's files hold")
    elif loader.partition(".")[0] in modules:
        yield _finding(loader, "loads the model, a module that the artifact brings")


def _brought(flavors: Mapping[str, Mapping[str, Any]], paths: Sequence[str]) -> Iterator[Finding]:
    """Folders that come first on the path for modules, and modules that lie about."""
    folders = {str(settings["code"]): name for name, settings in flavors.items() if settings.get("code")}
    for folder, name in sorted(folders.items()):
        yield _finding(folder, f"is put on the path for modules (flavour {name})")
    for path in sorted(paths):
        if not path.startswith(tuple(_code_folders(flavors))) and path.endswith(_CODE):
            yield Finding(file=path, symbol="", what="is code")


def _loader_findings(pyfunc: Mapping[str, Any], loader: str, modules: frozenset[str]) -> Iterator[Finding]:
    known = loader in READ_BY_CONTENT | RUN_WHAT_THEY_FIND | PYTHON_MODEL or loader.partition(".")[0] in modules
    if pyfunc and not known:
        what = "is imported to load the model: it is none of MLflow's flavours, and no code that the artifact brings"
        yield _finding(loader or "loader_module", what)


def _shadows(files: Sequence[str]) -> Iterator[Finding]:
    """A module of the artifact's own that is found in place of a known one changes what everything else does.

    A folder without __init__.py is none: known modules come before it.
    """
    known = sys.stdlib_module_names | {symbol.module.partition(".")[0] for symbol in allowed().named}
    single = {file.partition(".")[0] for file in files if "/" not in file and file.endswith(_CODE)}
    packages = {file.removesuffix("/__init__.py") for file in files if file.endswith("/__init__.py")}
    for module in sorted((single | packages) & known):
        yield _finding(module, "is brought by the artifact, and would be imported in place of the one that is known")


def _class_findings(flavors: Mapping[str, Mapping[str, Any]], modules: frozenset[str]) -> Iterator[Finding]:
    """Names in MLmodel that a loader imports: XGBoost's class is called, skops trusts its list."""
    name = flavors.get("xgboost", {}).get("model_class")
    if name is not None:
        module, _, last = str(name).rpartition(".")
        if Symbol(module, last) not in _XGBOOST and module.partition(".")[0] not in modules:
            yield _finding(str(name), "is imported and called as the model's class")
    for settings in flavors.values():
        trusted = settings.get("skops_trusted_types")
        for entry in trusted if isinstance(trusted, list) else ():
            module, _, last = str(entry).rpartition(".")
            if Symbol(module, last) not in allowed().named and module.partition(".")[0] not in modules:
                yield _finding(str(entry), "is to be trusted by skops, and is not among the names that the gate allows")


def _expected(flavors: Mapping[str, Mapping[str, Any]], loader: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Name the model's file, and what its loader makes of it."""
    pyfunc = flavors.get("python_function", {})
    own = flavors.get(loader.removeprefix("mlflow."), {})
    data = str(own.get("data") or pyfunc.get("data") or "")
    pickled = frozenset({"skops"} if own.get("serialization_format") == "skops" else {"pickle"})
    if loader == "mlflow.sklearn":
        path = str(pyfunc.get("model_path") or own.get("pickled_model") or "")
        yield path, pickled
    elif loader == "mlflow.lightgbm":
        booster = own.get("model_class", "lightgbm.basic.Booster") == "lightgbm.basic.Booster"
        yield data, frozenset({"lightgbm"}) if booster else pickled
    elif loader == "mlflow.xgboost":
        yield data, frozenset({"ubjson", "json"})
    elif loader == "mlflow.onnx":
        yield data, frozenset({"onnx"})


def _finding(symbol: str, what: str) -> Finding:
    return Finding(file=_MLMODEL, symbol=symbol, what=what)
