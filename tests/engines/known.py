"""What an engine is known to lack: each check that fails on it, with the reason.

A check named here must fail on that engine; when it passes, the run fails until the line is gone.
A name without brackets stands for all parameters of the check.
"""

from typing import NamedTuple


class Known(NamedTuple):
    """Checks that an engine fails for one reason."""

    engine: str
    reason: str
    checks: tuple[str, ...]


REFUSED = "refusal_has_the_code_that_aws_documents_when_the_form_is"
NOT_SIGNED = "nothing_is_stored_when_the_form_is_not_signed_as_it_should_be"
NOT_WHOLE = "nothing_is_stored_when_the_form_is_not_whole"

KNOWN: list[Known] = [
    Known(
        "embedded",
        "moto keeps lifecycle rules but carries out none. What the rules would take stays; the"
        " pages compute when it would expire.",
        (
            "pending_object_vanishes_by_its_prefix_and_the_live_one_stays",
            "pending_object_vanishes_by_its_tag_and_the_live_one_stays",
            "unfinished_parts_vanish_and_objects_stay",
        ),
    ),
    Known(
        "embedded",
        "moto draws the line at 405,000 bytes, DynamoDB at 409,600; items here take less than"
        " 1,000.",
        ("item_is_refused_when_it_is_larger_than_400_kb",),
    ),
    Known(
        "radosgw",
        "Refuses as AWS does, but by another name: `AccessDenied` for a wrong signature or key of a"
        " form, `InvalidArgument` for a policy that is none, a bare 400 for 1,001 deletions,"
        " `InternalError` for an unknown multipart upload.",
        (
            f"{REFUSED}[signature altered]",
            f"{REFUSED}[access key unknown]",
            f"{REFUSED}[policy no JSON]",
            "a_thousand_are_listed_and_deleted_at_most_when_there_are_more",
            "nothing_is_left_when_the_upload_is_aborted",
            "completion_is_refused_when_parts_are[of an unknown upload]",
        ),
    ),
    Known(
        "radosgw",
        "Takes a form without a file for one with a file of two bytes, a line's end.",
        (f"{NOT_WHOLE}[file missing]", f"{REFUSED}[file missing]"),
    ),
    Known(
        "radosgw",
        "Knows no bound of 20 KB for what comes before the file.",
        (f"{NOT_WHOLE}[more than 20 KB before the file]",),
    ),
    Known(
        "radosgw",
        "Lets a `starts-with` of nothing hold for a field that the form does not have.",
        ("nothing_is_stored_when_a_condition_has_no_field",),
    ),
    Known(
        "radosgw",
        "Does not look at the service in a signature's scope; the key differs all the same, so"
        " only who holds the secret can make one.",
        (f"{NOT_SIGNED}[service wrong]", "object_is_not_given_when_the_url_is[service wrong]"),
    ),
    Known(
        "radosgw",
        "Takes a URL that was signed for an hour from now.",
        ("object_is_not_given_when_the_url_is[not yet good]",),
    ),
    Known(
        "radosgw",
        "Takes `x-amz-*` headers that were not signed along with a presigned URL, which AWS"
        " refuses. The product presigns no writes but forms.",
        (
            "nothing_is_put_when_the_request_is_not_as_signed[metadata added]",
            "nothing_is_put_when_the_request_is_not_as_signed[acl added]",
        ),
    ),
    Known(
        "radosgw",
        "Sends no `ETag` header with the answer to a form; the answer's XML has it.",
        ("answer_names_the_object_when_201_was_asked_for",),
    ),
    Known(
        "radosgw",
        "Does not tell the expiry in the answer to a form; HEAD and GET tell it.",
        ("expiry_is_told_when_the_answer_is_that_of[post]",),
    ),
    Known(
        "radosgw",
        "Has no encryption with keys of S3's own (SSE-S3) and no object ownership; `provision`"
        " says so and goes on.",
        (
            "feature_is_there_when_it_was_provisioned[encryption]",
            "feature_is_there_when_it_was_provisioned[no ACLs]",
            "object_says_it_is_encrypted_when_the_bucket_is",
        ),
    ),
    Known(
        "radosgw",
        "Takes a block of public ACLs for one of every PUT, private ones too; so `provision` has"
        " ACLs ignored there, not refused.",
        ("object_cannot_be_made_public_when_that_is_blocked",),
    ),
    Known(
        "radosgw",
        "Shows an unset public access block as one that blocks nothing.",
        ("feature_is_said_to_be_absent_when_nobody_set_it[public access block]",),
    ),
    Known(
        "radosgw",
        "Takes a rule with a prefix and a tag side by side.",
        ("rule_is_refused_when_it_has[prefix and tag without And]",),
    ),
    Known(
        "radosgw",
        "Multipart uploads: the answer to completion has no ETag (HEAD has it), tags given at the"
        " beginning are lost, parts may be named out of order, and `If-None-Match` on completion is"
        " ignored.",
        (
            "completion_tells_the_etag",
            "object_is_tagged_when_its_upload_began_so",
            "completion_is_refused_when_parts_are[out of order]",
            "completion_is_refused_when_the_object_is_there_and_must_not_be",
        ),
    ),
    Known(
        "radosgw",
        "Reads some ranges otherwise: the last 0 bytes are the whole object, a range from 3 to 1"
        " is refused where AWS ignores it, letters are numbers.",
        (
            "range_is_refused_when_nothing_is_there[bytes=-0]",
            "whole_object_is_given_when_the_range_is_none[bytes=3-1]",
            "whole_object_is_given_when_the_range_is_none[bytes=x-y]",
        ),
    ),
    Known(
        "radosgw",
        "`If-Match` on PUT compares with the quotes that belong to an ETag, so none matches. The"
        " product uses `If-None-Match` alone.",
        ("object_is_written_only_when_it_was_the_one_read",),
    ),
    Known(
        "radosgw",
        "Does not check SHA-256 checksums; it checks Content-MD5 and the signed digest.",
        ("nothing_is_stored_when_the_body_is_not_that_of_the[checksum]",),
    ),
    Known(
        "ministack",
        "Checks no signatures of DynamoDB's.",
        ("nothing_is_answered_when_the_secret_is_wrong",),
    ),
    Known(
        "ministack",
        "Puts everything into one answer, however large.",
        ("answer_leaves_keys_for_later_when_it_would_be_larger_than_16_mb",),
    ),
    Known(
        "dynalite",
        "Checks no signatures.",
        ("nothing_is_answered_when_the_secret_is_wrong",),
    ),
    Known(
        "dynalite",
        "Is of 2013 in part: no time to live, no deletion protection, no point-in-time recovery.",
        (
            "time_to_live_is_on_when_it_was_put_on",
            "feature_of_the_table_is_there_when_it_was_provisioned[deletion protection]",
            "feature_of_the_table_is_there_when_it_was_provisioned[point-in-time recovery]",
        ),
    ),
    Known(
        "dynalite",
        "Answers 1 MB of a batch at a time, where DynamoDB answers 16 MB, so the gateway gives up"
        " after its few attempts.",
        ("many_are_read_when_an_answer_leaves_keys_for_later",),
    ),
]


def reason_for(engine: str, check: str) -> str:
    """Return why the check fails on the engine; empty if it is not known to."""
    for known in KNOWN:
        if known.engine == engine and names_of(check) & set(known.checks):
            return known.reason
    return ""


def names_of(check: str) -> set[str]:
    """Return the names that stand for a check: with and without its parameters."""
    return {check, check.partition("[")[0]}
