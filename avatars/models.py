"""The DynamoDB item behind each user's picture."""

import json
from typing import Any

from django.conf import settings
from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.connection import TableConnection
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
        # PynamoDB gives these to botocore, in standard mode: bounded attempts with jitter.
        connect_timeout_seconds = settings.AWS_CONNECT_SECONDS
        read_timeout_seconds = settings.AWS_READ_SECONDS
        max_retry_attempts = settings.AWS_ATTEMPTS - 1
        max_pool_connections = settings.AWS_POOL_CONNECTIONS

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

    @classmethod
    def _get_connection(cls) -> TableConnection:
        """Return the connection, its client told what an answer must be.

        PynamoDB may make a client anew, so each is told; a second time changes nothing.
        """
        connection = super()._get_connection()
        connection.connection.client.meta.events.register_first(
            "needs-retry.dynamodb", _fail_unless_whole, unique_id="fail-unless-whole"
        )
        return connection


def _fail_unless_whole(response: tuple[Any, Any] | None, **_: object) -> None:
    """Make a failure of a 200 that is no answer of DynamoDB's: cut short, or somebody else's.

    botocore takes it for an empty answer, and of an item that reads as "there is none": whoever
    believes it deletes what the item names.
    """
    if response and response[0].status_code < 300 and not _is_answer(response[0].content):
        response[0].status_code = 500


def _is_answer(body: bytes) -> bool:
    """Return whether ``body`` is one JSON object, and not that of an error."""
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and "__type" not in answer
