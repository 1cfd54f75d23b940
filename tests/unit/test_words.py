"""The words of the upload panel's scripts: each is there, and none is left over."""

import re

from django.conf import settings
from django.utils.functional import Promise

from avatars.words import WORDS

SCRIPTS = "\n".join(
    path.read_text() for path in sorted((settings.BASE_DIR / "static" / "js").glob("*.js"))
)


def test_every_name_that_the_scripts_say_is_a_word() -> None:
    said = set(re.findall(r"\bsay\(\s*\"(\w+)\"", SCRIPTS))

    assert len(said) > 10
    assert said - WORDS.keys() == set()


def test_every_word_is_named_in_the_scripts() -> None:
    """Some names reach ``say`` through a variable, so any text of a script counts."""
    assert [name for name in WORDS if f'"{name}"' not in SCRIPTS] == []


def test_words_are_translated_when_the_page_is_made() -> None:
    assert [name for name, text in WORDS.items() if not isinstance(text, Promise)] == []
