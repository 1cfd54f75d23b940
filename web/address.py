"""The network address that a request comes from."""

import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest

UNKNOWN = "0.0.0.0"  # noqa: S104 (what stands for no address; nothing listens there)
# Some proxies add the port: 192.0.2.1:4711, [2001:db8::1]:4711; the brackets come alone, too.
_WITH_PORT = re.compile(r"\[(?P<v6>[^\[\]]+)\](?::[0-9]+)?|(?P<v4>[0-9.]+):[0-9]+")
_TRANSLATED = IPv6Network("64:ff9b::/96")


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
    address = _parsed(text.strip())
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), 64), strict=False).network_address)
    return str(address or "")


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address in ``text``, or None if it holds none or one that no client has."""
    if found := _WITH_PORT.fullmatch(text):
        text = found["v6"] or found["v4"]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if address.is_unspecified:
        return None
    return _without_translation(address) if isinstance(address, IPv6Address) else address


def _without_translation(address: IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address of a client that is seen as IPv6, else the address itself.

    A socket that listens on IPv6 reports IPv4 clients as ``::ffff:192.0.2.1`` (RFC 4291), a
    translator as ``64:ff9b::192.0.2.1`` (RFC 6052). As IPv6 all of them would be one network.
    """
    if address.ipv4_mapped:
        return address.ipv4_mapped
    return IPv4Address(address.packed[-4:]) if address in _TRANSLATED else address
