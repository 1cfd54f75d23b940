"""Builders: what tests need, each with sensible defaults."""

import io
import itertools
from concurrent.futures import Future
from typing import Any

from PIL import Image

from accounts.models import User

_numbers = itertools.count(1)


def make_user(username: str = "", *, password: str = "", **fields: Any) -> User:
    """Return a saved user; one without a password cannot log in by password."""
    user = User(username=username or f"user{next(_numbers)}", **fields)
    user.set_password(password or None)
    user.save()
    return user


def picture_bytes(
    *,
    size: tuple[int, int] = (640, 480),
    colour: str = "#2e86ab",
    kind: str = "PNG",
    mode: str = "RGB",
    **options: Any,
) -> bytes:
    """Return an encoded picture of one colour."""
    encoded = io.BytesIO()
    Image.new(mode, size, colour).save(encoded, kind, **options)
    return encoded.getvalue()


class AtOnce:
    """A background executor that runs each call before ``submit`` returns."""

    def submit(self, call: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(call(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 (a future carries any)
            future.set_exception(error)
        return future
