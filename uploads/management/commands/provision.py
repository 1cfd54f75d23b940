"""manage.py provision: make bucket, tables and queue what they must be, and try an upload."""

import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from aws.errors import SignaturesRefused
from aws.features import Difference, NotSupported, ProvisioningFailed, Verdict
from uploads.probe import Finding, probe
from uploads.provisioning import is_bucket_missing, provision

# Seconds between probes after a change, which S3 may take a while to act upon.
PAUSES = (2, 5, 10)


class Command(BaseCommand):
    help = (
        "Makes the bucket (private, encrypted, CORS, lifecycle, HTTPS alone), the tables (on "
        "demand, protected, recoverable), and the queue and the topic of events, and tries an"
        " upload as a browser would. Idempotent. Ends with 0 if all is well, 1 if something differs"
        " or does not work, 2 without an answer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="change no setting; exit with 1 if anything is missing, differs or does not work",
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
        tried: list[Finding] = []
        if not (check and is_bucket_missing(found)):
            tried = _tried(after_change=Verdict.CHANGED in verdicts)
        for finding in tried:
            self._tell("failed" if finding.failed else "note", finding.step, finding.reason)
        if Verdict.DIFFERS in verdicts or any(finding.failed for finding in tried):
            sys.exit(1)
        if Verdict.CHANGED not in verdicts:
            self.stdout.write(f"Everything {'else ' if found else ''}is as it should be.")

    def _tell(self, verdict: str, name: str, why: str) -> None:
        self.stdout.write(f"{verdict}: {name}{f': {why}' if why else ''}")


def _tried(*, after_change: bool) -> list[Finding]:
    """Return what a probe finds; after a change it may take a few to be all well."""
    for pause in PAUSES if after_change else ():
        findings = list(probe(settings.AWS_STORAGE_BUCKET_NAME))
        if not any(finding.failed for finding in findings):
            return findings
        time.sleep(pause)
    return list(probe(settings.AWS_STORAGE_BUCKET_NAME))


def _where() -> str:
    """Return the bucket's service and the tables', once if they are one."""
    endpoints = settings.AWS_S3_ENDPOINT_URL, settings.AWS_DYNAMODB_ENDPOINT_URL
    named = [endpoint or f"AWS in {settings.AWS_REGION}" for endpoint in endpoints]
    return " and ".join(dict.fromkeys(named))
