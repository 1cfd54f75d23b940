"""The user admin, with each user's picture beside the account."""

from functools import partial
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from avatars.references import live_references, live_stores
from avatars.selectors import picture_url
from avatars.services import remove_picture
from aws.errors import StorageUnavailable
from inspection import file_admin
from inspection.closing import close_everything
from uploads.keys import AVATARS_PREFIX, prefix_of
from web.errors import UserFacingError

admin.site.unregister(User)


@admin.register(User)
class UserWithPictureAdmin(UserAdmin):  # type: ignore[type-arg]  # not at run time
    """Users; their pictures and files can be seen and removed, and go when the user goes."""

    list_display = ("picture", "username", "first_name", "last_name", "is_active", "is_staff")
    list_display_links = ("username",)
    readonly_fields = ("picture_facts", "files_facts", "key_facts")
    fieldsets = (
        (gettext_lazy("Picture"), {"fields": ("picture_facts",)}),
        (gettext_lazy("Files"), {"fields": ("files_facts",)}),
        (gettext_lazy("API keys"), {"fields": ("key_facts",)}),
        *(UserAdmin.fieldsets or ()),
    )

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that remove a user's picture, and delete or block files."""
        remove = self.admin_site.admin_view(self.remove_picture_view)
        delete = self.admin_site.admin_view(partial(file_admin.delete_file_view, self))
        take_down = self.admin_site.admin_view(partial(file_admin.take_down_view, self))
        return [
            path("<uuid:pk>/files/<str:file_id>/versions/", take_down, name="take-down"),
            path("<uuid:pk>/remove-picture/", remove, name="remove-picture"),
            path("<uuid:pk>/files/<str:file_id>/delete/", delete, name="delete-file"),
            *super().get_urls(),
        ]

    @admin.display(description=gettext_lazy("Picture"))
    def picture(self, user: User) -> SafeString:
        """Show the picture, small; drawn initials where there is none."""
        return format_html(
            '<img src="{}" width="40" height="40" alt="" loading="lazy">',
            reverse("picture", args=[user.pk]),
        )

    @admin.display(description=gettext_lazy("Why is this the picture"))
    def picture_facts(self, user: User) -> SafeString:
        """Show the facts of the picture's item, and links to both inspection pages."""
        try:
            reference = live_references().read(str(user.pk))
            key = reference.live_key
            url = picture_url(key).url if key else ""
        except StorageUnavailable as error:
            return format_html("{}", error.message)
        context = {
            "subject": user,
            "reference": reference,
            "picture_url": url,
            "bucket_url": _with_query(
                "inspection-bucket", prefix=prefix_of(AVATARS_PREFIX, str(user.pk))
            ),
            "table_url": _with_query("inspection-table", owner=str(user.pk)),
            "remove_url": reverse("admin:remove-picture", args=[user.pk]),
        }
        return render_to_string("admin/inspection/picture_facts.html", context)

    @admin.display(description=gettext_lazy("What the user has"))
    def files_facts(self, user: User) -> SafeString | str:
        """Show the user's files."""
        return file_admin.files_facts(user)

    @admin.display(description=gettext_lazy("Keys"))
    def key_facts(self, user: User) -> SafeString:
        """Show how many API keys the user has, with a link to them."""
        path = reverse("admin:accounts_apikey_changelist")
        query = urlencode({"owner__id__exact": user.pk})
        return format_html('<a href="{}?{}">{}</a>', path, query, user.api_keys.count())

    def remove_picture_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Ask, and on POST remove the picture of the user ``pk`` by the protocol."""
        user = get_object_or_404(User, pk=pk)
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        if request.method != "POST":
            context = self.admin_site.each_context(request) | {"subject": user, "opts": self.opts}
            return render(request, "admin/inspection/remove_picture.html", context)
        try:
            remove_picture(owner_id=str(pk), stores=live_stores())
        except UserFacingError as error:
            messages.error(request, str(error.message))
        else:
            self.log_change(request, user, "Removed the picture.")
            messages.success(request, _("The picture was removed."))
        return redirect("admin:accounts_user_change", pk)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """Delete the user, and once that is committed the item's reference and the objects."""
        owner_id = str(obj.pk)
        super().delete_model(request, obj)
        transaction.on_commit(lambda: _close(request, [owner_id]))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Delete the users, and once that is committed their references and objects."""
        owner_ids = [str(pk) for pk in queryset.values_list("pk", flat=True)]
        super().delete_queryset(request, queryset)
        transaction.on_commit(lambda: _close(request, owner_ids))


def _close(request: HttpRequest, owner_ids: list[str]) -> None:
    """Close owners whose accounts are gone; tell the administrator what is left to the sweep."""
    for owner_id in owner_ids:
        try:
            close_everything(owner_id)
        except UserFacingError:
            note = _(
                "The account is deleted; its picture and files could not be yet."
                " The next sweep does it."
            )
            messages.warning(request, note)


def _with_query(name: str, **query: str) -> str:
    return f"{reverse(name)}?{urlencode(query)}"
