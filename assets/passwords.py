"""Passwords of links: few guesses, and few hashes at one time."""

from threading import BoundedSemaphore

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.http import HttpRequest

from assets.errors import Busy, WrongPassword
from assets.items import Link
from web.address import client_address
from web.api import count
from web.rates import Allowance

NAME = "link-password"
# A hash is slow on purpose; more at a time would take the processor from everybody.
_hashing = BoundedSemaphore(2)
PATIENCE = 3  # seconds


def check(request: HttpRequest, link: Link, password: str) -> None:
    """Compare ``password`` with the link's, if it has one.

    An attempt is counted, by link and by address, before the password is looked at. Raises
    WrongPassword, TooManyRequests and Busy.
    """
    if not link.password:
        return
    if not password:
        raise WrongPassword
    address = client_address(request)
    count(
        [
            Allowance(settings.RATE_LIMITS[NAME], (NAME, "link", link.digest)),
            Allowance(settings.RATE_LIMITS_PER_ADDRESS[NAME], (NAME, "address", address)),
        ]
    )
    if not _hashing.acquire(timeout=PATIENCE):
        raise Busy
    try:
        if not check_password(password[:1024], link.password):
            raise WrongPassword
    finally:
        _hashing.release()
