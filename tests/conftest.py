"""Settings that every test shares."""

import os

# Set before anything imports matplotlib: the tests must not need a screen.
os.environ["MPLBACKEND"] = "Agg"

from hypothesis import settings

# The same examples on every run: a failure in continuous integration can be repeated at home.
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
