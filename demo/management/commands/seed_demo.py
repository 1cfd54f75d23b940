"""manage.py seed_demo: make the demo's users and their pictures."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from avatars.references import live_stores
from demo.users import PASSWORD, seed_demo
from web.errors import UserFacingError


class Command(BaseCommand):
    help = "Makes three demo users with drawn portraits, the same everywhere. Idempotent."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The demo's users have a known password: set DEMO=true first.")
        try:
            seeded = seed_demo(stores=live_stores())
        except UserFacingError as error:
            raise CommandError(f"{error.message} Is it running and provisioned?") from error
        for demo in seeded:
            made = [
                name
                for name, is_new in [
                    ("account", demo.made_account),
                    ("picture", demo.made_picture),
                ]
                if is_new
            ]
            role = ", administrator" if demo.user.is_superuser else ""
            self.stdout.write(
                f"{demo.user.display_name} ({demo.user.username}{role}), password {PASSWORD}: "
                + (f"made {' and '.join(made)}" if made else "there already")
            )
