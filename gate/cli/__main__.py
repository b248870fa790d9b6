"""`python -m gate.cli`: the command line where no script is installed."""

from gate.cli import main

main()
