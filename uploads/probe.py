"""Whether uploads work: one is carried out here as a browser and the site would.

A bucket can have every setting and still refuse what browsers do. Each step of STEPS tries one
thing, and a step that fails says why in one sentence. The objects lie under ``pending/`` of an
owner that is no user, so what a probe leaves when it dies expires by itself.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from aws.browsing import WebAnswer, own_form_url, send
from aws.bucket import S3Bucket
from aws.errors import (
    AlreadyWritten,
    ObjectMissing,
    ObjectTooLarge,
    PartsRefused,
    SignaturesRefused,
    StorageUnavailable,
    UploadMissing,
)
from aws.policies import Policy, pending_metadata, pending_tags
from aws.readiness import wrong_clock, wrong_region
from aws.refusals import Refusal, refusal_behind, refusal_in
from uploads import file_probe
from uploads.keys import PROBE_OWNER
from uploads.tokens import new_upload
from uploads.trial import BODY, CONTENT_TYPE, Failed, Trial

WARNED_CLOCK_SECONDS = 60
ENCRYPTION = "x-amz-server-side-encryption"

NO_FORMS = (
    "this store takes no forms (POST Object), so no picture can be uploaded to it; if it has"
    " presigned PUT instead, that is of no use, since pictures are sent by form"
)
NO_TAGS = (
    "it is taken without its tags alone: the store has none, or these credentials lack"
    " s3:PutObjectTagging"
)
ONE_BY_ONE = "this store does not take DeleteObjects, so each object is deleted by a request"
DEMANDS_ENCRYPTION = (
    f"a policy demands the header {ENCRYPTION}, which browsers' forms do not send; take that"
    " demand away, since the bucket encrypts by itself"
)


EXPECTED = (
    *(StorageUnavailable, ObjectMissing, ObjectTooLarge),
    *(UploadMissing, AlreadyWritten, PartsRefused),
)


@dataclass(frozen=True)
class Finding:
    """Why a step failed, or, if it has not ``failed``, what is good to know about it."""

    step: str
    reason: str
    failed: bool = True


# --- The steps, in their order ---


def ask(trial: Trial) -> None:
    """Ask for the bucket: its region, and the clock."""
    ahead = trial.bucket.check()
    if abs(ahead) >= WARNED_CLOCK_SECONDS:
        trial.notes.append(wrong_clock(ahead))


def reach(trial: Trial) -> None:
    """Find out whether browsers' endpoint can be reached from here."""
    if settings.AWS_S3_PUBLIC_ENDPOINT_URL == settings.AWS_S3_ENDPOINT_URL:
        return
    public = trial.form(trial.policy).url
    try:
        send("GET", public)
    except StorageUnavailable as error:
        trial.form_url = own_form_url(trial.bucket.name)
        trial.notes.append(
            f"{public} cannot be reached from here ({_cause(error)}), so the form is tried at"
            f" {trial.form_url} instead, and no other URL is tried"
        )


def write(trial: Trial) -> None:
    """Write an object as phase 3 writes a picture."""
    try:
        trial.bucket.put(
            trial.picture_key, BODY, content_type="image/webp", cache_control="private"
        )
    except StorageUnavailable as error:
        refusal = refusal_behind(error)
        if refusal and refusal.status == 403 and _demands_encryption(trial):
            raise Failed(DEMANDS_ENCRYPTION) from error
        raise


def show(trial: Trial) -> None:
    """Read it by the URL that a page would show."""
    if trial.form_url:
        return
    window = settings.PICTURE_URL_WINDOW_SECONDS
    signed = trial.bucket.presigned_get(trial.picture_key, window=window, now=trial.now)
    answer = send("GET", signed.url, headers={"Origin": trial.origin})
    if answer.status != 200:
        refusal = refusal_in(answer)
        if refusal.code == "SignatureDoesNotMatch":
            raise Failed("a proxy before the store changes the Host header, which is signed")
        raise Failed(f"the store answered {refusal}")
    if answer.body != BODY:
        raise Failed("something else answered than the store")


def post(trial: Trial) -> None:
    """Post a form as a page does."""
    trial.answer = trial.post(trial.policy)
    if trial.answer.status >= 300:
        raise Failed(_why_refused(trial, refusal_in(trial.answer)))


def let_in(trial: Trial) -> None:
    """See whether a page may post and read the answer: CORS."""
    if not trial.origin:
        raise Failed("neither SITE_ORIGINS nor ALLOWED_HOSTS names a page")
    asks = {"Origin": trial.origin, "Access-Control-Request-Method": "POST"}
    preflight = send("OPTIONS", trial.form(trial.policy).url, headers=asks)
    for answer, when in ((preflight, "before it posts"), (trial.answer, "afterwards")):
        allowed = _origin_allowed(answer)
        if allowed not in {trial.origin, "*"}:
            raise Failed(
                f"the store does not let pages of {trial.origin} in {when} (CORS:"
                f" {allowed or 'no answer'}); if it ignores the rules of buckets, set its own"
            )


def read(trial: Trial) -> None:
    """Read the upload as phase 3 does, with its metadata."""
    found = trial.bucket.fetch(trial.upload.pending_key, max_bytes=2 * len(BODY))
    if found.body != BODY or found.content_type != CONTENT_TYPE:
        raise Failed("the store gave something else than was posted")
    if not pending_metadata(PROBE_OWNER, trial.token).items() <= found.metadata.items():
        raise Failed("the store has not kept the form's metadata")


def read_tags(trial: Trial) -> None:
    """Read the upload's tags."""
    try:
        tags = trial.bucket.tags(trial.upload.pending_key)
    except StorageUnavailable as error:
        refusal = refusal_behind(error)
        if refusal and refusal.is_lacking:
            raise Failed("this store has no tags") from error
        raise
    if not pending_tags(trial.token).items() <= tags.items():
        raise Failed("the store has not kept the form's tags")


def delete(trial: Trial) -> None:
    """Delete all objects, as the site does."""
    keys = [trial.upload.pending_key, trial.picture_key, trial.file_key, trial.parts_key]
    trial.bucket.delete(keys)
    if trial.bucket.deletes_one_by_one:
        trial.notes.append(ONE_BY_ONE)
    if any(trial.bucket.exists(key) for key in keys):
        raise Failed("the store said that it deleted an object, and still has it")


@dataclass(frozen=True)
class Step:
    """One thing that is tried, if the step ``after`` which it comes has worked."""

    name: str
    do: Callable[[Trial], None]
    after: Callable[[Trial], None] | None = ask


STEPS = (
    Step("ask for the bucket", ask, after=None),
    Step("reach it as browsers do", reach),
    Step("write an object", write),
    Step("show it by its URL", show, after=write),
    Step("post a form", post),
    Step("let a page post it", let_in, after=post),
    Step("read what was posted", read, after=post),
    Step("read its tags", read_tags, after=post),
    Step("put a file", file_probe.put_file),
    Step("let a page put it", file_probe.let_file_in, after=file_probe.put_file),
    Step("put it once only", file_probe.keep_file, after=file_probe.put_file),
    Step("remove its tag", file_probe.untag_file, after=file_probe.put_file),
    Step("send a file in parts", file_probe.send_parts, after=file_probe.put_file),
    Step("delete the objects", delete),
)


def probe(bucket: str) -> Iterator[Finding]:
    """Yield why each step failed, and what is good to know; nothing if all is well."""
    now, origin = timezone.now(), next(iter(settings.SITE_ORIGINS), "")
    trial = Trial(S3Bucket(bucket), new_upload(PROBE_OWNER, now=now), now, origin)
    failed: set[Callable[[Trial], None] | None] = set()
    for step in STEPS:
        reason = "" if step.after in failed else _reason(step, trial)
        if reason:
            yield Finding(step.name, reason)
        if reason or step.after in failed:
            failed.add(step.do)
        while trial.notes:
            yield Finding(step.name, trial.notes.pop(), failed=False)


# --- Why a step failed ---


def _reason(step: Step, trial: Trial) -> str:
    """Carry ``step`` out; return why it failed, empty if it has not."""
    try:
        step.do(trial)
    except Failed as failure:
        return str(failure)
    except SignaturesRefused as error:
        return error.reason
    except EXPECTED as error:
        refusal = refusal_behind(error)
        return f"the store answered {refusal}" if refusal else f"no good answer ({_cause(error)})"
    return ""


def _why_refused(trial: Trial, refusal: Refusal) -> str:
    """Return why the form was refused, trying what would make it acceptable."""
    if refusal.is_redirect:
        return wrong_region(refusal.region)
    if refusal.is_lacking:
        return NO_FORMS
    if _demands_encryption(trial):
        return DEMANDS_ENCRYPTION
    if trial.takes(_without_tags(trial.policy)):
        return NO_TAGS
    return f"the store answered {refusal}"


def _demands_encryption(trial: Trial) -> bool:
    """Return whether a form is stored with an encryption header, and only then."""
    if trial.takes(trial.policy):
        return False
    return any(trial.takes(_encrypted(trial.policy, kind)) for kind in ("AES256", "aws:kms"))


def _encrypted(policy: Policy, kind: str) -> Policy:
    fields = {**policy.fields, ENCRYPTION: kind}
    return Policy(policy.key, fields, [*policy.conditions, {ENCRYPTION: kind}])


def _without_tags(policy: Policy) -> Policy:
    fields = {name: value for name, value in policy.fields.items() if name != "tagging"}
    return Policy(policy.key, fields, [one for one in policy.conditions if "tagging" not in one])


def _origin_allowed(answer: WebAnswer | None) -> str:
    """Return the origin whose pages may read ``answer``, empty if there is none."""
    if answer is None or answer.status >= 300:
        return ""
    return answer.headers.get("access-control-allow-origin", "")


def _cause(error: Exception) -> str:
    """Return the kind of a failure without an answer; its text may hold a signature."""
    return type(error.__cause__ or error).__name__
