"""The content of files, through the whole stack; tests/content tries the many kinds."""

import io
import zipfile
from threading import BoundedSemaphore
from urllib.parse import urlsplit

import pytest
from defusedxml.ElementTree import fromstring
from django.conf import settings
from PIL import Image

from avatars.references import Stores
from pictures import images
from pictures.images import FORMATS
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
    picture_path,
    post_file,
    put_object,
    refusal,
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


@pytest.mark.case(28, 30, 31, 32)
@pytest.mark.parametrize("body", NO_PICTURES.values(), ids=NO_PICTURES)
def test_confirm_is_refused_and_nothing_written_when_the_file_is_no_picture(
    aws: Stores, body: bytes
) -> None:
    user = make_user()
    browser = signed_in(user)
    upload_picture(browser)
    item = item_of(user)
    permission = uploaded(browser, body)

    answer = confirm(browser, permission)

    assert (answer.status_code, error_code(answer)) == (422, "bad_image")
    assert item_of(user) == item
    assert bucket_keys() == [live_key(user)], "the refused object is deleted at once"


@pytest.mark.case(4)
def test_confirm_is_refused_when_the_object_claims_a_type_that_was_never_issued(
    aws: Stores,
) -> None:
    """The object came into the bucket past the policy."""
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
    assert bucket_keys() == []


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
    """The decoder finds the real format; the declared type is not trusted."""
    user = make_user()
    browser = signed_in(user)

    assert confirm(browser, uploaded(browser, picture_bytes(kind="JPEG"))).status_code == 200
    assert live_key(user)


@pytest.mark.case(29)
def test_archive_is_gone_when_the_picture_was_one_too(aws: Stores) -> None:
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


@pytest.mark.case(33)
def test_position_is_gone_when_the_picture_had_one(aws: Stores) -> None:
    exif = Image.Exif()
    exif[0x010E] = "A SECRET"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})
    user = make_user()

    upload_picture(signed_in(user), picture_bytes(exif=exif))

    served = body_of(live_key(user))
    assert b"SECRET" not in served
    with Image.open(io.BytesIO(served)) as image:
        assert not image.getexif()


@pytest.mark.case(28)
def test_pending_object_stays_readable_to_nobody_when_refused(aws: Stores) -> None:
    """HTML in the bucket is never served, not even to its sender."""
    permission = permission_for(signed_in(make_user()))
    post_file(permission, NO_PICTURES["HTML"])

    assert get(f"{permission.url}/{permission.key}").status == 403


# --- Too many at once ---


@pytest.mark.case(30)
def test_confirm_may_be_repeated_when_all_decoders_were_busy(
    aws: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written meanwhile, and the file stays for the next attempt."""
    user = make_user()
    browser = signed_in(user)
    upload_picture(browser)
    item = item_of(user)
    permission = uploaded(browser)
    monkeypatch.setattr(images, "DECODERS", BoundedSemaphore(1))
    monkeypatch.setattr(images, "DECODER_WAIT", 0)

    with images.DECODERS:
        answer = confirm(browser, permission)

    assert (answer.status_code, error_code(answer)) == (503, "unavailable")
    assert item_of(user) == item
    assert bucket_keys() == [live_key(user), permission.key]
    assert confirm(browser, permission).status_code == 200
    assert bucket_keys() == [live_key(user)]


# --- Opened as a page ---

POLYGLOTS = {
    "image/png": PNG + b"<html><script>alert(1)</script></html>",
    "image/gif": picture_bytes(kind="GIF", comment=b"*/=1;<script>alert(1)</script>/*"),
}


@pytest.mark.case(29, 34)
@pytest.mark.parametrize(("content_type", "body"), POLYGLOTS.items())
def test_picture_is_no_page_when_its_file_was_one(
    aws: Stores, content_type: str, body: bytes
) -> None:
    """S3 sends no nosniff, so the bytes themselves must not look like a page."""
    user = make_user()
    browser = signed_in(user)
    confirm(browser, uploaded(browser, body, content_type=content_type))

    answer = get(browser.get(picture_path(user))["Location"])

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.data[:4] + answer.data[8:12] == b"RIFFWEBP"
    assert b"<" + b"script" not in answer.data


@pytest.mark.case(34)
@pytest.mark.parametrize(
    "change",
    ["response-content-type=text/html", "response-content-disposition=inline;filename=a.html"],
)
def test_type_cannot_be_chosen_when_the_picture_is_asked_for(aws: Stores, change: str) -> None:
    """S3 lets a signed request choose the answer's headers; the signature covers that choice."""
    user = make_user()
    url = upload_picture(signed_in(user))["url"]
    assert get(url).status == 200

    assert refusal(get(f"{url}&{change}")) == (403, "SignatureDoesNotMatch")
    assert get(f"{url.partition('?')[0]}?{change}").status == 403


@pytest.mark.case(34)
def test_picture_has_an_origin_of_its_own_when_opened_through_this_site(aws: Stores) -> None:
    """An opened picture can read no cookie of this site and call none of its routes."""
    user = make_user()
    browser = signed_in(user)
    upload_picture(browser)

    answer = browser.get(picture_path(user))

    assert answer.status_code == 302
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer.content == b""
    target = urlsplit(answer["Location"])
    assert f"{target.scheme}://{target.netloc}" not in settings.SITE_ORIGINS


@pytest.mark.case(34)
@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "&amp;", "\"' onload=alert(1)", "]]>"]
)
def test_placeholder_runs_nothing_when_opened_as_a_page(aws: Stores, name: str) -> None:
    """The placeholder is an SVG on this site's own origin, drawn from the user's name."""
    user = make_user(first_name=name, last_name=name)

    answer = signed_in(user).get(picture_path(user))

    assert answer["Content-Type"] == "image/svg+xml"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    elements = list(fromstring(answer.content).iter())
    assert not any("script" in str(element.tag) for element in elements)
    assert not any(name.startswith("on") for element in elements for name in element.attrib)
