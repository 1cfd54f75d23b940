from django.apps import AppConfig

from web.logs import configure_structlog


class ConfigConfig(AppConfig):
    """Settings, URLs, checks, and what else concerns the whole site."""

    name = "config"

    def ready(self) -> None:
        from config import checks  # noqa: F401, PLC0415 (registers them)

        configure_structlog()
