"""How often the gate errs, by simulation: harmless changes, seeded defects and the peers, `make calibrate`."""
