from django.urls import path

from avatars import views

urlpatterns = [
    path("uploads/", views.begin_upload, name="begin-upload"),
    path("uploads/confirm/", views.confirm_upload, name="confirm-upload"),
    path("remove/", views.remove, name="remove-avatar"),
    path("<uuid:user_id>/picture/", views.picture, name="picture"),
    path("<str:username>/", views.avatar, name="avatar"),
]
