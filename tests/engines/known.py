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


CODE = "refusal_has_the_code_that_aws_documents_when_the_form_is"
STATUS = "refusal_has_the_status_that_aws_documents_when_the_form_is"
NOT_SIGNED = "nothing_is_stored_when_the_form_is_not_signed_as_it_should_be"
NOT_WHOLE = "nothing_is_stored_when_the_form_is_not_whole"
NOT_AS_SIGNED = "nothing_is_stored_when_the_request_has"
PARTS = "completion_is_refused_when_parts_are"
PARTS_BY_NAME = "completion_is_refused_by_name_when_parts_are"

KNOWN: list[Known] = [
    Known(
        "embedded",
        "moto keeps lifecycle rules but carries out none. What the rules would take stays; the"
        " pages compute when it would expire.",
        (
            "pending_object_vanishes_by_its_prefix_and_the_live_one_stays",
            "pending_object_vanishes_by_its_tag_and_the_live_one_stays",
            "unfinished_parts_vanish_and_objects_stay",
            "raw_uploads_vanish_in_all_versions_and_removed_pictures_can_be_restored",
            "removed_pictures_vanish_in_all_versions_when_their_time_is_over",
        ),
    ),
    Known(
        "embedded",
        "moto draws the line at 405,000 bytes, DynamoDB at 409,600; items here take less than"
        " 1,000.",
        ("item_is_stored_when_it_is_a_little_smaller_than_400_kb",),
    ),
    Known(
        "embedded",
        "Tells queues and topics of new objects, as AWS does, and sends nothing over HTTP.",
        (
            "events_are_sent_again_until_they_are_taken",
            "events_go_to_another_address_when_they_are_told_to",
        ),
    ),
    Known(
        "radosgw",
        "Calls a wrong signature and an unknown key of a form `AccessDenied`.",
        (f"{CODE}[signature altered]", f"{CODE}[access key unknown]"),
    ),
    Known(
        "radosgw",
        "Calls a policy that is no JSON `InvalidArgument`.",
        (f"{CODE}[policy no JSON]",),
    ),
    Known(
        "radosgw",
        "Refuses 1,001 deletions without a name, by a bare 400.",
        ("refusal_is_named_when_more_than_a_thousand_deletions_are_asked",),
    ),
    Known(
        "radosgw",
        "Answers the completion of an upload that is over, or never was, with 500 `InternalError`;"
        " so the SDK asks again, to no avail. Nothing is stored.",
        (
            f"{PARTS_BY_NAME}[of an unknown upload]",
            f"{PARTS_BY_NAME}[of an aborted upload]",
            f"{PARTS_BY_NAME}[of an upload for another key]",
        ),
    ),
    Known(
        "radosgw",
        "Takes a form without a file for one with a file of two bytes, a line's end.",
        (f"{STATUS}[file missing]", f"{CODE}[file missing]"),
    ),
    Known(
        "radosgw",
        "Knows no bound of 20 KB for what comes before the file.",
        (f"{NOT_WHOLE}[more than 20 KB before the file]",),
    ),
    Known(
        "radosgw",
        "Lets a `starts-with` of nothing hold for a field that the form does not have.",
        ("nothing_is_stored_when_there_is_a_condition[for a field that is not there]",),
    ),
    Known(
        "radosgw",
        "Does not look at region and service in a signature's scope; the key differs all the same,"
        " so only who holds the secret can make one.",
        (
            f"{NOT_SIGNED}[region wrong]",
            f"{NOT_SIGNED}[service wrong]",
            "object_is_not_given_when_the_url_is[service wrong]",
        ),
    ),
    Known(
        "radosgw",
        "Takes a list of content types for one text; the product's policies name one type exactly.",
        (
            "nothing_is_stored_when_a_listed_type_has_another_start[image/png,text/html]",
            "nothing_is_stored_when_a_listed_type_has_another_start[image/png, text/html]",
        ),
    ),
    Known(
        "radosgw",
        "Ignores the field `bucket`; the policy's condition on it is held against the URL.",
        ("nothing_is_stored_when_a_condition_is_broken[bucket]",),
    ),
    Known(
        "radosgw",
        "Loses metadata if the field's name in the form has capitals.",
        ("object_is_stored_when_the_form_has[names in capitals]",),
    ),
    Known(
        "radosgw",
        "Keeps the path of a file's name where a key says `${filename}`.",
        (
            "filename_is_the_end_of_the_key_when_the_policy_leaves_it_open[with a path]",
            "filename_is_the_end_of_the_key_when_the_policy_leaves_it_open[with a way up]",
        ),
    ),
    Known(
        "radosgw",
        "Takes a form with a public ACL where such are blocked. The product's forms have none.",
        ("nothing_is_stored_when_the_acl_is_public_and_such_are_blocked",),
    ),
    Known(
        "radosgw",
        "Knows no bound of 1,024 bytes for the key of a form.",
        ("nothing_is_stored_when_the_key_takes_more_than_1024_bytes",),
    ),
    Known(
        "radosgw",
        "Forgets header fields of a form but for the content type: `Cache-Control` and others.",
        ("header_fields_are_given_back_when_the_object_is_read",),
    ),
    Known(
        "radosgw",
        "Takes a URL that was signed for an hour from now.",
        ("object_is_not_given_when_the_url_is[not yet good]",),
    ),
    Known(
        "radosgw",
        "Takes `x-amz-*` headers that were not signed along with a presigned URL, which AWS"
        " refuses. The product signs all metadata that it reads.",
        (
            "nothing_is_put_when_the_request_is_not_as_signed[metadata added]",
            "nothing_is_put_when_the_request_is_not_as_signed[acl added]",
            f"{NOT_AS_SIGNED}[more metadata]",
            f"{NOT_AS_SIGNED}[an ACL]",
        ),
    ),
    Known(
        "radosgw",
        "Takes `x-amz-copy-source` along with a presigned PUT, though it was not signed: a user"
        " with such a URL can read any object whose key they know, and write more than once. A"
        " proxy between browsers and the store must drop that header.",
        ("another_object_is_not_copied_when_its_key_is_added_to_the_request",),
    ),
    Known(
        "radosgw",
        "Ignores conditions of a copy on source and target.",
        (
            "nothing_is_copied_when_the_source_is_another_by_now",
            "nothing_is_copied_when_the_target_is_there_and_must_not_be",
        ),
    ),
    Known(
        "radosgw",
        "Takes more than 2 KB of metadata.",
        ("metadata_is_refused_when_it_takes_more_than_2_kb",),
    ),
    Known(
        "radosgw",
        "Sends no `ETag` header with the answer to a form; the answer's XML has it.",
        ("answer_has_the_etag_as_a_header_when_the_object_is_stored",),
    ),
    Known(
        "radosgw",
        "Does not tell the expiry in the answer to a form; HEAD and GET tell it.",
        ("expiry_is_told_when_the_answer_is_that_of[post]",),
    ),
    Known(
        "radosgw",
        "Has no encryption with keys of S3's own (SSE-S3); `provision` says so and goes on.",
        (
            "feature_is_there_when_it_was_provisioned[encryption]",
            "object_says_it_is_encrypted_when_the_bucket_is",
        ),
    ),
    Known(
        "radosgw",
        "Has no object ownership, so ACLs cannot be turned off; `provision` says so and goes on.",
        ("feature_is_there_when_it_was_provisioned[no ACLs]",),
    ),
    Known(
        "radosgw",
        "Takes a block of public ACLs for one of every PUT, private ones too; so `provision` has"
        " ACLs ignored there, not refused.",
        ("private_object_is_written_when_public_ones_are_blocked",),
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
        "Sends no ETag with the answer to the completion of an upload in parts; HEAD tells it.",
        ("completion_tells_the_etag",),
    ),
    Known(
        "radosgw",
        "Loses the tags that are given when an upload in parts begins.",
        ("object_is_tagged_when_its_upload_began_so",),
    ),
    Known(
        "radosgw",
        "Takes parts that are named out of order or twice, and makes an object of them.",
        (
            f"{PARTS}[out of order]",
            f"{PARTS_BY_NAME}[out of order]",
            f"{PARTS}[named twice]",
            f"{PARTS_BY_NAME}[named twice]",
        ),
    ),
    Known(
        "radosgw",
        "Ignores the size that all parts must have together (`MpuObjectSize`).",
        (f"{PARTS}[too short together]", f"{PARTS_BY_NAME}[too short together]"),
    ),
    Known(
        "radosgw",
        "Knows no bounds for the number of a part.",
        ("part_is_refused_when_its_number_is",),
    ),
    Known(
        "radosgw",
        "Refuses a completion that leaves out a part that was sent.",
        ("object_has_the_parts_that_are_named_alone",),
    ),
    Known(
        "radosgw",
        "Ignores `If-None-Match` on completion: an object that is there is replaced. `provision`"
        " says so.",
        (
            "completion_is_refused_when_the_object_is_there_and_must_not_be",
            "upload_can_be_tried_when_the_bucket_is_provisioned",
        ),
    ),
    Known(
        "radosgw",
        "Takes the last 0 bytes for the whole object.",
        ("range_is_refused_when_nothing_is_there[bytes=-0]",),
    ),
    Known(
        "radosgw",
        "Refuses a range that ends before it begins, which AWS ignores.",
        ("whole_object_is_given_when_the_range_is_none[bytes=3-1]",),
    ),
    Known(
        "radosgw",
        "Reads letters in a range as 0.",
        ("whole_object_is_given_when_the_range_is_none[bytes=x-y]",),
    ),
    Known(
        "radosgw",
        "`If-Match` on PUT compares with the quotes that belong to an ETag, so none matches, not"
        " even the right one. The product uses `If-None-Match` alone.",
        ("object_is_written_when_it_is_still_the_one_read",),
    ),
    Known(
        "radosgw",
        "Does not check SHA-256 checksums; it checks Content-MD5 and the signed digest.",
        ("nothing_is_stored_when_the_body_is_not_that_of_the[checksum]",),
    ),
    Known(
        "ministack",
        "Takes `x-amz-*` headers that were not signed along with a presigned URL, even the source"
        " of a copy.",
        (
            f"{NOT_AS_SIGNED}[more metadata]",
            f"{NOT_AS_SIGNED}[an ACL]",
            "another_object_is_not_copied_when_its_key_is_added_to_the_request",
            "another_object_is_not_copied_when_its_key_is_added_to_a_part",
        ),
    ),
    Known(
        "ministack",
        "Takes more than 2 KB of metadata.",
        ("metadata_is_refused_when_it_takes_more_than_2_kb",),
    ),
    Known(
        "ministack",
        "Ignores `If-None-Match` of a copy.",
        ("nothing_is_copied_when_the_target_is_there_and_must_not_be",),
    ),
    Known(
        "ministack",
        "Loses the tags that are given when an upload in parts begins.",
        ("object_is_tagged_when_its_upload_began_so",),
    ),
    Known(
        "ministack",
        "Takes small parts, parts out of order or named twice, and no parts at all.",
        tuple(
            f"{check}[{mistake}]"
            for check in (PARTS, PARTS_BY_NAME)
            for mistake in ("small", "out of order", "named twice", "none")
        ),
    ),
    Known(
        "ministack",
        "Takes any time for the visibility of a message.",
        ("visibility_is_refused_when_it_is",),
    ),
    Known(
        "ministack",
        "Checks no signatures of DynamoDB's.",
        ("nothing_is_answered_when_the_secret_is_wrong",),
    ),
    Known(
        "ministack",
        "Puts everything into one answer, however large.",
        ("answer_is_no_larger_than_16_mb_when_items_are_large",),
    ),
    Known(
        "dynalite",
        "Checks no signatures.",
        ("nothing_is_answered_when_the_secret_is_wrong",),
    ),
    Known(
        "dynalite",
        "Has no time to live.",
        ("time_to_live_is_on_when_it_was_put_on",),
    ),
    Known(
        "dynalite",
        "Has no deletion protection.",
        ("feature_of_the_table_is_there_when_it_was_provisioned[deletion protection]",),
    ),
    Known(
        "dynalite",
        "Has no point-in-time recovery.",
        ("feature_of_the_table_is_there_when_it_was_provisioned[point-in-time recovery]",),
    ),
    Known(
        "dynalite",
        "Answers 1 MB of a batch at a time, where DynamoDB answers 16 MB, so the gateway gives up"
        " on 18 MB after its few attempts.",
        ("large_items_are_read_when_they_take[18 MB]",),
    ),
]


def reason_for(engine: str, check: str) -> str:
    """Return why the check fails on the engine; empty if it is expected to pass."""
    for known in KNOWN:
        if known.engine == engine and names_of(check) & set(known.checks):
            return known.reason
    return ""


def names_of(check: str) -> set[str]:
    """Return the names that stand for a check: with and without its parameters."""
    return {check, check.partition("[")[0]}
