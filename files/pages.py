"""The routes of files that people and programs share: list, look at, download, restore, delete.

Programs accept JSON and get it. People get pages, on which everything works without a script.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import wraps
from pathlib import PurePosixPath
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from aws.errors import StorageUnavailable
from files import library, selectors, services
from files.errors import NoSuchFile
from files.items import Entry
from files.statuses import STATUSES
from files.stores import live_stores
from files.tokens import is_upload_id
from files.words import WORDS
from web.api import STATUSES as API_STATUSES
from web.api import count_request, json_api, status_of, wants_json
from web.errors import BadRequest, UserFacingError
from web.keys import Scope, for_keys
from web.parameters import bad_parameters_refused, parameter

View = Callable[..., HttpResponse]
# How long after it arrived a page still asks for a file's checksum and preview.
AWAITED = timedelta(minutes=10)


def answering_both(
    program: View, *, scope: Scope, statuses: Mapping[type[UserFacingError], int] = STATUSES
) -> Callable[[View], View]:
    """Answer programs with the view ``program``, and people with the decorated one."""

    def decorate(person: View) -> View:
        for_programs = json_api(statuses, scope=scope, refused="file_request_refused")(program)
        for_people = login_required(person)

        @never_cache
        @wraps(person)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            view = for_programs if wants_json(request) else for_people
            return view(request, *args, **kwargs)

        return for_keys(scope)(wrapped)

    return decorate


# --- The list ---


def _files_as_json(request: HttpRequest) -> HttpResponse:
    count_request(request, "use-files")
    q, after = request.GET.get("q", ""), request.GET.get("after", "")
    if len(q) > 255 or (after and not is_upload_id(after)):
        raise BadRequest(_("q has at most 255 characters, and after is what next was."))
    page = selectors.file_page(owner_id=_owner(request), q=q, after=after, stores=live_stores())
    found = [selectors.as_json(entry) for entry in page.entries]
    return JsonResponse({"files": found, "next": page.next_after or None})


@require_GET
@answering_both(_files_as_json, scope="read")
@bad_parameters_refused
def files(request: HttpRequest) -> HttpResponse:
    """Show the user's files, newest first, and what is being uploaded."""
    q, after = parameter(request, "q").strip(), parameter(request, "after")
    if not is_upload_id(after):
        after = ""
    context: dict[str, Any] = {"q": q, "after": after, "words": WORDS, "limits": _limits()}
    try:
        context |= _listed(_owner(request), q=q, after=after)
    except StorageUnavailable as error:
        context |= {"files": [], "next": "", "usage": None, "unfinished": []}
        context["problem"] = error.message
    return render(request, "files/list.html", context)


def _listed(owner_id: str, *, q: str, after: str) -> dict[str, Any]:
    stores = live_stores()
    page = selectors.file_page(owner_id=owner_id, q=q, after=after, stores=stores)
    first = not (q or after)
    return {
        "files": [_shown(entry) for entry in page.entries],
        "next": page.next_after,
        "usage": selectors.room_of(owner_id=owner_id, stores=stores),
        "unfinished": (selectors.unfinished_of(owner_id=owner_id, stores=stores) if first else []),
    }


def _shown(entry: Entry) -> dict[str, Any]:
    """Return a file with what its row shows besides."""
    name = entry.name or ""
    folder, _slash, title = name.rpartition("/")
    begun = entry.created_at or timezone.now()
    return {
        **selectors.as_json(entry),
        "upload_id": entry.upload_id,
        "folder": folder,
        "title": title,
        "ending": PurePosixPath(title).suffix[1:5].lower(),
        "is_awaited": entry.processed_at is None and timezone.now() - begun < AWAITED,
    }


def _limits() -> dict[str, int]:
    return {
        "max_bytes": settings.FILE_MAX_BYTES,
        "multipart_bytes": settings.FILE_MULTIPART_BYTES,
        "max_versions": settings.FILE_MAX_VERSIONS,
    }


# --- One file ---


def _file_as_json(request: HttpRequest, file_id: str) -> HttpResponse:
    count_request(request, "use-files")
    found = library.find_file(owner_id=_owner(request), file_id=file_id, stores=live_stores())
    return JsonResponse({"file": selectors.as_json(found.entries[0])})


@require_GET
@answering_both(_file_as_json, scope="read")
def file(request: HttpRequest, file_id: str) -> HttpResponse:
    """Show a file: its preview, its facts, its versions."""
    try:
        found = library.find_file(owner_id=_owner(request), file_id=file_id, stores=live_stores())
    except UserFacingError as error:
        return problem(request, error)
    newest = found.entries[0]
    context = {
        "file": _shown(newest),
        "entry": newest,
        "versions": [_shown(entry) for entry in found.entries],
        "is_evidence": any(entry.blocked_at for entry in found.entries),
    }
    return render(request, "files/detail.html", context)


def _download_for_program(request: HttpRequest, file_id: str) -> HttpResponse:
    count_request(request, "use-files")
    raw = request.GET.get("version", "")
    if raw and not (raw.isascii() and raw.isdecimal() and len(raw) < 10):
        raise NoSuchFile
    entry = _version(request, file_id, int(raw) if raw else None)
    return HttpResponseRedirect(library.download_url(entry, stores=live_stores()))


@require_GET
@answering_both(_download_for_program, scope="read")
def download(request: HttpRequest, file_id: str) -> HttpResponse:
    """Redirect to the object of a version, the newest without ``?version=``."""
    try:
        return _download_for_program(request, file_id)
    except UserFacingError as error:
        return problem(request, error)


def _version(request: HttpRequest, file_id: str, version: int | None) -> Entry:
    return library.find_version(
        owner_id=_owner(request), file_id=file_id, version=version, stores=live_stores()
    )


def problem(
    request: HttpRequest,
    error: UserFacingError,
    *,
    statuses: Mapping[type[UserFacingError], int] = STATUSES,
) -> HttpResponse:
    """Answer a person with a page that says what is wrong."""
    status = status_of(error, {**API_STATUSES, **statuses})
    context = {"problem": error.message, "is_final": error.retry == "never"}
    return render(request, "files/problem.html", context, status=status)


# --- Changes ---


def _deleted_for_program(request: HttpRequest, file_id: str) -> HttpResponse:
    _delete(request, file_id)
    return JsonResponse({})


@require_http_methods(["GET", "POST"])
@answering_both(_deleted_for_program, scope="write")
def delete(request: HttpRequest, file_id: str) -> HttpResponse:
    """Ask, and on POST delete all versions of a file."""
    if request.method == "GET":
        try:
            entry = _version(request, file_id, None)
        except UserFacingError as error:
            return problem(request, error)
        return render(request, "files/delete.html", {"file": _shown(entry)})
    return _changed(
        request, lambda: _delete(request, file_id), _("The file was deleted."), to="files"
    )


def _delete(request: HttpRequest, file_id: str) -> None:
    count_request(request, "use-files")
    if request.method != "POST":
        raise BadRequest(_("Deleting takes a POST."))
    library.delete_file(owner_id=_owner(request), file_id=file_id, stores=live_stores())


def _version_deleted_for_program(request: HttpRequest, file_id: str, version: int) -> HttpResponse:
    _delete_version(request, file_id, version)
    return JsonResponse({})


@require_POST
@answering_both(_version_deleted_for_program, scope="write")
def delete_version(request: HttpRequest, file_id: str, version: int) -> HttpResponse:
    """Delete one version of a file."""
    return _changed(
        request,
        lambda: _delete_version(request, file_id, version),
        _("The version was deleted."),
        to="file",
        file_id=file_id,
    )


def _delete_version(request: HttpRequest, file_id: str, version: int) -> None:
    count_request(request, "use-files")
    library.delete_version(
        owner_id=_owner(request), file_id=file_id, version=version, stores=live_stores()
    )


def _restored_for_program(request: HttpRequest, file_id: str, version: int) -> HttpResponse:
    entry = _restore(request, file_id, version)
    if entry is None:
        return JsonResponse({"file": None}, status=202)
    return JsonResponse({"file": selectors.as_json(entry)})


@require_POST
@answering_both(_restored_for_program, scope="write")
def restore(request: HttpRequest, file_id: str, version: int) -> HttpResponse:
    """Make an older version the newest."""
    return _changed(
        request,
        lambda: _restore(request, file_id, version),
        lambda entry: (
            _("The version was restored as the newest.")
            if entry
            else _("The version is still being copied. It appears here once that is done.")
        ),
        to="file",
        file_id=file_id,
    )


def _restore(request: HttpRequest, file_id: str, version: int) -> Entry | None:
    count_request(request, "begin-file")
    return library.restore_version(
        owner_id=_owner(request), file_id=file_id, version=version, stores=live_stores()
    )


def _unfinished_ended_for_program(request: HttpRequest, upload_id: str) -> HttpResponse:
    _end_unfinished(request, upload_id)
    return JsonResponse({})


@require_POST
@answering_both(_unfinished_ended_for_program, scope="write")
def end_unfinished(request: HttpRequest, upload_id: str) -> HttpResponse:
    """End an upload in parts whose token nobody has any more, by its id."""
    return _changed(
        request,
        lambda: _end_unfinished(request, upload_id),
        _("The upload was cancelled."),
        to="files",
    )


def _end_unfinished(request: HttpRequest, upload_id: str) -> None:
    count_request(request, "use-files")
    if not is_upload_id(upload_id):
        raise NoSuchFile
    services.end_unfinished(owner_id=_owner(request), upload_id=upload_id, stores=live_stores())


def _changed(
    request: HttpRequest,
    change: Callable[[], Any],
    done: str | Promise | Callable[[Any], str | Promise],
    *,
    to: str,
    **at: str,
) -> HttpResponse:
    """Do what a person asked for, say what became of it, and lead them to the page ``to``."""
    try:
        changed = change()
    except UserFacingError as error:
        messages.error(request, str(error.message))
    else:
        messages.success(request, str(done(changed) if callable(done) else done))
    return redirect(reverse(to, kwargs=at))


def _owner(request: HttpRequest) -> str:
    return str(request.user.pk)
