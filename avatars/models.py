"""The DynamoDB item behind each user's picture."""

from django.conf import settings
from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.models import Model


class AvatarItem(Model):
    """One item per owner, never deleted: "no picture" is an item without ``avatar_key``.

    ``revision`` is a fresh random value at every write; every write is conditional on the one
    that was read before it.
    """

    class Meta:
        table_name = settings.AVATARS_TABLE
        region = settings.AWS_REGION
        host = settings.AWS_DYNAMODB_ENDPOINT_URL
        aws_access_key_id = settings.AWS_ACCESS_KEY_ID
        aws_secret_access_key = settings.AWS_SECRET_ACCESS_KEY
        aws_session_token = settings.AWS_SESSION_TOKEN
        connect_timeout_seconds = 3
        read_timeout_seconds = 10
        max_retry_attempts = 2
        max_pool_connections = 32

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
