"""How models are shut in by the settings of a project, on this machine."""

from __future__ import annotations

from pathlib import Path

from gate.config import Config
from gate.scoring import isolation
from gate.scoring.enclosure import Enclosure
from gate.scoring.isolation import Level
from gate.scoring.launching import Launcher, Processes
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


def enclosure_of(config: Config, models: Path) -> Enclosure:
    """Give what processes are shut in that can load the models of a folder, as the settings ask."""
    readable = [config.below(path) for path in config.file.isolation.readable]
    return Enclosure.of(isolation.reached().level, models=models, readable=readable)


def launcher(config: Config, enclosure: Enclosure, processes: Processes | None = None) -> Launcher:
    """Give what starts such processes; `processes` says how, whatever the settings say."""
    settings = config.file.isolation
    limits = Limits(memory_mb=settings.memory_mb, timeout_s=settings.timeout_s)
    asked = None if settings.processes == "auto" else settings.processes
    return Launcher.of(limits, enclosure=enclosure, processes=processes or asked)


def launcher_of(config: Config, models: Path) -> Launcher:
    """Give what starts processes of the gate's own Python."""
    return launcher(config, enclosure_of(config, models))
