from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts import key_pages, views

urlpatterns = [
    path("login/", views.LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("keys/", key_pages.keys, name="keys"),
    path("keys/<int:pk>/revoke/", key_pages.revoke_key, name="revoke-key"),
]
