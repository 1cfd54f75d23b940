"""Tokens of share links: 256 bits that nobody can guess, and that are stored nowhere."""

from base64 import urlsafe_b64encode
from hashlib import sha256
from secrets import token_urlsafe

from django.utils.crypto import salted_hmac

PREFIX = "trl_"  # by which scanners of leaked secrets, and our own logs, know one


def new_token() -> str:
    """Return a token at random."""
    return PREFIX + token_urlsafe(32)


def derived_token(nonce: str) -> str:
    """Return the token that a stored random text and the site's secret key make together."""
    mac = salted_hmac("assets.token", nonce, algorithm="sha256")
    return PREFIX + urlsafe_b64encode(mac.digest()).decode().rstrip("=")


def digest_of(token: str) -> str:
    """Return the SHA-256 that a link is found by, in hex."""
    return sha256(token.encode(errors="replace")).hexdigest()
