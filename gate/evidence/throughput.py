"""What a call costs and what a row costs: seconds a call = fixed + a row's cost times the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

SIZES = (256, 4096)
"""Rows a call at which rows a second are quoted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModel:
    """Seconds a call of n rows: fixed_s + row_s * n; neither is negative."""

    fixed_s: float
    row_s: float

    def rows_per_s(self, rows: int) -> float:
        """Give rows a second in calls of so many rows."""
        return rows / max(self.fixed_s + self.row_s * rows, 1e-12)


def cost_model(seconds: Mapping[int, float]) -> CostModel | None:
    """Fit seconds a call by rows a call, each size weighing by its relative error; None with fewer than two sizes."""
    from scipy.optimize import nnls

    if len(seconds) < 2:  # noqa: PLR2004 - two unknowns
        return None
    sizes, times = np.asarray(list(seconds), dtype=float), np.asarray(list(seconds.values()), dtype=float)
    design = np.column_stack([1 / times, sizes / times])
    scale = np.linalg.norm(design, axis=0)
    (fixed, row), _ = nnls(design / scale, np.ones(len(times)))
    return CostModel(fixed_s=float(fixed / scale[0]), row_s=float(row / scale[1]))


def slowdown(share: float) -> float:
    """Give the tolerance on time that a loss of this share of the throughput is: 10 % fewer rows take 11.1 % longer."""
    return 1 / (1 - share) - 1
