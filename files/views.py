"""The calls of an upload, for scripts of the page and others: JSON in, JSON out."""

from hashlib import sha256
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from files import selectors, services
from files.items import Entry
from files.statuses import STATUSES
from files.stores import live_stores
from files.tokens import is_upload_id
from web.api import json_api, rate_limited, read_object
from web.errors import BadRequest

MAX_PROGRESS = 50  # uploads a request
POLL_SECONDS = 2

read_api = json_api(STATUSES, scope="read", refused="file_request_refused")
write_api = json_api(STATUSES, scope="write", refused="file_request_refused")
used_often = rate_limited("use-files")


@require_POST
@json_api(STATUSES, scope="write", done="file_upload_begun", refused="file_upload_refused")
@rate_limited("begin-file")
def begin(request: HttpRequest) -> HttpResponse:
    """Issue an upload: one presigned PUT, or the plan of a multipart upload."""
    asked = read_object(request, {"name": str, "size": int, "content_type": str})
    issued = services.begin_upload(owner_id=_owner(request), stores=live_stores(), **asked)
    answer: dict[str, Any] = {
        "id": issued.upload.id,
        "upload_token": issued.upload_token,
        "expires_at": issued.expires_at,
    }
    if issued.put:
        answer |= {"mode": "put", "url": issued.put.url, "headers": issued.put.headers}
    else:
        upload = issued.upload
        answer |= {"mode": "multipart", "part_size": upload.part_size, "parts": upload.part_count}
    return JsonResponse(answer, status=201)


@require_POST
@write_api
@used_often
def sign_parts(request: HttpRequest) -> HttpResponse:
    """Sign the PUTs of some parts."""
    asked = read_object(request, {"upload_token": str, "numbers": list})
    parts = services.sign_parts(owner_id=_owner(request), stores=live_stores(), **asked)
    return JsonResponse(
        {
            "parts": [
                {"number": part.number, "url": part.request.url, "headers": part.request.headers}
                for part in parts
            ],
            "expires_at": parts[0].request.expires_at,
        }
    )


@require_POST
@write_api
@used_often
def state(request: HttpRequest) -> HttpResponse:
    """Tell how far an upload is."""
    asked = read_object(request, {"upload_token": str})
    found = services.upload_state(owner_id=_owner(request), stores=live_stores(), **asked)
    return JsonResponse(
        {
            "state": found.state or "uploading",
            "parts": [{"number": part.number, "size": part.size} for part in found.parts],
            "file": selectors.as_json(found.entry) if found.entry else None,
        }
    )


@require_POST
@json_api(STATUSES, scope="write", done="file_upload_confirmed", refused="file_upload_refused")
@used_often
def confirm(request: HttpRequest) -> HttpResponse:
    """Complete an upload and accept its object."""
    asked = read_object(request, {"upload_token": str})
    entry = services.confirm_upload(owner_id=_owner(request), stores=live_stores(), **asked)
    return JsonResponse({"file": selectors.as_json(entry)})


@require_POST
@json_api(STATUSES, scope="write", done="file_upload_aborted", refused="file_upload_refused")
@used_often
def abort(request: HttpRequest) -> HttpResponse:
    """End an upload; nothing of it is left."""
    asked = read_object(request, {"upload_token": str})
    services.abort_upload(owner_id=_owner(request), stores=live_stores(), **asked)
    return JsonResponse({})


@require_GET
@read_api
@used_often
def progress(request: HttpRequest) -> HttpResponse:
    """Tell what became of some uploads, and when to ask again; 304 where nothing has changed."""
    asked = list(dict.fromkeys(request.GET.get("uploads", "").split(",")))[: MAX_PROGRESS + 1]
    if len(asked) > MAX_PROGRESS or not all(is_upload_id(one) for one in asked):
        raise BadRequest(_("uploads must be up to 50 upload ids with commas between them."))
    found = selectors.uploads_of(owner_id=_owner(request), upload_ids=asked, stores=live_stores())
    uploads = [_progress_of(entry) for entry in found]
    response = JsonResponse({"uploads": uploads, "poll_seconds": POLL_SECONDS})
    response["ETag"] = f'"{sha256(response.content).hexdigest()[:32]}"'
    response["Cache-Control"] = "private, no-cache"
    return _not_modified(request, response)


def _progress_of(entry: Entry) -> dict[str, Any]:
    shown = entry.is_ready and entry.is_placed
    return {
        "id": entry.upload_id,
        "state": entry.state if shown or entry.is_final else "uploading",
        "processed": entry.is_final or entry.processed_at is not None,
        "file": selectors.as_json(entry) if shown else None,
    }


def _not_modified(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    if request.headers.get("If-None-Match") != response["ETag"]:
        return response
    unchanged = HttpResponse(status=304)
    for name in ("ETag", "Cache-Control"):
        unchanged[name] = response[name]
    return unchanged


def _owner(request: HttpRequest) -> str:
    return str(request.user.pk)
