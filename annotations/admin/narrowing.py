"""Filters that people need first on the lists of the work: what it was labelled, and when it is due."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from annotations.models import Project
from config.admin import rows_offered
from config.lists import Came

# Labels that are offered; a project's schema may hold more than a list has room for.
MOST_LABELS = 60


class OfLabel(admin.SimpleListFilter):
    """By label, as the projects' schemas name them: rows need not be read for what may be chosen."""

    title: Any = _("label")
    parameter_name = "label"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        schemas = [project.label_schema for project in rows_offered(request, Project)]
        found = {str(one["value"]): str(one["name"]) for schema in schemas for one in schema.get("labels", ())}
        return list(found.items())[:MOST_LABELS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        label = self.value()
        # What has no label is most of it, and not asked for: the index holds the others.
        return queryset.filter(label=label).exclude(label="") if label else queryset


class IsDue(admin.SimpleListFilter):
    """When a task is due; what is due first stands first."""

    title: Any = _("due")
    parameter_name = "due"
    HOURS = {"late": 0, "2h": 2, "8h": 8, "day": 24}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("late", _("Late")),
            ("2h", _("Within 2 hours, or late")),
            ("8h", _("Within 8 hours, or late")),
            ("day", _("Within a day, or late")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        hours = self.HOURS.get(self.value() or "")
        return queryset if hours is None else queryset.filter(due_at__lt=Now() + timedelta(hours=hours))


class Granted(Came):
    title = _("granted")
    column = "granted_at"


class Submitted(Came):
    title = _("submitted")
    column = "submitted_at"
