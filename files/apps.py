from django.apps import AppConfig


class FilesConfig(AppConfig):
    """Many files per user, of any size, accepted by the first that learns of them."""

    name = "files"
