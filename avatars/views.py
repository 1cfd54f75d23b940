"""The routes of a picture: begin, confirm, remove, and look at it."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from structlog.contextvars import bind_contextvars

from accounts.access import members_only
from accounts.models import User
from accounts.selectors import active_user
from avatars import errors, services
from avatars.references import Avatar, live_references, live_stores
from avatars.selectors import picture_url
from aws.errors import StorageUnavailable
from pictures.errors import BadImage, Busy
from uploads.errors import InvalidToken, TokenExpired
from web.api import count_request, json_api, rate_limited, read_object, wants_json
from web.errors import UserFacingError
from web.keys import for_keys

STATUSES: dict[type[UserFacingError], int] = {
    errors.UnsupportedType: 400,
    errors.BadSize: 400,
    InvalidToken: 403,
    errors.ForeignObject: 403,
    errors.NotUploaded: 409,
    errors.Conflict: 409,
    errors.UploadRevoked: 409,
    errors.UnreadableItem: 409,
    errors.TooManyPending: 429,
    TokenExpired: 410,
    BadImage: 422,
    Busy: 503,
    StorageUnavailable: 503,
    UserFacingError: 500,
}
# Seconds that a browser may keep the redirect to a picture. It may then lead to a picture that
# was deleted since: the browser has that in its cache, or shows none.
REDIRECT_SECONDS = 60


@require_POST
@json_api(STATUSES, scope="write", done="upload_begun", refused="upload_refused")
@rate_limited("begin-upload")
def begin_upload(request: HttpRequest) -> HttpResponse:
    """Phase 1: a presigned POST for one picture of a type and size."""
    asked = read_object(request, {"content_type": str, "size": int})
    bind_contextvars(**asked)
    issued = services.begin_upload(owner_id=str(request.user.pk), stores=live_stores(), **asked)
    bind_contextvars(upload_id=issued.upload_id)
    return JsonResponse(
        {
            "url": issued.post.url,
            "fields": issued.post.fields,
            "key": issued.key,
            "upload_token": issued.upload_token,
            "expires_at": issued.post.expires_at,
            "max_bytes": issued.max_bytes,
        },
        status=201,
    )


@require_POST
@json_api(STATUSES, scope="write", done="upload_confirmed", refused="upload_refused")
@rate_limited("confirm-upload")
def confirm_upload(request: HttpRequest) -> HttpResponse:
    """Phase 3: the uploaded picture becomes the user's."""
    asked = read_object(request, {"key": str, "upload_token": str})
    avatar = services.confirm_upload(owner_id=str(request.user.pk), stores=live_stores(), **asked)
    bind_contextvars(bytes=avatar.size)
    return JsonResponse({"avatar": _as_json(avatar)})


@for_keys("write")
@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Remove the user's picture; answer programs with JSON, and lead people to the users page."""
    return _remove_for_program(request) if wants_json(request) else _remove_for_person(request)


@json_api(STATUSES, scope="write", refused="removal_refused")
def _remove_for_program(request: HttpRequest) -> HttpResponse:
    _remove(request)
    return JsonResponse({"avatar": None})


@login_required
def _remove_for_person(request: HttpRequest) -> HttpResponse:
    try:
        _remove(request)
    except UserFacingError as problem:
        messages.error(request, str(problem.message))
    else:
        messages.success(request, _("Your picture was removed."))
    return redirect("users")


def _remove(request: HttpRequest) -> None:
    count_request(request, "remove-picture")
    services.remove_picture(owner_id=str(request.user.pk), stores=live_stores())


@for_keys("read")
@require_GET
@members_only
def avatar(request: HttpRequest, username: str) -> HttpResponse:
    """Redirect to the picture of the user named ``username``, or draw a placeholder."""
    return _picture_of(request, active_user(username=username))


@for_keys("read")
@require_GET
@members_only
def picture(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Redirect to a picture by the user's id: some usernames cannot stand in a path."""
    return _picture_of(request, active_user(pk=user_id))


def _picture_of(request: HttpRequest, user: User) -> HttpResponse:
    try:
        key = live_references().read(str(user.pk)).live_key
        signed = picture_url(key) if key else None
    except StorageUnavailable:
        signed = None
    if not signed:
        return _placeholder(request, user)
    response = HttpResponseRedirect(signed.url)
    patch_cache_control(response, private=True, max_age=min(signed.seconds_left, REDIRECT_SECONDS))
    return response


def _placeholder(request: HttpRequest, user: User) -> HttpResponse:
    """Draw the user's initials."""
    words = user.display_name.split() or ["?"]
    initials = "".join(word[0] for word in (words[0], *words[1:][-1:])).upper()
    context = {"initials": initials, "hue": user.pk.int % 360}
    response = render(request, "avatars/placeholder.svg", context, content_type="image/svg+xml")
    patch_cache_control(response, private=True, max_age=REDIRECT_SECONDS)
    return response


def _as_json(found: Avatar) -> dict[str, object]:
    return {
        "url": picture_url(found.avatar_key).url,
        "content_type": found.content_type,
        "size": found.size,
        "width": found.width,
        "height": found.height,
    }
