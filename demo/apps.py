from django.apps import AppConfig

from demo.parent import end_with_parent


class DemoConfig(AppConfig):
    """The demo: its users, one-click sign-in, and the commands that start it."""

    name = "demo"

    def ready(self) -> None:
        """Let a command that ``rundemo`` started end with it."""
        end_with_parent()
