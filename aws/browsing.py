"""Requests as a browser makes them: no headers of the SDK's, no signature but a form's or URL's."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies
from django.conf import settings
from urllib3.filepost import encode_multipart_formdata

from aws.answers import translated
from aws.clients import client
from aws.deadlines import in_time
from aws.policies import PresignedPost


@dataclass(frozen=True)
class WebAnswer:
    """An answer as a page would get it; the case of a header's name does not matter."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@in_time("s3")
def send(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> WebAnswer:
    """Return the answer to one request; redirects are not followed, nothing is repeated.

    Certificates and proxies are those of the SDK. Raises StorageUnavailable without an answer.
    """
    with translated():
        options: Any = {
            "verify": _trusted(),
            "proxies": get_environ_proxies(url),
            "timeout": (settings.AWS_CONNECT_SECONDS, settings.AWS_READ_SECONDS),
        }
        session = URLLib3Session(**options)
        try:
            request = AWSRequest(method=method, url=url, headers=headers, data=body)
            answer = session.send(request.prepare())
            return WebAnswer(answer.status_code, answer.headers, answer.content)
        finally:
            session.close()


def post_form(form: PresignedPost, file: bytes, *, content_type: str, origin: str) -> WebAnswer:
    """Return the answer to ``form`` as a page of ``origin`` posts it, the file last."""
    parts: Any = [*form.fields.items(), ("file", ("file", file, content_type))]
    body, kind = encode_multipart_formdata(parts)
    headers = {"Content-Type": kind, "Origin": origin}
    return send("POST", form.url, headers=headers, body=body)


def own_form_url(bucket: str) -> str:
    """Return where a form goes if it is posted to this process's endpoint, not to browsers'."""
    with translated():
        return str(client().generate_presigned_post(Bucket=bucket, Key="any")["url"])


def _trusted() -> str | bool:
    """Return the file of the authorities that the SDK trusts, or True for its own."""
    chosen = botocore.session.Session().get_config_variable("ca_bundle")
    return chosen or os.environ.get("REQUESTS_CA_BUNDLE") or True
