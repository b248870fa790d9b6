"""How models are shut in by the settings of a project, on this machine."""

from __future__ import annotations

from pathlib import Path

from gate.config import Config
from gate.scoring import isolation
from gate.scoring.enclosure import Enclosure
from gate.scoring.isolation import Level
from gate.scoring.launching import Launcher
from gate.scoring.session import Limits


def level_of(config: Config) -> Level:
    """Give how models are isolated here.

    Raises:
        GateError: not as `isolation.minimum` asks.
    """
    shortfall = isolation.shortfall(config.file.isolation.minimum)
    if shortfall is not None:
        raise shortfall
    return isolation.reached().level


def launcher_of(config: Config, models: Path) -> Launcher:
    """Give what starts processes that can load the models of a folder, as the settings ask."""
    settings = config.file.isolation
    limits = Limits(memory_mb=settings.memory_mb, timeout_s=settings.timeout_s)
    processes = None if settings.processes == "auto" else settings.processes
    readable = [config.below(path) for path in settings.readable]
    enclosure = Enclosure.of(isolation.reached().level, models=models, readable=readable)
    return Launcher.of(limits, enclosure=enclosure, processes=processes)
