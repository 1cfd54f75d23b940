"""The page of one's API keys: make one, see it once, revoke it."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.keys import issue_key, revoke, working_keys
from accounts.models import ApiKey

MAX_KEYS = 50  # of a user, that work
SCOPES = [
    ("read", gettext_lazy("Read: list and download files")),
    ("write", gettext_lazy("Write: upload, restore and delete files")),
    ("share", gettext_lazy("Share: make and revoke links")),
]
LIFETIMES = [
    ("30", gettext_lazy("30 days")),
    ("90", gettext_lazy("90 days")),
    ("365", gettext_lazy("1 year")),
    ("", gettext_lazy("Never")),
]


class KeyForm(forms.Form):
    """What a new key is called, may do, and how long it lives."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        error_messages={"required": gettext_lazy("Give the key a name, to know it by later.")},
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it may do"),
        choices=SCOPES,
        initial=["read", "write"],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Tick at least one thing that it may do.")},
    )
    days = forms.ChoiceField(
        label=gettext_lazy("Expires"), choices=LIFETIMES, required=False, initial="90"
    )


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """Show the user's keys; on POST make one, and show it this once."""
    form, context = KeyForm(request.POST or None, label_suffix=""), dict[str, Any]()
    if request.method == "POST" and form.is_valid():
        if working_keys().filter(owner=request.user.pk).count() >= MAX_KEYS:
            form.add_error(None, _("You have as many keys as there may be. Revoke one first."))
        else:
            key, context["secret"] = _issued(request, form)
            context["made"], form = key, KeyForm(label_suffix="")
    context |= {"form": form, "keys": ApiKey.objects.filter(owner=request.user.pk)}
    status = 400 if form.is_bound else 200
    return render(request, "accounts/keys.html", context, status=status)


def _issued(request: Any, form: KeyForm) -> tuple[ApiKey, str]:
    days = form.cleaned_data["days"]
    return issue_key(
        owner=request.user,
        name=form.cleaned_data["name"],
        scopes=form.cleaned_data["scopes"],
        expires_at=timezone.now() + timedelta(days=int(days)) if days else None,
    )


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def revoke_key(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, and on POST revoke one of the user's keys."""
    key = get_object_or_404(ApiKey, pk=pk, owner=request.user.pk)
    if request.method != "POST":
        return render(request, "accounts/revoke_key.html", {"key": key})
    revoke(key)
    messages.success(request, _("The key was revoked. It opens nothing any more."))
    return redirect("keys")
