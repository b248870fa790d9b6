"""What the demo can train: per example a model, and per version the code, its arguments and what the commit says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One version: the folder below the example with its train.py, the arguments, the commit's message."""

    code: str
    arguments: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A model to train twice. `extra` names the extra of the distribution that brings the module `needs`."""

    model: str
    trainings: tuple[Training, ...]
    needs: str | None = None
    extra: str | None = None


EXAMPLES: Mapping[str, Example] = MappingProxyType(
    {
        "elasticnet": Example(
            model="diabetes-elasticnet",
            trainings=(
                Training(code="v1", arguments=("--alpha", "0.5", "--l1-ratio", "0.5"), message="Fit an elastic net"),
                Training(
                    code="v2",
                    arguments=("--alpha", "0.1", "--l1-ratio", "0.5"),
                    message="Standardise the measurements: squeezed into 0 to 1, the penalty flattens them all",
                ),
            ),
        ),
        "pipeline": Example(
            model="diabetes-pipeline",
            trainings=(
                Training(code="v1", arguments=("--max-age", "60"), message="Fit a line to what the practice measures"),
                Training(code="v2", arguments=("--max-age", "90"), message="Use the blood test too"),
            ),
        ),
        "xgboost": Example(
            model="diabetes-xgboost",
            trainings=(
                Training(code="v1", arguments=("--max-depth", "8", "--eta", "0.5"), message="Boost a hundred trees"),
                Training(
                    code="v2",
                    arguments=("--max-depth", "2", "--eta", "0.1"),
                    message="Stop when more trees do not help: a hundred learn the training rows by heart",
                ),
            ),
            needs="xgboost",
            extra="xgboost",
        ),
    }
)
