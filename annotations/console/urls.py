"""The doors of the console, below ``/admin/``."""

from __future__ import annotations

from django.urls import URLPattern, path

from annotations.console import limits, people, quotas, weeks

urlpatterns: list[URLPattern] = [
    path("quotas", quotas.quotas, name="quota-board"),
    path("quotas/set", limits.set_quota, name="quota-set"),
    path("calendar", weeks.calendar, name="calendar"),
    path("people/<int:pk>", people.person, name="person"),
]
