"""Whom a request comes from, as far as that can be known."""

from ipaddress import IPv6Address, IPv6Network

from django.conf import settings
from django.http import HttpRequest
from python_ipware import IpWare

# Reads one address, with or without a port, and an IPv4 one in the clothes of IPv6.
_reader = IpWare(precedence=("ADDRESS",))
UNKNOWN = "0.0.0.0"  # noqa: S104 (what stands for no address; nothing listens there)


def client_address(request: HttpRequest) -> str:
    """Return the address that a client's requests are counted under.

    ``X-Forwarded-For`` is what the client sent, plus one address from each proxy it passed. Only
    the entry that the outermost of our own ``TRUSTED_PROXIES`` added is believed, counted from the
    right. Of an IPv6 address only the network counts, since a client has all 2**64 addresses of
    a /64 to itself (RFC 6177).
    """
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    trusted = settings.TRUSTED_PROXIES
    told = hops[-trusted] if 0 < trusted <= len(hops) else ""
    return _counted_as(told) or _counted_as(request.META.get("REMOTE_ADDR", "")) or UNKNOWN


def _counted_as(text: str) -> str:
    """Return the address or network in ``text``, or an empty text if there is none."""
    address, _ = _reader.get_client_ip({"ADDRESS": text})
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), 64), strict=False).network_address)
    return str(address or "")
