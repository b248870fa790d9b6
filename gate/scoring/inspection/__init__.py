"""Looks at an artifact's files before anything of it is loaded: pure reading, nothing is imported or run."""

from gate.scoring.inspection.inspect import inspect
from gate.scoring.inspection.opinions import second_opinions

__all__ = ["inspect", "second_opinions"]
