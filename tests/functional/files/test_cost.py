"""What a file costs: the requests of each step, and the tables in docs/operations.md.

The tables have the requests in their order, so they say, too, what a confirm waits for.
"""

import re
from collections import Counter
from itertools import chain
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from pytest_django.fixtures import Settings

from aws.queue import SqsQueue, live_queue
from aws.queue_features import queue_url
from aws.topic import find_topic
from embedded_aws.front import Front
from embedded_aws.messages import Environ, Request
from files.source import RANGE
from tests.functional.files.steps import MIB, Issued, Uploader, put
from tests.functional.test_cost import PRICES as PRICES_OF_PICTURES
from uploads import consuming

# Dollars a million in us-east-1, as for pictures. S3 bills what is neither PUT, COPY, POST nor LIST
# like a GET, but for deletions, which are free; a queue and a topic are standard ones.
OF_S3 = {
    "ListMultipartUploads": 5.0,
    "CreateMultipartUpload": 5.0,
    "UploadPart": 5.0,
    "ListParts": 5.0,
    "CompleteMultipartUpload": 5.0,
    "PutObject": 5.0,
    "GetObject": 0.4,
    "HeadObject": 0.4,
    "DeleteObjectTagging": 0.4,
}
OF_DYNAMODB = {"GetItem": 0.125, "BatchGetItem": 0.125, "UpdateItem": 0.625}
OF_SQS = {"SendMessage": 0.4, "ReceiveMessage": 0.4, "DeleteMessage": 0.4}
OF_SNS = {"Publish": 0.5}
PRICES = OF_S3 | OF_DYNAMODB | OF_SQS | OF_SNS
# Requests of S3 by method, whether there is a key, and the parameter that says what it is about.
NAMES = {
    ("GET", False, "uploads"): "ListMultipartUploads",
    ("POST", True, "uploads"): "CreateMultipartUpload",
    ("PUT", True, "partNumber"): "UploadPart",
    ("GET", True, "uploadId"): "ListParts",
    ("POST", True, "uploadId"): "CompleteMultipartUpload",
    ("PUT", True, ""): "PutObject",
    ("HEAD", True, ""): "HeadObject",
    ("GET", True, ""): "GetObject",
    ("DELETE", True, "tagging"): "DeleteObjectTagging",
}
MARKS = ("uploads", "partNumber", "uploadId", "tagging")
OF_THE_CONSUMER = {"GetQueueUrl", "GetQueueAttributes"}  # once, and once a minute
DOCUMENT = (django_settings.BASE_DIR / "docs" / "operations.md").read_text()
ROW = re.compile(r"^\| (begin|PUT|part|confirm|event) \| `(\w+)`[^|]*\| ([\d.]+) \|$", re.MULTILINE)
BY_PUT, IN_PARTS = (
    ROW.findall(text) for text in DOCUMENT.partition("**A file.**")[2].split("**In parts**", 1)
)


def rows(table: list[tuple[str, str, str]], step: str) -> list[str]:
    """Return the requests of a step, in the order of the table."""
    return [name for at, name, _price in table if at == step]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which the name of every request to the embedded AWS is added."""
    names: list[str] = []
    answer = Front.__call__

    def record(front: Front, environ: Environ, start_response: Any) -> Any:
        names.append(name_of(Request.of(environ)))
        return answer(front, environ, start_response)

    monkeypatch.setattr(Front, "__call__", record)
    return names


def name_of(request: Request) -> str:
    """Return what AWS calls a request; KeyError for one that NAMES does not hold."""
    if target := request.header("x-amz-target"):
        return target.rpartition(".")[2]
    if request.path == "/":
        return "Publish"
    mark = next((mark for mark in MARKS if mark in request.subresources), "")
    return NAMES[request.method, bool(request.key), mark]


@pytest.fixture
def consumed(
    queue: SqsQueue, settings: Settings, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> Any:
    """Return what lets the consumer work, and gives its requests for the one message."""
    settings.EVENTS_QUEUE = queue_url("triphase-events")
    settings.EVENTS_TOPIC = find_topic("triphase-files")
    live_queue.cache_clear()
    monkeypatch.setattr(consuming, "LAST_LOOK_SECONDS", 0)

    def consume() -> list[str]:
        asked.clear()
        call_command("consume_events", "--once")
        looks = {"ReceiveMessage"}  # with one worker free it looks for more at any moment
        others = [name for name in asked if name not in OF_THE_CONSUMER | looks]
        return ["SendMessage", "ReceiveMessage", *others]  # the first one is the bucket's

    return consume


def steps_of(anna: Uploader, asked: list[str], body: bytes) -> tuple[Issued, dict[str, list[str]]]:
    """Upload ``body``, and return the requests of each step but the last two."""
    asked.clear()
    issued = anna.begin("a.txt", size=len(body), content_type="text/plain")
    begun = asked[:]
    asked.clear()
    if issued.mode == "put":
        assert put(issued.url, body, issued.headers).status == 200
    else:
        anna.send_parts(issued, body)
    return issued, {"begin": begun, "PUT" if issued.mode == "put" else "part": asked[:]}


def confirmed(anna: Uploader, asked: list[str], issued: Issued) -> list[str]:
    """Confirm, and return the requests."""
    asked.clear()
    assert anna.confirm(issued).status_code == 200
    return asked[:]


def test_file_by_put_takes_the_requests_that_the_document_says(
    anna: Uploader, asked: list[str], consumed: Any
) -> None:
    issued, steps = steps_of(anna, asked, b"hello")
    steps |= {"confirm": confirmed(anna, asked, issued), "event": consumed()}

    assert steps == {step: rows(BY_PUT, step) for step in steps}
    waits = re.search(r"A confirm waits for (\d+) requests, one after another", DOCUMENT)
    assert waits
    assert int(waits[1]) == len(steps["confirm"])


def test_order_of_event_and_confirm_does_not_change_what_it_costs(
    anna: Uploader, asked: list[str], consumed: Any
) -> None:
    issued, steps = steps_of(anna, asked, b"hello")
    steps |= {"event": consumed(), "confirm": confirmed(anna, asked, issued)}

    assert steps["confirm"] == ["DeleteObjectTagging", "HeadObject", "GetItem"]
    assert sorted(chain(*steps.values())) == sorted(name for _, name, _ in BY_PUT)


def test_next_version_takes_one_read_more(anna: Uploader, asked: list[str], consumed: Any) -> None:
    anna.upload("a.txt")
    consumed()
    issued, steps = steps_of(anna, asked, b"again")
    steps |= {"confirm": confirmed(anna, asked, issued), "event": consumed()}

    more = Counter(chain(*steps.values())) - Counter(name for _, name, _ in BY_PUT)
    assert more == {"GetItem": 1}


@pytest.mark.parametrize("parts", [1, 3])
def test_file_in_parts_takes_the_requests_that_the_document_says(
    anna: Uploader, asked: list[str], consumed: Any, settings: Settings, parts: int
) -> None:
    settings.FILE_MULTIPART_BYTES = 6 * MIB
    size = (parts - 1) * 16 * MIB + 6 * MIB

    issued, steps = steps_of(anna, asked, b"a" * size)
    steps |= {"confirm": confirmed(anna, asked, issued), "event": consumed()}

    event = rows(BY_PUT, "event")
    digest = event.index("GetObject")
    assert issued.parts == parts
    assert steps == {
        "begin": rows(BY_PUT, "begin") + rows(IN_PARTS, "begin"),
        "part": parts * rows(IN_PARTS, "part"),
        "confirm": rows(IN_PARTS, "confirm") + rows(BY_PUT, "confirm"),
        "event": event[:digest] + -(-size // RANGE) * ["GetObject"] + event[digest + 1 :],
    }


def test_prices_are_those_of_the_requests_and_add_up() -> None:
    priced = {name: float(price) for _, name, price in BY_PUT + IN_PARTS}
    told = re.search(r"^\| \| all (\d+) \| ([\d.]+) \|$", DOCUMENT, re.MULTILINE)
    more = re.search(r"\$([\d.]+) more than one by PUT, and \$([\d.]+) for each part", DOCUMENT)
    in_all = re.search(r"(\d+) of S3, (\d+) of DynamoDB, (\d+) of SQS and (\d+) of SNS", DOCUMENT)

    assert priced == PRICES
    assert PRICES | PRICES_OF_PICTURES == PRICES_OF_PICTURES | PRICES
    assert told
    assert int(told[1]) == len(BY_PUT)
    assert float(told[2]) == pytest.approx(sum(float(price) for *_, price in BY_PUT))
    assert f"${told[2]}" in (django_settings.BASE_DIR / "README.md").read_text()
    assert more
    once = sum(PRICES[name] for step in ("begin", "confirm") for name in rows(IN_PARTS, step))
    assert float(more[1]) == once - PRICES["PutObject"]
    assert float(more[2]) == PRICES["UploadPart"]
    assert in_all
    services = (OF_S3, OF_DYNAMODB, OF_SQS, OF_SNS)
    assert [int(count) for count in in_all.groups()] == [
        sum(name in service for _, name, _ in BY_PUT) for service in services
    ]
