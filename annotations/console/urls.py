"""The doors of the console, below ``/admin/``."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, path

from annotations.console import assign, bulk, limits, people, quotas, reports, search, stuck, today, views, weeks

urlpatterns: list[URLPattern] = [
    # Of the home, which is for all staff; what is in them is for each what is theirs.
    path("today/now", admin.site.admin_view(today.live), name="today-live"),
    path("today/foretold", admin.site.admin_view(today.foretold), name="today-foretold"),
    path("today/fortnight", admin.site.admin_view(today.fortnight), name="today-fortnight"),
    path("stuck", stuck.stuck, name="stuck"),
    path("stuck/act", stuck.act, name="stuck-act"),
    path("reports", reports.reports, name="reports"),
    path("reports/figures", reports.figures, name="report-figures"),
    path("reports/csv", reports.report_csv, name="report-csv"),
    path("reports/mail", reports.subscribe, name="report-subscribe"),
    path("reports/mail/stop", reports.unsubscribe, name="report-unsubscribe"),
    path("assign", assign.assign, name="assign"),
    path("assign/rebalance", assign.rebalance, name="assign-rebalance"),
    path("assign/plans/<int:pk>", assign.plan_page, name="assign-plan"),
    path("assign/plans/<int:pk>/undo", assign.plan_undo, name="assign-plan-undo"),
    path("bulk", bulk.runs, name="bulk-runs"),
    path("bulk/<int:pk>", bulk.run_page, name="bulk-run"),
    path("bulk/<int:pk>/cancel", bulk.cancel, name="bulk-cancel"),
    path("bulk/<int:pk>/results.csv", bulk.download, name="bulk-results"),
    # In the place of unfold's own, which keeps for minutes what was found.
    path("search/", search.search, name="search-everything"),
    path("views/save", views.save, name="view-save"),
    path("views/<int:pk>/rename", views.rename, name="view-rename"),
    path("views/<int:pk>/delete", views.delete, name="view-delete"),
    path("quotas", quotas.quotas, name="quota-board"),
    path("quotas/set", limits.set_quota, name="quota-set"),
    path("calendar", weeks.calendar, name="calendar"),
    path("people/<int:pk>", people.person, name="person"),
]
