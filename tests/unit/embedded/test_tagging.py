"""Tags are parsed from XML, without a server."""

from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.errors import S3Error
from embedded_aws.tagging import read_tagging, tagging_header

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
TEXT = st.text("aZ0ü +-=.:/@_", min_size=1, max_size=20)
BOMB = (
    "<!DOCTYPE lolz [<!ENTITY lol0 'lol'>"
    + "".join(f"<!ENTITY lol{n} '{f'&lol{n - 1};' * 10}'>" for n in range(1, 10))
    + "]><Tagging><TagSet><Tag><Key>&lol9;</Key><Value/></Tag></TagSet></Tagging>"
)
FILE = (
    "<!DOCTYPE a [<!ENTITY f SYSTEM 'file:///etc/hostname'>]>"
    "<Tagging><TagSet><Tag><Key>a</Key><Value>&f;</Value></Tag></TagSet></Tagging>"
)


def tag_set(tags: str) -> str:
    return f"<Tagging><TagSet>{tags}</TagSet></Tagging>"


def tag(key: str, value: str = "b") -> str:
    return f"<Tag><Key>{key}</Key><Value>{value}</Value></Tag>"


@pytest.mark.parametrize(
    "xml",
    [
        *(BOMB, FILE, "", "\x00", "not-xml", "<Tagging>", "<Tagging/>"),
        *("<Tagging><TagSet/><TagSet/></Tagging>", tag_set(tag("a")).replace("Tagging", "Tags")),
        *(tag_set("<Tag><Key>a</Key></Tag>"), tag_set(f"{tag('a')}<Label/>")),
    ],
)
def test_tags_are_refused_when_the_document_is_not_of_the_schema(xml: str) -> None:
    with pytest.raises(S3Error, match="MalformedXML"):
        read_tagging(xml)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(S3Error):
        read_tagging(text)


@given(st.dictionaries(TEXT, TEXT, max_size=10))
def test_tags_come_out_as_they_went_in(tags: dict[str, str]) -> None:
    pairs = "".join(tag(escape(key), escape(value)) for key, value in tags.items())
    xml = tag_set(pairs).replace("<Tagging>", f'<Tagging xmlns="{NAMESPACE}">')

    assert read_tagging(xml) == tags
    assert dict(parse_qsl(tagging_header(tags), keep_blank_values=True)) == tags


@pytest.mark.parametrize(
    "tags",
    [
        tag("a") * 2,
        *(tag(key) for key in ("", "k" * 129, "aws:name", "AWS:name", "a&lt;")),
        *(tag("a", value) for value in ("v" * 257, "&lt;")),
    ],
)
def test_tags_are_refused_when_one_is_not_allowed(tags: str) -> None:
    with pytest.raises(S3Error, match="InvalidTag"):
        read_tagging(tag_set(tags))


def test_tags_are_refused_when_there_are_more_than_ten() -> None:
    with pytest.raises(S3Error, match="BadRequest: Object tags cannot be greater than 10"):
        read_tagging(tag_set("".join(tag(f"k{number}") for number in range(11))))


def test_tags_are_read_when_they_are_as_long_as_may_be() -> None:
    tags = read_tagging(tag_set(tag("k" * 128, "v" * 256)))

    assert tags == {"k" * 128: "v" * 256}
