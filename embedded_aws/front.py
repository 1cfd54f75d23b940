"""The strict front: every request is checked here before moto sees it.

The way of a request:

- a browser's preflight is answered by the bucket's CORS rules;
- a form posted to a bucket is checked against its policy (``post.py``) and stored as a PUT;
- every other request must have a valid signature of the one account (``authentication.py``), in the
  query or in a header;
- a request that passes goes to moto's S3 (``store.py``).

What is asked of DynamoDB, SQS or SNS comes to the same address (``services.py``). No other service
is reachable.

Every S3 answer, errors included, carries the headers that the bucket's CORS rules grant to the
origin that asks, so that a page can read why its upload was refused.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from embedded_aws import cors
from embedded_aws.authentication import authenticate_s3
from embedded_aws.bodies import take_body
from embedded_aws.documents import check_document
from embedded_aws.errors import S3Error, method_not_allowed
from embedded_aws.headers import check_headers
from embedded_aws.messages import Environ, Request, Response
from embedded_aws.post import post_object
from embedded_aws.services import Services, service_of
from embedded_aws.signatures import Account
from embedded_aws.store import Store

logger = logging.getLogger(__name__)

METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})


class Front:
    """The WSGI application of S3, DynamoDB, SQS and SNS."""

    def __init__(self, account: Account, store: Store) -> None:
        self._account = account
        self._store = store
        self.stopping = threading.Event()
        self._services = Services(account, store, self.stopping)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request.of(environ)
        service = service_of(request)
        is_s3 = service == "s3"
        response = self._s3(request) if is_s3 else self._services.answer(service, request)
        phrase = HTTPStatus(response.status).phrase
        start_response(f"{response.status} {phrase}", response.headers)
        if request.method == "HEAD":
            return [b""]
        return [response.body] if response.stream is None else response.stream

    def _s3(self, request: Request) -> Response:
        try:
            response = self._answer_s3(request)
        except S3Error as error:
            response = _xml_error(error, request)
        except (ConnectionError, TimeoutError):
            raise
        except Exception:
            logger.exception("The embedded S3 failed at %s %s", request.method, request.path)
            failure = S3Error("InternalError", "We encountered an internal error.", 500)
            response = _xml_error(failure, request)
        if request.method != "OPTIONS":
            rules = self._store.cors_rules(request.bucket) or []
            response.headers += cors.response_headers(rules, request)
        response.headers += [("Server", "AmazonS3"), ("x-amz-request-id", request.id)]
        if request.method == "HEAD" and not request.key and response.status != 404:
            # The answer has no body to name the region in. AWS: "HeadBucket".
            response.headers += [("x-amz-bucket-region", self._account.region)]
        return response

    def _answer_s3(self, request: Request) -> Response:
        now = datetime.now(UTC)
        if request.method == "OPTIONS":
            return cors.preflight(self._store.cors_rules(request.bucket), request)
        if request.method not in METHODS:
            raise method_not_allowed(request.method)
        if _is_form_upload(request):
            return post_object(request, self._account, self._store, now)
        authenticate_s3(request, self._account, now)
        if request.method == "POST" and not request.key and "delete" not in request.query:
            raise method_not_allowed("POST")
        check_headers(request)
        body = take_body(request)
        check_document(request.method, request.query, body.content)
        return self._store.s3(request, body)


def _is_form_upload(request: Request) -> bool:
    """Return whether the request is a POST to the bucket itself, without a query.

    "The HTML form declaration does not accept query string authentication parameters."
    """
    is_bucket = bool(request.bucket) and not request.key
    return request.method == "POST" and is_bucket and not request.query_string


def _xml_error(error: S3Error, request: Request) -> Response:
    document = error.xml(resource=request.path, request_id=request.id)
    return Response(error.status, [("Content-Type", "application/xml")], document)
