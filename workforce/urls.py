from django.urls import path

from workforce import api

urlpatterns = [
    path("tokens", api.TokensView.as_view(), name="tokens"),
    path("tokens/current", api.CurrentTokenView.as_view(), name="current-token"),
    path("me", api.MeView.as_view(), name="me"),
    path("me/resume", api.ResumeView.as_view(), name="resume"),
    path("me/days", api.MyDaysView.as_view(), name="my-days"),
]
