"""The shipped checks, one module a category."""
