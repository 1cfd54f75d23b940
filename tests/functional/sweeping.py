"""The command ``sweep``, what tests give it to find, and stores that fail under it."""

import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from avatars.references import Reference, Stores
from aws.bucket import ListedObject
from aws.errors import StorageUnavailable
from tests.builders import make_user
from tests.functional.steps import put_object, serve_with, signed_in, upload_picture
from uploads.sweeping import Outcome

IN_TWO_DAYS = timedelta(days=2)  # by then the lifecycle has taken what was pending
NOBODY = "00000000-0000-4000-8000-000000000000"


class Ran(NamedTuple):
    """The output and exit status of the command."""

    status: int
    output: str
    error: str

    @property
    def lines(self) -> list[tuple[str, str, str]]:
        """Return outcome, kind and name of each finding."""
        return [
            (words[0], words[1], words[2])
            for line in self.output.splitlines()
            if len(words := line.split(maxsplit=2)) == 3 and words[0] in list(Outcome)
        ]

    @property
    def summary(self) -> dict[str, Any]:
        """Return the summary from its JSON."""
        found: dict[str, Any] = json.loads(self.output)
        return found


def sweep(*arguments: str) -> Ran:
    """Run the command."""
    stdout = io.StringIO()
    try:
        call_command("sweep", *arguments, stdout=stdout)
    except CommandError as error:
        return Ran(error.returncode, stdout.getvalue(), str(error))
    except SystemExit as error:
        return Ran(int(error.code or 0), stdout.getvalue(), "")
    return Ran(0, stdout.getvalue(), "")


def put_orphan(owner_id: object, name: str = "orphan.webp") -> str:
    """Put an object that no item names. The owner "!a" sorts before all users."""
    key = f"avatars/{owner_id}/{name}"
    put_object(key, b"x" * 100)
    return key


def make_member() -> User:
    """Return a user with a picture."""
    user = make_user()
    upload_picture(signed_in(user))
    return user


def everything(stores: Stores) -> tuple[list[ListedObject], dict[str, Reference]]:
    """Return the content of bucket and table."""
    items = {reference.owner_id: reference for reference in stores.references.scan()}
    return stores.bucket.list_page().objects, items


class FailsLater:
    """A gateway with pages of one object, whose method ``name`` fails from the ``nth`` call on."""

    def __init__(self, gateway: object, name: str = "", nth: int = 0) -> None:
        self._gateway, self._name, self._left = gateway, name, nth

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._gateway, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if name == self._name:
                self._left -= 1
                if self._left <= 0:
                    raise StorageUnavailable
            return method(*args, **({**kwargs, "limit": 1} if name == "list_page" else kwargs))

        return call


def serve_pages_of_one(
    monkeypatch: pytest.MonkeyPatch, stores: Stores, **failures: tuple[str, int]
) -> None:
    """Make the command work on small pages; ``bucket=("delete", 2)`` fails from the second on."""
    gateways: dict[str, Any] = {"bucket": FailsLater(stores.bucket)}
    for place, failure in failures.items():
        gateways[place] = FailsLater(getattr(stores, place), *failure)
    serve_with(monkeypatch, replace(stores, **gateways))
