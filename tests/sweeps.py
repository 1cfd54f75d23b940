"""The sweep on stores that a test chooses."""

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from avatars.references import Stores
from avatars.sweeping import AvatarSweep
from uploads.sweeping import Finding, Options, PendingSweep, Progress


def sweep_all(
    stores: Stores, existing_owners: Callable[[Collection[str]], set[str]] = set, **options: Any
) -> Iterator[Finding]:
    """Sweep pictures and what is pending, without a grace period unless ``options`` say so.

    By default every owner has an account.
    """
    now = options.pop("now", None) or datetime.now(UTC) + timedelta(seconds=1)
    asked = Options(now=now, grace=options.pop("grace", timedelta(0)), **options)
    progress = Progress()
    yield from AvatarSweep(stores, asked, progress, existing_owners).findings()
    yield from PendingSweep(stores.bucket, asked, progress).findings()
