"""The time in the simulation: whole minutes since it began."""

from datetime import UTC, datetime, timedelta

BEGINNING = datetime(2026, 1, 2, tzinfo=UTC)


def at(minute: int) -> datetime:
    """Return the time ``minute`` minutes after everything began."""
    return BEGINNING + timedelta(minutes=minute)
