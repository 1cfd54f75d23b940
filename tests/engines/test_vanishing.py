"""Only where an engine carries out lifecycle rules: what nobody confirmed vanishes by itself."""

import time

import pytest

from avatars.references import Stores
from aws.bucket import live_bucket
from tests.builders import make_user
from tests.engines.servers import radosgw
from tests.functional.steps import (
    assert_in_order,
    bucket_keys,
    confirm,
    error_code,
    live_key,
    signed_in,
    upload_picture,
    uploaded,
)

pytestmark = pytest.mark.django_db


def let_a_day_pass() -> None:
    """Have the engine carry out the bucket's rules with a clock on which a second is a day."""
    time.sleep(2)
    radosgw.run_lifecycle(live_bucket().name)


def test_pending_object_vanishes_and_the_live_one_stays_when_nobody_confirms(
    aws: Stores,
) -> None:
    user = make_user(username="pat")
    browser = signed_in(user)
    upload_picture(browser)
    live = live_key(user)
    skipped = uploaded(browser)
    assert sorted(bucket_keys()) == sorted([live, skipped.key])

    let_a_day_pass()

    assert bucket_keys() == [live]
    assert live_key(user) == live
    answer = confirm(browser, skipped)
    assert (answer.status_code, error_code(answer)) == (409, "not_uploaded")
    assert_in_order(user)


def test_upload_of_today_is_confirmed_when_those_before_have_vanished(aws: Stores) -> None:
    user = make_user(username="pat")
    browser = signed_in(user)
    uploaded(browser)
    let_a_day_pass()
    assert bucket_keys() == []

    upload_picture(browser)

    assert_in_order(user)
    assert bucket_keys() == [live_key(user)]
