"""The template as CloudFormation reads it: tags, references, conditions."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from infra.deploy import TEMPLATE

BUCKET, TABLE, HOST = "the-bucket", "the-table", "pictures.example.org"
BUCKET_ARN = f"arn:aws:s3:::{BUCKET}"
TABLE_ARN = f"arn:aws:dynamodb:eu-central-1:123456789012:table/{TABLE}"
ORIGINS = ["https://one.example", "https://two.example"]
VALUES = {
    "Bucket": BUCKET,
    "Bucket.Arn": BUCKET_ARN,
    "AvatarsTable": TABLE,
    "AvatarsTable.Arn": TABLE_ARN,
    "SiteOrigins": ORIGINS,
    "SiteHost": HOST,
    "AWS::Region": "eu-central-1",
}


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


def properties(resource: str, *, has_site: bool = False) -> Any:
    """Return a resource's properties, all references resolved."""
    return resolved(template()["Resources"][resource]["Properties"], has_site=has_site)


def outputs(*, has_site: bool) -> dict[str, Any]:
    """Return the outputs with their values."""
    return {
        name: resolved(output["Value"], has_site=has_site)
        for name, output in template()["Outputs"].items()
        if has_site or "Condition" not in output
    }


def resolved(node: Any, *, has_site: bool) -> Any:
    """Return ``node`` with the values of VALUES; what is not among them stays as it is."""
    found = node
    match node:
        case {"Ref": str(name)} | {"Fn::GetAtt": str(name)}:
            found = VALUES.get(name, node)
        case {"Fn::Sub": str(text)}:
            found = _filled(text, VALUES)
        case {"Fn::If": [_, yes, no]}:
            found = resolved(yes if has_site else no, has_site=has_site)
        case {"Fn::Join": [separator, items]}:
            found = separator.join(resolved(items, has_site=has_site))
        case dict():
            found = {name: resolved(value, has_site=has_site) for name, value in node.items()}
        case list():
            found = [resolved(value, has_site=has_site) for value in node]
    return found


def _filled(text: str, values: Mapping[str, Any]) -> str:
    return re.sub(r"\$\{([^}]+)\}", lambda found: str(values.get(found[1], found[0])), text)
