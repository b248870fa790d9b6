"""The set-up of `gate demo`: a small real project with a model that has two registered versions."""

from __future__ import annotations

from gate.demo.examples import EXAMPLES
from gate.demo.project import DemoProject, prepare

__all__ = ["EXAMPLES", "DemoProject", "prepare"]
