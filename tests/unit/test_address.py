"""The address that a request is counted for: a forged header must not make a new client."""

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from pytest_django.fixtures import Settings

from web.address import UNKNOWN, client_address


def request_from(remote: str, forwarded: str | None = None) -> HttpRequest:
    """Return a request over a connection from ``remote``, with this X-Forwarded-For."""
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    return RequestFactory().get("/", headers=headers, REMOTE_ADDR=remote)


@pytest.mark.case(9)
@pytest.mark.parametrize(
    ("proxies", "forwarded", "counted"),
    [
        (0, None, "10.0.0.9"),
        (0, "198.51.100.1", "10.0.0.9"),
        (1, None, "10.0.0.9"),
        (1, "", "10.0.0.9"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        (1, "6.6.6.6,198.51.100.1:4711", "198.51.100.1"),
        (1, "6.6.6.6, unknown", "10.0.0.9"),
        (1, "6.6.6.6, 0.0.0.0", "10.0.0.9"),
        (1, "6.6.6.6, 010.0.0.1", "10.0.0.9"),
        (1, "6.6.6.6, 198.51.100.1:http", "10.0.0.9"),
        (1, "198.51.100.1, ", "10.0.0.9"),
        (2, "6.6.6.6, 198.51.100.1, 10.0.0.1", "198.51.100.1"),
        (2, "198.51.100.1", "10.0.0.9"),
    ],
)
def test_header_is_believed_only_as_far_as_our_own_proxies_wrote_it(
    settings: Settings, proxies: int, forwarded: str | None, counted: str
) -> None:
    settings.TRUSTED_PROXIES = proxies

    assert client_address(request_from("10.0.0.9", forwarded)) == counted


@pytest.mark.case(9)
@pytest.mark.parametrize(
    ("remote", "counted"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("[::ffff:198.51.100.1]:4711", "198.51.100.1"),
        ("64:ff9b::198.51.100.1", "198.51.100.1"),
        ("fe80::1%eth0", "fe80::"),
        ("::1", "::"),
        ("::", UNKNOWN),
        ("", UNKNOWN),
        ("unix:", UNKNOWN),
    ],
)
def test_address_is_counted_by_its_network_when_it_is_ipv6(
    settings: Settings, remote: str, counted: str
) -> None:
    settings.TRUSTED_PROXIES = 0

    assert client_address(request_from(remote)) == counted


@pytest.mark.case(9)
def test_ipv6_client_is_counted_by_its_network_when_a_proxy_tells_it(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 1

    told = client_address(request_from("10.0.0.9", "6.6.6.6, [2001:db8:1:2::77]:4711"))

    assert told == "2001:db8:1:2::"
