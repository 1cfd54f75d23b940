from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.keys import revoke
from accounts.models import ApiKey, User

admin.site.register(User, UserAdmin)


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not at run time
    """Keys of all users: staff can see what there are, and revoke them."""

    list_display = ("name", "owner", "shown", "scopes", "state", "last_used_at", "expires_at")
    list_filter = ("revoked_at",)
    search_fields = ("name", "last_four", "owner__username")
    fields = (*list_display, "created_at", "revoked_at")
    readonly_fields = fields
    actions = ("revoke_selected",)

    @admin.display(description=gettext_lazy("key"))
    def shown(self, key: ApiKey) -> str:
        """Show what is known of the key itself."""
        return f"tri_…{key.last_four}"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Keys are made by their owners, who see them, or by ``manage.py create_api_key``."""
        return False

    @admin.action(description=gettext_lazy("Revoke the selected keys"), permissions=["change"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Revoke keys at once."""
        for key in queryset:
            revoke(key)
        self.message_user(request, _("The keys were revoked."))
