"""moto behind the front: its S3 and DynamoDB as functions from request to response.

moto is neither thread-safe nor streaming: a conditional PUT looks first and writes after. So one
request at a time enters it, with its whole body at hand, and `If-None-Match: *` has one winner.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import unquote

from flask import Flask
from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY, environ_key_for_header
from moto.moto_server.werkzeug_app import BackendRequest, create_backend_app
from moto.utilities.utils import get_partition
from werkzeug.datastructures import MultiDict
from werkzeug.formparser import FormDataParser

from uploads.embedded.cors import Rule
from uploads.embedded.messages import Environ, Request, Response, path_of
from uploads.embedded.signatures import ALGORITHM, Account

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
MOTO_ONLY = ("HTTP_X_MOTO_ACCOUNT_ID", "HTTP_TRANSFER_ENCODING", "HTTP_ORIGIN")


class _NoForms(FormDataParser):
    """Leaves every body alone: moto would take a PUT of a form's type for a form."""

    def parse(self, stream: IO[bytes], *_args: Any, **_options: Any) -> Any:
        return stream, MultiDict(), MultiDict()


class _PlainRequest(BackendRequest):
    form_data_parser_class = _NoForms


class Store:
    """moto's state of this process, which every `Store` shares."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._lock = threading.Lock()
        self._apps = {name: _moto_app(name) for name in ("s3", "dynamodb")}

    def s3(self, request: Request, body: IO[bytes], size: int) -> Response:
        """moto's answer to an S3 request that was found good."""
        return self._call("s3", self._environ(request, body, size))

    def dynamodb(self, request: Request, body: IO[bytes], size: int) -> Response:
        """moto's answer to a DynamoDB request that was found good."""
        return self._call("dynamodb", self._environ(request, body, size))

    def put_object(
        self, bucket: str, key: str, body: IO[bytes], size: int, headers: Mapping[str, str]
    ) -> Response:
        """Store an object as a PUT with these headers would."""
        path = path_of(bucket, key)
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
        }
        for name, value in headers.items():
            environ[environ_key_for_header(name)] = value
        environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = {
            environ_key_for_header(name): name for name in headers if "_" in name
        }
        return self.s3(Request.of(environ), body, size)

    def cors_rules(self, bucket: str) -> list[Rule] | None:
        """The rules put on the bucket, None if there is no such bucket."""
        with self._lock:
            backend = get_backend("s3")[DEFAULT_ACCOUNT_ID][get_partition(self._account.region)]
            found = backend.buckets.get(bucket)
            return None if found is None else [_rule(rule) for rule in found.cors]

    def reset(self) -> None:
        """Forget every bucket and table."""
        with self._lock:
            for name in ("s3", "dynamodb"):
                backends: Any = get_backend(name)
                for account_backend in list(backends.values()):
                    account_backend.reset()

    def _environ(self, request: Request, body: IO[bytes], size: int) -> Environ:
        """The request for moto, which takes account, region and service from headers.

        A header that only moto knows could choose another account, so it is dropped; the
        Authorization header is put in anew for requests that were signed in the query or a form.
        """
        environ = {k: v for k, v in request.environ.items() if k not in MOTO_ONLY}
        service = "dynamodb" if "HTTP_X_AMZ_TARGET" in environ else "s3"
        scope = f"{self._account.access_key}/20000101/{self._account.region}/{service}/aws4_request"
        environ["HTTP_AUTHORIZATION"] = f"{ALGORITHM} Credential={scope}, SignedHeaders=host"
        environ["HTTP_HOST"] = "127.0.0.1"
        environ["wsgi.input"] = body
        environ["wsgi.input_terminated"] = True
        environ["CONTENT_LENGTH"] = str(size)
        return environ

    def _call(self, name: str, environ: Environ) -> Response:
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


def _moto_app(name: str) -> Flask:
    app: Flask = create_backend_app(name)  # type: ignore[arg-type]
    app.request_class = _PlainRequest
    return app


def _is_kept(name: str, environ: Environ) -> bool:
    """Not moto's CORS headers and echoes; but the length of the body that a HEAD leaves out."""
    if name == "content-length" and environ["REQUEST_METHOD"] == "HEAD":
        return True
    return name not in DROPPED and not name.startswith("access-control-")


def _rule(rule: Any) -> Rule:
    """moto keeps a single value as text and several as a list."""
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
