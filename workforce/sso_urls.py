"""Doors of the company's own sign-in; allauth knows them by these names."""

from django.urls import path

from workforce import sso

urlpatterns = [
    path("login/", sso.begin, {"provider_id": sso.PROVIDER}, name="openid_connect_login"),
    path("login/callback/", sso.back, {"provider_id": sso.PROVIDER}, name="openid_connect_callback"),
]
