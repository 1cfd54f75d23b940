"""The product's settings for a consumer in a process of its own, which tests watch and kill."""

from config.settings import *  # noqa: F403 (every setting but the one below)

ARRIVALS = {"files/": "tests.taken.arrived"}
