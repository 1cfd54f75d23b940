import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person. The id is random and never used again, so it can own objects and items for ever."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    @property
    def display_name(self) -> str:
        """The full name, or the username of somebody who gave none."""
        return self.get_full_name() or self.username
