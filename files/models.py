"""The DynamoDB items of files: entries, names, pointers and usage, in one table."""

from django.conf import settings
from pynamodb.attributes import (
    BooleanAttribute,
    ListAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)

from aws.table import ConnectionSettings, ItemModel


class FileItem(ItemModel):
    """An item of any of the kinds that ``files.items`` describes, each with its own facts.

    ``revision`` is a fresh random value at every write; every write but those of the usage is
    conditional on the one that was read before it.
    """

    class Meta(ConnectionSettings):
        table_name = settings.FILES_TABLE

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    revision = UnicodeAttribute(null=True)
    created_at = UTCDateTimeAttribute(null=True)
    updated_at = UTCDateTimeAttribute(null=True)

    # entries
    state = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)  # why it was refused, a code
    name = UnicodeAttribute(null=True)
    size = NumberAttribute(null=True)  # bytes
    content_type = UnicodeAttribute(null=True)
    etag = UnicodeAttribute(null=True)
    attempt = UnicodeAttribute(null=True)  # the attempt to accept the object that put the entry
    version = NumberAttribute(null=True)  # its place among the versions of its name, from 0
    superseded = BooleanAttribute(null=True)  # a later version of its name is ready
    notified_at = UTCDateTimeAttribute(null=True)
    processed_at = UTCDateTimeAttribute(null=True)
    digest = UnicodeAttribute(null=True)
    digest_kind = UnicodeAttribute(null=True)
    true_type = UnicodeAttribute(null=True)
    restores = UnicodeAttribute(null=True)  # the file that it is a copy for
    access = UnicodeAttribute(null=True)  # "open": whoever knows the id of its file may read it
    blocked_at = UTCDateTimeAttribute(null=True)  # when staff made it unreadable
    width = NumberAttribute(null=True)  # pixels
    height = NumberAttribute(null=True)
    preview_key = UnicodeAttribute(null=True)
    preview_problem = UnicodeAttribute(null=True)

    # entries and names
    file_id = UnicodeAttribute(null=True)

    # names
    versions = ListAttribute(of=UnicodeAttribute, null=True)  # upload ids, in order
    closed = BooleanAttribute(null=True)

    # pointers
    owner_id = UnicodeAttribute(null=True)

    # items of other apps
    ttl = NumberAttribute(null=True)  # when DynamoDB may remove it, seconds since 1970

    # usage
    bytes_used = NumberAttribute(null=True)
    file_count = NumberAttribute(null=True)
    moves = NumberAttribute(null=True)
    closed_at = UTCDateTimeAttribute(null=True)


class UsageItem(ItemModel):
    """The same table, asked once only: an update that adds must not be repeated by the SDK."""

    class Meta(ConnectionSettings):
        table_name = settings.FILES_TABLE
        max_retry_attempts = 0

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    bytes_used = NumberAttribute(null=True)
    file_count = NumberAttribute(null=True)
    moves = NumberAttribute(null=True)
    updated_at = UTCDateTimeAttribute(null=True)
    closed_at = UTCDateTimeAttribute(null=True)
