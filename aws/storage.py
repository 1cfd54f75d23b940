"""The django-storages side of the bucket: URLs of pictures, presigned or of a CDN."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.encoding import filepath_to_uri
from storages.backends.s3 import S3Storage

from aws.bucket import live_bucket
from aws.signing import SignedUrl, window_start
from aws.wire import wire_config


class PresignedStorage(S3Storage):  # type: ignore[misc]  # django-storages has no types
    """An S3 storage whose URLs stay the same for a while, so that browsers can cache.

    S3Storage signs as of now, which makes every URL a new one, and makes a client for every
    thread. With ``AWS_S3_CUSTOM_DOMAIN`` the URLs are those of a CDN: plain ones, or signed for
    CloudFront where there is a key.
    """

    def get_default_settings(self) -> dict[str, Any]:
        """Return the settings of the whole site where ``STORAGES`` names no others."""
        defaults: dict[str, Any] = super().get_default_settings()
        return defaults | {"region_name": settings.AWS_REGION, "client_config": wire_config()}

    def url(
        self,
        name: str,
        parameters: dict[str, str] | None = None,
        expire: int | None = None,
        http_method: str | None = None,
    ) -> str:
        """Return the URL of the object ``name``."""
        if parameters or expire or http_method:
            return str(super().url(name, parameters, expire, http_method))
        return self.signed_url(name).url

    def signed_url(self, name: str) -> SignedUrl:
        """Return the URL of the object ``name`` and how long it can be used."""
        window: int = settings.PICTURE_URL_WINDOW_SECONDS
        now = timezone.now()
        if not self.custom_domain:
            return live_bucket().presigned_get(name, window=window, now=now)
        plain = f"{self.url_protocol}//{self.custom_domain}/{filepath_to_uri(name)}"
        if not self.cloudfront_signer:
            return SignedUrl(plain, window)
        return self._signed_for_cloudfront(plain, window=window, now=now)

    def _signed_for_cloudfront(self, plain: str, *, window: int, now: datetime) -> SignedUrl:
        """Return ``plain`` signed to expire two windows after the start of this one.

        As S3Bucket.presigned_get does: the same in every process, good for at least one window.
        """
        expiry = window_start(now, window=window) + timedelta(seconds=2 * window)
        signed = self.cloudfront_signer.generate_presigned_url(plain, date_less_than=expiry)
        return SignedUrl(str(signed), int((expiry - now).total_seconds()))
