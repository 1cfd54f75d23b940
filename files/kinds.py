"""Kinds of files, and which of them can be mistaken for one another.

What is found comes from libmagic, which guesses where a format has no signature. So a type that is
found has a kind only if libmagic is sure of it, while a type that is claimed has one wherever
its name says so. A kind that is not in ``_FITTING`` can hold anything.
"""

OPEN_XML = "application/vnd.openxmlformats-officedocument"
OPEN_DOCUMENT = "application/vnd.oasis.opendocument"

# What else may be found where a kind is claimed.
_FITTING: dict[str | None, frozenset[str]] = {
    "picture": frozenset(),
    "media": frozenset(),
    # "text" is what has nothing more to it: a damaged file, or a download that went wrong.
    "pdf": frozenset({"text"}),
    "archive": frozenset({"document", "text"}),
    "document": frozenset({"archive", "old document", "text"}),
    # Programs write tables and letters as pages and call them ".xls" and ".doc"; and Windows takes
    # every CSV for Excel's.
    "old document": frozenset({"document", "archive", "text", "page", "script"}),
    "text": frozenset({"page", "script"}),
    "page": frozenset({"text", "script"}),
    "script": frozenset({"text", "page"}),
}
# What else may be found where a single type is claimed.
_ALSO = {
    "video/mp2t": ("text", "script", "page"),  # TypeScript, which browsers take for a film
    "audio/x-mod": ("text",),  # go.mod
    # Lists of what to play.
    "audio/mpegurl": ("text",),
    "audio/x-mpegurl": ("text",),
    "audio/x-scpls": ("text",),
    "audio/x-pn-realaudio": ("text",),
    "video/x-ms-asx": ("text",),
    "video/x-ms-asf": ("text",),
    # Drawings in letters.
    "image/x-xpixmap": ("text",),
    "image/x-xpm": ("text",),
    "image/x-xbitmap": ("text",),
    "image/vnd.dxf": ("text",),
    "image/x-dxf": ("text",),
    "image/vnd.radiance": ("text",),
    "image/x-hdr": ("text",),
    # Pictures in the container of films.
    "image/heic": ("media",),
    "image/heif": ("media",),
    "image/avif": ("media",),
    "image/x-canon-cr3": ("media",),
    "image/openraster": ("archive",),
    "image/svg+xml": ("archive",),  # .svgz
}
_MAIN_TYPES = {"image": "picture", "audio": "media", "video": "media", "message": "text"}


def differ(claimed: str, found: str) -> bool:
    """Return whether a file of the type ``found`` cannot be of the type ``claimed``."""
    claim, kind = _claimed_kind(claimed), _sure_kind(found)
    if kind is None or claim not in _FITTING:
        return False
    return kind != claim and kind not in _FITTING[claim] and kind not in _ALSO.get(claimed, ())


def is_harmless(claimed: str) -> bool:
    """Return whether a type claims to be of a kind that holds no program."""
    return _claimed_kind(claimed) in _FITTING


def _claimed_kind(content_type: str) -> str | None:
    if content_type in _PACKED:  # some servers and browsers unpack it on the way, under its name
        return None
    return _sure_kind(content_type) or _MAIN_TYPES.get(content_type.partition("/")[0])


def _sure_kind(content_type: str) -> str | None:
    if content_type in _KINDS:
        return _KINDS[content_type]
    if content_type.startswith((OPEN_XML, OPEN_DOCUMENT)):
        return "document"
    return "text" if content_type.startswith("text/") else None


_PACKED = {
    *("application/gzip", "application/x-gzip", "application/x-bzip2", "application/x-xz"),
    *("application/zstd", "application/x-compress"),
}
_TYPES = {
    "picture": """
        image/jpeg image/png image/gif image/webp image/bmp image/tiff image/heic image/heif
        image/avif image/jxl image/jp2 image/vnd.adobe.photoshop image/x-xcf image/vnd.djvu
        image/x-canon-cr2
    """,
    "media": """
        video/mp4 video/quicktime video/x-matroska video/webm video/x-msvideo video/x-flv
        video/x-ms-asf video/3gpp video/mpeg video/ogg audio/ogg application/ogg audio/x-wav
        audio/flac audio/x-m4a audio/midi audio/x-aiff
    """,
    "pdf": """
        application/pdf
    """,
    "archive": """
        application/zip application/x-zip-compressed application/x-zip application/vnd.rar
        application/x-rar application/x-rar-compressed application/x-tar
        application/x-7z-compressed application/java-archive
        application/vnd.android.package-archive application/x-chrome-extension
    """,
    "document": """
        application/epub+zip application/vnd.apple.pages application/vnd.apple.numbers
        application/vnd.apple.keynote
    """,
    "old document": """
        application/msword application/vnd.ms-excel application/vnd.ms-powerpoint
        application/vnd.ms-project application/vnd.ms-publisher application/vnd.ms-outlook
        application/vnd.visio application/cdfv2 application/x-ole-storage application/rtf
        application/vnd.ms-office application/encrypted text/rtf
    """,
    "text": """
        application/json application/xml application/yaml application/toml application/sql
        application/x-ndjson application/x-subrip
    """,
    "page": """
        text/html application/xhtml+xml image/svg+xml
    """,
    "script": """
        text/x-shellscript text/x-script.python text/x-python text/x-perl text/x-ruby text/x-php
        text/x-msdos-batch text/x-awk text/x-tcl text/x-lua text/javascript application/javascript
        application/x-sh application/x-shellscript application/x-httpd-php
    """,
    # Compiled, but no program by itself.
    "code": """
        application/x-java-applet application/x-object application/x-coredump
        application/x-bytecode.python application/wasm
    """,
}
_KINDS = {
    **dict.fromkeys(_PACKED, "archive"),
    **{content_type: kind for kind, types in _TYPES.items() for content_type in types.split()},
}
