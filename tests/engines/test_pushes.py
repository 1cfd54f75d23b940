"""Events that a store sends over HTTP"""

import threading
from collections.abc import Iterator
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.core.wsgi import get_wsgi_application
from pytest_django.fixtures import Settings

from aws.bucket import S3Bucket
from aws.errors import StorageUnavailable
from aws.push_features import StorePushes
from aws.queue import live_queue
from tests.arrivals import Arrivals
from tests.functional.embedded.builders import Place
from tests.waiting import wait_until
from uploads import pushing

SECRET = "only-for-tests-of-pushes"
# Ceph looks for new topics every half a minute.
PATIENCE = 180


class Site(ThreadingMixIn, WSGIServer):
    """The site, in threads of this process."""

    daemon_threads = True


class Quiet(WSGIRequestHandler):
    """Logs no requests."""

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def route(settings: Settings) -> Iterator[str]:
    """Return the URL of a running site's route for events."""
    settings.EVENTS_SECRET, settings.EVENTS_QUEUE = SECRET, ""
    for made_once in (live_queue, pushing.slots, pushing._tries):
        made_once.cache_clear()
    site = make_server("127.0.0.1", 0, get_wsgi_application(), Site, Quiet)
    thread = threading.Thread(target=site.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{site.server_port}/events/s3/"
    site.shutdown()
    site.server_close()
    thread.join()
    live_queue.cache_clear()


def told(place: Place, url: str) -> StorePushes:
    """Have the store send the events of the bucket to ``url``."""
    feature = StorePushes(place.name, "files/", url=url, secret=SECRET)
    assert not feature.is_there()
    feature.make()
    return feature


def test_events_are_sent_again_until_they_are_taken(
    place: Place, gateway: S3Bucket, arrivals: Arrivals, route: str
) -> None:
    feature = told(place, route)
    assert feature.is_there()
    arrivals.fail("files/o/1", "files/o/2", error=StorageUnavailable())

    place.put("files/o/1")
    place.put("pending/o/1")
    upload = place.s3.create_multipart_upload(Bucket=place.name, Key="files/o/2")["UploadId"]
    part: Any = {"Bucket": place.name, "Key": "files/o/2", "UploadId": upload}
    etag = place.s3.upload_part(**part, PartNumber=1, Body=b"x")["ETag"]
    place.s3.complete_multipart_upload(
        **part, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]}
    )
    wait_until(lambda: {"files/o/1", "files/o/2"} <= set(arrivals.keys), patience=PATIENCE)
    assert arrivals.entries == set()
    arrivals.then = lambda key: None

    wait_until(lambda: arrivals.entries == {"files/o/1", "files/o/2"}, patience=PATIENCE)


def test_events_go_to_another_address_when_they_are_told_to(
    place: Place, gateway: S3Bucket, arrivals: Arrivals, route: str
) -> None:
    nowhere = "http://127.0.0.1:9/events/s3/"
    assert told(place, nowhere).is_there()

    feature = told(place, route)

    assert feature.is_there()
    assert not StorePushes(place.name, "files/", url=route, secret=f"{SECRET}x").is_there()
    place.put("files/o/1")
    wait_until(lambda: arrivals.entries == {"files/o/1"}, patience=PATIENCE)
