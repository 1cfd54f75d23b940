"""Fixtures that need no server."""

from tests.arrivals import arrivals

__all__ = ["arrivals"]
