"""The words of the pages' scripts: each is there, and none is left over."""

import re

import pytest
from django.conf import settings
from django.utils.functional import Promise

from avatars.words import WORDS as PICTURES
from files.words import WORDS as FILES

JS = settings.BASE_DIR / "static" / "js"
PAGES = [(PICTURES, [""]), (FILES, ["files", "uploads"])]
pages = pytest.mark.parametrize(("words", "folders"), PAGES, ids=["pictures", "files"])


def scripts(folders: list[str]) -> str:
    """Return the scripts in ``folders``, and the one with the units."""
    paths = [path for folder in folders for path in sorted((JS / folder).glob("*.js"))]
    return "\n".join(path.read_text() for path in {*paths, JS / "words.js"})


@pages
def test_every_name_that_the_scripts_say_is_a_word(
    words: dict[str, Promise], folders: list[str]
) -> None:
    said = set(re.findall(r"\bsay\(\s*\"(\w+)\"", scripts(folders)))

    assert len(said) > 10
    assert said - words.keys() == set()


@pages
def test_every_word_is_named_in_the_scripts(words: dict[str, Promise], folders: list[str]) -> None:
    """Some names reach ``say`` through a variable, so any text of a script counts."""
    text = scripts(folders)

    assert [name for name in words if not re.search(rf'"{name}"|\b{name}: \[', text)] == []


@pages
def test_words_are_translated_when_the_page_is_made(
    words: dict[str, Promise], folders: list[str]
) -> None:
    assert [name for name, text in words.items() if not isinstance(text, Promise)] == []
