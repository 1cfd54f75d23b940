"""The child process that asks libmagic: ``files.detection`` starts it.

It says "ready"; then it gets the first bytes of a file and answers with a content type, over and
over. Only the child imports this module, because pylibmagic changes ctypes and the environment of
the process that imports it. Nothing of the product is needed here but ``files.framing``.
"""

# The wheel of pylibmagic brings the library and its rules; it comes first, so that python-magic
# finds that library and not one of the system.
import pylibmagic

# isort: split
import magic

from files import framing

# The interpreter, the library and its 7 MB of rules take some 60 MB of addresses.
MEMORY = 512 * 1024 * 1024
RULES = pylibmagic.data.joinpath("magic.mgc")
UNKNOWN = "application/octet-stream"


def main() -> None:
    """Answer until the parent goes."""
    library = magic.Magic(mime=True, magic_file=str(RULES))
    framing.limit(memory=MEMORY)
    channel = framing.parent()
    framing.send(channel, b"ready")
    while True:
        try:
            first = framing.receive(channel)
        except EOFError:
            return
        framing.send(channel, _asked(library, first).encode())


def _asked(library: magic.Magic, first: bytes) -> str:
    try:
        return library.from_buffer(first)
    except magic.MagicException:  # one of its own limits was passed
        return UNKNOWN
