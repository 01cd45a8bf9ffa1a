"""The version, alone in a file that costs nothing to read: setup.cfg and every saved picture take it from here."""

__version__ = "0.1.0"
