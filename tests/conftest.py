"""Settings that every test shares."""

import os
import sys

# Set before anything imports matplotlib: the tests must not need a screen.
os.environ["MPLBACKEND"] = "Agg"

import pytest
from hypothesis import settings

# The same examples on every run: a failure in continuous integration can be repeated at home.
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(autouse=True)
def no_open_figures():
    """Close what a test drew: matplotlib warns of many open figures, in whichever test comes then."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
