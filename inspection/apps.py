from django.apps import AppConfig


class InspectionConfig(AppConfig):
    """The users, bucket and table pages, which join what the others know."""

    name = "inspection"
