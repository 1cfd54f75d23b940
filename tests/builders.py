"""Builders: what tests need, each with sensible defaults."""

import io
import itertools
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
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


class Done:
    """The answer of a call that was carried out at once."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._future: Future[Any] = Future()
        try:
            self._future.set_result(call())
        except Exception as error:  # noqa: BLE001 (a future carries any)
            self._future.set_exception(error)

    def result(self) -> Any:
        return self._future.result()

    def cancel(self) -> None:
        """Do nothing: it is done."""


def at_once(method: Any, /, *args: Any, **kwargs: Any) -> Done:
    """Call ``method`` before the caller goes on, so that tests can look at what it did."""
    return Done(partial(method, *args, **kwargs))
