from django.urls import path

from clips import api

urlpatterns = [
    path("clips", api.ClipsView.as_view(), name="clips"),
    path("clips/<int:pk>", api.ClipView.as_view(), name="clip"),
]
