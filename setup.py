"""For tools that still call setup.py; the project itself is described in pyproject.toml.

A bare setup() would silently build a wheel without the compiled core, so the same CMake project
is handed to scikit-build-core's setuptools plugin.
"""

from setuptools import setup

setup(cmake_source_dir=".", cmake_install_dir="talweg")
