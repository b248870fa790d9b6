"""Environments that are built from the requirements of a model's own, in a sandbox of their own, and kept by digest."""

from gate.scoring.environments.building import EXTRA, UnbuildableError, installer
from gate.scoring.environments.recipe import Recipe, recipe_of
from gate.scoring.environments.shelf import Built, Shelf, folder
from gate.scoring.environments.wanted import RefusedLineError

__all__ = [
    "EXTRA",
    "Built",
    "Recipe",
    "RefusedLineError",
    "Shelf",
    "UnbuildableError",
    "folder",
    "installer",
    "recipe_of",
]
