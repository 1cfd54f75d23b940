from django.urls import path, register_converter

from assets import link_pages, link_views, reference, views


class AnyName:
    """Whatever stands in the path, line ends too: a bad name is told, not taken for a page."""

    regex = "(?s:.+)"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(AnyName, "name")

urlpatterns = [
    path("api/", reference.api, name="api"),
    path("triphase.py", reference.client, name="client"),
    path("api/openapi.json", reference.api_document, name="api-document"),
    path("asset", views.assets, name="assets"),
    path("asset/", views.assets),
    path("asset/<name:name>", views.asset, name="asset"),
    path("asset-token/<str:token>", link_pages.asset_token, name="asset-token"),
    path("s/<str:token>", link_pages.link_page, name="link"),
    path("files/<str:file_id>/links/", link_views.file_links, name="file-links"),
    path("files/<str:file_id>/links/<str:link_id>/revoke/", link_views.revoke, name="revoke-link"),
    path("files/<str:file_id>/download/", views.download, name="file-download"),
]
