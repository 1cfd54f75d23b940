"""The assets API: what curl and scripts use to store, fetch and delete files."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, nullcontext
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from structlog.contextvars import bind_contextvars

from accounts.selectors import active_owner
from assets import idempotency
from assets.bodies import Body, is_chunked
from assets.bounds import upload_slot
from assets.envelope import TEXT, asset_api, by_method, given, wants_text
from assets.errors import LengthRequired
from assets.forms import read_form
from assets.idempotency import Claim
from assets.links import create_link
from assets.parameters import Wishes, version_of, wishes_of, yes_or_no
from assets.receiving import Announced, Receiver
from assets.sending import send
from assets.watching import Watched
from aws.errors import ObjectMissing
from files import library, pages
from files.errors import Blocked, NoSuchFile
from files.items import OPEN, Entry
from files.stores import live_stores
from web.api import count_request
from web.errors import BadRequest, ScopeMissing, UserFacingError
from web.keys import for_keys

Take = Callable[[Body, Claim | None], tuple[Entry, Wishes]]

# --- In ---


@asset_api(scope="write", done="asset_stored")
def store_raw(request: HttpRequest, name: str) -> HttpResponseBase:
    """Store the body of a POST or PUT under a name."""
    count_request(request, "begin-file")
    wishes = _wishes(request, {})
    content_type = _declared_type(request)

    def take(body: Body, claim: Claim | None) -> tuple[Entry, Wishes]:
        announced = Announced(_owner(request), name, content_type, body.left, wishes.access)
        with Receiver(announced, stores=live_stores(), claim=claim) as receiver:
            for piece in body.pieces():
                receiver.write(piece)
            return receiver.finish(), wishes

    return _once(request, take)


@asset_api(scope="write", done="asset_stored")
def store_form(request: HttpRequest) -> HttpResponseBase:
    """Store the one file of a form."""
    count_request(request, "begin-file")
    if is_chunked(request):
        raise LengthRequired

    def take(body: Body, claim: Claim | None) -> tuple[Entry, Wishes]:
        begun: list[tuple[Receiver, Wishes]] = []
        with ExitStack() as receivers:

            def begin(name: str, content_type: str, before: QueryDict) -> Receiver:
                wishes = _wishes(request, before.dict())
                announced = Announced(_owner(request), name, content_type, None, wishes.access)
                receiver = Receiver(announced, stores=live_stores(), claim=claim)
                begun.append((receivers.enter_context(receiver), wishes))
                return receiver

            fields = read_form(request, body, begin)
            receiver, known = begun[0]
            wishes = _wishes(request, fields.dict())
            if wishes.private != known.private:
                raise BadRequest(_("private must come before the file."))
            return receiver.finish(), wishes

    return _once(request, take)


def _declared_type(request: HttpRequest) -> str:
    """Return the type that the client says, empty if it says none.

    Python's own server, which runserver is made of, says text/plain for a client that says nothing.
    """
    declared = str(request.META.get("CONTENT_TYPE", ""))
    is_pythons = str(request.META.get("SERVER_SOFTWARE", "")).startswith("WSGIServer")
    return "" if is_pythons and declared == "text/plain" else declared


def _once(request: HttpRequest, take: Take) -> HttpResponse:
    """Take the file in; for an Idempotency-Key only once, whatever becomes of attempts."""
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise BadRequest(_("Send the file itself, without a Content-Encoding."))
    claim = idempotency.claim(request, _owner(request))
    if claim and (answer := claim.answer):
        return _told(request, answer)
    with claim or nullcontext(), upload_slot(), Watched(request) as watched:
        entry, wishes = take(Body(request, watched), claim)
        answer = _envelope(entry, wishes, claim)
        if claim:
            claim.finish(answer)
    return _told(request, answer)


def _wishes(request: Any, fields: Mapping[str, Any]) -> Wishes:
    """Return what the query and the fields of a form ask for; raises BadRequest, ScopeMissing."""
    wishes = wishes_of({**request.GET.dict(), **fields})
    key = getattr(request, "api_key", None)
    if wishes.token and key and "share" not in key.scopes.split():
        raise ScopeMissing("share")
    return wishes


def _envelope(entry: Entry, wishes: Wishes, claim: Claim | None) -> dict[str, Any]:
    """Return what is answered of a stored file; make its link, if one is wanted."""
    bind_contextvars(upload_id=entry.upload_id, bytes=entry.size)
    token = None
    if wishes.token:
        made = create_link(
            owner_id=entry.owner_id,
            file_id=entry.file_id or "",
            minutes=wishes.minutes,
            max_downloads=None,
            password="",
            stores=live_stores(),
            token=claim.token if claim else None,
        )
        expiry = int(made.link.expires_at.timestamp()) if made.link.expires_at else None
        token = {"token": made.token, "expiry": expiry, "asset_id": entry.file_id}
    asset = {
        "id": entry.file_id,
        "name": entry.name,
        "size": entry.size,
        "version": entry.version,
    }
    return {"asset": asset, "token": token, "error": None}


def _told(request: HttpRequest, envelope: Mapping[str, Any]) -> HttpResponse:
    """Answer with the envelope, or with the URL alone."""
    if not wants_text(request):
        return given(envelope["asset"], envelope["token"])
    path = reverse("asset", args=[envelope["asset"]["id"]])
    if envelope["token"]:
        path = reverse("asset-token", args=[envelope["token"]["token"]])
    return HttpResponse(f"{request.build_absolute_uri(path)}\n", content_type=TEXT)


# --- Out ---


@asset_api(scope="read", public=True)
def fetch(request: HttpRequest, name: str) -> HttpResponseBase:
    """Give the file whose id is ``name``; 204 where there is none that the client may read."""
    count_request(request, "use-files")
    try:
        return send(request, _readable(request, name))
    except (NoSuchFile, ObjectMissing):
        return HttpResponse(status=204)


def _readable(request: HttpRequest, file_id: str) -> Entry:
    """Return the version that is asked for, if the client may read it; else raise NoSuchFile."""
    stores, version = live_stores(), version_of(request.GET)
    try:
        entry = library.find_shared_version(file_id=file_id, version=version, stores=stores)
    except Blocked as error:
        raise NoSuchFile from error
    is_open = entry.access == OPEN and not settings.ASSETS_PRIVATE
    if entry.owner_id == _owner(request) or (is_open and active_owner(entry.owner_id)):
        return entry
    raise NoSuchFile


@asset_api(scope="write", done="asset_deleted")
def remove(request: HttpRequest, name: str) -> HttpResponseBase:
    """Delete the file whose id is ``name``, or one version of it."""
    count_request(request, "use-files")
    version, stores = version_of(request.GET), live_stores()
    owner_id = _owner(request)
    if version is None:
        library.delete_file(owner_id=owner_id, file_id=name, stores=stores)
    else:
        library.delete_version(owner_id=owner_id, file_id=name, version=version, stores=stores)
    return given(None)


def _sent(request: HttpRequest, file_id: str) -> Any:
    count_request(request, "use-files")
    return send(
        request,
        library.find_version(
            owner_id=_owner(request),
            file_id=file_id,
            version=version_of(request.GET),
            stores=live_stores(),
        ),
    )


@pages.answering_both(_sent, scope="read")
def _streamed(request: HttpRequest, file_id: str) -> Any:
    try:
        return _sent(request, file_id)
    except UserFacingError as error:
        return pages.problem(request, error)


@for_keys("read")
def download(request: HttpRequest, file_id: str) -> HttpResponse:
    """Lead the owner to the object of a version; with ``?stream=1`` give it from here."""
    try:
        is_streamed = yes_or_no(request.GET, "stream")
    except BadRequest:
        is_streamed = False
    if is_streamed and request.method in {"GET", "HEAD"}:
        return _streamed(request, file_id)
    return pages.download(request, file_id)


def _owner(request: HttpRequest) -> str:
    """Return the id of the signed-in user, or of the key's owner; empty for anybody else."""
    return str(request.user.pk) if request.user.is_authenticated else ""


asset = by_method(GET=fetch, POST=store_raw, PUT=store_raw, DELETE=remove)
assets = by_method(POST=store_form)
