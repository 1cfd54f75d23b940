"""Every part of the pages in every state, for those who build pages."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

# Tone, icon and label of each chip.
CHIPS = [
    ("none", "clock", "Waiting"),
    ("p1", "hourglass", "Starting"),
    ("p2", "upload", "Uploading"),
    ("none", "circle-pause", "Paused"),
    ("none", "wifi-off", "Offline"),
    ("p3", "loader-circle", "Confirming"),
    ("p2", "file-search", "Checking"),
    ("p3", "circle-check", "Stored"),
    ("bad", "ban", "Refused"),
    ("bad", "triangle-alert", "Failed"),
    ("bad", "ghost", "Ghost"),
    ("bad", "unlink", "Orphan"),
]
ROWS: list[dict[str, object]] = [
    {"name": "launch-take-3.mov", "percent": 43, "chip": CHIPS[2], "sub": "610 MB of 1.4 GB"},
    {"name": "assets.zip", "percent": 71, "chip": CHIPS[4], "sub": "Goes on by itself."},
    {"name": "setup.exe", "chip": CHIPS[8], "sub": "Files of this type cannot be stored here."},
    {"name": "contract-final.pdf", "chip": CHIPS[7], "sub": "Version 3", "usual": True},
    {"name": "عقد نهائي.pdf", "chip": CHIPS[7], "sub": "", "usual": True},
    {"name": "a-very-long-name-" * 14 + ".csv", "chip": CHIPS[6], "sub": ""},
]


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Show each part in each of its states, while ``DEBUG`` is on."""
    if not settings.DEBUG:
        raise Http404
    context = {"chips": CHIPS, "rows": ROWS, "value": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"}
    return render(request, "styleguide/page.html", context)
