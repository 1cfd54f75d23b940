"""The users page, and the inspection pages of bucket and table."""

from collections.abc import Callable

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.access import members_only, staff_only
from accounts.selectors import users_named
from avatars.selectors import cards_or_problem
from avatars.words import WORDS
from aws.errors import StorageUnavailable
from inspection.file_items import MultipartRow, file_item_page, multiparts
from inspection.labels import PAGE_SIZE, Page
from inspection.selectors import item_page, object_page
from pictures.images import FORMATS
from uploads.keys import AVATARS_PREFIX, prefix_of
from web.parameters import bad_parameters_refused, parameter


@require_GET
@never_cache
@members_only
@bad_parameters_refused
def users(request: HttpRequest) -> HttpResponse:
    """Show a card per user, and the upload panel to signed-in users."""
    q = parameter(request, "q").strip()
    page = Paginator(users_named(q), PAGE_SIZE).get_page(parameter(request, "page"))
    shown = list(page)
    signed_in = [request.user] if request.user.is_authenticated else []
    cards, problem = cards_or_problem([*shown, *signed_in], me=request.user)
    context = {
        "page": page,
        "cards": cards[: len(shown)],
        "me": cards[-1] if signed_in else None,
        "q": q,
        "problem": problem,
        "max_bytes": settings.AVATAR_MAX_BYTES,
        "content_types": list(FORMATS),
        "words": WORDS,
        "own_prefix": prefix_of(AVATARS_PREFIX, str(request.user.pk)),
    }
    return render(request, "inspection/users.html", context)


@require_GET
@never_cache
@staff_only
@bad_parameters_refused
def bucket(request: HttpRequest) -> HttpResponse:
    """Show every object, and what it is: live, pending, orphan."""
    prefix, after = parameter(request, "prefix"), parameter(request, "after")
    page, problem = _page_or_problem(lambda: object_page(prefix=prefix, after=after))
    context = {
        "rows": page.rows,
        "multiparts": [] if problem else _multiparts_or_none(prefix),
        "next_after": page.next_after,
        "prefix": prefix,
        "after": after,
        "problem": problem,
        "bucket_name": settings.AWS_STORAGE_BUCKET_NAME,
    }
    return render(request, "inspection/bucket.html", context)


@require_GET
@never_cache
@staff_only
@bad_parameters_refused
def table(request: HttpRequest) -> HttpResponse:
    """Show every item, and whether its object is there."""
    owner, after = parameter(request, "owner"), parameter(request, "after")
    page, problem = _page_or_problem(lambda: item_page(owner=owner, after=after))
    context = {
        "rows": page.rows,
        "next_after": page.next_after,
        "owner": owner,
        "after": after,
        "problem": problem,
        "table_name": settings.AVATARS_TABLE,
    }
    return render(request, "inspection/table.html", context)


@require_GET
@never_cache
@staff_only
@bad_parameters_refused
def files_table(request: HttpRequest) -> HttpResponse:
    """Show every item of the files' table, and whether the object of an entry is there."""
    owner, after = parameter(request, "owner"), parameter(request, "after")
    page, problem = _page_or_problem(lambda: file_item_page(owner=owner, after=after))
    context = {
        "rows": page.rows,
        "next_after": page.next_after,
        "owner": owner,
        "after": after,
        "problem": problem,
        "table_name": settings.FILES_TABLE,
    }
    return render(request, "inspection/files_table.html", context)


def _multiparts_or_none(prefix: str) -> list[MultipartRow]:
    """Return the uploads in parts under ``prefix``; none where the store cannot list them."""
    try:
        return multiparts(prefix=prefix)
    except StorageUnavailable:
        return []


def _page_or_problem(look: Callable[[], Page]) -> tuple[Page, str]:
    """Return the page and no problem, or an empty page and the problem in the user's words."""
    try:
        return look(), ""
    except StorageUnavailable as error:
        return Page([], ""), str(error.message)
