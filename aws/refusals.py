"""What a refusal says, whether the SDK has read it or a browser would."""

import re
from dataclasses import dataclass

from botocore.exceptions import ClientError

from aws.browsing import WebAnswer
from aws.features import LACKING

MAX_TEXT = 200  # characters of what a stranger says


@dataclass(frozen=True)
class Refusal:
    """The status of an answer, and S3's code and message if S3 gave it."""

    status: int
    code: str = ""
    message: str = ""
    region: str = ""  # the bucket's, if it is named

    def __str__(self) -> str:
        """Return all that is known, on one line."""
        said = f" {self.code}" if self.code and self.code != str(self.status) else ""
        return f"{self.status}{said}{f' ({self.message})' if self.message else ''}"

    @property
    def is_lacking(self) -> bool:
        """Return whether the store does not have what was asked of it."""
        return self.status in {405, 501} or self.code in LACKING

    @property
    def is_redirect(self) -> bool:
        """Return whether the bucket is somewhere else."""
        return 300 <= self.status < 400 or bool(self.region)


def refusal_in(answer: WebAnswer) -> Refusal:
    """Return what an answer to ``aws.browsing`` says."""
    named = answer.headers.get("x-amz-bucket-region") if answer.status < 400 else ""
    return Refusal(
        answer.status,
        code=_element(answer.body, "Code"),
        message=_element(answer.body, "Message"),
        region=_element(answer.body, "Region") or _clean(named or ""),
    )


def refusal_behind(error: Exception) -> Refusal | None:
    """Return what S3 said before an error of ours was raised; None if there was no answer."""
    cause = error.__cause__
    if not isinstance(cause, ClientError):
        return None
    said = cause.response["Error"]
    return Refusal(
        cause.response["ResponseMetadata"]["HTTPStatusCode"],
        code=_clean(said.get("Code", "")),
        message=_clean(said.get("Message", "")),
    )


def _element(document: bytes, name: str) -> str:
    found = re.search(rb"<%b>([^<]*)</%b>" % (name.encode(), name.encode()), document)
    return _clean(found[1].decode(errors="replace")) if found else ""


def _clean(text: str) -> str:
    """Return ``text`` fit for a terminal: short, and nothing but what can be printed."""
    return "".join(letter for letter in text if letter.isprintable())[:MAX_TEXT]
