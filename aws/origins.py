"""What pages must be allowed to reach: taken from the URLs that the signing clients make.

Each is a source of a Content-Security-Policy. One with a path allows exactly that URL, or all that
begins with it if it ends with a slash. Where the bucket's name is in the path, other buckets have
the same origin, so an origin alone would let a page send what it knows to any of them.
Source: W3C, "Content Security Policy Level 3", path-part matching.
"""

from django.conf import settings

from aws.clients import unsigned_client
from aws.endpoints import bucket_url, endpoint_expected, form_url


def upload_sources() -> list[str]:
    """Return what the forms of pictures are posted to, and files put to. Raises NoEndpoint."""
    bucket = settings.AWS_STORAGE_BUCKET_NAME
    with endpoint_expected("AWS_STORAGE_BUCKET_NAME"):
        urls = [form_url(unsigned_client(), bucket), bucket_url(unsigned_client(), bucket)]
        return list(dict.fromkeys(urls))


def picture_sources() -> list[str]:
    """Return where pictures come from: the bucket, and the CDN where there is one.

    Previews of files are private, so they come from the bucket in any case. Raises NoEndpoint.
    """
    cdn = settings.AWS_S3_CUSTOM_DOMAIN
    with endpoint_expected("AWS_STORAGE_BUCKET_NAME"):
        bucket = bucket_url(unsigned_client(), settings.AWS_STORAGE_BUCKET_NAME)
    return [*([f"https://{cdn}"] if cdn else []), bucket]
