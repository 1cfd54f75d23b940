"""Prints, for each case on stdin, what the policy allows and what the clients sign.

Each case gets a process of its own, forked when the SDK is loaded and before the settings are.
"""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

import config.env  # noqa: F401 (what the settings import takes long)
from aws import bucket, clients
from config.csp import directives
from web import logs  # noqa: F401


def main() -> None:
    """Run all cases and print a list with the result of each."""
    assert not settings.configured
    results = [in_a_process(case) for case in json.load(sys.stdin)]
    print(json.dumps(results))


def in_a_process(case: dict[str, Any]) -> Any:
    """Return what ``result`` returns in a process with the variables and profile of ``case``."""
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        with os.fdopen(reader) as answer:
            text = answer.read()
        os.wait()
        return json.loads(text)
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(case["profile"])
    os.environ.update(case["variables"])
    with os.fdopen(writer, "w") as answer:
        json.dump(result(), answer)
    os._exit(0)


def result() -> dict[str, Any]:
    """Return the policy's sources, and URLs that the clients sign."""
    name = settings.AWS_STORAGE_BUCKET_NAME
    client = clients.browser_client()
    key: Any = {"Bucket": name, "Key": "avatars/a/b.webp"}
    now = datetime.now(UTC)
    return {
        "policy": directives(),
        "static": settings.STATIC_URL,
        "tables": settings.AWS_DYNAMODB_ENDPOINT_URL,
        "form": client.generate_presigned_post(**key)["url"],
        "get by the SDK": client.generate_presigned_url("get_object", key),
        "get": bucket.live_bucket().presigned_get(key["Key"], window=60, now=now).url,
    }


main()
