from django.urls import path

from files import pages, views

urlpatterns = [
    path("", pages.files, name="files"),
    path("progress/", views.progress, name="files-progress"),
    path("uploads/", views.begin, name="files-begin"),
    path("uploads/parts/", views.sign_parts, name="files-parts"),
    path("uploads/state/", views.state, name="files-state"),
    path("uploads/confirm/", views.confirm, name="files-confirm"),
    path("uploads/abort/", views.abort, name="files-abort"),
    path("uploads/<str:upload_id>/end/", pages.end_unfinished, name="files-end-unfinished"),
    path("<str:file_id>/", pages.file, name="file"),
    path("<str:file_id>/delete/", pages.delete, name="file-delete"),
    path("<str:file_id>/versions/<int:version>/restore/", pages.restore, name="file-restore"),
    path(
        "<str:file_id>/versions/<int:version>/delete/",
        pages.delete_version,
        name="file-delete-version",
    ),
]
