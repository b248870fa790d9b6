"""pytest as the engine of checks, and Great Expectations behind one function."""
