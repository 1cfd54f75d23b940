"""The route that stores send their events to."""

import time

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from aws.errors import StorageUnavailable
from uploads.pushing import knows_secret, slots, take
from web.api import error
from web.keys import for_keys

logger = structlog.stdlib.get_logger(__name__)

RETRY_SECONDS = 5
# Ceph does not look at Retry-After, and repeats a failed event at once: the answer makes it wait.
PAUSE_SECONDS = 3


@for_keys("")
@never_cache
@csrf_exempt
def receive_events(request: HttpRequest) -> HttpResponse:
    """Take what a store says about new objects; without a secret there is no such route."""
    if not settings.EVENTS_SECRET:
        raise Http404
    return _receive(request)


@require_POST
def _receive(request: HttpRequest) -> HttpResponse:
    if not knows_secret(request.headers.get("Authorization", "")):
        logger.warning("events_refused", outcome="secret")
        answer = error(401, "unauthorized", _("The secret is wrong."), retry="never")
        answer["WWW-Authenticate"] = 'Bearer, Basic realm="events"'
        return answer
    length = request.headers.get("Content-Length") or "0"
    if "Transfer-Encoding" in request.headers or not (length.isascii() and length.isdecimal()):
        # Of a body without a length Django would read nothing.
        return error(411, "bad_request", _("The length must be told."), retry="never")
    try:
        body = request.body
    except RequestDataTooBig:
        logger.warning("events_refused", outcome="too_large")
        return error(413, "bad_request", _("The request is too large."), retry="never")
    except UnreadablePostError:
        return _again()
    if len(body) != int(length):  # the sender went away in the middle
        return _again()
    return _taken(body)


def _taken(body: bytes) -> HttpResponse:
    """Return 200 once ``body`` may be forgotten by its sender, else ask for it once more."""
    if not slots().acquire(blocking=False):
        return _again()
    try:
        if _is_taken(body):
            return JsonResponse({})
        time.sleep(PAUSE_SECONDS)
    finally:
        slots().release()
    return _again()


def _is_taken(body: bytes) -> bool:
    try:
        return take(body)
    except StorageUnavailable as problem:
        logger.warning("events_not_taken", problem=type(problem.__cause__ or problem).__name__)
        return False


def _again() -> HttpResponse:
    message = _("The events cannot be taken right now. Please send them again.")
    return error(503, "unavailable", message, retry="same", retry_after=RETRY_SECONDS)
