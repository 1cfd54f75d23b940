import uuid

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person. The id is random and never used again, so it can own objects and items for ever."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    def clean(self) -> None:
        """Refuse a username that a route already means something by."""
        super().clean()
        if self.username in settings.RESERVED_USERNAMES:
            raise ValidationError({"username": _("This username is reserved. Choose another one.")})

    @property
    def display_name(self) -> str:
        """The full name, or the username where there is none."""
        return self.get_full_name() or self.username
