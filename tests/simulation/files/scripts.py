"""What processes do with files: users, browsers, the consumer of events and the sweep."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.utils import timezone

from aws.errors import AlreadyWritten, StorageUnavailable, UploadMissing
from aws.policies import PENDING_TAG
from files.accepting import accept
from files.arrivals import take_in
from files.closing import close_owner
from files.errors import Conflict, Deleted, FileError, NotUploaded, Refused
from files.items import Entry, State
from files.library import delete_file, delete_version, find_version, restore_version
from files.selectors import file_page
from files.services import IssuedUpload, abort_upload, begin_upload, confirm_upload
from files.sweeping import FileSweep
from files.tokens import FileUpload, sign_file_upload
from tests.simulation.files.uploads import Sending
from tests.simulation.memory.queue import Message
from tests.simulation.worlds import World
from uploads.keys import owner_of
from uploads.sweeping import Options, Progress


class Claim(NamedTuple):
    """An answer to a user: what became of an upload, of a file, or of the owner.

    ``what`` is a state, or "file gone", "version gone" or "owner gone".
    """

    what: str
    owner: str
    upload_id: str = ""
    entry: Entry | None = None
    file_id: str = ""

    def __str__(self) -> str:
        entry = self.entry
        version = f", version {entry.version} of {entry.name}" if entry else ""
        return f"{self.owner} is told: {self.what} {self.upload_id}{self.file_id}{version}"


# --- Browsers ---


def upload(sent: Sending, world: World) -> str:
    """Send the object by the presigned PUT."""
    return _put(sent, sent.body, world)


def upload_again(sent: Sending, world: World) -> str:
    """Send another body of that size by the same URL, which stays valid for a while."""
    return _put(sent, sent.body[::-1], world)


def _put(sent: Sending, body: bytes, world: World) -> str:
    request = world.bucket.presigned_put(
        sent.wanted, tags=dict([PENDING_TAG]), seconds=600, now=timezone.now()
    )
    try:
        world.bucket.put_once(sent.key, request.headers, body)
    except AlreadyWritten:
        return "there is one"
    except StorageUnavailable as error:
        return error.code
    return "sent"


def send_parts(sent: Sending, world: World) -> None:
    """Begin an upload in parts, and send all of them."""
    multipart_id = world.bucket.begin_multipart(sent.wanted)
    assert multipart_id == sent.multipart_id
    for number, body in sent.parts.items():
        world.bucket.put_part(sent.key, upload_id=multipart_id, number=number, body=body)


# --- Users ---


def confirm(sent: Sending, world: World) -> Claim | str:
    """Tell the product that all was sent, once."""
    return _told(lambda: confirming(sent.issued, world))


def confirmed(sent: Sending, world: World) -> Claim:
    """Confirm an upload, which must succeed."""
    return confirming(sent.issued, world)


def confirming(issued: FileUpload, world: World) -> Claim:
    """Confirm an upload; raises what the service raises but for final refusals."""
    owner, token = issued.owner_id, sign_file_upload(issued)
    try:
        entry = confirm_upload(owner_id=owner, upload_token=token, stores=world.file_stores)
    except Refused:
        return Claim(State.REFUSED, owner, issued.id)
    except Deleted:
        return Claim(State.DELETED, owner, issued.id)
    return Claim(State.READY, owner, issued.id, entry)


def abort(sent: Sending, world: World) -> Claim | str:
    """Cancel an upload."""
    return _told(lambda: _aborting(sent.issued, world))


def _aborting(issued: FileUpload, world: World) -> Claim:
    world.accounts.want_deleted(issued.id)
    token = sign_file_upload(issued)
    abort_upload(owner_id=issued.owner_id, upload_token=token, stores=world.file_stores)
    return Claim(State.DELETED, issued.owner_id, issued.id)


def delete(first: Sending, world: World) -> Claim | str:
    """Delete the file whose version 0 is ``first``."""
    return _told(lambda: _deleting(first.owner, first.file_id, world))


def _deleting(owner: str, file_id: str, world: World) -> Claim:
    delete_file(owner_id=owner, file_id=file_id, stores=world.file_stores)
    return Claim("file gone", owner, file_id=file_id)


def delete_one(first: Sending, version: int, world: World) -> Claim | str:
    """Delete one version of the file whose version 0 is ``first``."""
    return _told(lambda: _deleting_one(first.owner, first.file_id, version, world))


def _deleting_one(owner: str, file_id: str, version: int, world: World) -> Claim:
    stores = world.file_stores
    found = find_version(owner_id=owner, file_id=file_id, version=version, stores=stores)
    world.accounts.want_deleted(found.upload_id)
    delete_version(owner_id=owner, file_id=file_id, version=version, stores=stores)
    return Claim("version gone", owner, found.upload_id)


def restore(first: Sending, version: int, world: World) -> Claim | str:
    """Make a version of the file whose version 0 is ``first`` its newest."""
    return _told(lambda: _restoring(first.owner, first.file_id, version, world))


def _restoring(owner: str, file_id: str, version: int, world: World) -> Claim | str:
    found = restore_version(
        owner_id=owner, file_id=file_id, version=version, stores=world.file_stores
    )
    return Claim(State.READY, owner, found.upload_id, found) if found else "comes later"


def replace(first: Sending, second: Sending, world: World) -> Claim | str:
    """Confirm, delete the file, and begin another one of its name, one after the other."""
    confirm(first, world)
    delete(first, world)
    return confirm(second, world)


def replace_by(first: Sending, second: Sending, world: World) -> Claim | str:
    """Delete the file, and begin another one of its name."""
    delete(first, world)
    return confirm(second, world)


def close(owner: str, world: World) -> Claim | str:
    """Delete the account and, after the commit, all files, as the admin does."""
    world.accounts.delete_account(owner)

    def call() -> Claim:
        close_owner(owner_id=owner, stores=world.file_stores)
        return Claim("owner gone", owner)

    return _told(call)


def _told(call: Callable[[], Claim | str]) -> Claim | str:
    try:
        return call()
    except (FileError, UploadMissing, StorageUnavailable) as error:
        return error.code


# --- Users who look first ---


def change(owner: str, name: str, body: bytes, end: str, world: World) -> Claim | str:
    """Upload a file from its beginning on; to its ``end``: "confirm", "abort" or "leave"."""

    def call() -> Claim | str:
        issued = begin_upload(
            owner_id=owner,
            name=name,
            size=len(body),
            content_type="image/png" if name.endswith(".png") else "text/plain",
            stores=world.file_stores,
        )
        _send(issued, body, world)
        if end == "leave":
            return "left"
        return (confirming if end == "confirm" else _aborting)(issued.upload, world)

    return _told(call)


def _send(issued: IssuedUpload, body: bytes, world: World) -> None:
    upload = issued.upload
    if issued.put:
        with suppress(AlreadyWritten):
            world.bucket.put_once(upload.key, issued.put.headers, body)
    else:
        world.bucket.put_part(upload.key, upload_id=upload.multipart_id, number=1, body=body)


def delete_any(owner: str, number: int, world: World) -> Claim | str:
    """Delete one of the files on the owner's first page."""
    return _of_page(owner, number, world, lambda found: _deleting(owner, found.file_id, world))


def delete_any_version(owner: str, number: int, world: World) -> Claim | str:
    """Delete the newest version of one of the files on the owner's first page."""
    return _of_page(
        owner, number, world, lambda it: _deleting_one(owner, it.file_id, it.version, world)
    )


def restore_any(owner: str, number: int, world: World) -> Claim | str:
    """Restore the first version of one of the files on the owner's first page."""
    return _of_page(owner, number, world, lambda it: _restoring(owner, it.file_id, 0, world))


def _of_page(
    owner: str, number: int, world: World, call: Callable[[Any], Claim | str]
) -> Claim | str:
    def asked() -> Claim | str:
        page = file_page(owner_id=owner, q="", after="", stores=world.file_stores)
        return call(page.entries[number % len(page.entries)]) if page.entries else "no files"

    return _told(asked)


# --- Those who work in the background ---


def consumer(world: World) -> str:
    """Handle one event."""
    try:
        message = world.queue.receive()
        if message is None:
            return "no event"
        handle(message, world)
    except (Conflict, StorageUnavailable) as error:
        return f"{error.code}: comes again"
    return "acknowledged"


def handle(message: Message, world: World) -> None:
    """Do all about an object that came to be; only then acknowledge its event."""
    key, _ = message
    take_in(owner_id=owner_of(key), upload_id=key.rpartition("/")[2], stores=world.file_stores)
    world.queue.acknowledge(message)


def acceptor(world: World) -> str:
    """Handle one event only as far as the entry is concerned, which takes fewer requests.

    The event comes again.
    """
    try:
        key, _ = world.queue.receive() or ("", 0)
        if key:
            owner, upload_id = owner_of(key), key.rpartition("/")[2]
            accept(owner_id=owner, upload_id=upload_id, stores=world.file_stores)
    except (Conflict, NotUploaded, StorageUnavailable) as error:
        return error.code
    return "accepted" if key else "no event"


def sweep(world: World) -> str:
    """Sweep with no grace period."""
    try:
        sweeping(world)
    except StorageUnavailable as error:
        return error.code
    return "swept"


def sweeping(world: World, *, weeks: int = 0) -> None:
    """Sweep files with no grace period, so many weeks later.

    Uploads have expired after one, and every owner is at rest.
    """
    now = timezone.now() + weeks * timedelta(days=settings.FILE_UPLOAD_DAYS)
    options = Options(now=now, grace=timedelta(0), delete=True)
    sweep = FileSweep(
        world.file_stores,
        options,
        Progress(),
        items=world.items.scan,
        existing_owners=world.accounts.existing_accounts,
    )
    for _finding in sweep.findings():
        pass
