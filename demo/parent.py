"""Lets the commands that ``rundemo`` starts end with it, even if it is killed.

The parent holds the write end of a pipe and writes nothing to it. However the parent ends, the
kernel closes that end, and a read by its children returns.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PIPE_VARIABLE = "DEMO_PARENT_PIPE"  # the file descriptor of the read end


@contextmanager
def pipe_to_children() -> Iterator[int]:
    """Open a pipe; yield the read end, for the children to inherit, and keep the write end."""
    read_end, write_end = os.pipe()
    try:
        yield read_end
    finally:
        os.close(read_end)
        os.close(write_end)


def end_with_parent() -> None:
    """Kill this process group once the parent has ended; do nothing if it passed no pipe.

    SIGKILL, because nothing here needs to be saved, and the autoreloader's child must end too.
    """
    if pipe := os.environ.get(PIPE_VARIABLE):
        threading.Thread(target=_wait_and_end, args=(int(pipe),), daemon=True).start()


def _wait_and_end(pipe: int) -> None:
    os.read(pipe, 1)  # returns when no process has the write end open any more
    os.killpg(0, signal.SIGKILL)
