"""The calls to AWS, as the permissions that they need."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
from django.conf import settings

from avatars.models import AvatarItem
from aws.clients import client, queue_client, topic_client, waiting_queue_client
from aws.names import name_of_url
from embedded_aws.front import Front
from embedded_aws.messages import Environ
from files.models import FileItem, UsageItem
from tests.infra.template import (
    BUCKET_ARN,
    DEAD_ARN,
    FILES_TABLE_ARN,
    QUEUE_ARN,
    TABLE_ARN,
    TOPIC_ARN,
)

# Amazon S3 User Guide, "Required permissions for Amazon S3 API operations".
ON_THE_BUCKET = {
    "HeadBucket": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
}
ON_OBJECTS = {
    "HeadObject": "s3:GetObject",
    "GetObject": "s3:GetObject",
    "GetObjectTagging": "s3:GetObjectTagging",
    "PutObject": "s3:PutObject",
    "CopyObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "ListParts": "s3:ListMultipartUploadParts",
    "DeleteObjectTagging": "s3:DeleteObjectTagging",
    "DeleteObjects": "s3:DeleteObject",
}
TAGGING = "s3:PutObjectTagging"  # for tags in a PUT or in a POST's form
OF_A_SOURCE = ("s3:GetObject", "s3:GetObjectTagging")  # of CopyObject
TABLES = {settings.AVATARS_TABLE: TABLE_ARN, settings.FILES_TABLE: FILES_TABLE_ARN}


class Need(NamedTuple):
    """An action, and the resource that it acts on."""

    action: str
    resource: str


@dataclass
class Recorder:
    """The needs recorded so far; nothing is recorded while paused."""

    needs: set[Need] = field(default_factory=set)
    paused: bool = False

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Record nothing of what the test does itself."""
        self.paused = True
        try:
            yield
        finally:
            self.paused = False

    def add(self, needs: set[Need]) -> None:
        """Record ``needs``."""
        if not self.paused:
            self.needs |= needs

    def backend(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """Record a call of the SDK; botocore calls this before each."""
        self.add(needs_of(model.name, params))

    def browser(self, environ: Environ) -> None:
        """Record a browser's request, which uses the permissions of the backend that signed it."""
        if "HTTP_AUTHORIZATION" in environ:
            return
        key = environ["PATH_INFO"].lstrip("/").partition("/")[2]
        if environ["REQUEST_METHOD"] == "POST":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            environ["wsgi.input"] = io.BytesIO(body)
            self.add(needs_of_form(body))
        elif environ["REQUEST_METHOD"] == "PUT":
            operation = "UploadPart" if "partNumber=" in environ["QUERY_STRING"] else "PutObject"
            tagging = environ.get("HTTP_X_AMZ_TAGGING", "")
            self.add(needs_of(operation, {"Key": key, "Tagging": tagging}))
        else:
            self.add(needs_of("GetObject", {"Key": key}))


def needs_of(operation: str, params: dict[str, Any]) -> set[Need]:
    """Return what a call needs; KeyError for a call that the tables above do not hold."""
    if queue := params.get("QueueUrl") or params.get("QueueName"):
        dead = name_of_url(queue).endswith("-dead")
        return {Need(f"sqs:{operation}", DEAD_ARN if dead else QUEUE_ARN)}
    if "TopicArn" in params:
        return {Need(f"sns:{operation}", TOPIC_ARN)}
    if tables := [params["TableName"]] if "TableName" in params else params.get("RequestItems"):
        return {Need(f"dynamodb:{operation}", TABLES[name]) for name in tables}
    if operation in ON_THE_BUCKET:
        return {Need(ON_THE_BUCKET[operation], BUCKET_ARN)}
    keys = [each["Key"] for each in params["Delete"]["Objects"]] if "Delete" in params else []
    actions = [ON_OBJECTS[operation], *([TAGGING] if params.get("Tagging") else [])]
    source = params.get("CopySource")
    return {
        Need(action, f"{BUCKET_ARN}/{key}") for key in keys or [params["Key"]] for action in actions
    } | {Need(action, f"{BUCKET_ARN}/{source['Key']}") for action in OF_A_SOURCE if source}


def needs_of_form(body: bytes) -> set[Need]:
    """Return what a form posted to the bucket needs."""
    fields = dict(re.findall(rb'name="(\w+)"\r\n\r\n([^\r]*)', body))
    tagging = fields.get(b"tagging", b"").decode()
    return needs_of("PutObject", {"Key": fields[b"key"].decode(), "Tagging": tagging})


@contextmanager
def recording(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """Record the backend's calls, and browsers' requests that the backend has signed."""
    recorder, answer = Recorder(), Front.__call__

    def overheard(front: Front, environ: Environ, start_response: Any) -> Any:
        recorder.browser(environ)
        return answer(front, environ, start_response)

    clients: list[Any] = [
        client(),
        queue_client(),
        waiting_queue_client(),
        topic_client(),
        *(model._get_connection().connection.client for model in (AvatarItem, FileItem, UsageItem)),
    ]
    with monkeypatch.context() as patched:
        patched.setattr(Front, "__call__", overheard)
        for each in clients:
            each.meta.events.register_first("before-parameter-build.*.*", recorder.backend)
        try:
            yield recorder
        finally:
            for each in clients:
                each.meta.events.unregister("before-parameter-build.*.*", recorder.backend)
