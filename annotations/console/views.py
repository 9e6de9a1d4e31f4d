"""Saving, renaming and deleting views of lists; each leads back to the list it is of."""

from __future__ import annotations

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from annotations import saved_views
from annotations.models import SavedView
from config.acting import staff
from config.errors import Refusal


def _address(of: str, query: str) -> str:
    url = reverse(f"admin:{of.replace('.', '_')}_changelist")
    return f"{url}?{query}" if query else url


def _may_open(request: HttpRequest, of: str) -> bool:
    """Whether there is such a list, and this person may open it."""
    return any(
        model._meta.label_lower == of and page.has_view_permission(request)
        for model, page in admin.site._registry.items()
    )


def _mine(request: HttpRequest, pk: int) -> SavedView:
    found = SavedView.objects.filter(pk=pk, user=staff(request)).first()
    if found is None:
        raise Http404
    return found


@admin.site.admin_view
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Keep what a list shows under a name."""
    of, query = request.POST.get("list", ""), request.POST.get("query", "")
    if not _may_open(request, of):
        raise Http404
    try:
        view = saved_views.save(
            staff(request),
            of=of,
            name=request.POST.get("name", ""),
            query=query,
            shared=request.POST.get("shared") == "yes",
        )
    except Refusal as refusal:
        messages.error(request, refusal.detail)
        return redirect(_address(of, ""))
    messages.success(request, gettext("Saved as %(name)s.") % {"name": view.name})
    return redirect(_address(of, view.query))


@admin.site.admin_view
@require_POST
def rename(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a view of one's own another name."""
    view = _mine(request, pk)
    try:
        saved_views.rename(view, name=request.POST.get("name", ""))
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    return redirect(_address(view.table, view.query))


@admin.site.admin_view
@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a view of one's own."""
    view = _mine(request, pk)
    saved_views.delete(view)
    messages.success(request, gettext("%(name)s is forgotten.") % {"name": view.name})
    return redirect(_address(view.table, ""))
