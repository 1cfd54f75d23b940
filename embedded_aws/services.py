"""Answers requests to DynamoDB, SQS and SNS, which share the address of S3.

boto3 asks DynamoDB and SQS in JSON, with the operation in ``x-amz-target``, and SNS by a form (the
"query protocol"). No other service is reachable.

A long poll of SQS waits here: moto would wait too, but nobody else could be answered meanwhile.
"""

import json
import logging
import re
import secrets
import select
import socket
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from embedded_aws.apps import Service
from embedded_aws.authentication import authenticate_service
from embedded_aws.errors import ServiceError
from embedded_aws.messages import Request, Response
from embedded_aws.signatures import Account
from embedded_aws.store import Store

logger = logging.getLogger(__name__)

TARGETS: dict[Service, str] = {"dynamodb": "DynamoDB_20120810.", "sqs": "AmazonSQS."}
QUERY_SCOPE = re.compile(r"Credential=[^, ]+/sns/aws4_request[, ]")
MAX_REQUEST = 16 * 1024 * 1024
"""Bytes. AWS: "Quotas in Amazon DynamoDB"; SQS and SNS take less than that."""
POLL = 0.05
"""Seconds between two looks into a queue during a long poll."""
LONGEST_POLL = 20
MAX_VISIBILITY = 12 * 3600
QUERY_CODES = {
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "UnrecognizedClientException": "InvalidClientTokenId",
}
"""What the query protocol calls the errors of authentication; their status is 403 there."""


def service_of(request: Request) -> Service:
    """Return the name of the service that is asked; it is S3 unless the request says otherwise."""
    target = request.header("x-amz-target")
    if target:
        return next(
            (name for name, start in TARGETS.items() if target.startswith(start)), "dynamodb"
        )
    is_query = request.method == "POST" and request.path == "/"
    return "sns" if is_query and QUERY_SCOPE.search(request.header("authorization")) else "s3"


@dataclass(frozen=True, slots=True)
class Services:
    """DynamoDB, SQS and SNS of one account. Polls end when ``stopping`` is set."""

    account: Account
    store: Store
    stopping: threading.Event

    def answer(self, service: Service, request: Request) -> Response:
        """Return the answer to any request, a good one or not."""
        request_id = secrets.token_hex(16).upper()
        try:
            response = self._checked_answer(service, request)
        except ServiceError as error:
            response = _refusal(service, error, request_id)
        except (ConnectionError, TimeoutError):
            raise
        except Exception:
            logger.exception("The embedded %s failed at a request", service)
            failure = ServiceError("InternalServerError", "", 500)
            response = _refusal(service, failure, request_id)
        response.headers += [("Server", "Server"), ("x-amzn-RequestId", request_id)]
        return response

    def _checked_answer(self, service: Service, request: Request) -> Response:
        target = request.header("x-amz-target")
        if request.method != "POST" or not target.startswith(TARGETS.get(service, "")):
            raise ServiceError("UnknownOperationException", "")
        body = request.body.read(MAX_REQUEST + 1)
        if len(body) > MAX_REQUEST:
            raise ServiceError("RequestEntityTooLarge", "", 413)
        authenticate_service(request, body, self.account, datetime.now(UTC), service)
        if service == "sns":
            _check_protocol(body)
        if service == "sqs":
            _check_visibility(_json(body))
        if target == "AmazonSQS.ReceiveMessage":
            return self._received(request, body)
        return self.store.service(service, request, body)

    def _received(self, request: Request, body: bytes) -> Response:
        """Return the messages of a queue as soon as there are any, or none after the time asked.

        A client that has gone meanwhile gets none, so that no message is lost to it.
        """
        asked = _json(body)
        queue = str(asked.get("QueueUrl", "")).rpartition("/")[2]
        wait = asked.get("WaitTimeSeconds", self.store.default_wait(queue))
        if not isinstance(wait, int) or not 0 <= wait <= LONGEST_POLL:
            return self.store.service("sqs", request, body)
        connection = request.environ.get("werkzeug.socket")
        deadline = time.monotonic() + wait
        while not _is_gone(connection) and time.monotonic() < deadline:
            if self.store.has_messages(queue):
                break
            if self.stopping.wait(POLL):
                raise ConnectionAbortedError("The server stops.")
        if _is_gone(connection):
            raise ConnectionAbortedError("The client went away while it polled.")
        body = json.dumps({**asked, "WaitTimeSeconds": 0}).encode()
        return self.store.service("sqs", request, body)


def _refusal(service: Service, error: ServiceError, request_id: str) -> Response:
    """Return the answer in the protocol of the service."""
    if service != "sns":
        headers = [("Content-Type", "application/x-amz-json-1.0")]
        return Response(error.status, headers, error.json())
    if error.code in QUERY_CODES:
        error = ServiceError(QUERY_CODES[error.code], error.message, 403)
    return Response(error.status, [("Content-Type", "text/xml")], error.xml(request_id))


def _json(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise ServiceError("SerializationException", "The body is not a JSON object.")
    return parsed


def _check_visibility(asked: dict[str, Any]) -> None:
    """Refuse a time that SQS does not take; moto takes one in the past."""
    seconds = asked.get("VisibilityTimeout", 0)
    if not isinstance(seconds, int) or not 0 <= seconds <= MAX_VISIBILITY:
        message = f"Value {seconds} for parameter VisibilityTimeout is invalid."
        raise ServiceError("InvalidParameterValue", message)


def _check_protocol(body: bytes) -> None:
    """Refuse a subscription that is not for a queue: moto would post it while all others wait."""
    form = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    if form.get("Action") == ["Subscribe"] and form.get("Protocol") != ["sqs"]:
        raise ServiceError(
            "InvalidParameter", "Invalid parameter: the embedded SNS delivers to SQS alone"
        )


def _is_gone(connection: socket.socket | None) -> bool:
    """Return whether the other side has closed the connection."""
    if connection is None:
        return False
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0)) and not connection.recv(1, socket.MSG_PEEK)
