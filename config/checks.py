"""Checks the settings at start, without the network."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from limits.errors import ConfigurationError

from aws.endpoints import NoEndpoint
from aws.origins import picture_sources, upload_sources
from web.rates import open_storage


@register(Tags.security)
def demo_needs_debug(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error if any visitor of a public site could sign in as any user."""
    if not settings.DEMO or settings.DEBUG:
        return []
    return [
        Error(
            "DEMO is on while DEBUG is off: everybody could sign in as everybody.",
            hint="Unset DEMO, or set DEBUG=true on a machine that only you can reach.",
            id="triphase.E001",
        )
    ]


@register()
def limits_can_be_counted(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error if rates cannot be counted in the storage; it is not contacted here."""
    try:
        open_storage(settings.RATE_LIMIT_STORAGE)
    except ConfigurationError as error:
        return [Error(f"RATE_LIMIT_STORAGE cannot be used: {error}", id="triphase.E003")]
    return []


@register()
def policy_outlived_by_token(
    app_configs: Sequence[Any] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Return an error if S3 would accept uploads that can no longer be confirmed."""
    if settings.UPLOAD_POLICY_SECONDS <= settings.UPLOAD_TOKEN_SECONDS <= 24 * 3600:
        return []
    return [
        Error(
            "UPLOAD_TOKEN_SECONDS must lie between UPLOAD_POLICY_SECONDS and one day.",
            hint="The bucket expires what is pending after a day; the default is one hour.",
            id="triphase.E002",
        )
    ]


@register()
def pictures_can_be_signed(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error if only some of the settings for CloudFront's signed URLs are set.

    Pictures would be public, or could not be read.
    """
    wanted = {
        "AWS_CLOUDFRONT_KEY": settings.AWS_CLOUDFRONT_KEY,
        "AWS_CLOUDFRONT_KEY_ID": settings.AWS_CLOUDFRONT_KEY_ID,
    }
    missing = [name for name, value in wanted.items() if not value]
    if not settings.AWS_S3_CUSTOM_DOMAIN:
        missing.append("AWS_S3_CUSTOM_DOMAIN")
    if not any(wanted.values()) or not missing:
        return []
    return [
        Error(
            f"Signed URLs of CloudFront need {' and '.join(missing)}, too.",
            hint="Set all three, or unset AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID.",
            id="triphase.E004",
        )
    ]


@register()
def pushes_have_a_secret(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error if a store is to send events that this site would not take."""
    if not settings.EVENTS_PUSH_URL or settings.EVENTS_SECRET:
        return []
    return [
        Error(
            "EVENTS_PUSH_URL needs EVENTS_SECRET: without it nobody may send events.",
            hint="Set EVENTS_SECRET to a long random text, for all processes of the site.",
            id="triphase.E006",
        )
    ]


@register()
def bucket_can_be_found(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse settings with which there is no URL of the bucket, or none that pages may use."""
    try:
        sources = upload_sources() + picture_sources()
    except NoEndpoint as error:
        return [Error(str(error), id="triphase.E005")]
    if not any("[" in source for source in sources):
        return []
    return [
        Error(
            f"Pages cannot upload to {sources[0]}: no Content-Security-Policy can name an IPv6 "
            "address.",
            hint="Set AWS_S3_PUBLIC_ENDPOINT_URL to a URL with a host name.",
            id="triphase.E005",
        )
    ]
