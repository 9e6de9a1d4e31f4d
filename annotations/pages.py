"""Two pages of the admin that are not a table's: what people changed, and whether the queue keeps its promises."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from annotations import auditing
from annotations.changes import KEPT, ROLE, kinds_for, latest
from annotations.models import AuditRun
from annotations.tasks import audit_queue
from config.acting import staff
from config.bells import ring
from config.scope import reaches_all
from workforce.models import Staff

RUNS_SHOWN = 20


def allowed(request: HttpRequest) -> bool:
    """Whether these pages are for this member of staff."""
    return request.user.has_perm("annotations.view_lease")


@require_safe
def changes(request: HttpRequest) -> HttpResponse:
    """Who changed what, when and why; asked by kind, number and name."""
    if not allowed(request):
        raise Http404
    kind, number, by = (request.GET.get(name, "").strip() for name in ("kind", "number", "by"))
    known = number.isascii() and number.isdigit() and len(number) < 19
    rows = []
    kinds = kinds_for(staff(request))
    if kind in {"", *kinds} and (known or not number):
        rows = latest(kind=kind, number=int(number) if number else None, by=by[:150], to=staff(request))
    context: dict[str, Any] = admin.site.each_context(request) | {
        "title": _("Changes"),
        "rows": [(change, _link(change.kind, change.number)) for change in rows],
        "kinds": kinds,
        "asked": {"kind": kind, "number": number, "by": by},
    }
    return TemplateResponse(request, "admin/changes.html", context)


def _link(kind: str, number: int) -> str:
    model = Staff if kind == ROLE else KEPT.get(kind)
    if model is None:
        return ""
    try:
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[number])
    except NoReverseMatch:
        return ""


@require_http_methods(["GET", "HEAD", "POST"])
def audit(request: HttpRequest) -> HttpResponse:
    """The queue's promises and whether they hold; asked every five minutes, or now. They are asked of all regions, so
    only who has all is told."""
    if not allowed(request) or not reaches_all(request.user):
        raise Http404
    if request.method == "POST":
        ring(audit_queue, queue="general")
        messages.success(request, gettext_lazy("The promises are being asked; look again in a moment."))
        return redirect("audit")
    runs = list(AuditRun.objects.all()[:RUNS_SHOWN])
    broken = {item["name"]: item for item in runs[0].findings} if runs else {}
    context: dict[str, Any] = admin.site.each_context(request) | {
        "title": _("Audit"),
        "runs": runs,
        "checks": [(check, broken.get(check.name)) for check in auditing.CHECKS],
    }
    return TemplateResponse(request, "admin/audit.html", context)
