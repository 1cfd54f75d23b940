from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Who you are: the user, login, logout and the demo's one-click sign-in."""

    name = "accounts"
