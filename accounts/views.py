"""Login, logout, and the demo's one-click sign-in."""

import math
from typing import Any

from django.conf import settings
from django.contrib.auth import login, views
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from accounts.selectors import active_user, users_named


class LoginView(views.LoginView):
    """Login with username and password, throttled by django-axes."""

    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        demo_users = users_named("")[:3]
        return super().get_context_data(demo_users=demo_users if settings.DEMO else [], **kwargs)


def locked_out(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Answer a login after too many failed ones."""
    wait = settings.AXES_COOLOFF_TIME
    context = {"minutes": math.ceil(wait.total_seconds() / 60)}
    response = render(request, "accounts/locked_out.html", context, status=429)
    response["Retry-After"] = str(int(wait.total_seconds()))
    return response


@require_POST
def demo_sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in as the user named ``username``, no password asked. Routed in demo mode only."""
    user = active_user(username=request.POST.get("username", ""))
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponseRedirect(_safe_next(request))


def _safe_next(request: HttpRequest) -> str:
    """Return the page to go on to: ``next`` if it is on this site, else the users page."""
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return target
    return resolve_url(settings.LOGIN_REDIRECT_URL)
