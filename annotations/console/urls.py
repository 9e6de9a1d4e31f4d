"""The doors of the console, below ``/admin/``."""

from __future__ import annotations

from django.urls import URLPattern, path

from annotations.console import assign

urlpatterns: list[URLPattern] = [
    path("assign", assign.assign, name="assign"),
    path("assign/rebalance", assign.rebalance, name="assign-rebalance"),
    path("assign/plans/<int:pk>", assign.plan_page, name="assign-plan"),
    path("assign/plans/<int:pk>/undo", assign.plan_undo, name="assign-plan-undo"),
]
