"""Times both versions at the same time: adjacent pairs in random order, looked at as they grow; and what else costs."""

from gate.benchmark.arms import Arm, Crew, OutOfTimeError
from gate.benchmark.endurance import crowds, endure
from gate.benchmark.pairs import METHOD, Plan, Relay, Scenario, time_pairs
from gate.benchmark.starts import STARTS, cold_starts

__all__ = [
    "METHOD",
    "STARTS",
    "Arm",
    "Crew",
    "OutOfTimeError",
    "Plan",
    "Relay",
    "Scenario",
    "cold_starts",
    "crowds",
    "endure",
    "time_pairs",
]
