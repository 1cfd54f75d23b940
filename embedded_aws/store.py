"""Passes requests that the front has checked to moto's S3, DynamoDB, SQS and SNS.

moto is not thread-safe, and does not stream: a conditional PUT checks first and writes after that.
So moto gets one request at a time, with its whole body, and ``If-None-Match: *`` has one winner.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC
from functools import lru_cache, partial
from io import BytesIO
from typing import Any
from urllib.parse import unquote

from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY, environ_key_for_header
from moto.utilities.utils import get_partition

from embedded_aws.apps import SERVICES, Apps, Service
from embedded_aws.bodies import Body
from embedded_aws.cors import Rule
from embedded_aws.documents import read_lifecycle
from embedded_aws.events import announce, dropped_where_not_allowed, held_back
from embedded_aws.expiration import Rule as ExpiryRule
from embedded_aws.expiration import expiration, expiring
from embedded_aws.messages import REQUEST_ID, Environ, Request, Response, path_of
from embedded_aws.objects import Task
from embedded_aws.operations import WAYS, check_state, operation_of
from embedded_aws.queue import QuickQueue
from embedded_aws.signatures import Account

EXPIRATION = "x-amz-expiration"
LIFECYCLE = "lifecycle_document"  # an attribute of moto's bucket


class Store:
    """The state of moto in this process, which every ``Store`` shares."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._lock = threading.RLock()
        self._apps = Apps(account)

    def s3(self, request: Request, body: Body, way: str = "") -> Response:
        """Return the answer to an S3 request that has been checked.

        ``way`` is how an object is made, as events call it, if not as the request says.
        """
        operation = operation_of(request)
        way = way or WAYS.get(operation, "")
        with self._lock:
            task = Task(request, body, self._backend(), partial(self._ask_s3, request, body))
            check_state(task, operation)
            with held_back(task.bucket if way else None):
                response = operation(task)
            if way and response.status == 200:
                announce(task.bucket, task.made, way, request)
        if response.status in {200, 206} and _is_about_an_object(request):
            header = self._expiration(request.bucket, request.key)
            response.headers += [(EXPIRATION, header)] if header else []
        elif response.status == 200 and "lifecycle" in request.query and not request.key:
            self._keep_lifecycle(request, body, response)
        return response

    def _ask_s3(self, request: Request, body: Body, document: bytes) -> Response:
        headers = _checksum_headers(body) if request.is_upload else {}
        return self._apps.ask("s3", request, document, **headers)

    def service(self, name: Service, request: Request, body: bytes) -> Response:
        """Return moto's answer to a checked request to DynamoDB, SQS or SNS."""
        with self._lock:
            if name == "sns":
                with dropped_where_not_allowed(self._regional("sns")):
                    return self._apps.ask(name, request, body)
            if name == "sqs":
                return self._ask_sqs(request, body)
            return self._apps.ask(name, request, body)

    def _ask_sqs(self, request: Request, body: bytes) -> Response:
        """Return moto's answer; the URLs of queues are at the address that the client asked."""
        response = self._apps.ask("sqs", request, body, HTTP_HOST=request.header("host"))
        for queue in self._regional("sqs").queues.values():
            queue.__class__ = QuickQueue
        return response

    def post_object(
        self, form: Request, key: str, body: Body, headers: Mapping[str, str]
    ) -> Response:
        """Store the object of a posted form as a PUT with these headers would."""
        path = path_of(form.bucket, key)
        environ: Environ = {
            "REQUEST_METHOD": "PUT",
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "RAW_URI": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
            "wsgi.errors": sys.stderr,
            "REMOTE_ADDR": form.environ.get("REMOTE_ADDR", "127.0.0.1"),
            REQUEST_ID: form.id,
        }
        for name, value in headers.items():
            environ[environ_key_for_header(name)] = value
        environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = {
            environ_key_for_header(name): name for name in headers if "_" in name
        }
        return self.s3(Request.of(environ), body, "Post")

    def cors_rules(self, bucket: str) -> list[Rule] | None:
        """Return the CORS rules of the bucket, None if there is no such bucket."""
        with self._lock:
            found = self._backend().buckets.get(bucket)
            return None if found is None else [_rule(rule) for rule in found.cors]

    def _expiration(self, bucket: str, key: str) -> str:
        """Return the value of ``x-amz-expiration`` for an object; moto does not send it."""
        with self._lock:
            backend = self._backend()
            found = backend.buckets.get(bucket)
            stored = found.keys.get(key) if found else None
            if stored is None:
                return ""
            return expiration(
                _expiry_rules(_lifecycle(found)),
                key=key,
                tags=backend.tagger.get_tag_dict_for_resource(stored.arn),
                size=stored.size,
                written_at=stored.last_modified.replace(tzinfo=UTC),
            )

    def _keep_lifecycle(self, request: Request, body: Body, response: Response) -> None:
        """Keep the rules as sent, and answer with those: moto drops conditions on sizes."""
        with self._lock:
            found = self._backend().buckets[request.bucket]
            if request.method == "PUT":
                setattr(found, LIFECYCLE, body.content.read())
            else:
                response.body = _lifecycle(found) or response.body

    def default_wait(self, queue: str) -> int:
        """Return the seconds that a queue waits for messages unless asked otherwise."""
        with self._lock:
            found = self._regional("sqs").queues.get(queue)
            return int(found.receive_message_wait_time_seconds) if found else 0

    def has_messages(self, queue: str) -> bool:
        """Return whether a queue has messages to receive; True if there is no such queue."""
        with self._lock:
            found = self._regional("sqs").queues.get(queue)
            return found is None or bool(found.messages)

    def _backends(self) -> list[Any]:
        return [self._backend(), *(self._regional(name) for name in SERVICES[1:])]

    def _regional(self, name: Service) -> Any:
        backends: Any = get_backend(name)
        return backends[DEFAULT_ACCOUNT_ID][self._account.region]

    def _backend(self) -> Any:
        return get_backend("s3")[DEFAULT_ACCOUNT_ID][get_partition(self._account.region)]

    def reset(self) -> None:
        """Forget every bucket, table, queue and topic."""
        with self._lock:
            for name in SERVICES:
                backends: Any = get_backend(name)
                for account_backend in list(backends.values()):
                    account_backend.reset()

    def snapshot(self) -> Any:
        """Return all buckets, tables, queues and topics, which must be empty, for ``restore``."""
        with self._lock:
            backends = self._backends()
            states = [vars(backend) for backend in backends]
            return deepcopy(states, _not_copied(backends, states))

    def restore(self, snapshot: Any) -> None:
        """Replace all buckets, tables, queues and topics by those in ``snapshot``."""
        self.reset()
        with self._lock:
            backends = self._backends()
            copies = deepcopy(snapshot, _not_copied(backends, snapshot))
            for backend, state in zip(backends, copies, strict=True):
                vars(backend).update(state)
            owner = (get_partition(self._account.region), DEFAULT_ACCOUNT_ID)
            owners: Any = get_backend("s3")
            owners.bucket_accounts.update(dict.fromkeys(self._backend().buckets, owner))


def _not_copied(backends: list[Any], states: list[Any]) -> dict[int, Any]:
    """Return what a copy of the states shares with them, for ``deepcopy``.

    That is the backends, which topics refer to, and the locks of queues, which cannot be copied.
    """
    queues = [queue for state in states for queue in state.get("queues", {}).values()]
    locks = [queue._messages_lock for queue in queues]
    return {id(shared): shared for shared in (*backends, *locks)}


def _is_about_an_object(request: Request) -> bool:
    """Return whether the answer is about an object itself, and not its tags or one part."""
    if request.method == "DELETE" or not request.key:
        return False
    asked = request.subresources
    return not asked or (request.method == "POST" and asked == {"uploadId"})


def _checksum_headers(body: Body) -> dict[str, str]:
    """Return the headers by which moto keeps a checksum; it would take that of no bytes."""
    algorithm, checksum = body.checksum or ("", "")
    named = f"HTTP_X_AMZ_CHECKSUM_{algorithm.upper()}"
    return {"HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM": algorithm.upper()} | (
        {named: checksum} if algorithm else {}
    )


def _lifecycle(bucket: Any) -> bytes:
    """Return the lifecycle configuration of one of moto's buckets, b"" if it has none."""
    return getattr(bucket, LIFECYCLE, b"") if bucket.rules else b""


@lru_cache
def _expiry_rules(document: bytes) -> list[ExpiryRule]:
    """Return the rules by which objects expire; each configuration is read once."""
    return expiring(read_lifecycle(document)) if document else []


def _rule(rule: Any) -> Rule:
    """Return a rule of moto's, which holds a single value as text and several as a list."""
    return Rule(
        origins=_tuple(rule.allowed_origins),
        methods=_tuple(rule.allowed_methods),
        headers=_tuple(rule.allowed_headers),
        exposed=_tuple(rule.exposed_headers),
        max_age=str(rule.max_age_seconds or ""),
    )


def _tuple(value: str | list[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
