"""What the settings of gate.yaml are made of: shares, margins, and models that refuse unknown keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a reference value, written as a percentage ("2%")."""

    value: float

    def of(self, reference: float) -> float:
        """Give the share of the reference's size."""
        return self.value * abs(reference)


def _share(value: object) -> object:
    """Read "2%" as Share(0.02); leave everything else to the type's own check."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return Share(float(value.strip()[:-1]) / 100)
        except ValueError:
            pass
    if isinstance(value, str):
        raise ValueError(f'{value!r} is no percentage: write it like "2%"')  # noqa: TRY004 - pydantic takes ValueError
    return value


def _only_share(value: object) -> object:
    share = _share(value)
    if not isinstance(share, Share):
        raise ValueError('write a percentage, like "2%"')  # noqa: TRY004 - pydantic takes ValueError
    return share


_PERCENT_SCHEMA = {"type": "string", "pattern": r"^\s*-?\d+(\.\d+)?\s*%\s*$"}
Percent = Annotated[Share, BeforeValidator(_only_share), WithJsonSchema(_PERCENT_SCHEMA)]
Margin = Annotated[
    Share | float, BeforeValidator(_share), WithJsonSchema({"anyOf": [_PERCENT_SCHEMA, {"type": "number"}]})
]
Positive = Annotated[float, Field(gt=0)]


class Settings(BaseModel):
    """Frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, use_attribute_docstrings=True)
