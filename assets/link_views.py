"""The links of a file, for its owner: list, make, revoke. JSON to programs, pages to people."""

from typing import Any

import segno
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from assets import links
from assets.errors import STATUSES
from assets.items import Link
from assets.parameters import checked_minutes
from files import library
from files.pages import answering_both, problem
from files.stores import live_stores
from web.api import count_request, read_object
from web.errors import BadRequest, UserFacingError

MAX_PASSWORD = 128  # characters
MINUTES = [
    (60, gettext_lazy("1 hour")),
    (24 * 60, gettext_lazy("1 day")),
    (7 * 24 * 60, gettext_lazy("7 days")),
    (30 * 24 * 60, gettext_lazy("30 days")),
]
OPTIONAL = {"minutes": int, "max_downloads": int, "password": str}


class LinkForm(forms.Form):
    """How long a link lives, how often it may be used, and its password."""

    minutes = forms.TypedChoiceField(
        label=gettext_lazy("Works for"), choices=MINUTES, coerce=int, initial=7 * 24 * 60
    )
    max_downloads = forms.IntegerField(
        label=gettext_lazy("Downloads"),
        required=False,
        min_value=1,
        max_value=links.MAX_DOWNLOADS,
        help_text=gettext_lazy("How often it may be used. Empty: as often as you like."),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        strip=False,
        max_length=MAX_PASSWORD,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Empty: none. Tell it to the others by another way than the link."),
    )


def as_json(link: Link) -> dict[str, Any]:
    """Return a link as the API gives it; its token is not known."""
    return {
        "id": link.digest,
        "state": link.state(timezone.now()),
        "created_at": link.created_at,
        "expires_at": link.expires_at,
        "max_downloads": link.max_downloads,
        "downloads": link.downloads,
        "has_password": link.password is not None,
        "revoked_at": link.closed_at,
    }


def page_url(request: HttpRequest, token: str) -> str:
    """Return the address that is shared."""
    return request.build_absolute_uri(reverse("link", args=[token]))


# --- Programs ---


def _for_program(request: HttpRequest, file_id: str) -> HttpResponse:
    count_request(request, "use-files")
    if request.method == "POST":
        return _made_for_program(request, file_id)
    found = library.find_file(owner_id=_owner(request), file_id=file_id, stores=live_stores())
    return JsonResponse({"links": [as_json(link) for link in links.links_of(found.name)]})


def _made_for_program(request: HttpRequest, file_id: str) -> HttpResponse:
    asked = read_object(request, {}, OPTIONAL)
    most, password = asked.get("max_downloads"), asked.get("password", "")
    if most is not None and not 1 <= most <= links.MAX_DOWNLOADS:
        raise BadRequest(_("max_downloads must be from 1 to %s.") % links.MAX_DOWNLOADS)
    if len(password) > MAX_PASSWORD:
        raise BadRequest(_("password has at most %s characters.") % MAX_PASSWORD)
    made = links.create_link(
        owner_id=_owner(request),
        file_id=file_id,
        minutes=checked_minutes(asked.get("minutes"), "minutes"),
        max_downloads=most,
        password=password,
        stores=live_stores(),
    )
    answer = {
        "link": as_json(made.link),
        "token": made.token,
        "url": page_url(request, made.token),
    }
    return JsonResponse(answer, status=201)


def _revoked_for_program(request: HttpRequest, file_id: str, link_id: str) -> HttpResponse:
    _revoke(request, file_id, link_id)
    return JsonResponse({})


# --- People ---


@require_http_methods(["GET", "HEAD", "POST"])
@answering_both(_for_program, scope="share", statuses=STATUSES)
def file_links(request: HttpRequest, file_id: str) -> HttpResponse:
    """Show the links of a file; on POST make one, and show it this once."""
    form = LinkForm(request.POST or None, label_suffix="")
    context: dict[str, Any] = {}
    stores, owner_id = live_stores(), _owner(request)
    try:
        if request.method == "POST" and form.is_valid():
            count_request(request, "use-files")
            made = links.create_link(
                owner_id=owner_id, file_id=file_id, stores=stores, **form.cleaned_data
            )
            context, form = _shown(request, made), LinkForm(label_suffix="")
        found = library.find_file(owner_id=owner_id, file_id=file_id, stores=stores)
        listed = links.links_of(found.name)
    except UserFacingError as error:
        return problem(request, error, statuses=STATUSES)
    now = timezone.now()
    context |= {"form": form, "file_id": file_id, "name": found.name.name}
    context["links"] = [{"link": link, "state": link.state(now)} for link in listed]
    return render(request, "assets/links.html", context, status=400 if form.is_bound else 200)


def _shown(request: HttpRequest, made: links.NewLink) -> dict[str, Any]:
    """Return the new link as text and as a QR code."""
    url = page_url(request, made.token)
    code = segno.make(url, error="m", micro=False)
    return {"made": made.link, "url": url, "qr": code.svg_inline(omitsize=True, light="#fff")}


@require_POST
@answering_both(_revoked_for_program, scope="share", statuses=STATUSES)
def revoke(request: HttpRequest, file_id: str, link_id: str) -> HttpResponse:
    """Revoke one link of a file."""
    try:
        _revoke(request, file_id, link_id)
    except UserFacingError as error:
        messages.error(request, str(error.message))
    else:
        messages.success(request, _("The link was revoked. It opens nothing any more."))
    return redirect("file-links", file_id)


def _revoke(request: HttpRequest, file_id: str, link_id: str) -> None:
    count_request(request, "use-files")
    links.revoke_link(
        owner_id=_owner(request), file_id=file_id, link_id=link_id, stores=live_stores()
    )


def _owner(request: HttpRequest) -> str:
    return str(request.user.pk)
