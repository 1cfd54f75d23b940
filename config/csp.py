"""The Content-Security-Policy: own files, and the buckets: of pictures, uploads, static files."""

from urllib.parse import urlsplit

from csp.constants import NONE, SELF


def directives(
    *,
    bucket: str,
    region: str,
    endpoint_url: str | None,
    custom_domain: str | None,
    static_url: str = "",
) -> dict[str, list[str]]:
    """Return the policy's directives for a bucket at an endpoint, or on AWS where it is None.

    ``static_url`` is where static files are, if that is another site. It is used with its path:
    beside them, on the same host, there may be a bucket that others write to.
    """
    uploads = _bucket_origins(bucket, region, endpoint_url)
    own = [SELF, *([static_url] if "://" in static_url else [])]
    pictures = uploads + ([f"https://{custom_domain}"] if custom_domain else [])
    return {
        "default-src": [NONE],
        "script-src": own,
        "style-src": own,
        "font-src": own,
        # data: for the icons inside the stylesheet, blob: for the picture being cropped.
        "img-src": [*own, "data:", "blob:", *pictures],
        "connect-src": [SELF, *uploads],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }


def _bucket_origins(bucket: str, region: str, endpoint_url: str | None) -> list[str]:
    """Return the origins a presigned URL can have, with the bucket in the path or in the host."""
    if endpoint_url is None:
        return [
            f"https://{bucket}.s3.{region}.amazonaws.com",
            f"https://{bucket}.s3.amazonaws.com",
            f"https://s3.{region}.amazonaws.com",
        ]
    scheme, host, *_ = urlsplit(endpoint_url)
    origins = [f"{scheme}://{host}"]
    if host.rpartition(":")[0].strip("[]").replace(".", "").isdigit() or "[" in host:
        return origins  # an IP address has no subdomains
    return [*origins, f"{scheme}://{bucket}.{host}"]
