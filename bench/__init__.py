"""What the project promises about speed and size, measured with the command line: `make bench`."""
