"""Tags are parsed from XML, without a server."""

from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.errors import S3Error
from embedded_aws.tagging import read_tagging, tagging_header

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


@pytest.mark.parametrize("xml", [BOMB, FILE, "", "\x00", "<Tagging><TagSet/><TagSet/></Tagging>"])
def test_tags_are_refused_when_the_document_is_not_of_the_schema(xml: str) -> None:
    with pytest.raises(S3Error, match="MalformedXML"):
        read_tagging(xml)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(S3Error):
        read_tagging(text)


@given(st.dictionaries(TEXT, TEXT, max_size=10))
def test_tags_come_out_as_they_went_in(tags: dict[str, str]) -> None:
    pairs = "".join(
        f"<Tag><Value>{escape(value)}</Value><Key>{escape(key)}</Key></Tag>"
        for key, value in tags.items()
    )
    xml = f'<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet>{pairs}</TagSet></Tagging>'

    assert read_tagging(xml) == tags
    assert dict(parse_qsl(tagging_header(tags), keep_blank_values=True)) == tags


def test_tags_are_refused_when_a_key_comes_twice() -> None:
    tag = "<Tag><Key>a</Key><Value>b</Value></Tag>"

    with pytest.raises(S3Error, match="InvalidTag"):
        read_tagging(f"<Tagging><TagSet>{tag}{tag}</TagSet></Tagging>")
