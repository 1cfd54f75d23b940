from django.apps import AppConfig


class DemoConfig(AppConfig):
    """What only the demo needs: its users, one-click sign-in, and commands that start it."""

    name = "demo"
