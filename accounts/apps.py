from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Who you are: the user, login and logout."""

    name = "accounts"
