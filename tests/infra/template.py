"""The template as CloudFormation reads it: tags, references, conditions."""

import re
from collections.abc import Collection, Mapping
from typing import Any

import yaml

from infra.deploy import TEMPLATE

BUCKET, HOST = "the-bucket", "pictures.example.org"
TABLE, FILES_TABLE = "the-table", "the-table-of-files"
BUCKET_ARN = f"arn:aws:s3:::{BUCKET}"
TABLE_ARN, FILES_TABLE_ARN = (
    f"arn:aws:dynamodb:eu-central-1:123456789012:table/{name}" for name in (TABLE, FILES_TABLE)
)
ACCOUNT = "arn:aws:{}:eu-central-1:123456789012:{}"
QUEUE, DEAD_LETTERS, TOPIC = "the-events", "the-dead-letters", "the-files"
QUEUE_URL = f"https://sqs.eu-central-1.amazonaws.com/123456789012/{QUEUE}"
QUEUE_ARN, DEAD_ARN = ACCOUNT.format("sqs", QUEUE), ACCOUNT.format("sqs", DEAD_LETTERS)
TOPIC_ARN = ACCOUNT.format("sns", TOPIC)
ORIGINS = ["https://one.example", "https://two.example"]
RESTORED_TABLE, RESTORED_HOST = "the-restored-table", "restored.rds.example"
RESTORED_FILES_TABLE = "the-restored-table-of-files"
VALUES = {
    "Bucket": BUCKET,
    "Bucket.Arn": BUCKET_ARN,
    "AvatarsTable": TABLE,
    "AvatarsTable.Arn": TABLE_ARN,
    "FilesTable": FILES_TABLE,
    "FilesTable.Arn": FILES_TABLE_ARN,
    "EventsQueue": QUEUE_URL,
    "EventsQueue.Arn": QUEUE_ARN,
    "EventsDeadLetters": QUEUE_URL.replace(QUEUE, DEAD_LETTERS),
    "EventsDeadLetters.Arn": DEAD_ARN,
    "EventsTopic": TOPIC_ARN,
    "SiteOrigins": ORIGINS,
    "SiteHost": HOST,
    "RateLimitStorage": "redis://127.0.0.1:6379/0",
    "Database.Endpoint.Address": "own.rds.example",
    "RestoredTable": RESTORED_TABLE,
    "RestoredFilesTable": RESTORED_FILES_TABLE,
    "RestoredDatabase": RESTORED_HOST,
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
}
SITE = {"HasSite"}
RESTORED = {"HasRestoredTable", "HasRestoredFilesTable", "HasRestoredDatabase"}


class _Loader(yaml.SafeLoader):
    """Reads ``!Ref x`` as ``{"Ref": "x"}``, and so on."""


def _function(loader: _Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        raise TypeError(f"!{tag} of a mapping")
    return {"Ref" if tag == "Ref" else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _function)


def template() -> dict[str, Any]:
    """Return the template, its functions in the long form."""
    found: dict[str, Any] = yaml.load(TEMPLATE.read_text(), _Loader)  # noqa: S506 (a safe one)
    return found


def properties(resource: str, *, where: Collection[str] = ()) -> Any:
    """Return a resource's properties, all references resolved, where these conditions hold."""
    return resolved(template()["Resources"][resource]["Properties"], where)


def outputs(*, where: Collection[str] = ()) -> dict[str, Any]:
    """Return the outputs with their values, where these conditions hold."""
    return {
        name: resolved(output["Value"], where)
        for name, output in template()["Outputs"].items()
        if "Condition" not in output or output["Condition"] in where
    }


def resolved(node: Any, where: Collection[str]) -> Any:
    """Return ``node`` with references replaced by VALUES; unknown ones stay unchanged."""
    found = node
    match node:
        case {"Ref": str(name)} | {"Fn::GetAtt": str(name)}:
            found = VALUES.get(name, node)
        case {"Fn::Sub": str(text)}:
            found = _filled(text, VALUES)
        case {"Fn::Sub": [str(text), dict(more)]}:
            found = _filled(text, VALUES | resolved(more, where))
        case {"Fn::If": [condition, yes, no]}:
            found = resolved(yes if condition in where else no, where)
        case {"Fn::Join": [separator, items]}:
            found = separator.join(resolved(items, where))
        case dict():
            found = {name: resolved(value, where) for name, value in node.items()}
        case list():
            found = [resolved(value, where) for value in node]
    return found


def _filled(text: str, values: Mapping[str, Any]) -> str:
    return re.sub(r"\$\{([^}]+)\}", lambda found: str(values.get(found[1], found[0])), text)
