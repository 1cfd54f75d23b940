"""The DynamoDB items of share links and downloads, in the table of files."""

from django.conf import settings
from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute

from aws.table import ConnectionSettings, ItemModel


class LinkItem(ItemModel):
    """A share link, or the place of one in its file's list; see ``assets.items``."""

    class Meta(ConnectionSettings):
        table_name = settings.FILES_TABLE

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    revision = UnicodeAttribute(null=True)
    owner_id = UnicodeAttribute(null=True)
    file_id = UnicodeAttribute(null=True)
    created_at = UTCDateTimeAttribute(null=True)
    updated_at = UTCDateTimeAttribute(null=True)
    expires_at = UTCDateTimeAttribute(null=True)
    max_downloads = NumberAttribute(null=True)
    downloads = NumberAttribute(null=True)
    moves = NumberAttribute(null=True)
    closed_at = UTCDateTimeAttribute(null=True)  # when it was revoked
    password = UnicodeAttribute(null=True)  # as django.contrib.auth.hashers stores it
    ttl = NumberAttribute(null=True)  # when DynamoDB may remove it, seconds since 1970


class CountedItem(ItemModel):
    """The same table, asked once only: an update that adds must not be repeated by the SDK."""

    class Meta(ConnectionSettings):
        table_name = settings.FILES_TABLE
        max_retry_attempts = 0

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    downloads = NumberAttribute(null=True)
    bytes_sent = NumberAttribute(null=True)
    moves = NumberAttribute(null=True)
    expires_at = UTCDateTimeAttribute(null=True)
    updated_at = UTCDateTimeAttribute(null=True)
    closed_at = UTCDateTimeAttribute(null=True)
    ttl = NumberAttribute(null=True)


class RequestItem(ItemModel):
    """A request that came with an Idempotency-Key; see ``assets.idempotency``."""

    class Meta(ConnectionSettings):
        table_name = settings.FILES_TABLE

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    revision = UnicodeAttribute(null=True)
    updated_at = UTCDateTimeAttribute(null=True)
    fingerprint = UnicodeAttribute(null=True)
    upload_id = UnicodeAttribute(null=True)
    nonce = UnicodeAttribute(null=True)
    answer = UnicodeAttribute(null=True)  # JSON, without a token
    lease_until = UTCDateTimeAttribute(null=True)
    ttl = NumberAttribute(null=True)
