"""The site's permissions are exactly those that its calls need."""

from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import pytest
from pytest_django.fixtures import Settings

from avatars.references import Stores
from aws.queue import SqsQueue, live_queue
from aws.queue_features import queue_url
from aws.topic import find_topic
from tests.functional.steps import put_object
from tests.infra.flows import STRANGE, take_all
from tests.infra.permissions import Need, needs_of, needs_of_form, recording
from tests.infra.template import BUCKET_ARN, properties


class Grant(NamedTuple):
    """An action that a statement allows on resources that match ``pattern``."""

    action: str
    pattern: str

    def covers(self, need: Need) -> bool:
        """Return whether it grants the need."""
        return self.action == need.action and fnmatchcase(need.resource, self.pattern)


def listed(value: Any) -> list[str]:
    """Return a list of strings, also for a single string."""
    return [value] if isinstance(value, str) else list(value)


def statements() -> list[Any]:
    """Return the statements that the template grants to the site."""
    return list(properties("SitePermissions")["PolicyDocument"]["Statement"])


def grants() -> list[Grant]:
    """Return each pair of an action and a resource."""
    return [
        Grant(action, pattern)
        for statement in statements()
        for action in listed(statement["Action"])
        for pattern in listed(statement["Resource"])
    ]


@pytest.fixture
def needs(
    aws: Stores,
    queue: SqsQueue,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    transactional_db: None,
) -> set[Need]:
    """Return the needs of all flows of the site, which knows queue and topic as in a stack."""
    settings.EVENTS_QUEUE = queue_url("triphase-events")
    settings.EVENTS_TOPIC = find_topic("triphase-files")
    live_queue.cache_clear()
    for module in ("consuming", "redriving"):
        monkeypatch.setattr(f"uploads.{module}.LAST_LOOK_SECONDS", 0)
    put_object(STRANGE)
    with recording(monkeypatch) as recorder:
        take_all(between=lambda permission: None, apart=recorder.pause)
    return recorder.needs


def test_every_call_is_permitted(needs: set[Need]) -> None:
    allowed = grants()

    assert needs
    assert [need for need in needs if not any(grant.covers(need) for grant in allowed)] == []


def test_every_permission_is_needed(needs: set[Need]) -> None:
    assert [grant for grant in grants() if not any(grant.covers(need) for need in needs)] == []


def test_statements_allow_and_say_what_for() -> None:
    assert all(statement["Effect"] == "Allow" for statement in statements())
    assert len({statement["Sid"] for statement in statements()}) == len(statements())
    assert not any("*" in grant.action for grant in grants())
    assert not any(grant.pattern in {"*", "arn:aws:s3:::*"} for grant in grants())


@pytest.mark.parametrize(
    ("action", "prefixes"),
    [
        ("s3:PutObject", {"pending/*", "avatars/*", "files/*", "previews/*"}),
        ("s3:PutObjectTagging", {"pending/*", "files/*"}),
        ("s3:DeleteObjectTagging", {"files/*"}),
        ("s3:AbortMultipartUpload", {"files/*"}),
        ("s3:DeleteObject", {"pending/*", "avatars/*", "files/*", "previews/*"}),
    ],
)
def test_objects_are_changed_only_under_their_prefixes(action: str, prefixes: set[str]) -> None:
    patterns = {grant.pattern for grant in grants() if grant.action == action}

    assert patterns == {f"{BUCKET_ARN}/{prefix}" for prefix in prefixes}


# --- The recorder itself ---


def test_recorder_does_not_know_when_a_call_is_new() -> None:
    with pytest.raises(KeyError):
        needs_of("RestoreObject", {"Key": "avatars/a/x"})


def test_copy_needs_to_read_its_source_and_to_write_its_target() -> None:
    source, target = f"{BUCKET_ARN}/files/a/x", f"{BUCKET_ARN}/files/a/y"

    assert needs_of("CopyObject", {"Key": "files/a/y", "CopySource": {"Key": "files/a/x"}}) == {
        Need("s3:GetObject", source),
        Need("s3:GetObjectTagging", source),
        Need("s3:PutObject", target),
    }


def test_tags_are_a_need_of_their_own() -> None:
    form = b'a\r\nname="key"\r\n\r\npending/a/x\r\n--a\r\nname="tagging"\r\n\r\n<Tagging/>\r\n'

    assert {need.action for need in needs_of_form(form)} == {"s3:PutObject", "s3:PutObjectTagging"}
    assert needs_of("PutObject", {"Key": "avatars/a/x"}) == {
        Need("s3:PutObject", f"{BUCKET_ARN}/avatars/a/x")
    }
