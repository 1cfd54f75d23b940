"""Names of files: what is refused, what is cleaned, and what a header makes of them."""

import base64
import re
import unicodedata
from email.message import EmailMessage
from urllib.parse import unquote

import pytest
from django.http import HttpResponse
from hypothesis import example, given
from hypothesis import strategies as st

from files.errors import BadName
from files.names import clean_name, decode_name, disposition, encode_name

BIDI = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# Texts that are often names, and now and then what no name may have.
TEXTS = st.text(
    st.one_of(
        st.sampled_from("ab.éß日🙂/ \u0301\u0345" + BIDI),
        st.sampled_from("\\\r\n\0\x7f\x85\u2028\ud800\ufffe\"'%;*"),
        st.characters(),
    ),
    max_size=300,
)


def cleaned(text: str) -> str | None:
    """Return the clean name, or None if ``text`` is refused."""
    try:
        return clean_name(text)
    except BadName:
        return None


NAMES = st.builds(cleaned, TEXTS).filter(bool)


@pytest.mark.case(49)
@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ".", "..", "...", " .. ", "\u200b", ".\u200d.", "\u202e", "\u2003"),
        *("../x", "a/../x", "/x", "x/", "a//b", "a/ /b", "a/./b", "a/\u202e/b", "..\u200e/x"),
        *("..\\x", "a\\b", "a\r\nSet-Cookie: x=1", "a\n", "\ta", "a\0.png", "a\x7f", "a\x85b"),
        *("a\u2028b", "a\u2029b", "\ud800", "a\udfff", "a\ufffe", "\ufdd0", "\U0010ffff"),
        *("a" * 256, "a" * 1000, "日" * 334, "🙂" * 251, "e\u0301" * 256, BIDI * 100),
    ],
)
def test_name_is_refused_when_it_is_no_name(text: str) -> None:
    with pytest.raises(BadName) as refused:
        clean_name(text)

    assert (refused.value.code, refused.value.retry) == ("bad_name", "never")
    assert str(refused.value.message).startswith("A name")


@pytest.mark.case(49)
@pytest.mark.parametrize(
    ("text", "name"),
    [
        (" report.pdf ", "report.pdf"),
        ("folder / sub/ report.pdf", "folder/sub/report.pdf"),
        ("e\u0301te\u0301.txt", "été.txt"),
        ("e\u202e\u0301.txt", "é.txt"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("\u2066.\u2069.hidden", "..hidden"),
        ("a" * 255, "a" * 255),
        ("日" * 255, "日" * 255),
        ("🙂" * 250, "🙂" * 250),
        ("e\u0301" * 255, "é" * 255),
        ("\u03b1\u0313\u0300\u0345" * 255, "\u1f82" * 255),
        ("a\"b'c;d%41*<x>|:?.txt", "a\"b'c;d%41*<x>|:?.txt"),
        ("👩‍👩‍👧.png", "👩‍👩‍👧.png"),
        ("می‌خواهم.txt", "می‌خواهم.txt"),
        (".bashrc", ".bashrc"),
    ],
)
def test_name_is_cleaned(text: str, name: str) -> None:
    assert clean_name(text) == name


@pytest.mark.case(49)
@given(TEXTS)
def test_name_keeps_the_rules_whatever_was_sent(text: str) -> None:
    name = cleaned(text)
    if name is None:
        return

    assert clean_name(name) == name == unicodedata.normalize("NFC", name)
    assert 1 <= len(name) <= 255
    assert len(name.encode()) <= 1000
    assert not set(name) & set(BIDI + "\\\r\n\0")
    assert all(part == part.strip() and part.strip(".") for part in name.split("/"))


# --- Metadata ---


@pytest.mark.case(49)
@given(NAMES)
def test_encoded_name_comes_back(name: str) -> None:
    encoded = encode_name(name)

    assert re.fullmatch(r"[A-Za-z0-9_-]{2,1334}", encoded)
    assert decode_name(encoded) == name


def raw(name: bytes) -> str:
    """Return bytes as ``encode_name`` would encode them."""
    return base64.urlsafe_b64encode(name).rstrip(b"=").decode()


@pytest.mark.case(49)
@pytest.mark.parametrize(
    "encoded",
    [
        *("", "A", "====", "YQ==", "YR", "Y Q", "YQ\n", "é", "Pz8/", "Pj4+", "not base64!"),
        *map(raw, [b"../x", b"a\r\nb", b" a", b"\xff", b"e\xcc\x81", b"a" * 256, b"\xe2\x80\xaex"]),
    ],
)
def test_metadata_is_refused_when_no_clean_name_gives_it(encoded: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (of several kinds)
        decode_name(encoded)


@given(st.text(max_size=40))
@example("YWI")
def test_metadata_is_decoded_only_when_it_would_be_encoded_like_this(encoded: str) -> None:
    try:
        name = decode_name(encoded)
    except ValueError:
        return

    assert encode_name(clean_name(name)) == encoded


# --- Content-Disposition ---


@pytest.mark.case(49)
@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("report.pdf", 'attachment; filename="report.pdf"'),
        ("year/month/a b.pdf", 'attachment; filename="a b.pdf"'),
        ("été.txt", "attachment; filename=\"ete.txt\"; filename*=UTF-8''%C3%A9t%C3%A9.txt"),
        ('a"b.txt', "attachment; filename=\"a_b.txt\"; filename*=UTF-8''a%22b.txt"),
        ("50%41.txt", "attachment; filename=\"50_41.txt\"; filename*=UTF-8''50%2541.txt"),
        ("日本.txt", "attachment; filename=\"__.txt\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.txt"),
        ("\uff0e\uff0e", "attachment; filename=\"file\"; filename*=UTF-8''%EF%BC%8E%EF%BC%8E"),
        ("..\uff0fx", "attachment; filename=\".._x\"; filename*=UTF-8''..%EF%BC%8Fx"),
        ("a;='*.c", "attachment; filename=\"a_='_.c\"; filename*=UTF-8''a%3B%3D%27%2A.c"),
    ],
)
def test_header_names_the_last_part(name: str, header: str) -> None:
    assert disposition(name) == header


@pytest.mark.case(49)
@given(NAMES)
def test_header_holds_the_name_and_nothing_else(name: str) -> None:
    """Django refuses header injection; the parser of Python's email package reads RFC 8187."""
    header = disposition(name)
    response = HttpResponse(headers={"Content-Disposition": header})

    plain, star, exact = header.partition("; filename*=UTF-8''")
    assert re.fullmatch(r"attachment; filename=\"[^\"\\%/;\x00-\x1f\x7f-\U0010ffff]+\"", plain)
    assert re.fullmatch(r"[A-Za-z0-9%!#$&+.^_`|~-]*", exact)
    last = name.rpartition("/")[2]
    assert unquote(exact) == last if star else f'"{last}"' in plain
    parsed = EmailMessage()
    parsed["Content-Disposition"] = response["Content-Disposition"]
    assert parsed.get_content_disposition() == "attachment"
