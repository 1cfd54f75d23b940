from django.apps import AppConfig


class AssetsConfig(AppConfig):
    """The HTTP API of files: what curl and scripts use, streams both ways, and share links."""

    name = "assets"
