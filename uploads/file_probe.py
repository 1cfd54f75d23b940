"""Whether files can be uploaded: the steps of a probe that try what files need beside pictures.

A store that writes over an object in spite of ``If-None-Match`` would let an uploader change a file
after it was accepted, so that is a failure, not a note.
"""

from aws.browsing import WebAnswer, send
from aws.direct import NewObject, PresignedRequest
from aws.errors import AlreadyWritten
from aws.policies import PENDING_TAG
from aws.refusals import refusal_in
from uploads.keys import PROBE_OWNER
from uploads.trial import BODY, Failed, Trial

FILE_TYPE = "application/octet-stream"
SECONDS = 300
OVERWRITES = (
    "this store writes over an object although the request forbids it (If-None-Match), so a file"
    " could be changed after it was accepted"
)


def put_file(trial: Trial) -> None:
    """Put a file by a presigned URL as a page does."""
    if trial.form_url:  # browsers\' endpoint cannot be reached from here
        return
    answer = _sent(trial, _put(trial), "PUT")
    if answer.status != 200:
        raise Failed(f"the store answered {refusal_in(answer)}")


def keep_file(trial: Trial) -> None:
    """See that the same URL does not write it again."""
    if trial.form_url:  # browsers\' endpoint cannot be reached from here
        return
    answer = _sent(trial, _put(trial), "PUT")
    if answer.status < 300:
        raise Failed(OVERWRITES)
    if answer.status != 412:
        raise Failed(f"the store answered {refusal_in(answer)}")


def let_file_in(trial: Trial) -> None:
    """See whether a page may put a file: CORS."""
    if trial.form_url:  # browsers\' endpoint cannot be reached from here
        return
    put = _put(trial)
    asks = {
        "Origin": trial.origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": ",".join(sorted(name.lower() for name in put.headers)),
    }
    answer = send("OPTIONS", put.url, headers=asks)
    allowed = answer.headers.get("access-control-allow-origin", "")
    if answer.status >= 300 or allowed not in {trial.origin, "*"}:
        raise Failed(
            f"the store does not let pages of {trial.origin} put files (CORS:"
            f" {allowed or 'no answer'}); if it ignores the rules of buckets, set its own"
        )


def untag_file(trial: Trial) -> None:
    """Remove its tag, as its acceptance does."""
    if trial.form_url:  # browsers\' endpoint cannot be reached from here
        return
    if trial.bucket.tags(trial.file_key) != dict([PENDING_TAG]):
        raise Failed("the store has not kept the tag of a presigned PUT")
    trial.bucket.untag(trial.file_key)
    if trial.bucket.tags(trial.file_key):
        raise Failed("the store said that it removed a tag, and still has it")


def send_parts(trial: Trial) -> None:
    """Write a file in parts, which must not write over another one either."""
    if trial.form_url:  # browsers\' endpoint cannot be reached from here
        return
    for key, is_new in ((trial.parts_key, True), (trial.file_key, False)):
        upload_id = trial.bucket.begin_multipart(_wanted(key))
        try:
            _complete(trial, key, upload_id, is_new=is_new)
        finally:
            trial.bucket.abort_multipart(key, upload_id=upload_id)


def _complete(trial: Trial, key: str, upload_id: str, *, is_new: bool) -> None:
    part = trial.bucket.presigned_part(
        key, upload_id=upload_id, number=1, size=len(BODY), seconds=SECONDS, now=trial.now
    )
    answer = _sent(trial, part, "PUT")
    if answer.status != 200:
        raise Failed(f"the store answered {refusal_in(answer)}")
    parts = trial.bucket.parts(key, upload_id=upload_id)
    try:
        trial.bucket.complete(key, upload_id=upload_id, parts=parts, size=len(BODY))
    except AlreadyWritten:
        if is_new:
            raise
        return
    if not is_new:
        raise Failed(OVERWRITES)
    if trial.bucket.head(key).size != len(BODY):
        raise Failed("the store made another object of the parts than was sent")


def _put(trial: Trial) -> PresignedRequest:
    return trial.bucket.presigned_put(
        _wanted(trial.file_key), tags=dict([PENDING_TAG]), seconds=SECONDS, now=trial.now
    )


def _wanted(key: str) -> NewObject:
    metadata = {"owner": PROBE_OWNER, "size": str(len(BODY))}
    return NewObject(key, len(BODY), FILE_TYPE, metadata)


def _sent(trial: Trial, request: PresignedRequest, method: str) -> WebAnswer:
    headers = {**request.headers, "Origin": trial.origin}
    return send(method, request.url, headers=headers, body=BODY)
