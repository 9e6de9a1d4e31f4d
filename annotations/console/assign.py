"""Assigning work by hand: choose, see what would come of it, adjust, do it with a reason, watch it, take it back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from annotations.admin.choosing import Chosen
from annotations.console.assign_form import BECOMES, WHAT, AssignForm, fingerprint
from annotations.console.pages import page, show
from annotations.models import Plan, PlanKind, PlanState, Project, Task
from annotations.planning import by_hand, undoing, watching
from annotations.planning.by_hand import Choice, Preview
from annotations.planning.running import EVERY
from annotations.scopes import told
from annotations.tasks import plan_now
from config.acting import staff
from config.bells import ring
from config.clock import database_now
from config.errors import NotFound, Refusal
from config.history import LONGEST
from config.scope import get_seen, seen

RECENT = 8
LINES = 200


@page("annotations.add_plan")
@require_http_methods(["GET", "HEAD", "POST"])
def assign(request: HttpRequest, chosen: Chosen | None = None) -> HttpResponse:
    """The form, what would come of it, and doing it. ``chosen``: a list was asked to plan these."""
    user = staff(request)
    if chosen is not None or request.method != "POST":
        form = AssignForm(initial=_beginning(request, chosen), asked_by=user)
        return _shown(request, form, chosen=chosen)
    form = AssignForm(request.POST, asked_by=user)
    if not form.is_valid():
        return _shown(request, form)
    choice, at = form.choice(), database_now()
    if request.POST.get("do") == "apply":
        plan = _applied(request, form, choice, at=at)
        if plan is not None:
            messages.success(request, gettext("Done. Here you see what becomes of it."))
            return redirect("assign-plan", pk=plan.pk)
    try:
        found = by_hand.preview(choice, by=user, at=at)
    except Refusal as refusal:
        if not form.errors:
            form.say(refusal)
        return _shown(request, form)
    form.looked(choice)
    return _shown(request, form, found=found)


def _applied(request: HttpRequest, form: AssignForm, choice: Choice, *, at: datetime) -> Plan | None:
    """The plan that was made of the choice; None when it was refused, which the form then says."""
    if form.cleaned_data["looked_at"] != fingerprint(choice):
        form.add_error(None, gettext("The choice changed since you looked: this is what would come of it now."))
        return None
    try:
        return by_hand.apply(choice, by=staff(request), reason=form.cleaned_data["reason"], at=at)
    except Refusal as refusal:
        form.say(refusal)
        return None


def _beginning(request: HttpRequest, chosen: Chosen | None) -> dict[str, Any]:
    """What the form begins with: the choice of a list, with its project where it is of one."""
    if chosen is None:
        return {name: request.GET[name] for name in ("project", "region") if name in request.GET}
    rows = seen(request.user, Task.objects.all())
    rows = rows.filter(pk__in=chosen.ids) if chosen.kind == "task" else rows.filter(clip__in=chosen.ids)
    of = list(rows.order_by().values_list("project", flat=True).distinct()[:2])
    if not of:
        of = list(seen(request.user, Project.objects.filter(is_active=True)).values_list("pk", flat=True)[:2])
    return {"chosen": chosen.packed(), "project": of[0] if len(of) == 1 else None}


def _shown(
    request: HttpRequest,
    form: AssignForm,
    *,
    found: Preview | None = None,
    chosen: Chosen | None = None,
) -> HttpResponse:
    user = staff(request)
    if chosen is None and form.is_bound:
        chosen = getattr(form, "cleaned_data", {}).get("chosen")
    hand = seen(user, Plan.objects.filter(kind=PlanKind.HAND)).select_related("by")
    context: dict[str, Any] = {
        "title": gettext("Assign workloads"),
        "form": form,
        "chosen": chosen,
        "what": form.section(WHAT),
        "becomes": form.section(BECOMES),
        "recent": hand[:RECENT],
        "last": Plan.objects.filter(kind=PlanKind.BEAT).first(),
        "every": EVERY,
    }
    if found is not None:
        context |= {"found": found} | _effect(request, found)
    return show(request, "console/assign.html", context)


def _effect(request: HttpRequest, found: Preview) -> dict[str, Any]:
    """The lines of a preview as a person reads them: what moves, and what nobody was found for."""
    user = staff(request)
    # Lines of a preview are in no table yet, so their teams' names are read here, once.
    names = {team.team_id: team.name for team in found.teams}
    most = max((max(team.now, team.after) for team in found.teams), default=0) or 1
    return {
        "moves": [
            (line, names.get(line.from_team_id or 0, ""), names.get(line.to_team_id or 0, ""))
            for line in found.lines
            if line.to_team_id
        ][:LINES],
        "unplaced": [(line, told(user, line)) for line in found.lines if not line.to_team_id][:LINES],
        "unplaced_tasks": sum(line.tasks for line in found.lines if not line.to_team_id),
        "most_seats": most,
    }


@page("annotations.view_plan")
@require_http_methods(["GET", "HEAD"])
def plan_page(request: HttpRequest, pk: int) -> HttpResponse:
    """A plan, and how far people came with what it gave them; its progress is live."""
    return _plan_shown(request, pk)


def _plan_shown(request: HttpRequest, pk: int, *, fault: str = "", reason: str = "") -> HttpResponse:
    user = staff(request)
    plan = _found(request, pk)
    teams = watching.progress(plan, to=user)
    begun = sum(team.begun for team in teams)
    can_undo = plan.kind == PlanKind.HAND and plan.state in {PlanState.APPLIED, PlanState.BROKEN_OFF}
    context: dict[str, Any] = {
        "title": gettext("Plan %(number)s") % {"number": plan.pk},
        "plan": plan,
        "teams": teams,
        "begun": begun,
        "can_undo": can_undo and user.has_perm("annotations.change_plan"),
        "fault": fault,
        "reason": reason,
        "longest": LONGEST,
        "at": database_now(),
    }
    if request.headers.get("HX-Request") != "true":
        lines = seen(user, plan.lines.select_related("project", "from_team", "to_team"))
        context["lines"] = [(line, told(user, line)) for line in lines[:LINES]]
        context["line_count"] = lines.aggregate(count=Count("pk"))["count"]
    return show(request, "console/plan.html", context, live="console/plan_live.html")


def _found(request: HttpRequest, pk: int) -> Plan:
    try:
        return get_seen(request.user, Plan.objects.select_related("by", "undone_by"), pk)
    except NotFound:
        raise Http404 from None


@page("annotations.change_plan")
@require_POST
def plan_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a plan by hand back, with a reason."""
    _found(request, pk)
    reason = request.POST.get("reason", "")
    try:
        undoing.undo(pk, by=staff(request), reason=reason, at=database_now())
    except Refusal as refusal:
        return _plan_shown(request, pk, fault=refusal.detail, reason=reason[:LONGEST])
    messages.success(request, gettext("Taken back: tasks lie where they lay, and those that the plan made are gone."))
    return redirect("assign-plan", pk=pk)


@page("annotations.add_plan")
@require_POST
def rebalance(request: HttpRequest) -> HttpResponse:
    """Let the planner look at everything now instead of within minutes."""
    ring(plan_now, queue="general")
    messages.success(
        request, gettext("The planner looks at all work now. What it changes is among the plans in a moment.")
    )
    return redirect(reverse("assign"))
