"""Everything that a site does with its bucket, tables, queue and topic, in sequence.

One process runs it against the embedded AWS, to record what is asked; another against an AWS that
checks permissions, to see that they are enough.
"""

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime

from django.conf import settings
from django.core.management import call_command
from django.test import Client, override_settings
from django.urls import reverse

from accounts.models import User
from aws.queue import live_queue
from aws.queue_features import TRIES
from tests.builders import make_user
from tests.events import body, of_bucket
from tests.functional.files.steps import Uploader
from tests.functional.steps import (
    Permission,
    confirm,
    get,
    permission_for,
    post_file,
    put_object,
    signed_in,
    write_item,
)
from tests.infra.file_flows import (
    delete_by_staff,
    inspect_files,
    leave_a_mess_of_files,
    take_files,
)
from uploads.notifying import Event, message, publish
from uploads.pushing import take

# Neither a picture nor a pending upload: only the bucket page looks at it.
STRANGE = "strange/object"
DELETE = "admin:accounts_user_delete"


def take_all(
    *, between: Callable[[Permission], object], apart: Callable[[], AbstractContextManager[None]]
) -> None:
    """Run every flow of the product that calls AWS, on a bucket that holds STRANGE.

    ``between`` runs after phase 2, for what an engine lacks; what runs under ``apart`` is not the
    product's doing.
    """
    user = make_user("walker")
    browser = signed_in(user)
    staff = signed_in(make_user("guard", is_staff=True, is_superuser=True))
    upload(browser, between)
    upload(browser, between)  # which supersedes the first
    look(browser, user)
    work_on_events(apart)
    anna = Uploader(user)
    take_files(anna, arrive)
    leave_a_mess_of_files(anna, apart)
    with apart():
        leave_a_mess()
    inspect(staff, user)
    inspect_files(staff, user)
    sweep()
    delete_by_staff(staff, anna)
    remove(browser)
    upload(browser, between)
    assert staff.post(reverse(DELETE, args=[user.pk]), {"post": "yes"}).status_code == 302


def leave_a_mess() -> None:
    """Leave an orphan, a ghost, and the item of an account that is gone."""
    put_object("avatars/!stranger/orphan")
    ghost, now = str(make_user("ghost").pk), datetime.now(UTC)
    write_item(ghost, f"avatars/{ghost}/gone.webp", now=now)
    write_item("nobody", now=now)


def upload(browser: Client, between: Callable[[Permission], object]) -> None:
    """Go through the three phases."""
    permission = permission_for(browser)
    answer = post_file(permission)
    assert answer.status == 201, answer.data
    between(permission)
    confirmed = confirm(browser, permission)
    assert confirmed.status_code == 200, confirmed.content


def look(browser: Client, user: User) -> None:
    """Request the picture, the users page and the health checks."""
    assert browser.get("/").status_code == 200
    shown = browser.get(reverse("picture", args=[user.pk]))
    assert shown.status_code == 302
    assert get(shown.headers["Location"]).status == 200
    health = browser.get("/readyz")
    assert health.status_code == 200, health.content


def inspect(staff: Client, user: User) -> None:
    """Request the inspection pages."""
    for route in ("inspection-bucket", "inspection-table"):
        page = staff.get(reverse(route))
        assert page.status_code == 200
        assert str(user.pk) in page.content.decode()


def sweep() -> None:
    """Sweep with ``--delete``."""
    told = io.StringIO()
    call_command("sweep", "--delete", "--grace=0", "--force", stdout=told)
    for kind, count in {"orphan": 3, "ghost": 2, "gone": 1, "arrived": 1}.items():
        assert told.getvalue().count(f"mended   {kind:8}") == count, told.getvalue()


def arrive(keys: list[str]) -> None:
    """Let the consumer work on the events about ``keys``, and on those that the bucket has sent."""
    for key in keys:
        send(key)
    assert _status("consume_events", "--once") == 0


def work_on_events(apart: Callable[[], AbstractContextManager[None]]) -> None:
    """Take an event that fails, one that works, and dead letters; tell the topic of a file."""
    for arrived, status in (("tests.infra.flows.fail", 1), ("builtins.len", 0)):
        with override_settings(ARRIVALS={"files/": arrived}):
            send("files/walker/1")
            assert _status("consume_events", "--once") == status
    with apart(), override_settings(ARRIVALS={"files/": "builtins.len"}):
        send("files/walker/2")
        let_it_die()
    assert _status("redrive_events") == 0
    with override_settings(ARRIVALS={"files/": "builtins.len"}):
        assert _status("consume_events", "--once") == 0
    now = datetime.now(UTC)
    publish(message(Event.READY, owner_id="walker", upload_id="1", occurred_at=now, file={}))


def fail(key: str) -> None:
    """Fail, as what is told of a new object may."""
    raise ValueError(key)


def send(key: str) -> None:
    """Take an event about ``key``, as from a store that sends it over HTTP."""
    bucket = settings.AWS_STORAGE_BUCKET_NAME
    assert take(body(of_bucket(bucket, key)).encode())


def let_it_die() -> None:
    """Receive the only message that can be seen until it is among the dead letters."""
    queue = live_queue()
    assert queue
    deliveries = 0
    while deliveries < TRIES:
        for delivery in queue.receive(limit=1, wait=1, hide=60):
            deliveries = delivery.received
            queue.hide(delivery, seconds=0)
    assert queue.receive(limit=1, wait=1, hide=60) == []


def _status(*command: str) -> int:
    try:
        call_command(*command, stdout=io.StringIO())
    except SystemExit as error:
        return int(error.code or 0)
    return 0


def remove(browser: Client) -> None:
    """Remove the picture."""
    answer = browser.post(reverse("remove-avatar"), headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.content
