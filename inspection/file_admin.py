"""What the user admin shows of a user's files, and how staff deletes one."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from aws.errors import StorageUnavailable
from files.blocking import block_version, take_down, unblock_version
from files.errors import NoSuchFile
from files.library import FileVersions, delete_file, find_file, find_version
from files.selectors import file_page, room_of
from files.stores import live_stores
from web.errors import UserFacingError

SHOWN = 20  # files
# What staff can do with a version, and what is said and logged of it.
CHANGES = {
    "block": (block_version, gettext_lazy("The version is blocked, and kept as evidence.")),
    "unblock": (unblock_version, gettext_lazy("The version can be read again.")),
    "delete": (take_down, gettext_lazy("The version was deleted for good.")),
}


def files_facts(user: User) -> SafeString | str:
    """Show what the user uses, and the newest files, each with a link to delete it."""
    owner_id = str(user.pk)
    try:
        room = room_of(owner_id=owner_id, stores=live_stores())
        page = file_page(owner_id=owner_id, q="", after="", stores=live_stores())
    except StorageUnavailable as error:
        return str(error.message)
    context = {
        "subject": user,
        "room": room,
        "entries": page.entries[:SHOWN],
        "more": len(page.entries) > SHOWN or bool(page.next_after),
    }
    return render_to_string("admin/inspection/files_facts.html", context)


def delete_file_view(
    user_admin: "UserAdmin[User]", request: HttpRequest, pk: UUID, file_id: str
) -> HttpResponse:
    """Ask, and on POST delete a file of the user ``pk`` by the protocol."""
    user = _changeable(user_admin, request, pk)
    owner_id = str(pk)
    try:
        if request.method != "POST":
            entry = find_version(
                owner_id=owner_id, file_id=file_id, version=None, stores=live_stores()
            )
            return _page(user_admin, request, user, "delete_file", entry=entry)
        delete_file(owner_id=owner_id, file_id=file_id, stores=live_stores())
    except NoSuchFile as error:
        raise Http404(str(error.message)) from error
    except UserFacingError as error:
        messages.error(request, str(error.message))
    else:
        user_admin.log_change(request, user, "Deleted a file.")
        messages.success(request, _("The file was deleted."))
    return redirect("admin:accounts_user_change", pk)


def take_down_view(
    user_admin: "UserAdmin[User]", request: HttpRequest, pk: UUID, file_id: str
) -> HttpResponse:
    """Show the versions of a file, and on POST block, unblock or delete one."""
    user = _changeable(user_admin, request, pk)
    try:
        if request.method == "POST":
            return _taken_down(user_admin, request, user, file_id)
        found = _held(user, file_id)
    except NoSuchFile as error:
        raise Http404(str(error.message)) from error
    except UserFacingError as error:
        messages.error(request, str(error.message))
        return redirect("admin:accounts_user_change", pk)
    shown = {"name": found.name.name, "entries": found.entries}
    return _page(user_admin, request, user, "take_down", **shown)


def _taken_down(
    user_admin: "UserAdmin[User]", request: HttpRequest, user: User, file_id: str
) -> HttpResponse:
    """Do what the form says with one version, log it, and lead to what is left.

    Deleting for good destroys evidence, so it is asked about first.
    """
    wanted, version = request.POST.get("change", ""), request.POST.get("version", "")
    if wanted not in CHANGES or not (version.isascii() and version.isdecimal()):
        raise BadRequest
    if wanted == "delete" and "sure" not in request.POST:
        return _question(user_admin, request, user, file_id, int(version))
    change, done = CHANGES[wanted]
    change(owner_id=str(user.pk), file_id=file_id, version=int(version), stores=live_stores())
    user_admin.log_change(request, user, f"{wanted} version {int(version) + 1} of file {file_id}")
    messages.success(request, str(done))
    try:
        _held(user, file_id)
    except NoSuchFile:
        return redirect("admin:accounts_user_change", user.pk)
    return redirect("admin:take-down", user.pk, file_id)


def _held(user: User, file_id: str) -> FileVersions:
    """Return a file as staff sees it: closed or not, blocked versions among the others."""
    return find_file(owner_id=str(user.pk), file_id=file_id, stores=live_stores(), even_closed=True)


def _question(
    user_admin: "UserAdmin[User]", request: HttpRequest, user: User, file_id: str, version: int
) -> HttpResponse:
    """Ask whether a version is to be deleted for good."""
    found = _held(user, file_id)
    entry = next((entry for entry in found.entries if entry.version == version), None)
    if entry is None:
        raise NoSuchFile
    return _page(user_admin, request, user, "delete_version", file_id=file_id, entry=entry)


def _changeable(user_admin: "UserAdmin[User]", request: HttpRequest, pk: UUID) -> User:
    """Return the user, whom this member of staff must be allowed to change."""
    user = get_object_or_404(User, pk=pk)
    if not user_admin.has_change_permission(request, user):
        raise PermissionDenied
    return user


def _page(
    user_admin: "UserAdmin[User]", request: HttpRequest, user: User, page: str, **shown: Any
) -> HttpResponse:
    """Render a page of the admin about something of the user."""
    context = user_admin.admin_site.each_context(request)
    context |= {"subject": user, "opts": user_admin.opts, **shown}
    return render(request, f"admin/inspection/{page}.html", context)
