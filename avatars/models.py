"""The DynamoDB item of each user who has, or had, a picture."""

from django.conf import settings
from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute

from aws.table import ConnectionSettings, ItemModel


class AvatarItem(ItemModel):
    """One item per owner, never deleted: "no picture" is an item without ``avatar_key``.

    ``revision`` is a fresh random value at every write; every write is conditional on the one
    that was read before it.
    """

    class Meta(ConnectionSettings):
        table_name = settings.AVATARS_TABLE

    owner_id = UnicodeAttribute(hash_key=True)
    revision = UnicodeAttribute()
    updated_at = UTCDateTimeAttribute()

    avatar_key = UnicodeAttribute(null=True)
    upload_id = UnicodeAttribute(null=True)
    content_type = UnicodeAttribute(null=True)
    size = NumberAttribute(null=True)  # bytes
    width = NumberAttribute(null=True)  # pixels
    height = NumberAttribute(null=True)
    digest = UnicodeAttribute(null=True)  # SHA-256, hexadecimal

    # Uploads issued up to this moment are refused: their owner removed the picture since.
    removed_at = UTCDateTimeAttribute(null=True)
    # The account is gone, and its id is never used again: every upload is refused.
    closed_at = UTCDateTimeAttribute(null=True)
