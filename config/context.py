"""What every template knows."""

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    """Return whether this is the demo, which is open to everybody."""
    return {"demo": settings.DEMO}
