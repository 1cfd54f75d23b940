"""Puts dead letters back on the queue, once what killed them is repaired."""

from collections.abc import Iterator

from aws.queue import BATCH, SqsQueue

HIDDEN_SECONDS = 60
LAST_LOOK_SECONDS = 1  # that an empty queue is asked for; at 0 SQS looks into some servers alone


def redrive(queue: SqsQueue, *, limit: int) -> Iterator[int]:
    """Put up to ``limit`` dead letters of ``queue`` back on it; yield the number so far.

    Each is sent before it is deleted: one that is put back twice is worked on twice, which changes
    nothing. (Not every engine has StartMessageMoveTask.) Raises StorageUnavailable.
    """
    dead = queue.dead_letters()
    count = 0
    while count < limit:
        letters = dead.receive(
            limit=min(BATCH, limit - count), wait=LAST_LOOK_SECONDS, hide=HIDDEN_SECONDS
        )
        if not letters:
            return
        for letter in letters:
            queue.send(letter.body)
            dead.delete(letter)
            count += 1
            yield count
