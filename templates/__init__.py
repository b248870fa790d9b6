"""The shipped templates and message tables."""
