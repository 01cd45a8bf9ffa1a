"""Settings that go together, by name."""

PRESETS = {"fast": {"size": 256, "iterations": 100}}
