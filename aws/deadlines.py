"""A bound on how long a call to AWS may take, whatever the SDK's own time-outs miss."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, wraps
from time import monotonic
from typing import Any, Generic, ParamSpec, TypeVar, cast

from django.conf import settings

from aws.errors import StorageUnavailable

P = ParamSpec("P")
T = TypeVar("T")


class Answer(Generic[T]):
    """The result of a call that is under way, at the latest ``seconds`` after it was asked.

    A call that is given up may still be carried out.
    """

    def __init__(self, future: "Future[T]", seconds: float) -> None:
        self._future = future
        self._deadline = monotonic() + seconds

    def result(self) -> T:
        """Wait for the result; raises what the call raised, or StorageUnavailable if late."""
        try:
            return self._future.result(max(0, self._deadline - monotonic()))
        except TimeoutError as error:
            self._future.cancel()
            raise StorageUnavailable from error

    def cancel(self) -> None:
        """Do not begin the call if that has not happened yet."""
        self._future.cancel()


def in_time(service: str, *, waits: float = 0) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Make a method that asks ``service`` fail with StorageUnavailable in AWS_CALL_SECONDS.

    It has ``waits`` seconds more, which the service may take on purpose until there is an answer.
    The call has a thread to itself: nothing else bounds a resolver that does not answer, an
    answer that drips, and all attempts together. Each service has its own threads, so that one
    which hangs does not take the other's; such a method must not call another one, or both could
    wait for a thread.
    """

    def decorate(call: Callable[P, T]) -> Callable[P, T]:
        @wraps(call)
        def bounded(*args: P.args, **kwargs: P.kwargs) -> T:
            return _begin((service, waits), call, *args, **kwargs).result()

        bounded.bounds = service, waits  # type: ignore[attr-defined]  # for ``later``
        return bounded

    return decorate


def later(method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Answer[T]:
    """Begin a call of ``method``, which ``in_time`` bounds, and return at once.

    It takes one thread, as if it had been called.
    """
    bound = cast(Any, method)
    return _begin(bound.bounds, bound.__wrapped__, bound.__self__, *args, **kwargs)


def _begin(
    bounds: tuple[str, float], call: Callable[..., T], /, *args: Any, **kwargs: Any
) -> Answer[T]:
    """Call soon, in a copy of the caller's context, so that logs name the request."""
    (service, waits), copied = bounds, copy_context()
    future = _threads(service).submit(lambda: copied.run(call, *args, **kwargs))
    return Answer(future, settings.AWS_CALL_SECONDS + waits)


@cache
def _threads(service: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(settings.AWS_POOL_CONNECTIONS, thread_name_prefix=service)
