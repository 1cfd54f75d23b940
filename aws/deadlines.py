"""A bound on how long anybody waits for a service, whatever the SDK's own time-outs miss."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, wraps
from typing import ParamSpec, TypeVar

from django.conf import settings

from aws.errors import StorageUnavailable

P = ParamSpec("P")
Answer = TypeVar("Answer")


class Threads(ThreadPoolExecutor):
    """Threads that know the request they work for, so that what they log names it."""

    def submit(
        self, call: Callable[P, Answer], /, *args: P.args, **kwargs: P.kwargs
    ) -> "Future[Answer]":
        """Call soon, in the caller's context."""
        copied = copy_context()
        return super().submit(lambda: copied.run(call, *args, **kwargs))


def in_time(service: str) -> Callable[[Callable[P, Answer]], Callable[P, Answer]]:
    """Make a function that asks ``service`` fail with StorageUnavailable in AWS_CALL_SECONDS.

    The call has a thread to itself: nothing else bounds a resolver that does not answer, an
    answer that drips, and all attempts together. What is given up may still be carried out. Each
    service has its own threads, so that one which hangs does not take the other's; such a
    function must not call another one, or both could wait for a thread.
    """

    def decorate(call: Callable[P, Answer]) -> Callable[P, Answer]:
        @wraps(call)
        def bounded(*args: P.args, **kwargs: P.kwargs) -> Answer:
            future = _threads(service).submit(call, *args, **kwargs)
            try:
                return future.result(settings.AWS_CALL_SECONDS)
            except TimeoutError as error:
                future.cancel()
                raise StorageUnavailable from error

        return bounded

    return decorate


@cache
def _threads(service: str) -> Threads:
    return Threads(settings.AWS_POOL_CONNECTIONS, thread_name_prefix=service)
