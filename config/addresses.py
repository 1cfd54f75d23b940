"""Typed readers of hosts, origins and endpoints in the environment.

Each of them is compared letter by letter somewhere: by Django, by S3's CORS rules, or by the SDK
when it signs. So what can mean one thing only gets one notation (capitals, a slash at the end, the
port that the scheme has anyway), and all else is refused with the variable's name.
"""

import re
from ipaddress import AddressValueError, IPv6Address

from django.core.exceptions import ImproperlyConfigured

from aws.endpoints import Service, endpoint_of_profile
from config.env import env

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = rf"{_LABEL}(?:\.{_LABEL})*"  # or an IPv4 address, which looks the same
_IPV6 = r"\[[0-9a-f:.]+\]"
_PORT = "(?::(?P<port>[0-9]{1,5}))?"
_ORIGIN = re.compile(rf"(?P<scheme>https?)://(?P<host>(?:\*\.)?{_NAME}|{_IPV6}){_PORT}/?")
_DOMAIN = re.compile(rf"(?:https://)?(?P<host>{_NAME}){_PORT}/?")
_ALLOWED_HOST = re.compile(rf"(?:https://)?(?P<host>\.?{_NAME}|{_IPV6})/?|(?P<all>\*)")
_PATH = re.compile("[A-Za-z0-9._~/-]*")
_USUAL_PORTS = {"http": 80, "https": 443}


def hosts(name: str, default: list[str]) -> list[str]:
    """Return the hosts in variable ``name``, in the notation of Django's ``ALLOWED_HOSTS``.

    An origin's ``https://`` is left out. ``http://`` is refused: those who write it do not expect
    the origins that follow from a host, which are of ``https``.
    """
    return [_host(name, item) for item in listed(name)] or default


def origins(name: str, *, wildcards: bool = False) -> list[str]:
    """Return the origins in variable ``name`` as browsers write them.

    With ``wildcards`` also as Django takes them: ``https://*.example.org``.
    """
    wanted = "origins such as https://pictures.example.org, without a path"
    found = []
    for item in listed(name):
        origin = _origin(item)
        if origin is None or ("*" in origin and not wildcards):
            raise _refused(name, wanted if wildcards else f"{wanted} or a wildcard", item)
        found.append(origin)
    return found


def endpoint(name: str, default: str | None = None) -> str | None:
    """Return the URL of a service in variable ``name``."""
    value = env.str(name, "")
    return _endpoint(name, value) if value else default


def page(name: str) -> str:
    """Return the URL of a page in variable ``name``, or an empty text."""
    value = env.str(name, "").strip()
    scheme, _, rest = value.partition("://")
    host, slash, path = rest.partition("/")
    origin = _origin(f"{scheme}://{host}")
    if value and (not slash or origin is None or "*" in origin or not _PATH.fullmatch(path)):
        wanted = "a URL such as https://pictures.example.org/events/s3/, without query or user"
        raise _refused(name, wanted, value)
    return f"{origin}/{path}" if value else ""


def profile_endpoint(service: Service, *, region: str) -> str | None:
    """Return the URL that the SDK's profile names for ``service``."""
    value = endpoint_of_profile(service, region=region)
    return _endpoint("The profile of AWS_PROFILE or AWS_CONFIG_FILE", value) if value else None


def _endpoint(name: str, value: str) -> str:
    origin = _origin(value.strip())
    if origin is None or "*" in origin:
        wanted = "an http(s) URL such as https://s3.example.org, without path, query or user"
        raise _refused(name, wanted, value)
    return origin


def domain(name: str) -> str | None:
    """Return the host in variable ``name`` that is asked by HTTPS, with its port if it has one."""
    value = env.str(name, "")
    if not value:
        return None
    match = _DOMAIN.fullmatch(value.strip().lower())
    port = _suffix("https", match["port"]) if match else None
    if match is None or port is None:
        raise _refused(name, "a host such as cdn.example.org, without a path", value)
    return match["host"] + port


def origins_of(hosts: list[str], *, or_set: str) -> list[str]:
    """Return the https origins of ``hosts``; a wildcard is no origin, so ``or_set`` must be set."""
    if any("*" in host or host.startswith(".") for host in hosts):
        raise ImproperlyConfigured(f"{or_set} must be set where ALLOWED_HOSTS has a wildcard.")
    return [f"https://{host}" for host in hosts]


def listed(name: str) -> list[str]:
    """Return the items in variable ``name``, which commas separate, without the empty ones."""
    return [item for part in env.str(name, "").split(",") if (item := part.strip())]


def _host(name: str, text: str) -> str:
    match = _ALLOWED_HOST.fullmatch(text.lower())
    host = (match["host"] or match["all"]) if match else ""
    if not _is_host(host):
        wanted = "hosts such as pictures.example.org, without scheme, port or path"
        raise _refused(name, wanted, text)
    return host


def _origin(text: str) -> str | None:
    """Return ``text`` as browsers write it, or None if it is no origin."""
    match = _ORIGIN.fullmatch(text.lower())
    if match is None or not _is_host(match["host"]):
        return None
    port = _suffix(match["scheme"], match["port"])
    return None if port is None else f"{match['scheme']}://{match['host']}{port}"


def _is_host(text: str) -> bool:
    """Return whether ``text``, which looks like a host, is one."""
    try:
        return bool(text) and (text[0] != "[" or bool(IPv6Address(text[1:-1])))
    except AddressValueError:
        return False


def _suffix(scheme: str, port: str | None) -> str | None:
    """Return what is written for ``port``, or None if there is no such port."""
    number = int(port or _USUAL_PORTS[scheme])
    if not 1 <= number <= 65535:
        return None
    return "" if number == _USUAL_PORTS[scheme] else f":{number}"


def _refused(name: str, wanted: str, value: str) -> ImproperlyConfigured:
    """Return the error; what may hold a password is not repeated."""
    shown = "what it holds" if "@" in value else repr(value)
    return ImproperlyConfigured(f"{name} must hold {wanted}, not {shown}.")
