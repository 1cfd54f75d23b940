from django.urls import path

from inspection import views
from inspection.styleguide import styleguide

urlpatterns = [
    path("", views.users, name="users"),
    path("inspection/bucket/", views.bucket, name="inspection-bucket"),
    path("inspection/table/", views.table, name="inspection-table"),
    path("inspection/files/", views.files_table, name="inspection-files"),
    path("styleguide/", styleguide, name="styleguide"),
]
