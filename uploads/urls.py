from django.urls import path

from uploads import views

urlpatterns = [
    path("s3/", views.receive_events, name="receive-events"),
]
