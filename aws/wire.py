"""What the SDK puts on the wire: the same over HTTP and HTTPS, and what every S3 understands."""

import hashlib
from base64 import b64encode
from typing import Any, cast

from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from django.conf import settings

ASKED_FIRST_FROM = 1024 * 1024  # bytes of a body


def wire_config() -> Config:
    """Return the part of a client's configuration that decides how requests look.

    By default the SDK adds a checksum to every write. Over HTTPS it puts it after the body, which
    then has no Content-Length, and Ceph among others refuses that with 411. Without it the body is
    still protected, over HTTP and HTTPS: the signature covers its SHA-256.
    Source: AWS SDKs and Tools Reference Guide, "Data Integrity Protections for Amazon S3".
    """
    return Config(
        # boto3 signs POSTs with SigV2 in some regions unless told otherwise.
        signature_version="s3v4",
        s3={"addressing_style": cast(Any, settings.AWS_S3_ADDRESSING_STYLE)},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


def adapt(client: Any) -> None:
    """Have ``client`` send small bodies at once, and DeleteObjects with Content-MD5.

    Source: Boto3 documentation, "Extensibility guide", and the events that botocore emits.
    """
    events = client.meta.events
    events.register("before-send.s3.PutObject", _send_small_body_at_once)
    events.register("before-call.s3.DeleteObjects", _prove_by_md5)


def _send_small_body_at_once(request: AWSPreparedRequest, **_: object) -> None:
    """Remove ``Expect: 100-continue``, which botocore adds to every PutObject, however small.

    The SDK would wait for the answer to the head before it sends the body: a round trip more. The
    header is not signed.
    """
    if int(request.headers.get("Content-Length", ASKED_FIRST_FROM)) < ASKED_FIRST_FROM:
        del request.headers["Expect"]


def _prove_by_md5(params: dict[str, Any], **_: object) -> None:
    """Send Content-MD5 in place of the CRC32 by which botocore proves the body of DeleteObjects.

    AWS accepts either; stores that were written before the CRC32 came accept the MD5 alone, and
    answer 400 ``MissingContentMD5``.
    Source: Amazon S3 API Reference, "DeleteObjects".
    """
    try:
        digest = hashlib.md5(params["body"], usedforsecurity=False).digest()
    except ValueError:  # an OpenSSL without MD5: the CRC32 is all there is
        return
    params["headers"]["Content-MD5"] = b64encode(digest).decode()
    params["context"].pop("checksum", None)
