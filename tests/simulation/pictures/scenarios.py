"""The small sets of concurrent processes that are explored completely."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any

from django.utils import timezone

from avatars.errors import AvatarError, Conflict, NotUploaded
from avatars.services import (
    PURPOSE,
    begin_upload,
    close_owner,
    confirm_upload,
    remove_picture,
)
from aws.bucket import FetchedObject
from aws.errors import StorageUnavailable
from aws.policies import upload_policy
from tests.simulation.casts import Scenario, arguments, named
from tests.simulation.clock import at
from tests.simulation.pictures.properties import (
    Claim,
    PictureRules,
    confirming,
    picture_of,
    sweeping,
)
from tests.simulation.worlds import Script, World
from uploads.tokens import Upload, sign_upload
from web.errors import UserFacingError

ANNA, ANN = "anna", "ann"  # one name begins like the other


def upload(name: str, *, owner: str = ANNA, minute: int = 0) -> Upload:
    """Return an upload that was issued to ``owner``."""
    return Upload(owner, name, at(minute))


A, B = upload("A"), upload("B")
LATER = upload("later", minute=5)  # issued when all that is removed here has been


def cast(
    name: str,
    scripts: Sequence[Script],
    *,
    picture: bool = False,
    owners: tuple[str, ...] = (ANNA,),
) -> Scenario:
    """Return a scenario whose uploads have arrived, and before which Anna has a picture or none."""
    words = [word for script in scripts for word in arguments(script)]
    uploads = sorted({word for word in words if isinstance(word, Upload)}, key=attrgetter("id"))
    before: dict[str, Script] = {}
    if picture:
        first = upload("first", minute=-1)
        before = {"browser first": partial(posting, first), "before": partial(confirming, first)}
    before |= {f"browser {issued.id}": partial(posting, issued) for issued in uploads}
    return Scenario(name, named(scripts), PictureRules(), owners, before)


# --- What processes do ---


def posting(issued: Upload, world: World) -> None:
    """Phase 2: the browser posts the file."""
    policy = upload_policy(
        key=issued.pending_key,
        owner_id=issued.owner_id,
        upload_token=sign_upload(issued, purpose=PURPOSE),
        content_type="image/png",
        max_bytes=1000,
    )
    form = {**policy.fields, "key": policy.key}
    world.bucket.post(form, picture_of(issued.owner_id, issued.issued_at))


def upload_again(issued: Upload, world: World) -> str:
    """Phase 2 again: the form stays valid as long as its policy."""
    try:
        posting(issued, world)
    except StorageUnavailable as error:
        return error.code
    return "posted"


def confirm(issued: Upload, world: World) -> Claim | str:
    """Phase 3 as the page does it: repeated while the answer asks for that, a few times."""
    asked_at = timezone.now()

    def call() -> Claim:
        return Claim(issued.owner_id, confirming(issued, world).avatar_key, issued.id, asked_at)

    return _insistently(call, tries=2)


class Uncounted:
    """A bucket that does not tell the number of tags, so that they are asked for."""

    def __init__(self, bucket: Any) -> None:
        self._bucket = bucket

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bucket, name)

    def fetch(self, key: str, *, max_bytes: int) -> FetchedObject:
        found: FetchedObject = self._bucket.fetch(key, max_bytes=max_bytes)
        return replace(found, tag_count=None)


def confirm_by_tags(issued: Upload, world: World) -> Claim | str:
    """Phase 3 with a store that does not tell the number of tags."""
    return confirm(issued, world._replace(bucket=Uncounted(world.bucket)))


def change(owner: str, world: World) -> Claim | str:
    """All three phases."""

    def call() -> Claim | str:
        now = timezone.now()
        issued = begin_upload(
            owner_id=owner, content_type="image/png", size=100, stores=world.stores
        )
        world.bucket.post(issued.post.fields, picture_of(owner, now))
        upload_id = issued.key.rpartition("/")[2]
        return confirm(Upload(owner, upload_id, now), world)

    return _insistently(call, tries=2)


def steal(issued: Upload, thief: str, world: World) -> str:
    """Confirm another user's upload."""
    try:
        confirm_upload(
            owner_id=thief,
            key=issued.pending_key,
            upload_token=sign_upload(issued, purpose=PURPOSE),
            stores=world.stores,
        )
    except UserFacingError as error:
        return error.code
    return "stolen"


def remove(owner: str, world: World) -> Claim | str:
    """Remove the picture."""

    asked_at = timezone.now()

    def call() -> Claim:
        remove_picture(owner_id=owner, stores=world.stores)
        return Claim(owner, None, "", asked_at)

    return _insistently(call)


def delete(owner: str, world: World) -> Claim | str:
    """Delete the account and, after the commit, its picture, as the admin does."""
    asked_at = timezone.now()
    world.accounts.delete_account(owner)

    def call() -> Claim:
        close_owner(owner_id=owner, stores=world.stores)
        return Claim(owner, None, "", asked_at)

    return _insistently(call)


def sweep(world: World) -> Claim | str:
    """Sweep with no grace period."""

    def call() -> str:
        sweeping(world)
        return "swept"

    return _insistently(call)


def _insistently(call: Callable[[], Claim | str], *, tries: int = 1) -> Claim | str:
    answer = ""
    for _ in range(tries):
        try:
            return call()
        except (Conflict, NotUploaded, StorageUnavailable) as error:
            answer = error.code
        except AvatarError as error:
            return error.code
    return answer


# --- Small casts ---

CONFIRM_A, CONFIRM_B = partial(confirm, A), partial(confirm, B)
REMOVE, DELETE = partial(remove, ANNA), partial(delete, ANNA)


def pairs() -> list[Scenario]:
    """Return the scenarios of two processes, explored completely with faults."""
    casts: list[tuple[str, list[Script]]] = [
        ("two uploads", [CONFIRM_A, CONFIRM_B]),
        ("one upload twice", [CONFIRM_A, CONFIRM_A]),
        ("confirm, sweep", [CONFIRM_A, sweep]),
        ("confirm, remove", [CONFIRM_A, REMOVE]),
        ("confirm, delete", [CONFIRM_A, DELETE]),
        ("confirm, upload again", [CONFIRM_A, partial(upload_again, A)]),
    ]
    return [
        cast(name + (", a picture before" if picture else ""), scripts, picture=picture)
        for name, scripts in casts
        for picture in (False, True)
    ] + [thieves(), uncounted()]


def trios() -> list[Scenario]:
    """Return the scenarios of three processes, explored completely without faults."""
    casts: list[tuple[str, list[Script]]] = [
        ("two uploads, sweep", [CONFIRM_A, CONFIRM_B, sweep]),
        ("one upload twice, sweep", [CONFIRM_A, CONFIRM_A, sweep]),
        ("two uploads, remove", [CONFIRM_A, CONFIRM_B, REMOVE]),
        ("confirm, remove, sweep", [CONFIRM_A, REMOVE, sweep]),
        ("confirm, delete, remove", [CONFIRM_A, DELETE, REMOVE]),
        ("confirm, delete, sweep", [CONFIRM_A, DELETE, sweep]),
        ("later upload, delete, remove", [partial(confirm, LATER), DELETE, REMOVE]),
        ("confirm, two sweeps", [CONFIRM_A, sweep, sweep]),
    ]
    return [cast(name, scripts, picture="delete, sweep" not in name) for name, scripts in casts] + [
        namesakes()
    ]


def thieves() -> Scenario:
    """Return a scenario in which a user confirms another user's upload."""
    anns = upload("B", owner=ANN)
    scripts: list[Script] = [CONFIRM_A, partial(steal, A, ANN), partial(confirm, anns)]
    return cast("two owners, a thief", scripts, owners=(ANNA, ANN))


def uncounted() -> Scenario:
    """Return a scenario in which the upload may be gone when its tags are asked for."""
    scripts: list[Script] = [CONFIRM_A, partial(confirm_by_tags, A)]
    return cast("one upload twice, tags asked for", scripts)


def namesakes() -> Scenario:
    """Return a scenario that deletes a user whose id is the beginning of another id."""
    scripts: list[Script] = [CONFIRM_A, partial(delete, ANN), sweep]
    return cast("another owner goes", scripts, owners=(ANNA, ANN))
