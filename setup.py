"""The shim that lets older tools build the package; everything it would say stands in setup.cfg."""

from setuptools import setup

setup()
