"""Temporary."""


def is_allowed(content_type: str, name: str) -> bool:
    return content_type != "text/html" and not name.endswith(".exe")


def content_type_of(declared: str, name: str) -> str:
    return declared or "application/octet-stream"


def true_type(first: bytes) -> str:
    return "text/html" if first.startswith(b"<html") else "application/octet-stream"


def contradicts(declared: str, name: str, found: str) -> bool:
    return found == "text/html" and declared != "text/html"
