from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from inspection import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("accounts.urls")),
    path("", include("inspection.urls")),
    path("avatars/", include("avatars.urls")),
    path("", include("assets.urls")),
    path("files/", include("files.urls")),
    path("events/", include("uploads.urls")),
    path("admin/", admin.site.urls),
    path("ping", health.ping, name="ping"),
    path("readyz", health.readyz, name="readyz"),
]

handler400 = "web.api.bad_request"
handler404 = "web.api.not_found"

if settings.DEMO:
    urlpatterns.append(path("demo/", include("demo.urls")))
