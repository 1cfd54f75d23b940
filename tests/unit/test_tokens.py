"""Upload tokens: genuine, tampered with, of another user, expired."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.core import signing
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from uploads.errors import InvalidToken, TokenExpired
from uploads.tokens import Upload, new_upload, open_token, sign_upload

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OWNER = "7d2f3c1e-0000-4000-8000-000000000001"
LIFE = timedelta(seconds=settings.UPLOAD_TOKEN_SECONDS)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (hypothesis adds the zone)


def make_token(*, owner_id: str = OWNER, purpose: str = "avatar", now: datetime = NOW) -> str:
    """Return a genuine token."""
    return sign_upload(new_upload(owner_id, now=now), purpose=purpose)


def opened(token: str, *, owner_id: str = OWNER, now: datetime = NOW) -> Upload:
    """Open a token as OWNER's token for an avatar."""
    return open_token(token, purpose="avatar", owner_id=owner_id, now=now)


@pytest.mark.case(11)
def test_token_is_refused_when_any_character_was_altered() -> None:
    token = make_token()

    for index, character in enumerate(token):
        for other in "A1._-=" if character not in "A1._-=" else "zZ9":
            with pytest.raises(InvalidToken):
                opened(token[:index] + other + token[index + 1 :])


@pytest.mark.case(11)
def test_token_is_refused_when_cut_or_added_to() -> None:
    token = make_token()

    for index in range(len(token)):
        with pytest.raises(InvalidToken):
            opened(token[:index])
    for other in (token + "A", "A" + token, token + ".", token * 2, token + " ", token + "\n"):
        with pytest.raises(InvalidToken):
            opened(other)


@pytest.mark.case(11)
@given(st.text())
def test_token_is_refused_whatever_is_made_up(token: str) -> None:
    with pytest.raises(InvalidToken):
        opened(token)


@pytest.mark.case(11)
@pytest.mark.parametrize("purpose", ["", "file", "avatars", "Avatar"])
def test_token_is_refused_when_of_another_purpose(purpose: str) -> None:
    with pytest.raises(InvalidToken):
        opened(make_token(purpose=purpose))


@pytest.mark.case(11)
@given(st.text(max_size=40).filter(lambda owner: owner != OWNER))
def test_token_is_refused_when_of_another_owner(owner_id: str) -> None:
    with pytest.raises(InvalidToken):
        opened(make_token(), owner_id=owner_id)


@pytest.mark.case(11)
def test_token_is_refused_when_the_owner_differs_in_one_character() -> None:
    token = make_token()

    for index in range(len(OWNER)):
        with pytest.raises(InvalidToken):
            opened(token, owner_id=OWNER[:index] + "x" + OWNER[index + 1 :])
    for other in (OWNER[:-1], OWNER + "1"):
        with pytest.raises(InvalidToken):
            opened(token, owner_id=other)


@pytest.mark.case(11)
def test_token_is_refused_when_signed_with_another_key(settings: Settings) -> None:
    token = make_token()
    settings.SECRET_KEY = "another"

    with pytest.raises(InvalidToken):
        opened(token)


@pytest.mark.case(11)
def test_token_of_another_is_invalid_rather_than_expired_when_too_old() -> None:
    """The error says nothing about a token to a user it was not issued to."""
    with pytest.raises(InvalidToken):
        opened(make_token(), owner_id="another", now=NOW + 2 * LIFE)


@pytest.mark.case(11)
@pytest.mark.parametrize("value", [["a", "b"], ["a", "b", 1, 2], {}, "abc", [OWNER, "b"]])
def test_token_is_refused_when_genuine_but_of_another_shape(value: object) -> None:
    """It is signed with the same key and salt, as an older version may have done."""
    token = signing.Signer(salt="uploads.token.avatar", sep=".").sign_object(value)

    with pytest.raises(InvalidToken):
        opened(token)


@pytest.mark.case(11)
def test_token_is_expired_when_older_than_its_life() -> None:
    token = make_token()

    assert opened(token, now=NOW + LIFE)
    with pytest.raises(TokenExpired):
        opened(token, now=NOW + LIFE + timedelta(milliseconds=1))


@given(moment=MOMENTS, age=st.timedeltas(timedelta(0), LIFE - timedelta(milliseconds=1)))
def test_upload_comes_back_when_its_token_is_opened(moment: datetime, age: timedelta) -> None:
    upload = new_upload(OWNER, now=moment)

    back = opened(sign_upload(upload, purpose="avatar"), now=moment + age)

    assert (back.owner_id, back.id, back.pending_key) == (OWNER, upload.id, upload.pending_key)
    assert abs(back.issued_at - moment) <= timedelta(milliseconds=1)


@given(moment=MOMENTS)
def test_token_fits_a_tag(moment: datetime) -> None:
    """S3: up to 256 characters, of letters, digits, space and ``+ - = . _ : / @``."""
    assert re.fullmatch(r"[A-Za-z0-9+\-=._:/@]{1,255}", make_token(now=moment))


def test_uploads_never_share_a_key() -> None:
    uploads = [new_upload(OWNER, now=NOW) for _ in range(1000)]

    assert len({upload.pending_key for upload in uploads}) == 1000
    assert all(
        re.fullmatch(rf"pending/{OWNER}/[0-9a-f]{{32}}", upload.pending_key) for upload in uploads
    )
