"""Login."""

import math
from typing import Any

from django.conf import settings
from django.contrib.auth import views
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


class LoginView(views.LoginView):
    """Login with username and password, throttled by django-axes."""

    template_name = "accounts/login.html"
    redirect_authenticated_user = True


def locked_out(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Answer a login after too many failed ones."""
    wait = settings.AXES_COOLOFF_TIME
    context = {"minutes": math.ceil(wait.total_seconds() / 60)}
    response = render(request, "accounts/locked_out.html", context, status=429)
    response["Retry-After"] = str(int(wait.total_seconds()))
    return response
