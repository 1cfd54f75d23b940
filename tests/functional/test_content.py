"""What is in the files, through the whole stack; tests/unit/test_images.py has the many kinds."""

import io
import zipfile

import pytest
from PIL import Image

from avatars.images import FORMATS
from avatars.stores import Stores
from tests.builders import make_user, picture_bytes
from tests.functional.steps import (
    body_of,
    bucket_keys,
    confirm,
    error_code,
    get,
    item_of,
    live_key,
    permission_for,
    post_file,
    put_object,
    signed_in,
    upload_picture,
    uploaded,
)

pytestmark = pytest.mark.django_db

PNG = picture_bytes()
NO_PICTURES: dict[str, bytes] = {
    "HTML": b"<!DOCTYPE html><script>alert(1)</script>",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "PDF": b"%PDF-1.7\n",
    "cut short": PNG[: len(PNG) // 2],
    "TIFF": picture_bytes(kind="TIFF"),
    "ICO": picture_bytes(kind="ICO", size=(32, 32)),
    "bomb": PNG[:16] + (50_000).to_bytes(4, "big") * 2 + PNG[24:],
}


@pytest.mark.parametrize("body", NO_PICTURES.values(), ids=NO_PICTURES)
def test_confirm_is_refused_and_nothing_written_when_the_file_is_no_picture(
    aws: Stores, body: bytes
) -> None:
    """Cases 28, 30, 31 and 32."""
    user = make_user()
    browser = signed_in(user)
    upload_picture(browser)
    item = item_of(user)
    permission = uploaded(browser, body)

    answer = confirm(browser, permission)

    assert (answer.status_code, error_code(answer)) == (422, "bad_image")
    assert item_of(user) == item
    assert bucket_keys() == [live_key(user), permission.key]


def test_confirm_is_refused_when_the_object_claims_a_type_that_was_never_issued(
    aws: Stores,
) -> None:
    """Case 4: somebody got past the bucket's check."""
    user = make_user()
    browser = signed_in(user)
    permission = permission_for(browser)
    put_object(
        permission.key,
        PNG,
        ContentType="text/html",
        Metadata={"owner": str(user.pk), "upload-token": permission.upload_token},
        Tagging=f"Status=Pending&upload-token={permission.upload_token}",
    )

    answer = confirm(browser, permission)

    assert (answer.status_code, error_code(answer)) == (422, "bad_image")
    assert item_of(user).revision is None
    assert bucket_keys() == [permission.key]


@pytest.mark.parametrize(("content_type", "kind"), FORMATS.items())
def test_picture_is_taken_in_every_format_on_the_list(
    aws: Stores, content_type: str, kind: str
) -> None:
    user = make_user()
    browser = signed_in(user)

    permission = uploaded(browser, picture_bytes(kind=kind), content_type=content_type)
    answer = confirm(browser, permission)

    assert answer.status_code == 200
    assert answer.json()["avatar"]["content_type"] == "image/webp"
    assert bucket_keys() == [live_key(user)]


def test_picture_is_taken_when_it_is_of_another_format_than_it_says(aws: Stores) -> None:
    """What counts is what the decoder finds; the type is only a promise."""
    user = make_user()
    browser = signed_in(user)

    assert confirm(browser, uploaded(browser, picture_bytes(kind="JPEG"))).status_code == 200
    assert live_key(user)


def test_archive_is_gone_when_the_picture_was_one_too(aws: Stores) -> None:
    """Case 29."""
    stream = io.BytesIO(PNG)
    stream.seek(0, io.SEEK_END)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("page.html", "<script>alert(1)</script>")
    assert zipfile.is_zipfile(stream)
    user = make_user()

    upload_picture(signed_in(user), stream.getvalue())

    served = body_of(live_key(user))
    assert not zipfile.is_zipfile(io.BytesIO(served))
    assert b"script" not in served


def test_position_is_gone_when_the_picture_had_one(aws: Stores) -> None:
    """Case 33."""
    exif = Image.Exif()
    exif[0x010E] = "A SECRET"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})
    user = make_user()

    upload_picture(signed_in(user), picture_bytes(exif=exif))

    served = body_of(live_key(user))
    assert b"SECRET" not in served
    with Image.open(io.BytesIO(served)) as image:
        assert not image.getexif()


def test_pending_object_stays_readable_to_nobody_when_refused(aws: Stores) -> None:
    """Case 28: HTML in the bucket is never served, not even to its sender."""
    permission = permission_for(signed_in(make_user()))
    post_file(permission, NO_PICTURES["HTML"])

    assert get(f"{permission.url}/{permission.key}").status == 403
