"""manage.py embedded_aws: serve S3, DynamoDB, SQS and SNS in the foreground, for development."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = (
        "Serve S3, DynamoDB, SQS and SNS on EMBEDDED_AWS_PORT of this machine (moto behind a"
        " strict front). Everything stored is gone when it ends."
    )
    requires_system_checks = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        # moto is installed for development only, and slow to import.
        from embedded_aws.server import EmbeddedAWS  # noqa: PLC0415

        if not (settings.AWS_ACCESS_KEY_ID and settings.AWS_SECRET_ACCESS_KEY):
            raise CommandError(
                "The embedded AWS checks signatures: set AWS_ACCESS_KEY_ID and"
                " AWS_SECRET_ACCESS_KEY, or unset AWS_STORAGE_BUCKET_NAME."
            )
        port = settings.EMBEDDED_AWS_PORT
        aws = EmbeddedAWS(
            port=port,
            access_key=settings.AWS_ACCESS_KEY_ID,
            secret_key=settings.AWS_SECRET_ACCESS_KEY,
            region=settings.AWS_REGION,
        )
        try:
            aws.serve_until_told(self._say)
        except OSError as error:
            raise CommandError(
                f"Port {port} of 127.0.0.1 cannot be served ({error.strerror}): "
                "end what uses it, or set EMBEDDED_AWS_PORT to another port."
            ) from error

    def _say(self, endpoint_url: str) -> None:
        self.stdout.write(f"The embedded AWS listens on {endpoint_url}")
        self.stdout.flush()
