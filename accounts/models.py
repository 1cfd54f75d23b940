import uuid

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
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


class ApiKey(models.Model):
    """A key that a program acts for its owner with. Only the hash of the key itself is kept."""

    SCOPES = ("read", "write", "share")

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(_("name"), max_length=100)
    digest = models.CharField(max_length=64, unique=True, editable=False)  # SHA-256, hex
    last_four = models.CharField(_("last four"), max_length=4, editable=False)
    scopes = models.CharField(_("scopes"), max_length=50)  # with spaces between
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)

    class Meta:
        ordering = ("-created_at", "-pk")
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return f"{self.name} (tri_…{self.last_four})"

    @property
    def state(self) -> str:
        """What it is now: live, expired or revoked."""
        if self.revoked_at:
            return "revoked"
        is_over = self.expires_at is not None and self.expires_at <= timezone.now()
        return "expired" if is_over else "live"
