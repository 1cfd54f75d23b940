"""``provision``: the queue of events with its dead letters, the notification, and the topic."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.core.management import CommandError
from pytest_django.fixtures import Settings

from aws.clients import client, queue_client, topic_client
from aws.queue import SqsQueue
from aws.queue_features import BucketTells, bucket_may_send, queue_arn, queue_url
from aws.topic import find_topic
from config.checks import pushes_have_a_secret
from tests.functional.steps import provision, put_object
from tests.queues import bodies
from uploads.provisioning import event_features

NAME = "triphase-events"
DEAD = f"{NAME}-dead"
ALL_WELL = (0, ["Everything is as it should be."])
ARN = f"arn:aws:sqs:us-east-1:123456789012:{NAME}"
PUT = "put_bucket_notification_configuration"
MINE = "arn:aws:sqs:us-east-1:123456789012:mine"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for AWS to act upon a change."""
    monkeypatch.setattr("uploads.management.commands.provision.PAUSES", ())
    monkeypatch.setattr("aws.queue_features.SETTLING_PAUSE", 0)


def attributes(name: str) -> dict[str, Any]:
    """Return the attributes of a queue."""
    told: Any = queue_client().get_queue_attributes(
        QueueUrl=queue_url(name), AttributeNames=["All"]
    )
    return dict(told["Attributes"])


def change(name: str, **values: str) -> None:
    """Set attributes of a queue; moto forgets a policy that is not sent along."""
    told: Any = {"Policy": attributes(name).get("Policy", ""), **values}
    queue_client().set_queue_attributes(QueueUrl=queue_url(name), Attributes=told)


def policy(*statements: Any) -> None:
    change(NAME, Policy=json.dumps({"Version": "2012-10-17", "Statement": [*statements]}))


def ours(**changes: Any) -> dict[str, Any]:
    statement = bucket_may_send(
        queue_arn=ARN, bucket_arn="arn:aws:s3:::triphase", account="123456789012"
    )
    return {**statement, **changes}


def notifications() -> Any:
    """Return what the bucket tells whom."""
    found: Any = client().get_bucket_notification_configuration(Bucket="triphase")
    del found["ResponseMetadata"]
    return found


def notify(*queues: Any, **more: Any) -> None:
    """Have the bucket tell these queues, and no other destination."""
    configuration: Any = {"QueueConfigurations": [*queues], **more}
    client().put_bucket_notification_configuration(
        Bucket="triphase", NotificationConfiguration=configuration
    )


def telling(
    arn: str = MINE, *, name: str = "theirs", event: str = "s3:ObjectCreated:*", **chosen: str
) -> Any:
    """Return a configuration of that name that chooses keys by ``prefix`` and ``suffix``."""
    rules = [{"Name": rule, "Value": value} for rule, value in chosen.items() if value]
    chosen_by = {"Filter": {"Key": {"FilterRules": rules}}} if rules else {}
    return {"Id": name, "QueueArn": arn, "Events": [event], **chosen_by}


def misled(**changes: str) -> None:
    """Have the bucket tell the queue otherwise than it should."""
    notify(telling(ARN, **{"name": "triphase-files", "prefix": "files/", **changes}))


def forget_the_topic() -> None:
    topic_client().delete_topic(TopicArn=find_topic("triphase-files"))


def try_often() -> None:
    dead = {"deadLetterTargetArn": f"{ARN}-dead", "maxReceiveCount": 50}
    change(NAME, RedrivePolicy=json.dumps(dead))


@pytest.fixture
def mine(queue: SqsQueue) -> str:
    """Return the ARN of a queue of the operator's, to which the bucket may send."""
    statement = {**ours(Resource=MINE), "Condition": {}}
    queue_client().create_queue(
        QueueName="mine",
        Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})},
    )
    return MINE


# --- What is made ---


def test_dead_letters_are_kept_for_two_weeks_after_five_tries(queue: SqsQueue) -> None:
    made = attributes(NAME)

    assert json.loads(made["RedrivePolicy"]) == {
        "deadLetterTargetArn": f"{ARN}-dead",
        "maxReceiveCount": 5,
    }
    assert attributes(DEAD)["MessageRetentionPeriod"] == str(14 * 24 * 3600)
    assert int(made["MessageRetentionPeriod"]) < 14 * 24 * 3600, "else a letter dies with it"


def test_exactly_this_bucket_may_send(queue: SqsQueue) -> None:
    assert json.loads(attributes(NAME)["Policy"])["Statement"] == [
        {
            "Sid": "LetTheBucketSend",
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": ARN,
            "Condition": {
                "ArnEquals": {"aws:SourceArn": "arn:aws:s3:::triphase"},
                "StringEquals": {"aws:SourceAccount": "123456789012"},
            },
        }
    ]


def test_bucket_tells_of_new_files_alone(queue: SqsQueue) -> None:
    for key in ("files/a/b", "pending/a/b", "avatars/a/b"):
        put_object(key)
    client().delete_object(Bucket="triphase", Key="files/a/b")

    [told] = bodies(NAME)
    [record] = json.loads(told)["Records"]
    assert record["s3"]["object"]["key"] == "files/a/b"
    assert record["eventName"].startswith("ObjectCreated:")


# --- What has changed is found and repaired ---


DRIFTS: list[tuple[str, Callable[[], Any]]] = [
    (f"retention of dead letters of {NAME}", lambda: change(DEAD, MessageRetentionPeriod="60")),
    (f"tries of {NAME}", try_often),
    (f"policy of {NAME}", lambda: policy(ours(Condition={}))),
    (f"policy of {NAME}", lambda: policy(ours(Principal="*"))),
    (f"policy of {NAME}", lambda: policy(ours(Effect="Deny"))),
    (f"policy of {NAME}", policy),
    ("events of files/", notify),
    ("events of files/", lambda: misled(prefix="files/more/")),
    ("events of files/", lambda: misled(suffix=".x")),
    ("events of files/", lambda: misled(event="s3:ObjectCreated:Put")),
    ("topic triphase-files", forget_the_topic),
]


@pytest.mark.parametrize(("feature", "drift"), DRIFTS)
def test_drift_is_found_by_the_check_and_repaired(
    queue: SqsQueue, feature: str, drift: Callable[[], Any]
) -> None:
    drift()

    assert provision("--check") == (1, [f"differs: {feature}"])
    assert provision("--check") == (1, [f"differs: {feature}"]), "a check changes nothing"
    status, lines = provision()
    assert (status, lines[0]) == (0, f"changed: {feature}")
    assert provision("--check") == ALL_WELL


def test_queue_is_made_anew_when_it_is_gone(queue: SqsQueue) -> None:
    for name in (NAME, DEAD):
        queue_client().delete_queue(QueueUrl=queue_url(name))

    assert provision()[0] == 0
    assert provision("--check") == ALL_WELL
    put_object("files/a/b")
    assert "files/a/b" in bodies(NAME)[-1]


# --- What the operator has set stays ---


def test_other_statements_of_the_policy_stay(queue: SqsQueue) -> None:
    other = {**ours(), "Sid": "Others", "Principal": {"Service": "sns.amazonaws.com"}}
    policy(ours(Condition={}), other)

    provision()

    assert json.loads(attributes(NAME)["Policy"])["Statement"] == [other, ours()]


def test_policy_of_one_statement_that_stands_alone_is_added_to(queue: SqsQueue) -> None:
    other = {**ours(), "Sid": "Others"}
    change(NAME, Policy=json.dumps({"Version": "2012-10-17", "Id": "kept", "Statement": other}))

    provision()

    kept = json.loads(attributes(NAME)["Policy"])
    assert (kept["Id"], kept["Statement"]) == ("kept", [other, ours()])


def test_other_notifications_stay(queue: SqsQueue, mine: str) -> None:
    removed = telling(mine, name="a", event="s3:ObjectRemoved:*", prefix="files/")
    avatars = telling(mine, name="b", prefix="avatars/")
    notify(removed, avatars)

    assert provision() == (0, ["changed: events of files/"])

    found = {each["Id"]: each for each in notifications()["QueueConfigurations"]}
    assert found["a"]["Events"] == ["s3:ObjectRemoved:*"]
    assert found["b"]["QueueArn"] == mine
    assert found["triphase-files"]["QueueArn"] == ARN
    assert provision("--check") == ALL_WELL


def test_notification_of_another_name_is_as_good(queue: SqsQueue) -> None:
    """CloudFormation gives names of its own."""
    misled(name="made-by-hand")

    assert provision("--check") == ALL_WELL
    assert len(notifications()["QueueConfigurations"]) == 1


@pytest.mark.parametrize("prefix", ["", "f", "files/", "files/more/"])
def test_notification_that_is_in_the_way_is_told_and_left_alone(
    queue: SqsQueue, mine: str, prefix: str
) -> None:
    notify(telling(mine, prefix=prefix))
    before = notifications()

    for arguments in (["--check"], []):
        status, lines = provision(*arguments)
        assert status == 1
        assert lines[0].startswith(
            "differs: events of files/: the bucket tells another destination"
        )
    assert notifications() == before


def test_dead_letters_of_the_operators_choice_stay(queue: SqsQueue, mine: str) -> None:
    chosen = {"deadLetterTargetArn": mine, "maxReceiveCount": 5}
    change(NAME, RedrivePolicy=json.dumps(chosen))
    change("mine", MessageRetentionPeriod=str(14 * 24 * 3600))
    queue_client().delete_queue(QueueUrl=queue_url(DEAD))

    assert provision() == ALL_WELL
    assert json.loads(attributes(NAME)["RedrivePolicy"]) == chosen
    assert queue_url(DEAD) == ""


# --- Names ---


@pytest.mark.parametrize(("queue_name", "topic_name"), [("", ""), ("", "x"), ("x", "")])
def test_nothing_is_made_of_what_is_not_named(
    queue: SqsQueue, settings: Settings, queue_name: str, topic_name: str
) -> None:
    settings.EVENTS_QUEUE, settings.EVENTS_TOPIC = queue_name, topic_name

    titles = {type(feature).__name__ for feature in event_features("triphase")}

    assert ("QueueExists" in titles) == ("BucketTells" in titles) == bool(queue_name)
    assert ("TopicExists" in titles) == bool(topic_name)


def test_queue_and_topic_may_be_named_by_url_and_arn(queue: SqsQueue, settings: Settings) -> None:
    """So the outputs of a stack name them."""
    settings.EVENTS_QUEUE = queue_url(NAME)
    settings.EVENTS_TOPIC = arn = find_topic("triphase-files")
    assert arn.startswith("arn:")
    assert provision("--check") == ALL_WELL

    forget_the_topic()

    assert provision() == (0, ["changed: topic triphase-files"])
    assert find_topic("triphase-files") == arn


# --- Events over HTTP ---


def test_store_is_told_to_send_over_http_instead_where_a_url_is_named(
    queue: SqsQueue, settings: Settings
) -> None:
    """The site then puts what it is sent on the queue itself."""
    settings.EVENTS_PUSH_URL = "http://web:8000/events/s3/"
    settings.EVENTS_SECRET = "only-for-tests-of-pushes"

    names = [feature.name for feature in event_features("triphase")]

    assert "events over HTTP" in names
    assert {"events of files/", f"policy of {NAME}"} & set(names) == set()
    assert {f"queue {NAME}", "topic triphase-files"} <= set(names)


def test_store_that_sends_nothing_over_http_is_told(queue: SqsQueue, settings: Settings) -> None:
    settings.EVENTS_PUSH_URL = "http://web:8000/events/s3/"
    settings.EVENTS_SECRET = secret = "only-for-tests-of-pushes"

    status, lines = provision()

    assert status == 0
    assert lines[0].startswith("not supported here: events over HTTP")
    assert secret not in str(lines)


@pytest.mark.parametrize(("url", "secret", "problems"), [("", "", 0), ("x", "y", 0), ("x", "", 1)])
def test_pushes_without_a_secret_are_refused_at_the_start(
    settings: Settings, url: str, secret: str, problems: int
) -> None:
    settings.EVENTS_PUSH_URL, settings.EVENTS_SECRET = url, secret

    found = pushes_have_a_secret(None)

    assert [problem.id for problem in found] == ["triphase.E006"] * problems


# --- Engines ---


def refuse(monkeypatch: pytest.MonkeyPatch, made: Any, request: str, code: str) -> list[Any]:
    """Have ``request`` refused with ``code``; return the list of such requests."""
    asked: list[Any] = []

    def refused(**arguments: Any) -> Any:
        asked.append(arguments)
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, request)

    monkeypatch.setattr(made, request, refused)
    return asked


@pytest.mark.parametrize("code", ["InvalidArgument", "MalformedXML", "NotImplemented"])
def test_store_that_tells_no_queue_is_told_and_the_rest_is_made(
    queue: SqsQueue, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    notify()
    forget_the_topic()
    asked = refuse(monkeypatch, client(), PUT, code)

    status, lines = provision()

    assert (status, len(asked)) == (0, 1)
    assert lines[0].startswith("not supported here: events of files/")
    assert lines[1] == "changed: topic triphase-files"


def test_notification_is_tried_again_while_the_policy_is_too_new_for_s3(
    queue: SqsQueue, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AWS_S3_ENDPOINT_URL = None
    asked = refuse(monkeypatch, client(), PUT, "InvalidArgument")
    feature = BucketTells("triphase", "files/", kind="Queue", arn=lambda: queue_arn(NAME))

    with pytest.raises(ClientError):
        feature.make()

    assert len(asked) == 10


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidRequest"])
def test_refusal_of_another_kind_ends_it(
    queue: SqsQueue, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    notify()
    asked = refuse(monkeypatch, client(), PUT, code)

    with pytest.raises(CommandError, match=code) as failure:
        provision()
    assert (failure.value.returncode, len(asked)) == (2, 1)
