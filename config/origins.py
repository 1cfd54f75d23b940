"""Where browsers find a bucket."""

from urllib.parse import urlsplit


def bucket_url(bucket: str, *, region: str, endpoint_url: str | None, style: str) -> str:
    """Return the URL of all in ``bucket``, with a slash at its end; on AWS without an endpoint."""
    scheme, host, *_ = urlsplit(endpoint_url or f"https://s3.{region}.amazonaws.com")
    if style == "path":
        return f"{scheme}://{host}/{bucket}/"
    return f"{scheme}://{bucket}.{host}/"
