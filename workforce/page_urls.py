"""The people's pages, below ``/admin/``."""

from django.urls import path

from workforce import pages

urlpatterns = [
    path("second-factor", pages.factor, name="second-factor"),
    path("second-factor/codes", pages.codes, name="second-factor-codes"),
]
