"""Phase 2: which forms the bucket accepts from a browser, and which it refuses."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from pytest_django.fixtures import Settings

from avatars.references import Stores
from aws.policies import pending_metadata, pending_tags, tagging_xml
from tests.builders import make_user, picture_bytes
from tests.functional.steps import (
    assert_in_order,
    body_of,
    bucket_keys,
    confirm,
    details_of,
    error_code,
    item_of,
    live_key,
    permission_for,
    post_file,
    put_object,
    refusal,
    signed_in,
    upload_picture,
    uploaded,
)

pytestmark = pytest.mark.django_db


@pytest.mark.case(1)
@pytest.mark.parametrize(
    ("size", "code"), [(0, "EntityTooSmall"), (20_001, "EntityTooLarge"), (10**6, "EntityTooLarge")]
)
def test_file_is_refused_when_empty_or_over_the_limit(
    aws: Stores, settings: Settings, size: int, code: str
) -> None:
    settings.AVATAR_MAX_BYTES = 20_000
    browser = signed_in(make_user())
    permission = permission_for(browser)

    answer = post_file(permission, b"x" * size)

    assert refusal(answer) == (400, code)
    assert bucket_keys() == []
    assert error_code(confirm(browser, permission)) == "not_uploaded"


@pytest.mark.case(1)
def test_file_is_taken_when_exactly_at_the_limit(aws: Stores, settings: Settings) -> None:
    settings.AVATAR_MAX_BYTES = len(picture_bytes())
    user = make_user()

    upload_picture(signed_in(user), picture_bytes())

    assert live_key(user)


@pytest.mark.case(2)
def test_file_is_refused_when_the_key_is_the_live_picture_of_somebody(aws: Stores) -> None:
    victim = make_user()
    upload_picture(signed_in(victim))
    key = live_key(victim)
    before = body_of(key)

    answer = post_file(permission_for(signed_in(make_user())), changes={"key": key})

    assert refusal(answer) == (403, "AccessDenied")
    assert body_of(key) == before


CHANGES: dict[str, Mapping[str, str | None]] = {
    "key": {"key": "pending/x/${filename}"},
    "field added": {"acl": "public-read"},
    "type": {"Content-Type": "text/html"},
    "tags": {"tagging": tagging_xml({"Status": "Live"})},
    "tags left out": {"tagging": None},
    "owner": {"x-amz-meta-owner": "somebody else"},
    "token": {"x-amz-meta-upload-token": "another"},
}


@pytest.mark.case(2, 3, 4, 5)
@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_file_is_refused_when_the_form_was_changed(
    aws: Stores, changes: Mapping[str, str | None]
) -> None:
    """tests/engines/test_post.py changes every field."""
    user = make_user()
    browser = signed_in(user)
    permission = permission_for(browser)

    assert refusal(post_file(permission, changes=changes)) == (403, "AccessDenied")

    assert bucket_keys() == []
    assert error_code(confirm(browser, permission)) == "not_uploaded"
    assert item_of(user).revision is None


FOREIGN: dict[str, tuple[str | None, Mapping[str, str | None]]] = {
    "no tags": ("", {}),
    "another tag": ("Status=Live", {}),
    "one tag of two": ("Status=Pending", {}),
    "no metadata": (None, {"owner": None, "upload-token": None}),
    "empty metadata": (None, {"owner": "", "upload-token": ""}),
    "another owner": (None, {"owner": "somebody else"}),
    "another token": (None, {"upload-token": "another"}),
}


@pytest.mark.case(5)
@pytest.mark.parametrize(("tags", "metadata"), FOREIGN.values(), ids=FOREIGN)
def test_confirm_refuses_when_the_object_has(
    aws: Stores, tags: str | None, metadata: Mapping[str, str | None]
) -> None:
    """The object came into the bucket past the policy, which has other tags and metadata."""
    user = make_user()
    browser = signed_in(user)
    permission = permission_for(browser)
    token = permission.upload_token
    names = {**pending_metadata(str(user.pk), token), **metadata}
    tagging = urlencode(pending_tags(token)) if tags is None else tags
    put_object(
        permission.key,
        picture_bytes(),
        ContentType="image/png",
        Metadata={name: value for name, value in names.items() if value is not None},
        **({"Tagging": tagging} if tagging else {}),
    )

    answer = confirm(browser, permission)

    assert (answer.status_code, error_code(answer)) == (403, "foreign_object")
    assert item_of(user).revision is None
    assert bucket_keys() == []


@pytest.mark.case(6)
def test_new_permission_works_when_the_first_has_expired(aws: Stores, settings: Settings) -> None:
    user = make_user()
    browser = signed_in(user)
    permission = permission_for(browser)
    later = datetime.now(UTC) + timedelta(seconds=settings.UPLOAD_POLICY_SECONDS + 1)

    with time_machine.travel(later):
        answer = post_file(permission)
        assert refusal(answer) == (403, "AccessDenied")
        assert b"Policy expired" in answer.data
        assert bucket_keys() == []
        upload_picture(browser)

    assert_in_order(user)


@pytest.mark.case(8)
def test_confirm_is_refused_when_somebody_else_uses_the_policy(aws: Stores) -> None:
    issued_to, thief = make_user(), make_user()
    permission = permission_for(signed_in(issued_to))
    assert post_file(permission).status == 201

    answer = confirm(signed_in(thief), permission)

    assert (answer.status_code, error_code(answer)) == (403, "invalid_token")
    assert item_of(thief).revision is None
    assert item_of(issued_to).revision is None
    assert bucket_keys() == [permission.key], "left to the lifecycle"


@pytest.mark.case(8)
def test_confirm_works_for_the_one_the_policy_was_issued_to(aws: Stores) -> None:
    user = make_user()
    permission = permission_for(signed_in(user))
    assert post_file(permission).status == 201, "whoever posts it"

    assert confirm(signed_in(user), permission).status_code == 200
    assert_in_order(user)


def test_object_is_tagged_as_pending_when_uploaded(aws: Stores) -> None:
    user = make_user()

    permission = uploaded(signed_in(user))

    details = details_of(permission.key)
    assert details.tags == {"Status": "Pending", "upload-token": permission.upload_token}
    assert details.metadata == {"owner": str(user.pk), "upload-token": permission.upload_token}
    assert details.content_type == "image/png"
    assert item_of(user).revision is None, "nothing is the user's before phase 3"


def test_file_name_does_not_matter_when_uploaded(aws: Stores) -> None:
    browser = signed_in(make_user())
    permission = permission_for(browser)

    answer = post_file(permission, filename="../../${filename}\u202egnp.html")

    assert answer.status == 201
    assert bucket_keys() == [permission.key]
