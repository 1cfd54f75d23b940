from django.apps import AppConfig


class UploadsConfig(AppConfig):
    """How bytes reach the bucket: tokens, policies, the bucket itself and its provisioning."""

    name = "uploads"
