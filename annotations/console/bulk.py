"""Bulk actions: begun from a list, watched here, stopped if they were wrong, and looked at afterwards."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotations import bulk
from annotations.console.pages import page, show
from annotations.models import BulkOutcome, BulkRun, BulkState
from annotations.tasks import run_bulk
from config.acting import staff
from config.bells import ring
from config.clock import database_now
from config.errors import NotFound, Refusal
from config.scope import get_seen, seen

RUNS, REFUSED, WHYS = 50, 100, 20
# What htmx takes for "ask no more".
STOP_ASKING = 286


def begin(
    request: HttpRequest, rows: QuerySet[Any], *, action: str, title: str | Promise, answers: dict[str, Any]
) -> HttpResponse:
    """Have a worker do an action of a list to these rows, and show how far it is: ``config.acting`` calls this."""
    by = staff(request)
    with translation.override("en"):
        # Others read it in their language.
        kept = str(title)
    run = bulk.begin(rows, action=action, title=kept, answers=answers, by=by, at=database_now())
    ring(run_bulk, run.pk, queue="general")
    return redirect("bulk-run", pk=run.pk)


@page("annotations.view_bulkrun")
@require_safe
def runs(request: HttpRequest) -> HttpResponse:
    """The latest bulk actions that this person may find."""
    found = seen(request.user, BulkRun.objects.select_related("by"))[:RUNS]
    return show(request, "console/bulk_runs.html", {"title": gettext("Bulk actions"), "runs": found})


@page("annotations.view_bulkrun")
@require_http_methods(["GET", "HEAD"])
def run_page(request: HttpRequest, pk: int) -> HttpResponse:
    """How far a bulk action is, and what it refused and why; live until it is over."""
    run = _found(request, pk)
    is_over = run.state in {BulkState.DONE, BulkState.CANCELLED}
    refused = run.items.filter(outcome=BulkOutcome.REFUSED)
    context: dict[str, Any] = {
        "title": gettext(run.title),
        "run": run,
        "what": apps.get_model(run.model)._meta.verbose_name_plural,
        "is_over": is_over,
        "left": run.total - run.looked_at,
        "whys": refused.order_by().values_list("why").annotate(count=Count("place")).order_by("-count")[:WHYS],
        "refused": [(item, _link(run, item.object_id)) for item in refused.order_by("place")[:REFUSED]],
        "most": REFUSED,
        "can_cancel": not is_over and run.by_id == request.user.pk,
        "list": reverse(f"admin:{run.model.replace('.', '_')}_changelist"),
        "at": database_now(),
    }
    asked_by_htmx = request.headers.get("HX-Request") == "true"
    status = STOP_ASKING if is_over and asked_by_htmx else 200
    return show(request, "console/bulk_run.html", context, live="console/bulk_live.html", status=status)


@page("annotations.view_bulkrun")
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a bulk action; what is done stays."""
    run = _found(request, pk)
    if run.by_id != request.user.pk:
        raise Http404
    try:
        run = bulk.cancel(pk, at=database_now())
    except Refusal as refusal:
        messages.warning(request, refusal.detail)
    else:
        left = run.total - run.looked_at
        messages.success(request, gettext("Stopped: %(left)s were left as they are.") % {"left": left})
    return redirect("bulk-run", pk=pk)


@page("annotations.view_bulkrun")
@require_safe
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """What became of each row, as CSV."""
    run = _found(request, pk)
    response = StreamingHttpResponse(_lines(run), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="bulk-action-{run.pk}.csv"'
    return response


class _Echo:
    """Gives back each line that a writer would write."""

    def write(self, line: str) -> str:
        return line


def _lines(run: BulkRun) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(["number", "outcome", "why"])
    for number, outcome, why in bulk.results(run):
        # A sheet takes what begins so for a formula.
        safe = f"'{why}" if why[:1] in {"=", "+", "-", "@"} else why
        yield writer.writerow([number, outcome or "waits", safe])


def _found(request: HttpRequest, pk: int) -> BulkRun:
    try:
        return get_seen(request.user, BulkRun.objects.select_related("by"), pk)
    except NotFound:
        raise Http404 from None


def _link(run: BulkRun, number: int) -> str:
    try:
        return reverse(f"admin:{run.model.replace('.', '_')}_change", args=[number])
    except NoReverseMatch:
        return ""
