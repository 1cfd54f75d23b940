"""The child process that draws a preview: ``files.previews`` starts it for each picture.

It gets the size of the file, asks for pieces of it, and ends with a result. Nothing of the
product's settings is there, nor any access to the bucket: the parent reads for it.
"""

import io
import json
from pathlib import Path

from django.conf import settings

from files import framing
from files.ranged import RangedFile

MEMORY = 768 * 1024 * 1024  # of addresses, of which the interpreter and its libraries take 150 MB
CPU_SECONDS = 60
READ, RESULT = b"R", b"="


def main() -> None:
    """Draw one preview."""
    settings.configure(AVATAR_DECODERS=1)  # which ``pictures`` reads when it is imported
    from PIL import AvifImagePlugin  # noqa: PLC0415

    from pictures.preview import preview  # noqa: PLC0415

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # each takes addresses for a stack and a heap
    framing.limit(memory=MEMORY, seconds=CPU_SECONDS)
    channel = framing.parent()
    size = int.from_bytes(framing.receive(channel))

    def read(start: int, length: int) -> bytes:
        framing.send(channel, READ + start.to_bytes(8) + length.to_bytes(8))
        return framing.receive(channel)

    drawn = preview(io.BufferedReader(RangedFile(read, size), 64 * 1024))
    facts = {
        "width": drawn.width,
        "height": drawn.height,
        "problem": drawn.problem,
        "peak_bytes": _peak_bytes(),
    }
    framing.send(channel, RESULT + json.dumps(facts).encode())
    framing.send(channel, drawn.body or b"")


def _peak_bytes() -> int | None:
    """Return the most memory this process ever had, where the system tells."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
