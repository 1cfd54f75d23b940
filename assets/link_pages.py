"""What a link is for those who were given it: a page that counts nothing, and the download.

A link that does not work has one answer, whatever the reason: it tells strangers nothing.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from assets import grants, passwords
from assets.envelope import asset_api, by_method
from assets.errors import STATUSES, NoSuchLink, WrongPassword
from assets.links import Opened, count_download, is_used_up, open_link
from assets.sending import bytes_wanted, send
from aws.errors import ObjectMissing
from files.stores import live_stores
from web.api import count_request, read_object, status_of
from web.errors import UserFacingError
from web.keys import for_keys

View = Callable[..., HttpResponse]


# --- The page ---


def unreferred(view: View) -> View:
    """Let no browser tell others the address of a page: it has the token."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return wrapped


@for_keys("")
@csrf_exempt
@unreferred
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def link_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show what is shared. Only the button takes a download: programs look at links, too.

    The token is the only authority here, so no other site could post by a visitor's rights. And a
    browser that may send no referrer posts with the origin "null", which Django would refuse.
    """
    context: dict[str, Any] = {}
    try:
        count_request(request, "use-files")
        opened = open_link(token, stores=live_stores())
        if request.method == "POST":
            passwords.check(request, opened.link, request.POST.get("password", ""))
            return _granted(token, opened)
    except WrongPassword as error:
        context["wrong"] = error.message
    except UserFacingError as error:
        status = status_of(error, STATUSES)
        return render(request, "assets/no_link.html", {"message": error.message}, status=status)
    context |= {"entry": opened.entry, "owner": opened.owner, "link": opened.link}
    return render(request, "assets/link.html", context, status=403 if "wrong" in context else 200)


def _granted(token: str, opened: Opened) -> HttpResponse:
    """Take one download, and lead to it by a grant."""
    count_download(opened.link)
    query = urlencode({grants.NAME: grants.new_grant(opened.link, opened.entry)})
    return HttpResponseRedirect(f"{reverse('asset-token', args=[token])}?{query}", status=303)


# --- The download ---


@asset_api(scope="", public=True)
def fetch(request: HttpRequest, token: str) -> HttpResponseBase:
    """Give the file of a link. A GET takes one download, unless it goes on with one."""
    count_request(request, "use-files")
    try:
        opened = open_link(token, stores=live_stores(), even_used_up=True)
        return _given(request, opened, token)
    except (NoSuchLink, ObjectMissing):
        return HttpResponse(status=204)


@asset_api(scope="", public=True)
def fetch_with_password(request: HttpRequest, token: str) -> HttpResponseBase:
    """Give the file of a link with a password, which never stands in an address."""
    count_request(request, "use-files")
    try:
        opened = open_link(token, stores=live_stores())
        if request.content_type == "application/json":
            password = str(read_object(request, {"password": str})["password"])
        else:
            password = request.POST.get("password", "")
        passwords.check(request, opened.link, password)
        return _counted(request, opened, token)
    except (NoSuchLink, ObjectMissing):
        return HttpResponse(status=204)


def _given(request: HttpRequest, opened: Opened, token: str) -> HttpResponseBase:
    """Answer with the file; raises NoSuchLink, WrongPassword, ObjectMissing and others."""
    link, entry = opened.link, opened.entry
    if _is_prefetch(request):
        # Source: Speculation Rules, "Considerations": 503 refuses, and the browser asks again.
        return HttpResponse(status=503, headers={"Cache-Control": "no-store"})
    count, grant = bytes_wanted(request, entry), grants.grant_of(request, link, entry)
    if grant and (not count or grants.take_bytes(grant, count, entry)):
        return send(request, entry, is_link=True)
    if is_used_up(link):
        raise NoSuchLink
    if link.password:
        raise WrongPassword
    if not count:
        return send(request, entry, is_link=True)
    return _counted(request, opened, token)


def _counted(request: HttpRequest, opened: Opened, token: str) -> HttpResponseBase:
    """Take one download and give it: first all that may fail, then the count."""
    response = send(request, opened.entry, is_link=True)
    try:
        count_download(opened.link)
    except BaseException:
        response.close()
        raise
    path = reverse("asset-token", args=[token])
    grants.keep(response, grants.new_grant(opened.link, opened.entry), path=path)
    return response


def _is_prefetch(request: HttpRequest) -> bool:
    purposes = (request.headers.get("Sec-Purpose", ""), request.headers.get("Purpose", ""))
    return any("prefetch" in purpose or "prerender" in purpose for purpose in purposes)


asset_token = by_method(GET=fetch, POST=fetch_with_password)
