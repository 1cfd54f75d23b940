"""Run the flows on the bucket and table that the environment names.

Run as ``manage.py shell -c "from tests.infra.walk import walk; walk()"``.
"""

import re
from contextlib import nullcontext
from dataclasses import replace
from html import unescape

import pytest
from django.core.management import call_command

from avatars.references import live_stores
from aws.bucket import live_bucket
from aws.clients import client
from tests.builders import at_once
from tests.functional.steps import Permission, bucket_keys, serve_with
from tests.infra.flows import take_all


def walk() -> None:
    """Run all flows, and print the keys that are left."""
    call_command("migrate", verbosity=0)
    with pytest.MonkeyPatch.context() as patched:
        serve_with(patched, replace(live_stores(), later=at_once))
        take_all(between=tag, apart=nullcontext)
    print("left:", *bucket_keys())


def tag(permission: Permission) -> None:
    """Set the tags of the form's field ``tagging``, which ministack accepts and ignores.

    This uses the site's own permissions: without that to tag, S3 would have refused the form.
    """
    pairs = re.findall("<Key>(.*?)</Key><Value>(.*?)</Value>", permission.fields["tagging"])
    client().put_object_tagging(
        Bucket=live_bucket().name,
        Key=permission.key,
        Tagging={"TagSet": [{"Key": key, "Value": unescape(value)} for key, value in pairs]},
    )
