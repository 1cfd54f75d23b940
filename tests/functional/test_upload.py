"""Phase 2: which forms the bucket accepts from a browser, and which it refuses."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pytest_django.fixtures import Settings

from avatars.references import Stores
from aws.policies import pending_tags, tagging_xml
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
@pytest.mark.parametrize(
    "key",
    ["avatars/x/y.webp", "pending/x", "pending/x/${filename}", "${filename}", "/", "../avatars/x"],
)
def test_file_is_refused_when_the_key_was_changed(aws: Stores, key: str) -> None:
    permission = permission_for(signed_in(make_user()))

    assert refusal(post_file(permission, changes={"key": key})) == (403, "AccessDenied")
    assert bucket_keys() == []


@pytest.mark.case(2)
def test_file_is_refused_when_the_key_is_the_live_picture_of_somebody(aws: Stores) -> None:
    victim = make_user()
    upload_picture(signed_in(victim))
    key = live_key(victim)
    before = body_of(key)

    answer = post_file(permission_for(signed_in(make_user())), changes={"key": key})

    assert refusal(answer) == (403, "AccessDenied")
    assert body_of(key) == before


ADDED: list[Mapping[str, str]] = [
    {"acl": "public-read"},
    {"Content-Encoding": "gzip"},
    {"Content-Disposition": "attachment"},
    {"Cache-Control": "no-store"},
    {"Expires": "Thu, 01 Jan 2099 00:00:00 GMT"},
    {"success_action_redirect": "https://evil.example/"},
    {"redirect": "https://evil.example/"},
    {"x-amz-meta-more": "1"},
    {"x-amz-storage-class": "GLACIER"},
    {"x-amz-server-side-encryption": "aws:kms"},
    {"x-amz-website-redirect-location": "https://evil.example/"},
    {"anything": "else"},
]


@pytest.mark.case(3)
@pytest.mark.parametrize("added", ADDED, ids=lambda added: next(iter(added)))
def test_file_is_refused_when_a_field_was_added(aws: Stores, added: Mapping[str, str]) -> None:
    permission = permission_for(signed_in(make_user()))

    assert refusal(post_file(permission, changes=added)) == (403, "AccessDenied")
    assert bucket_keys() == []


@pytest.mark.case(4)
@pytest.mark.parametrize(
    "content_type",
    ["text/html", "image/svg+xml", "image/png, text/html", "text/html;image/png", "image/jpeg", ""],
)
def test_file_is_refused_when_the_type_was_changed(aws: Stores, content_type: str) -> None:
    permission = permission_for(signed_in(make_user()))

    assert refusal(post_file(permission, changes={"Content-Type": content_type}))[0] == 403
    assert bucket_keys() == []


@pytest.mark.case(4)
def test_file_is_refused_when_the_type_was_left_out(aws: Stores) -> None:
    permission = permission_for(signed_in(make_user()))

    assert refusal(post_file(permission, changes={"Content-Type": None}))[0] == 403
    assert bucket_keys() == []


TAGGINGS: dict[str, Mapping[str, str | None]] = {
    "changed": {"tagging": tagging_xml({"Status": "Live"})},
    "left out": {"tagging": None},
    "empty": {"tagging": tagging_xml({})},
    "as a header": {"tagging": None, "x-amz-tagging": "Status=Pending"},
    "twice": {"x-amz-tagging": "Status=Live"},
}


@pytest.mark.case(5)
@pytest.mark.parametrize("changes", TAGGINGS.values(), ids=TAGGINGS)
def test_file_is_refused_when_the_tags_were_tampered_with(
    aws: Stores, changes: Mapping[str, str | None]
) -> None:
    permission = permission_for(signed_in(make_user()))

    assert refusal(post_file(permission, changes=changes)) == (403, "AccessDenied")
    assert bucket_keys() == []


@pytest.mark.case(5)
@pytest.mark.parametrize("name", ["x-amz-meta-owner", "x-amz-meta-upload-token"])
@pytest.mark.parametrize("value", [None, "", "somebody else"])
def test_file_is_refused_when_its_metadata_was_tampered_with(
    aws: Stores, name: str, value: str | None
) -> None:
    permission = permission_for(signed_in(make_user()))

    assert refusal(post_file(permission, changes={name: value})) == (403, "AccessDenied")
    assert bucket_keys() == []


@pytest.mark.case(5)
@pytest.mark.parametrize("tags", ["", "Status=Live", "Status=Pending"])
def test_confirm_refuses_when_the_object_has_not_the_tags_of_its_policy(
    aws: Stores, tags: str
) -> None:
    """The object came into the bucket past the policy."""
    user = make_user()
    browser = signed_in(user)
    permission = permission_for(browser)
    metadata = {"owner": str(user.pk), "upload-token": permission.upload_token}
    put_object(
        permission.key,
        picture_bytes(),
        ContentType="image/png",
        Metadata=metadata,
        **({"Tagging": tags} if tags else {}),
    )

    answer = confirm(browser, permission)

    assert (answer.status_code, error_code(answer)) == (403, "foreign_object")
    assert item_of(user).revision is None
    assert bucket_keys() == [permission.key]


@pytest.mark.case(5)
@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"owner": "somebody else"},
        {"upload-token": "another"},
        {"owner": "", "upload-token": ""},
    ],
)
def test_confirm_refuses_when_the_object_has_not_the_metadata_of_its_policy(
    aws: Stores, metadata: dict[str, str]
) -> None:
    user = make_user()
    browser = signed_in(user)
    permission = permission_for(browser)
    right = {"owner": str(user.pk), "upload-token": permission.upload_token}
    put_object(
        permission.key,
        picture_bytes(),
        ContentType="image/png",
        Metadata={**right, **metadata} if metadata else {},
        Tagging="&".join(
            f"{name}={value}" for name, value in pending_tags(permission.upload_token).items()
        ),
    )

    answer = confirm(browser, permission)

    assert (answer.status_code, error_code(answer)) == (403, "foreign_object")
    assert item_of(user).revision is None
    assert bucket_keys() == [permission.key]


@pytest.mark.case(6)
def test_file_is_refused_when_the_policy_has_expired(aws: Stores, settings: Settings) -> None:
    permission = permission_for(signed_in(make_user()))
    later = datetime.now(UTC) + timedelta(seconds=settings.UPLOAD_POLICY_SECONDS + 1)

    with time_machine.travel(later):
        answer = post_file(permission)

    assert refusal(answer) == (403, "AccessDenied")
    assert b"Policy expired" in answer.data
    assert bucket_keys() == []


@pytest.mark.case(6)
@pytest.mark.parametrize("name", ["policy", "x-amz-signature", "x-amz-date", "x-amz-credential"])
def test_file_is_refused_when_the_signature_was_tampered_with(aws: Stores, name: str) -> None:
    permission = permission_for(signed_in(make_user()))
    value = permission.fields[name]
    middle = len(value) // 2
    other = "1" if value[middle] != "1" else "2"

    for change in (value[:middle] + other + value[middle + 1 :], "", None):
        assert post_file(permission, changes={name: change}).status in {400, 403}

    assert bucket_keys() == []


@pytest.mark.case(6)
def test_new_permission_works_after_an_expired_one(aws: Stores, settings: Settings) -> None:
    user = make_user()
    browser = signed_in(user)
    permission_for(browser)
    later = datetime.now(UTC) + timedelta(seconds=settings.UPLOAD_POLICY_SECONDS + 1)

    with time_machine.travel(later):
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
