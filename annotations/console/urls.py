"""The doors of the console, below ``/admin/``."""

from __future__ import annotations

from django.urls import URLPattern, path

from annotations.console import assign, bulk, search, views

urlpatterns: list[URLPattern] = [
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
]
