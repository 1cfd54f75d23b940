"""manage.py create_api_key: make an API key, and print it this once."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.keys import issue_key
from accounts.models import ApiKey, User

MAX_DAYS = 3650


class Command(BaseCommand):
    help = "Makes an API key for a user, and prints it; it cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="made by manage.py", help="to know it by later")
        parser.add_argument(
            "--scopes",
            default=",".join(ApiKey.SCOPES),
            help=f"what it may do, with commas between: {', '.join(ApiKey.SCOPES)}",
        )
        parser.add_argument("--days", type=int, help="how long it lives; without it, for good")

    def handle(self, *args: Any, **options: Any) -> None:
        scopes = [scope.strip() for scope in options["scopes"].split(",")]
        if unknown := [scope for scope in scopes if scope not in ApiKey.SCOPES]:
            raise CommandError(f"No such scope: {unknown[0] or '(empty)'}.")
        days = options["days"]
        if days is not None and not 1 <= days <= MAX_DAYS:
            raise CommandError(f"--days must be from 1 to {MAX_DAYS}.")
        if not 1 <= len(options["name"]) <= 100:
            raise CommandError("--name must have 1 to 100 characters.")
        try:
            owner = User.objects.get(username=options["username"], is_active=True)
        except User.DoesNotExist as error:
            raise CommandError(f"There is no active user {options['username']}.") from error
        expires_at = timezone.now() + timedelta(days=days) if days else None
        _key, secret = issue_key(
            owner=owner, name=options["name"], scopes=scopes, expires_at=expires_at
        )
        self.stdout.write(secret)
