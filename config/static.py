"""Static files in production, whose names hold a hash of their content.

By default each process serves them itself, compressed. With ``AWS_STATIC_BUCKET_NAME`` they are in
a separate bucket, under the same names.
"""

import re
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles.storage import StaticFilesStorage
from storages.backends.s3 import S3ManifestStaticStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

from aws.wire import wire_config

HASHED = re.compile(r"\.[0-9a-f]{12}(\.[^./]+)?$")
FOR_EVER = "public, max-age=31536000, immutable"
FOR_A_MINUTE = "public, max-age=60"


class StaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # no types
    """Static files whose modules import each other by hashed names, never an older version."""

    # https://docs.djangoproject.com/en/5.2/ref/contrib/staticfiles/#manifeststaticfilesstorage
    support_js_module_import_aggregation = True


class S3StaticFiles(S3ManifestStaticStorage):  # type: ignore[misc]  # no types
    """The same files under the same names, in a bucket that is public.

    The manifest stays in ``STATIC_ROOT``, with the code of its version: so a page needs no request
    to S3, and old and new processes each use the names of their own version.
    """

    support_js_module_import_aggregation = True

    def __init__(self, **options: Any) -> None:
        local = StaticFilesStorage(settings.STATIC_ROOT, settings.STATIC_URL)
        super().__init__(manifest_storage=local, **options)

    def get_default_settings(self) -> dict[str, Any]:
        """Return the settings of the pictures' bucket, with those that differ replaced."""
        _, host, path, *_ = urlsplit(settings.STATIC_URL)
        defaults: dict[str, Any] = super().get_default_settings()
        return defaults | {
            "bucket_name": settings.AWS_STATIC_BUCKET_NAME,
            "region_name": settings.AWS_REGION,
            "client_config": wire_config(),
            "custom_domain": f"{host}{path}".rstrip("/"),
            "url_protocol": f"{urlsplit(settings.STATIC_URL).scheme}:",
            "cloudfront_key": None,
            "cloudfront_key_id": None,
            "gzip": True,
        }

    def get_object_parameters(self, name: str) -> dict[str, Any]:
        """Return headers that let a file be cached for ever if its name holds a hash."""
        cached = FOR_EVER if HASHED.search(name) else FOR_A_MINUTE
        return {**super().get_object_parameters(name), "CacheControl": cached}
