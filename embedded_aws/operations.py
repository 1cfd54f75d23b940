"""Which operation of S3 a request is, and what the state of the bucket forbids.

moto checks less than S3: it takes the id of an upload for another key, conditions on copies, and
public ACLs where they are blocked, and it fails at tags of an object that is not there.
"""

from collections.abc import Callable

from embedded_aws import multipart, objects, part_lists
from embedded_aws.errors import access_denied, no_such_key, no_such_upload, precondition_failed
from embedded_aws.events import check_destinations
from embedded_aws.messages import Request, Response
from embedded_aws.objects import Task

Operation = Callable[[Task], Response]
WAYS: dict[Operation, str] = {
    objects.put: "Put",
    objects.copy: "Copy",
    multipart.complete: "CompleteMultipartUpload",
}
"""What events call the operations that make objects."""
PUBLIC_ACLS = frozenset({"public-read", "public-read-write", "authenticated-read"})
PART = frozenset({"uploadId", "partNumber"})


def operation_of(request: Request) -> Operation:
    """Return what answers the request; what needs no care goes to moto as it came."""
    asked = request.subresources
    is_copy = bool(request.header("x-amz-copy-source"))
    if not request.key:
        lists = request.method == "GET" and bool(request.bucket) and "uploads" in asked
        return part_lists.list_uploads if lists else _pass_on
    found: dict[bool, Operation] = {
        request.method == "PUT" and not asked: objects.copy if is_copy else objects.put,
        request.method == "PUT" and asked == PART: (
            multipart.copy_part if is_copy else multipart.put_part
        ),
        request.method == "GET" and asked <= {"versionId", "partNumber"}: objects.get,
        request.method == "GET" and "uploadId" in asked: part_lists.list_parts,
        request.method == "POST" and "uploads" in asked: multipart.create,
        request.method == "POST" and asked == {"uploadId"}: multipart.complete,
    }
    return found.get(True, _pass_on)


def check_state(task: Task, operation: Operation) -> None:
    """Raise ``S3Error`` if S3 would refuse the request in the present state of the bucket."""
    request, bucket = task.request, task.bucket
    if bucket is None:
        return
    block = bucket.public_access_block
    if request.header("x-amz-acl") in PUBLIC_ACLS and block and block.block_public_acls:
        raise access_denied()
    upload = bucket.multiparts.get(request.query.get("uploadId", ""))
    if "uploadId" in request.query and (not upload or upload.key_name != request.key):
        raise no_such_upload(request.query["uploadId"])
    if operation in WAYS:
        _check_conditions(task)
    untags = request.method == "DELETE" and request.subresources == {"tagging"}
    if untags and objects.newest(task.versions(request.bucket, request.key)) is None:
        raise no_such_key(request.key)
    if request.method == "PUT" and not request.key and "notification" in request.query:
        check_destinations(bucket, request, task.body.content.read())


def _check_conditions(task: Task) -> None:
    """Compare with the object that is there. AWS: "Add preconditions to S3 operations"."""
    request = task.request
    found = objects.newest(task.versions(request.bucket, request.key))
    if request.header("if-none-match") and found is not None:
        raise precondition_failed("If-None-Match")
    wanted = request.header("if-match")
    if wanted and found is None:
        raise no_such_key(request.key)
    if wanted and wanted.strip('"') != found.etag.strip('"'):
        raise precondition_failed("If-Match")


def _pass_on(task: Task) -> Response:
    return task.call(task.body.content.read())
