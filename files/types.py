"""Content types: which are allowed, which one a file has, and which lies matter.

``FILE_TYPES`` has patterns such as ``image/*``. A pattern with a ``*`` never lets in what is
dangerous to open (``files/dangers.py``); its type has to be named.
"""

import mimetypes
import re

from django.conf import settings

from files.dangers import EXECUTABLE, dangers
from files.detection import FIRST_BYTES, UNKNOWN, true_type
from files.errors import UnsupportedType
from files.kinds import OPEN_DOCUMENT, OPEN_XML, differ, is_harmless
from files.names import last_segment, look_alike

__all__ = [
    "FIRST_BYTES",
    "UNKNOWN",
    "content_type_of",
    "contradicts",
    "is_allowed",
    "matches",
    "true_type",
]

# RFC 6838, 4.2 ("restricted-name").
_RESTRICTED_NAME = r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}"
_CONTENT_TYPE = re.compile(f"{_RESTRICTED_NAME}/{_RESTRICTED_NAME}")


# --- What is allowed ---


def is_allowed(content_type: str, name: str) -> bool:
    """Return whether a file of this type and name may be uploaded, by ``FILE_TYPES``.

    ``content_type`` is what ``content_type_of`` gave.
    """
    patterns: list[str] = settings.FILE_TYPES
    extensions = {_extension(name), _extension(look_alike(name))}
    risks = [risk for ending in sorted(extensions) for risk in dangers(content_type, ending)]
    if not all(risk.types.intersection(patterns) for risk in risks):
        return False
    return (
        not patterns
        or any(matches(content_type, pattern) for pattern in patterns)
        or any(content_type in risk.types for risk in risks)  # named, maybe by another of its names
    )


def matches(content_type: str, pattern: str) -> bool:
    """Return whether a type fits a pattern such as ``image/*``."""
    kind, _, subtype = pattern.partition("/")
    if kind == "*":
        return True
    return content_type.startswith(f"{kind}/") if subtype == "*" else content_type == pattern


def _extension(name: str) -> str:
    """Return what Windows takes for the extension: it drops dots and spaces at the end."""
    _, dot, extension = last_segment(name).rstrip(". \u00a0").rpartition(".")
    return extension.casefold() if dot else ""


# --- Which type a file has ---


def content_type_of(declared: str, name: str) -> str:
    """Return a file's content type, in lower case, without parameters.

    A browser declares an empty type for what it does not know; it is guessed from the name then.
    Raises UnsupportedType if ``declared`` has not the form of a type.
    """
    content_type = declared.partition(";")[0].strip().lower()
    if not content_type and not declared.strip():
        return _guessed(name)
    if not _CONTENT_TYPE.fullmatch(content_type):
        raise UnsupportedType
    return content_type


# Without the files of the system, so that every machine guesses the same.
_KNOWN = mimetypes.MimeTypes()
_ENCODED = {
    ".gz": "application/gzip",
    ".bz2": "application/x-bzip2",
    ".xz": "application/x-xz",
    ".zst": "application/zstd",
    ".z": "application/x-compress",
}
# What Python's own list lacks and people have, each as IANA or its maker names it.
_MORE = {
    ".docx": f"{OPEN_XML}.wordprocessingml.document",
    ".xlsx": f"{OPEN_XML}.spreadsheetml.sheet",
    ".pptx": f"{OPEN_XML}.presentationml.presentation",
    ".odt": f"{OPEN_DOCUMENT}.text",
    ".ods": f"{OPEN_DOCUMENT}.spreadsheet",
    ".odp": f"{OPEN_DOCUMENT}.presentation",
    ".odg": f"{OPEN_DOCUMENT}.graphics",
    ".epub": "application/epub+zip",
    ".rtf": "text/rtf",
    ".7z": "application/x-7z-compressed",
    ".rar": "application/vnd.rar",
    ".tgz": "application/gzip",
    ".md": "text/markdown",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".toml": "application/toml",
    ".log": "text/plain",
    ".srt": "application/x-subrip",
    ".vtt": "text/vtt",
    ".ics": "text/calendar",
    ".vcf": "text/vcard",
    ".eml": "message/rfc822",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".jxl": "image/jxl",
    ".psd": "image/vnd.adobe.photoshop",
    ".dng": "image/x-adobe-dng",
    ".cr2": "image/x-canon-cr2",
    ".cr3": "image/x-canon-cr3",
    ".nef": "image/x-nikon-nef",
    ".arw": "image/x-sony-arw",
    ".mkv": "video/x-matroska",
    ".m4v": "video/x-m4v",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".ogv": "video/ogg",
    ".m4a": "audio/mp4",
    ".parquet": "application/vnd.apache.parquet",
    ".sqlite": "application/vnd.sqlite3",
    ".iso": "application/x-iso9660-image",
    ".exe": "application/vnd.microsoft.portable-executable",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".ttf": "font/ttf",
    ".otf": "font/otf",
}


def _guessed(name: str) -> str:
    extension = f".{_extension(name)}"
    types = _ENCODED | _KNOWN.types_map[True] | _MORE
    return types.get(extension, UNKNOWN)


# --- Which lies matter ---


def contradicts(declared: str, name: str, found: str) -> bool:
    """Return whether a file is not what it claims to be, in a way that matters.

    ``declared`` is what ``content_type_of`` gave, ``found`` what ``true_type`` gave. It matters if
    the bytes are a program, which may only be where ``FILE_TYPES`` names it and nothing harmless
    is claimed; and if they are of another kind than the claim: a ZIP as a picture, a page as a PDF.
    A PNG that is called JPEG does not matter, nor does what is not known.
    """
    claimed = _guessed(name) if declared == UNKNOWN else declared
    if found in EXECUTABLE:
        return is_harmless(claimed) or not is_allowed(found, "")
    return differ(claimed, found)
