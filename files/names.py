"""Names of files: cleaned once, kept as object metadata, sent back as a header."""

import base64
import re
import unicodedata
from urllib.parse import quote

from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from files.errors import BadName

MAX_CHARACTERS = 255
# A sort key of DynamoDB has at most 1,024 bytes, and the name has a prefix there.
MAX_BYTES = 1000
# NFC makes one character of at most four, so a longer text is too long whatever it holds. It is
# refused first, because the time to normalise a text can grow with the square of its length.
MAX_RAW_CHARACTERS = 4 * MAX_CHARACTERS
# They change the order in which a name is shown: "photo<U+202E>gpj.exe" looks like a picture.
# Source: Unicode Standard Annex 9, section 2 ("Directional Formatting Characters").
_BIDI_CONTROLS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# What RFC 8187 (3.2.1, "attr-char") leaves unencoded beside letters and digits.
_ATTR_CHARS = "!#$&+-.^_`|~"
# Letters and symbols that show nothing: fillers of Hangul, and Braille without a dot.
_BLANK = "\u115f\u1160\u3164\uffa0\u2800"
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 !#$&'()+,.=@\[\]^_`{}~-]")


def clean_name(text: str) -> str:
    """Return ``text`` as the name of a file; raises BadName.

    The name is in NFC, has 1 to 255 characters and at most 1,000 bytes of UTF-8. A "/" stands
    between folders; no part of the name is blank, consists of dots, or has spaces around it.
    Bidirectional controls are removed. Cleaning a clean name changes nothing.
    """
    if len(text) > MAX_RAW_CHARACTERS:
        raise BadName(_too_long())
    if any(_is_refused(character) for character in text):
        raise BadName(_("A name cannot have line breaks, backslashes or control characters."))
    # Removed first: what stood on both sides may compose.
    normal = unicodedata.normalize("NFC", _BIDI_CONTROLS.sub("", text))
    name = "/".join(_clean_segment(segment) for segment in normal.split("/"))
    if len(name) > MAX_CHARACTERS or len(name.encode()) > MAX_BYTES:
        raise BadName(_too_long())
    return name


def encode_name(name: str) -> str:
    """Return a clean name for the metadata of an object: base64url of UTF-8, without padding."""
    return base64.urlsafe_b64encode(name.encode()).rstrip(b"=").decode()


def decode_name(encoded: str) -> str:
    """Return the name in the metadata of an object.

    Raises ValueError if ``encoded`` is not what ``encode_name`` gives for a clean name.
    """
    padded = encoded + "=" * (-len(encoded) % 4)
    name = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    try:
        clean = clean_name(name)
    except BadName as error:
        raise ValueError("not a clean name") from error
    if clean != name or encode_name(clean) != encoded:
        raise ValueError("not as a clean name is encoded")
    return clean


def last_segment(name: str) -> str:
    """Return a clean name without its folders."""
    return name.rpartition("/")[2]


def look_alike(name: str) -> str:
    """Return the last segment of a clean name as other programs may take it.

    With letters of compatibility as the plain ones, and without what shows nothing.
    """
    plain = unicodedata.normalize("NFKC", last_segment(name))
    shown = (letter for letter in plain if unicodedata.category(letter) != "Cf")
    return "".join(letter for letter in shown if letter not in _BLANK)


def disposition(name: str) -> str:
    """Return the ``Content-Disposition`` under which a browser saves a file of this clean name.

    Sources: RFC 6266, appendix D; RFC 8187. Every client reads the name in ASCII, and all
    current ones prefer the exact one, where it differs.
    """
    exact = last_segment(name)
    fallback = _ascii(exact)
    header = content_disposition_header(as_attachment=True, filename=fallback) or "attachment"
    if fallback == exact:
        return header
    return f"{header}; filename*=UTF-8''{quote(exact, safe=_ATTR_CHARS)}"


def _clean_segment(segment: str) -> str:
    stripped = segment.strip()
    if not any(_is_visible(character) for character in stripped):
        raise BadName(
            _("A name, and each folder in it, needs a visible character that is not a dot.")
        )
    return stripped


def _is_visible(character: str) -> bool:
    hidden = unicodedata.category(character) in {"Cf", "Zs"} or character in _BLANK
    return character != "." and not hidden


def _is_refused(character: str) -> bool:
    """Return whether no name may have this character.

    Controls and line ends (Cc, Zl, Zp), halves of characters (Cs), the 66 noncharacters
    (Unicode 23.7), and the backslash, which is a "/" to Windows.
    """
    code = ord(character)
    return (
        character == "\\"
        or unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
        or code & 0xFFFE == 0xFFFE
        or 0xFDD0 <= code <= 0xFDEF
    )


def _ascii(segment: str) -> str:
    """Return what is left of a name in ASCII, without anything that has a meaning in a header.

    Some browsers decode "%41" in a quoted name, and some do not know escaped quotes. So "_"
    stands for these, and for each character that is more than a letter with accents.
    """
    apart = unicodedata.normalize("NFKD", segment)
    letters = "".join(letter for letter in apart if not unicodedata.combining(letter))
    plain = _NOT_PLAIN.sub("_", letters).strip()
    return plain if plain.strip(".") else "file"


def _too_long() -> str:
    limits = {"characters": MAX_CHARACTERS, "bytes": MAX_BYTES}
    return _("A name has at most %(characters)s characters and %(bytes)s bytes.") % limits
