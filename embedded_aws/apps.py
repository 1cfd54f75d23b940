"""Asks moto: makes a request for it of a checked one, and keeps of its answer what AWS sends.

moto is a Flask application for each service. It reads account, region and service from headers.
"""

from __future__ import annotations

from io import BytesIO
from typing import IO, Any, Literal

from flask import Flask
from moto.moto_server.werkzeug_app import BackendRequest, create_backend_app
from werkzeug.datastructures import MultiDict
from werkzeug.formparser import FormDataParser

from embedded_aws.messages import Environ, Request, Response
from embedded_aws.ranges import is_range
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
Service = Literal["s3", "dynamodb", "sqs", "sns"]
SERVICES: tuple[Service, ...] = ("s3", "dynamodb", "sqs", "sns")
NOT_FOR_MOTO = (
    "HTTP_X_MOTO_ACCOUNT_ID",
    "HTTP_TRANSFER_ENCODING",
    "HTTP_ORIGIN",
    "HTTP_X_AMZ_CONTENT_SHA256",
    "HTTP_X_AMZ_DECODED_CONTENT_LENGTH",
    "HTTP_X_AMZ_TRAILER",
)


class Apps:
    """moto's applications, for requests of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._apps = {name: _moto_app(name) for name in SERVICES}

    def ask(self, service: Service, request: Request, body: bytes, **headers: str) -> Response:
        """Return moto's answer; ``headers`` have the names that they have in WSGI."""
        environ = self._environ(service, request, body) | headers
        response = Response(500, [])

        def start_response(
            status: str, headers: list[tuple[str, str]], _exc_info: object = None
        ) -> None:
            response.status = int(status.split(maxsplit=1)[0])
            response.headers = headers

        chunks: Any = self._apps[service](environ, start_response)  # type: ignore[arg-type]
        try:
            response.body = b"".join(chunks)
        finally:
            chunks.close()
        response.headers = [pair for pair in response.headers if _is_kept(pair[0].lower(), environ)]
        return response

    def _environ(self, service: Service, request: Request, body: bytes) -> Environ:
        """Return the request for moto.

        The Authorization header is written anew, since a request may be signed in its query or in
        a form. Headers that only moto knows are dropped: they could choose another account.
        """
        environ = {k: v for k, v in request.environ.items() if k not in NOT_FOR_MOTO}
        if request.method == "GET" or not is_range(environ.get("HTTP_RANGE", "")):
            environ.pop("HTTP_RANGE", None)  # of a GET, it is served from here
        scope = f"{self._account.access_key}/20000101/{self._account.region}/{service}/aws4_request"
        environ["HTTP_AUTHORIZATION"] = f"{ALGORITHM} Credential={scope}, SignedHeaders=host"
        environ["HTTP_HOST"] = "127.0.0.1"
        environ["wsgi.input"] = BytesIO(body)
        environ["wsgi.input_terminated"] = True
        environ["CONTENT_LENGTH"] = str(len(body))
        return environ


class _NoForms(FormDataParser):
    """Parses no body: moto would take a PUT with the content type of a form for a form."""

    def parse(self, stream: IO[bytes], *_args: Any, **_options: Any) -> Any:
        return stream, MultiDict(), MultiDict()


class _PlainRequest(BackendRequest):
    form_data_parser_class = _NoForms


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
