from django.urls import path, register_converter

from assets import views


class AnyName:
    """Whatever stands in the path, line ends too: a bad name is told, not taken for a page."""

    regex = "(?s:.+)"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(AnyName, "name")

urlpatterns = [
    path("asset", views.assets, name="assets"),
    path("asset/", views.assets),
    path("asset/<name:name>", views.asset, name="asset"),
    path("files/<str:file_id>/download/", views.download, name="file-download"),
]
