from django.apps import AppConfig


class AvatarsConfig(AppConfig):
    """One picture per user, by the three phases."""

    name = "avatars"
