"""The doors of the console, below ``/admin/``."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, path

from annotations.console import reports, stuck, today

urlpatterns: list[URLPattern] = [
    # Of the home, which is for all staff; what is in them is for each what is theirs.
    path("today/now", admin.site.admin_view(today.live), name="today-live"),
    path("today/foretold", admin.site.admin_view(today.foretold), name="today-foretold"),
    path("today/fortnight", admin.site.admin_view(today.fortnight), name="today-fortnight"),
    path("stuck", stuck.stuck, name="stuck"),
    path("stuck/act", stuck.act, name="stuck-act"),
    path("reports", reports.reports, name="reports"),
    path("reports/csv", reports.report_csv, name="report-csv"),
    path("reports/mail", reports.subscribe, name="report-subscribe"),
    path("reports/mail/stop", reports.unsubscribe, name="report-unsubscribe"),
]
