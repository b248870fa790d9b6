"""Live runs of the latency comparison: on identical models, on models with real added work, beside other methods."""
