"""The content of bucket and table, read from moto's memory without the product's code."""

from typing import Any

from django.conf import settings
from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models.dynamo_type import DynamoType

from tests.functional.steps import Permission
from uploads.keys import AVATARS_PREFIX


def assert_no_ghost() -> None:
    """P1: every object that an item names exists, and no lifecycle rule will expire it."""
    keys = _bucket().keys
    for key in named_keys():
        assert key.startswith(AVATARS_PREFIX)
        assert key in keys, f"{key} is not there"
        assert not _s3().tagger.get_tag_dict_for_resource(keys[key].arn)


def assert_no_orphan() -> None:
    """P2: every object under avatars/ is named by an item."""
    assert keys_under(AVATARS_PREFIX) == named_keys()


def assert_serves(owner_id: str, permission: Permission) -> None:
    """Assert that the owner's item names the picture of this upload."""
    facts = _table().items[_hash_key(owner_id)].attrs
    assert permission.key.endswith(facts["upload_id"].value)
    assert facts["avatar_key"].value in keys_under(AVATARS_PREFIX)


def keys_under(prefix: str) -> set[str]:
    """Return the keys of the objects there are."""
    return {key for key in list(_bucket().keys) if key.startswith(prefix)}


def named_keys() -> set[str]:
    """Return the keys that items name."""
    items = [item.attrs for item in list(_table().items.values())]
    return {attrs["avatar_key"].value for attrs in items if "avatar_key" in attrs}


def forget_item(owner_id: str) -> None:
    """Delete the owner's item, as if they never had a picture."""
    _table().items.pop(_hash_key(owner_id), None)


def _hash_key(owner_id: str) -> Any:
    return DynamoType({"S": owner_id})


def _s3() -> Any:
    return get_backend("s3")[DEFAULT_ACCOUNT_ID]["aws"]


def _bucket() -> Any:
    return _s3().buckets[settings.AWS_STORAGE_BUCKET_NAME]


def _table() -> Any:
    backend: Any = get_backend("dynamodb")[DEFAULT_ACCOUNT_ID][settings.AWS_REGION]
    return backend.tables[settings.AVATARS_TABLE]
