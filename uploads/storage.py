"""The django-storages side of the bucket: URLs of pictures, presigned or of a CDN."""

from typing import Any

from django.conf import settings
from django.utils import timezone
from storages.backends.s3 import S3Storage

from uploads.bucket import SignedUrl, live_bucket


class PresignedStorage(S3Storage):  # type: ignore[misc]  # django-storages has no types
    """An S3 storage whose URLs stay the same for a while, so that browsers can cache.

    S3Storage signs as of now, which makes every URL a new one, and makes a client for every
    thread. With a custom domain (``AWS_S3_CUSTOM_DOMAIN``) everything is as in S3Storage.
    """

    def get_default_settings(self) -> dict[str, Any]:
        """Return the settings of the whole site where ``STORAGES`` names no others."""
        defaults: dict[str, Any] = super().get_default_settings()
        return defaults | {"region_name": settings.AWS_REGION}

    def url(
        self,
        name: str,
        parameters: dict[str, str] | None = None,
        expire: int | None = None,
        http_method: str | None = None,
    ) -> str:
        """Return the URL of the object ``name``."""
        if self.custom_domain or parameters or expire or http_method:
            return str(super().url(name, parameters, expire, http_method))
        return self.signed_url(name).url

    def signed_url(self, name: str) -> SignedUrl:
        """Return the URL of the object ``name`` and how long it can be used."""
        window: int = settings.PICTURE_URL_WINDOW_SECONDS
        if self.custom_domain:
            return SignedUrl(str(super().url(name)), window)
        return live_bucket().presigned_get(name, window=window, now=timezone.now())
