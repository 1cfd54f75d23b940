"""The Content-Security-Policy: own files, and the buckets: of pictures, uploads, static files."""

from dataclasses import replace
from functools import cache
from typing import Any

from csp.constants import NONE, SELF
from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from aws.origins import picture_sources, upload_sources


class ContentSecurityPolicy(CSPMiddleware):
    """django-csp with a policy that the settings cannot hold: the SDK is asked for its sources.

    https://django-csp.readthedocs.io/en/latest/configuration.html
    """

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> Any:
        """Return django-csp's parts, with our policy unless a view has one of its own."""
        parts = super().get_policy_parts(request, response, report_only)
        if report_only or parts.config is not None:
            return parts
        return replace(parts, config=directives())


@cache
def directives() -> dict[str, list[str]]:
    """Return the policy's directives.

    Static files of another site are named with their path: beside them, on the same host, there
    may be a bucket that others write to.
    """
    static_url = str(settings.STATIC_URL)
    own = [SELF, *([static_url] if "://" in static_url else [])]
    return {
        "default-src": [NONE],
        "script-src": own,
        "style-src": own,
        "font-src": own,
        # data: for the icons inside the stylesheet, blob: for the picture being cropped.
        "img-src": [*own, "data:", "blob:", *picture_sources()],
        "connect-src": [SELF, *upload_sources()],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
