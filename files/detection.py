"""What the first bytes of a file are.

libmagic names the type. It runs in a child process, since it is C that reads what anybody may
send; one for each process of ours, with a lock, because a handle of libmagic serves one thread. A
look takes 0.3 ms; at worst, for 64 KiB of spaces, about a second.
"""

import atexit
import os
import re
from threading import Lock

import structlog

from files.children import Child, ChildDied
from files.errors import DetectorUnavailable

events = structlog.stdlib.get_logger(__name__)

FIRST_BYTES = 64 * 1024
UNKNOWN = "application/octet-stream"
SECONDS = 20  # for one look, or to start
ATTEMPTS = 2
_CONTENT_TYPE = re.compile(r"[a-z0-9._+-]{1,127}/[a-z0-9._+-]{1,127}")


class Detector:
    """Asks libmagic, in a process that is started again when it died."""

    def __init__(self, module: str = "files.libmagic") -> None:
        self._module = module
        self._lock = Lock()
        self._child: Child | None = None
        self._owner = 0

    def detect(self, first: bytes) -> str:
        """Return what libmagic says; raises DetectorUnavailable if it cannot be asked.

        What makes it crash or hang twice is of no known type: this process goes on.
        """
        with self._lock:
            for _ in range(ATTEMPTS):
                # Until it has answered it is not kept: its answer would be taken for the next one.
                child, self._child = self._running(), None
                try:
                    child.send(first)
                    answer = child.receive()
                except ChildDied as died:
                    events.warning("detector_died", reason=str(died))
                except BaseException:
                    child.close()
                    raise
                else:
                    self._child = child
                    return _believable(answer)
        return UNKNOWN

    def close(self) -> None:
        """End the process."""
        with self._lock:
            if self._child and self._owner == os.getpid():
                self._child.close()
            self._child = None

    def _running(self) -> Child:
        # After a fork the child is the parent's; two who ask it would get each other's answers.
        if self._child is None or self._owner != os.getpid():
            self._child, self._owner = _started(self._module), os.getpid()
        return self._child


def _started(module: str) -> Child:
    try:
        child = Child(module, seconds=SECONDS)
        child.receive()  # "ready"
    except (OSError, ChildDied) as error:
        raise DetectorUnavailable from error
    return child


def _believable(answer: bytes) -> str:
    """Return the content type that a child said, or UNKNOWN if it said anything else."""
    text = answer.decode("ascii", "replace").lower()
    return text if _CONTENT_TYPE.fullmatch(text) else UNKNOWN


DETECTOR = Detector()
atexit.register(DETECTOR.close)


def true_type(first: bytes) -> str:
    """Return the content type that the first bytes of a file show, in lower case.

    At most 64 KiB are looked at. ``application/octet-stream`` is what is not known. Raises
    DetectorUnavailable.
    """
    first = first[:FIRST_BYTES]
    if not first:
        return UNKNOWN
    return _signed(first) or _corrected(DETECTOR.detect(first), first)


# --- Where libmagic has no type, or is wrong too often ---

_SHEBANG = re.compile(rb"#![ \t]*/")
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")  # UTF-16, UTF-32
_XHTML = b"http://www.w3.org/1999/xhtml"
_SIGNATURES = {
    # MS-SHLLINK, 2.1: the size of the header and the class of shortcuts.
    b"L\0\0\0\x01\x14\2\0\0\0\0\0\xc0\0\0\0\0\0\0\x46": "application/x-ms-shortcut",
    b"ITSF": "application/vnd.ms-htmlhelp",
}
# A compound file whose root has the class of Windows' installers (MS-CFB, 2.6.1).
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_INSTALLER_CLASS = b"\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46"
# Only asked if libmagic does not know: it tells programs from what is linked into them.
_PROGRAMS = {
    b"\x7fELF": "application/x-executable",
    **dict.fromkeys(
        (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"),
        "application/x-mach-binary",
    ),
}
WINDOWS_PROGRAM = "application/x-dosexec"
# A program may begin with a stub of any size; none is known whose stub is larger.
_MOST_OF_A_STUB = 16 * 1024 * 1024


def _signed(first: bytes) -> str | None:
    if _is_windows_program(first):
        return WINDOWS_PROGRAM
    if first.startswith(_COMPOUND) and _INSTALLER_CLASS in first:
        return "application/x-msi"
    return _by_prefix(_SIGNATURES, first)


def _corrected(found: str, first: bytes) -> str:
    if found == WINDOWS_PROGRAM:  # a jump is enough for libmagic, as in 1 % of random bytes
        return UNKNOWN
    if found == "text/xml" and _XHTML in first:
        return "application/xhtml+xml"
    if found not in {"text/plain", UNKNOWN}:
        return found
    if _SHEBANG.match(first):
        return "text/x-shellscript"
    # What libmagic knows, but knows no type of, it calls text.
    is_text = found == "text/plain" and (b"\0" not in first or first.startswith(_WIDE))
    return found if is_text else _by_prefix(_PROGRAMS, first) or UNKNOWN


def _is_windows_program(first: bytes) -> bool:
    """Return whether Windows would take this for a program (PE format, "MS-DOS Stub")."""
    if first[:2] != b"MZ" or len(first) < 64:
        return False
    start = int.from_bytes(first[60:64], "little")
    if start + 4 > len(first):
        return start < _MOST_OF_A_STUB
    return first[start : start + 2] in {b"PE", b"NE", b"LE", b"LX"}


def _by_prefix(types: dict[bytes, str], first: bytes) -> str | None:
    return next((kind for prefix, kind in types.items() if first.startswith(prefix)), None)
