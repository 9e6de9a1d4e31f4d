from django.urls import path

from clips import api

urlpatterns = [
    path("clips", api.ClipsView.as_view(), name="clips"),
    path("clips/<int:pk>", api.ClipView.as_view(), name="clip"),
    path("uploads", api.UploadsView.as_view(), name="uploads"),
    path("uploads/<int:pk>/confirm", api.ConfirmationView.as_view(), name="confirmation"),
]
