"""A child that passes the limits it has set for itself."""

from files import framing


def main() -> None:
    """Ask for too much memory, and say so; then work for ever."""
    channel = framing.parent()
    framing.limit(memory=256 * 1024 * 1024, seconds=1)
    try:
        bytearray(512 * 1024 * 1024)
    except MemoryError:
        framing.send(channel, b"no memory")
    while True:
        pass
