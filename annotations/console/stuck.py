"""The page of what stands still: clips, tasks, leases, people, exports, purges and promises, each with its way out."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from annotations.console import stuck_acts, stuck_rows
from annotations.console.pages import page, show
from annotations.console.stuck_acts import ACTS
from config.acting import staff
from config.clock import database_now
from config.errors import NotFound, Refusal
from config.scope import reaches_all

NEEDS = sorted({need for need, _make in stuck_rows.SECTIONS})


@page(*NEEDS)
@require_http_methods(["GET", "HEAD"])
def stuck(request: HttpRequest) -> HttpResponse:
    """All that stands still, the worst first."""
    at, user = database_now(), staff(request)
    found = stuck_rows.sections(user, at=at)
    shown = [
        {
            "section": one,
            "rows": [
                (row, [(name, ACTS[name]) for name in row.acts if user.has_perm(ACTS[name].need)]) for row in one.rows
            ],
            "ask": ACTS["audit"] if one.note == "audit" else None,
        }
        for one in found
    ]
    context = {
        "title": _("Stuck work"),
        "at": at,
        "busy": [one for one in shown if one["rows"]],
        "calm": [one for one in shown if not one["rows"]],
    }
    return show(request, "console/stuck.html", context)


@page(*NEEDS)
@require_POST
def act(request: HttpRequest) -> HttpResponse:
    """Do one thing to one row, with a reason; what came of it is said on the page."""
    user, name, number = staff(request), request.POST.get("act", ""), request.POST.get("number", "")
    known = ACTS.get(name)
    if known is None or not user.has_perm(known.need) or not (number.isascii() and number.isdigit()):
        raise Http404
    if len(number) > 18 or (name == "audit" and not reaches_all(user)):
        raise Http404
    try:
        said = stuck_acts.run(name, int(number), by=user, reason=request.POST.get("reason", ""), at=database_now())
        messages.success(request, said)
    except NotFound:
        raise Http404 from None
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    section = request.POST.get("section", "")
    return redirect(f"{reverse('stuck')}#{section}" if section.replace("-", "").isalpha() else reverse("stuck"))
