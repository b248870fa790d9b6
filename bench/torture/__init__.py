"""Promotions under torture: killed at every point, many at once, with a registry that fails. `make torture` runs it."""
