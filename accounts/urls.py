from django.conf import settings
from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts import views

urlpatterns = [
    path("login/", views.LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]

if settings.DEMO:
    urlpatterns.append(path("demo/sign-in/", views.demo_sign_in, name="demo-sign-in"))
