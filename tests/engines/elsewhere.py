"""The product's own tests with their bucket on another engine: which of them, and why not others.

`tests/environment.py` reads where the bucket is.
"""

import os

import pytest

from aws.answers import none_if
from aws.bucket import live_bucket
from aws.clients import client
from uploads.provisioning import provision

FILES = [
    "tests/functional/test_upload.py",
    "tests/functional/test_confirm.py",
    "tests/functional/test_pictures.py",
    "tests/functional/test_sweep_objects.py",
    "tests/functional/test_sweep_items.py",
    "tests/functional/test_sweep_command.py",
    "tests/functional/test_sweep_doubt.py",
    "tests/browser/test_change_picture.py",
    "tests/browser/test_break_it.py",
    "tests/engines/test_vanishing.py",
]
CLOCK = "it moves the clock of this process, and the engine keeps its own"
COUNT = "it counts the requests inside the embedded server"
UPLOAD, CONFIRM, PICTURES, OBJECTS, _, COMMAND, DOUBT = FILES[:7]
# What runs once more over HTTPS: the way of an upload, and each request that the gateway makes.
OVER_TLS = [UPLOAD, CONFIRM]
SUITE_OVER_TLS = [
    f"tests/engines/test_{name}.py"
    for name in ("cors", "listing", "multipart", "post", "presigned", "put", "reading", "writing")
]
EXCLUDED = {
    f"{UPLOAD}::test_new_permission_works_when_the_first_has_expired": CLOCK,
    f"{CONFIRM}::test_confirm_works_when_the_policy_has_expired_since_the_upload": CLOCK,
    f"{CONFIRM}::test_confirm_takes_five_requests_and_waits_for_three_in_a_row": COUNT,
    f"{PICTURES}::test_url_works_for_one_more_window_and_then_no_more": CLOCK,
    f"{COMMAND}::test_dry_run_changes_nothing_and_asks_for_nothing_that_writes": COUNT,
    f"{COMMAND}::test_everything_but_what_is_strange_is_mended_as_the_dry_run_said": CLOCK,
    f"{COMMAND}::test_limit_is_exact_over_all_kinds": CLOCK,
    f"{COMMAND}::test_nothing_more_is_asked_when_the_limit_is_reached": COUNT,
    f"{OBJECTS}::test_item_is_fenced_before_its_orphans_are_deleted_in_one_request": COUNT,
    f"{OBJECTS}::test_pending_goes_when_its_lifecycle_is_over": CLOCK,
    f"{DOUBT}::test_nothing_more_is_deleted_when_a_request_fails_half_way": CLOCK,
}


def is_elsewhere() -> bool:
    """Return whether this run's bucket is on another engine than its tables."""
    return "TEST_S3_ENDPOINT_URL" in os.environ


def make_ready() -> None:
    """Empty the bucket, and see to it that bucket and tables are as ``provision`` makes them."""
    bucket = live_bucket()
    if none_if(lambda: client().head_bucket(Bucket=bucket.name), "404"):
        while found := bucket.list_page().objects:
            bucket.delete([row.key for row in found])
    list(provision(change=True))


def leave_out(items: list[pytest.Item], config: pytest.Config) -> None:
    """Deselect what is excluded by name; if all files are run, each name must be that of a test."""
    excluded = [item for item in items if _names(item) & EXCLUDED.keys()]
    unknown = EXCLUDED.keys() - {name for item in excluded for name in _names(item)}
    if unknown and set(FILES) <= set(config.args):
        raise pytest.UsageError(f"there are no such tests: {', '.join(sorted(unknown))}")
    config.hook.pytest_deselected(items=excluded)
    items[:] = [item for item in items if item not in excluded]


def _names(item: pytest.Item) -> set[str]:
    return {item.nodeid, item.nodeid.partition("[")[0]}
