"""Passes requests that the front has checked to moto's S3, DynamoDB, SQS and SNS.

moto is not thread-safe, and does not stream: a conditional PUT checks first and writes after that.
So moto gets one request at a time, with its whole body, and ``If-None-Match: *`` has one winner.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC
from functools import lru_cache
from typing import IO, Any, Literal
from urllib.parse import unquote

from flask import Flask
from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY, environ_key_for_header
from moto.moto_server.werkzeug_app import BackendRequest, create_backend_app
from moto.utilities.utils import get_partition
from werkzeug.datastructures import MultiDict
from werkzeug.formparser import FormDataParser

from embedded_aws.cors import Rule
from embedded_aws.documents import read_lifecycle
from embedded_aws.events import (
    announce,
    check_destinations,
    created_by,
    dropped_where_not_allowed,
    held_back,
)
from embedded_aws.expiration import Rule as ExpiryRule
from embedded_aws.expiration import expiration, expiring
from embedded_aws.messages import REQUEST_ID, Environ, Request, Response, path_of
from embedded_aws.queue import QuickQueue
from embedded_aws.signatures import ALGORITHM, Account

DROPPED = frozenset(
    {
        "connection",
        "content-length",
        "date",
        "server",
        "vary",
        "x-amz-content-sha256",
        "x-amz-sdk-checksum-algorithm",
        "x-amzn-requestid",
    }
)
EXPIRATION = "x-amz-expiration"
LIFECYCLE = "lifecycle_document"  # an attribute of moto's bucket
PUBLIC_ACLS = frozenset({"public-read", "public-read-write", "authenticated-read"})
Service = Literal["s3", "dynamodb", "sqs", "sns"]
SERVICES: tuple[Service, ...] = ("s3", "dynamodb", "sqs", "sns")
MOTO_ONLY = ("HTTP_X_MOTO_ACCOUNT_ID", "HTTP_TRANSFER_ENCODING", "HTTP_ORIGIN")


class _NoForms(FormDataParser):
    """Parses no body: moto would take a PUT with the content type of a form for a form."""

    def parse(self, stream: IO[bytes], *_args: Any, **_options: Any) -> Any:
        return stream, MultiDict(), MultiDict()


class _PlainRequest(BackendRequest):
    form_data_parser_class = _NoForms


class Store:
    """The state of moto in this process, which every ``Store`` shares."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._lock = threading.RLock()
        self._apps = {name: _moto_app(name) for name in SERVICES}

    def s3(self, request: Request, body: IO[bytes], size: int, way: str = "") -> Response:
        """Return moto's answer to an S3 request that has been checked.

        ``way`` is how an object is made, as events call it, if not as the request says.
        """
        way = way or created_by(request)
        with self._lock:
            bucket = self._backend().buckets.get(request.bucket)
            with held_back(bucket if way else None):
                response = self._call("s3", self._environ(request, body, size, "s3"))
            if way and response.status == 200:
                announce(bucket, bucket.keys.get(request.key), way, request)
        if response.status in {200, 206} and _is_about_an_object(request):
            header = self._expiration(request.bucket, request.key)
            response.headers += [(EXPIRATION, header)] if header else []
        elif response.status == 200 and "lifecycle" in request.query and not request.key:
            self._keep_lifecycle(request, body, response)
        return response

    def service(self, name: Service, request: Request, body: IO[bytes], size: int) -> Response:
        """Return moto's answer to a checked request to DynamoDB, SQS or SNS."""
        environ = self._environ(request, body, size, name)
        if name == "sqs":
            environ["HTTP_HOST"] = request.header("host")  # which the URLs of queues begin with
        with self._lock, dropped_where_not_allowed(self._regional("sns")):
            response = self._call(name, environ)
            for queue in self._regional("sqs").queues.values():
                queue.__class__ = QuickQueue
        return response

    def put_object(
        self, form: Request, key: str, body: IO[bytes], size: int, headers: Mapping[str, str]
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
            "wsgi.input": body,
            "wsgi.errors": sys.stderr,
            "REMOTE_ADDR": form.environ.get("REMOTE_ADDR", "127.0.0.1"),
            REQUEST_ID: form.id,
        }
        for name, value in headers.items():
            environ[environ_key_for_header(name)] = value
        environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = {
            environ_key_for_header(name): name for name in headers if "_" in name
        }
        return self.s3(Request.of(environ), body, size, "Post")

    def check_destinations(self, request: Request, body: IO[bytes]) -> None:
        """Raise ``S3Error`` if events of a bucket could not get where its configuration says."""
        with self._lock:
            bucket = self._backend().buckets.get(request.bucket)
            if bucket is not None:
                check_destinations(bucket, request, body)

    def cors_rules(self, bucket: str) -> list[Rule] | None:
        """Return the CORS rules of the bucket, None if there is no such bucket."""
        with self._lock:
            found = self._backend().buckets.get(bucket)
            return None if found is None else [_rule(rule) for rule in found.cors]

    def has_upload(self, bucket: str, upload_id: str) -> bool:
        """Return whether a multipart upload is under way; moto fails by a KeyError if not."""
        with self._lock:
            found = self._backend().buckets.get(bucket)
            return found is None or upload_id in found.multiparts

    def is_public_acl_blocked(self, bucket: str, acl: str) -> bool:
        """Return whether the bucket's public access block refuses the canned ACL.

        AWS: "Blocking public access to your Amazon S3 storage", BlockPublicAcls.
        """
        with self._lock:
            found = self._backend().buckets.get(bucket)
            block = found.public_access_block if found else None
            return acl in PUBLIC_ACLS and block is not None and bool(block.block_public_acls)

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

    def _keep_lifecycle(self, request: Request, body: IO[bytes], response: Response) -> None:
        """Keep the rules as sent, and answer with those: moto drops conditions on sizes."""
        with self._lock:
            found = self._backend().buckets[request.bucket]
            if request.method == "PUT":
                body.seek(0)
                setattr(found, LIFECYCLE, body.read())
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

    def _environ(self, request: Request, body: IO[bytes], size: int, service: str) -> Environ:
        """Return the request for moto, which reads account, region and service from headers.

        The Authorization header is written anew, since a request may be signed in its query or in
        a form. Headers that only moto knows are dropped: they could choose another account.
        """
        environ = {k: v for k, v in request.environ.items() if k not in MOTO_ONLY}
        if not is_range(environ.get("HTTP_RANGE", "")):
            environ.pop("HTTP_RANGE", None)
        scope = f"{self._account.access_key}/20000101/{self._account.region}/{service}/aws4_request"
        environ["HTTP_AUTHORIZATION"] = f"{ALGORITHM} Credential={scope}, SignedHeaders=host"
        environ["HTTP_HOST"] = "127.0.0.1"
        environ["wsgi.input"] = body
        environ["wsgi.input_terminated"] = True
        environ["CONTENT_LENGTH"] = str(size)
        return environ

    def _call(self, name: Service, environ: Environ) -> Response:
        response = Response(500, [])

        def start_response(
            status: str, headers: list[tuple[str, str]], _exc_info: object = None
        ) -> None:
            response.status = int(status.split(maxsplit=1)[0])
            response.headers = headers

        with self._lock:
            chunks: Any = self._apps[name](environ, start_response)  # type: ignore[arg-type]
            try:
                response.body = b"".join(chunks)
            finally:
                chunks.close()
        response.headers = [pair for pair in response.headers if _is_kept(pair[0].lower(), environ)]
        return response


def is_range(text: str) -> bool:
    """Return whether a Range header asks for one range of bytes.

    Any other is ignored (RFC 9110, 14.2).
    """
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", text, re.ASCII)
    if not match or match.group() == "bytes=-":
        return False
    first, last = match.groups()
    return not (first and last) or int(first) <= int(last)


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
    others = {
        name
        for name in request.query
        if not name.lower().startswith(("x-amz-", "response-", "x-id"))
    }
    return not others or (request.method == "POST" and others == {"uploadId"})


def _lifecycle(bucket: Any) -> bytes:
    """Return the lifecycle configuration of one of moto's buckets, b"" if it has none."""
    return getattr(bucket, LIFECYCLE, b"") if bucket.rules else b""


@lru_cache
def _expiry_rules(document: bytes) -> list[ExpiryRule]:
    """Return the rules by which objects expire; each configuration is read once."""
    return expiring(read_lifecycle(document)) if document else []


def _moto_app(name: Service) -> Flask:
    app: Flask = create_backend_app(name)
    if name == "s3":
        app.request_class = _PlainRequest
    return app


def _is_kept(name: str, environ: Environ) -> bool:
    """Return whether a header of moto's answer is kept.

    CORS headers and repeated request headers are not; Content-Length is, in the answer to a HEAD.
    """
    if name == "content-length" and environ["REQUEST_METHOD"] == "HEAD":
        return True
    return name not in DROPPED and not name.startswith("access-control-")


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
