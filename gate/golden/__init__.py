"""Golden cases: the file that keeps them, taking offending rows into it, and asking a candidate what it answers."""

from gate.golden.asking import ask
from gate.golden.file import add, file_of, read

__all__ = ["add", "ask", "file_of", "read"]
