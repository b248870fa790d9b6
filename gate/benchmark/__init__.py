"""Times both versions at the same time: adjacent pairs in random order, looked at as they grow."""

from gate.benchmark.pairs import Arm, Duel, Plan, Scenario, time_pairs

__all__ = ["Arm", "Duel", "Plan", "Scenario", "time_pairs"]
