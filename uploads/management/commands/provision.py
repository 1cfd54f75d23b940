"""manage.py provision: make bucket and tables what the product needs."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from aws.errors import SignaturesRefused
from aws.features import Difference, NotSupported, ProvisioningFailed, Verdict
from uploads.provisioning import provision


class Command(BaseCommand):
    help = (
        "Makes the bucket (private, encrypted, CORS, lifecycle, HTTPS alone) and the tables (on "
        "demand, protected, recoverable). Idempotent."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="change nothing; exit with 1 if anything is missing or differs",
        )

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        found: list[Difference] = []
        try:
            for difference in provision(change=not check):
                found.append(difference)
                self._tell(difference.verdict, difference.name, difference.why)
        except SignaturesRefused as error:
            raise CommandError(f"No page can upload: {error.reason}.") from error
        except NotSupported as error:
            raise CommandError(f"Cannot provision: {error}", returncode=2) from error
        except ProvisioningFailed as error:
            raise CommandError(f"Cannot provision on {_where()}: {error}", returncode=2) from error
        verdicts = {difference.verdict for difference in found}
        if Verdict.DIFFERS in verdicts:
            sys.exit(1)
        if Verdict.CHANGED not in verdicts:
            self.stdout.write(f"Everything {'else ' if found else ''}is as it should be.")

    def _tell(self, verdict: str, name: str, why: str) -> None:
        self.stdout.write(f"{verdict}: {name}{f': {why}' if why else ''}")


def _where() -> str:
    """Return the bucket's service and the tables', once if they are one."""
    endpoints = settings.AWS_S3_ENDPOINT_URL, settings.AWS_DYNAMODB_ENDPOINT_URL
    named = [endpoint or f"AWS in {settings.AWS_REGION}" for endpoint in endpoints]
    return " and ".join(dict.fromkeys(named))
