"""Every figure of the README about speed and memory, measured: `make bench`."""
