"""Finds the metric behind a name: the gate's own table, scikit-learn's scorers and functions, a function of a team's.

The team's functions are imported from the folder of gate.yaml or from what is installed: like checks they are the
team's own code, and run where the gate runs.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from gate.domain import Task
from gate.evidence.foreign import foreign_metric, needs_of
from gate.evidence.metrics import ALIASES, METRICS, Metric
from gate.evidence.metrics import find as find_own

_FUNCTION = re.compile(r"[\w.]+:[\w.]+")
_SUFFIXES = {"_score": True, "_loss": False, "_error": False}


class UnknownMetricError(LookupError):
    """There is no such metric. The text says why; `names` are the valid ones."""

    def __init__(self, text: str, names: tuple[str, ...] = ()) -> None:
        """Carry the reason and the names."""
        super().__init__(text)
        self.names = names


def find(name: str, task: Task, root: Path, better: bool | None = None) -> Metric:  # noqa: FBT001 - three states
    """Give the metric of a name for a task. `better` is the direction that the settings give to a function.

    Raises:
        UnknownMetricError: there is none.
    """
    own = find_own(name)
    if own is not None:
        return own
    if _FUNCTION.fullmatch(name):
        function = _imported(name, root)
        said = better if better is not None else getattr(function, "greater_is_better", None)
        return foreign_metric(name, function, needs_of(task), said if said is None else bool(said))
    found = _scikit_learns(name, task, better)
    if found is None:
        raise UnknownMetricError(f"there is no metric {name!r}", known_names())
    return found


def known_names() -> tuple[str, ...]:
    """Name every metric that has a name of its own."""
    import sklearn.metrics

    return tuple(sorted({*METRICS, *ALIASES, *sklearn.metrics.get_scorer_names()}))


def _scikit_learns(name: str, task: Task, better: bool | None) -> Metric | None:  # noqa: FBT001 - three states
    """A scorer by its name (greater is better), else a function of `sklearn.metrics` by its name."""
    import sklearn.metrics

    if name in sklearn.metrics.get_scorer_names():
        return replace(_scorer(name, task), title="a scorer of scikit-learn's")
    direction = next((better for suffix, better in _SUFFIXES.items() if name.endswith(suffix)), None)
    function = getattr(sklearn.metrics, name, None) if direction is not None else None
    if function is None:
        return None
    said = direction if better is None else better
    found = foreign_metric(name, function, needs_of(task, probabilities=False), said, codes=True)
    return replace(found, title="a function of scikit-learn's")


def _scorer(name: str, task: Task) -> Metric:
    """A scorer asks an estimator; a stand-in hands it the answers that were given."""
    from sklearn.metrics import get_scorer

    scorer: Any = get_scorer(name)
    wanted = scorer._response_method if hasattr(scorer, "_response_method") else "predict"  # noqa: SLF001 - not said elsewhere
    probabilities = wanted != "predict"
    needs = needs_of(task, probabilities=probabilities)

    def score(truth: Any, answer: Any) -> float:  # noqa: ANN401 - arrays of any kind
        stand_in = _stand_in(truth, answer, classes=needs != "number")
        return float(scorer(stand_in, range(len(truth)), truth))

    return foreign_metric(name, score, needs, better=True, codes=True)


def _stand_in(truth: Any, answer: Any, *, classes: bool) -> Any:  # noqa: ANN401 - an estimator of scikit-learn's kind
    """An estimator that has its answers ready."""
    import numpy as np
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    matrix = np.column_stack([1 - answer, answer]) if np.ndim(answer) == 1 else answer

    class Ready(ClassifierMixin if classes else RegressorMixin, BaseEstimator):  # type: ignore[misc] # chosen at run time
        classes_ = np.arange(matrix.shape[1]) if classes and answer.dtype.kind == "f" else np.unique([*truth, *answer])

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def predict(self, rows: Any) -> Any:  # noqa: ANN401, ARG002 - scikit-learn's own signature
            return answer

        def predict_proba(self, rows: Any) -> Any:  # noqa: ANN401, ARG002 - scikit-learn's own signature
            return matrix

    return Ready()


def _imported(name: str, root: Path) -> Callable[[Any, Any], Any]:
    """Import `module:function`; the folder of gate.yaml goes before what is installed.

    Raises:
        UnknownMetricError: the module cannot be imported, or has no such function.
    """
    module_name, _, attribute = name.partition(":")
    try:
        found: Any = _module(module_name, root)
        for part in attribute.split("."):
            found = getattr(found, part)
    except AttributeError:
        raise UnknownMetricError(f"the module {module_name!r} of the metric {name!r} has no {attribute!r}") from None
    except Exception as error:  # noqa: BLE001 - what a team's module raises is its own
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        raise UnknownMetricError(f"the module of the metric {name!r} cannot be imported ({reason})") from None
    if not callable(found):
        raise UnknownMetricError(f"the metric {name!r} is no function")
    return found  # type: ignore[no-any-return] # a module's attribute


def _module(name: str, root: Path) -> ModuleType:
    """A file beside gate.yaml under a name that no other folder's file has; else by the ordinary import."""
    path = root / f"{name}.py"
    with _on_the_path(root):
        if not path.is_file():
            return importlib.import_module(name)
        own = f"_gate_metrics_{abs(hash(str(path)))}_{name}"
        if own in sys.modules:
            return sys.modules[own]
        spec = importlib.util.spec_from_file_location(own, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is no Python file")
        module = sys.modules[own] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[own]
            raise
        return module


@contextmanager
def _on_the_path(root: Path) -> Iterator[None]:
    before = list(sys.path)
    sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = before
