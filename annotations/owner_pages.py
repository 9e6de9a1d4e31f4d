"""The admin's page of one owner: everything that is held, and agreeing and taking back in the owner's name."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from annotations import owners, withdrawing
from annotations.owner_serializers import OwnerFile
from clips import consenting, sights, standing
from clips.models import Channel, Clip, ConsentEvent, Disclosure, EventKind, Purpose
from config.acting import ReasonField, staff
from config.clock import database_now
from config.errors import NotFound, Refusal
from config.scope import scope_of
from config.scope import seen as seen_by_staff

SLUG = re.compile(r"[-a-zA-Z0-9_]{1,64}\Z")


def allowed(request: HttpRequest) -> bool:
    """Whether these pages are for this member of staff."""
    return request.user.has_perm("clips.view_owner")


class ActForm(forms.Form):
    """What the owner says, of which clip, how it reached us, and why it is recorded."""

    about = forms.ChoiceField(label=gettext_lazy("Of"), widget=UnfoldAdminSelectWidget())
    purposes = forms.MultipleChoiceField(choices=Purpose.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget())
    channel = forms.ChoiceField(choices=Channel.choices, initial=Channel.DESK, widget=UnfoldAdminSelectWidget())
    reason = ReasonField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=gettext_lazy("How the owner asked; kept with your name."),
    )

    def __init__(self, *args: Any, clips: list[Clip], **options: Any) -> None:
        super().__init__(*args, **options)
        every = [("", "all clips, those to come too")]
        self.fields["about"] = forms.ChoiceField(
            label=gettext_lazy("Of"),
            required=False,
            choices=every + [(str(clip.pk), str(clip)) for clip in clips],
            widget=UnfoldAdminSelectWidget(),
        )

    def clip(self, clips: list[Clip]) -> Clip | None:
        """The clip that was chosen, None for all."""
        return next((clip for clip in clips if str(clip.pk) == self.cleaned_data["about"]), None)


class WithdrawForm(ActForm):
    field_order = ["about", "purposes", "channel", "reason"]


class GiveForm(ActForm):
    disclosure = forms.ModelChoiceField(
        queryset=Disclosure.objects.all(),
        to_field_name="version",
        widget=UnfoldAdminSelectWidget(),
        help_text=gettext_lazy("The text that the owner was shown; it counts for clips of its region."),
    )
    field_order = ["about", "purposes", "disclosure", "channel", "reason"]


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Ask for an owner by key. Owners are not listed: staff look at one when that one asks."""
    if not allowed(request):
        raise Http404
    key = request.GET.get("key", "").strip()
    if SLUG.match(key) and consenting.is_found(key, by=staff(request)):
        return redirect("owner-page", key=key)
    context = admin.site.each_context(request) | {"title": _("Owners"), "asked": key[:64]}
    return TemplateResponse(request, "admin/owners.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, key: str) -> HttpResponse:
    """Everything that is held of one owner, and what can be done in their name."""
    if not allowed(request):
        raise Http404
    try:
        held = owners.file_of(key, at=database_now(), to=staff(request))
    except NotFound:
        raise Http404 from None
    theirs = seen_by_staff(request.user, Clip.objects.filter(owner_key=key).exclude(state__in=consenting.OVER))
    clips = list(theirs.order_by("-id")[:500])
    act = request.POST.get("act", "")
    withdraw = WithdrawForm(
        request.POST if act == "withdraw" else None,
        clips=clips,
        initial={"purposes": Purpose.values},
        prefix="withdraw",
    )
    give = GiveForm(request.POST if act == "give" else None, clips=clips, prefix="give")
    give.fields["disclosure"].queryset = seen_by_staff(request.user, Disclosure.objects.all())  # type: ignore[attr-defined]
    may_act = request.user.has_perm("clips.add_consentevent")
    chosen = {"withdraw": withdraw, "give": give}.get(act)
    if request.method == "POST" and may_act and chosen is not None and chosen.is_valid():
        try:
            _act(request, key, chosen, clips)
            return redirect("owner-page", key=key)
        except Refusal as refusal:
            messages.error(request, refusal.detail)
    said = seen_by_staff(request.user, ConsentEvent.objects.filter(owner_key=key))
    events = list(said.select_related("disclosure", "actor").order_by("id"))
    context = admin.site.each_context(request) | {
        "title": f"Owner {key}",
        "key": key,
        "held": held,
        "consents": [(event, _ended(event, events)) for event in reversed(events)],
        "permitted": _permitted(held),
        "withdraw": withdraw,
        "give": give,
        "opened": act,
        "may_act": may_act,
        "may_tell": request.user.has_perm("clips.report_sights"),
    }
    return TemplateResponse(request, "admin/owner_page.html", context)


def _ended(event: ConsentEvent, events: list[ConsentEvent]) -> str:
    """Whether a consent still stands, for people to read."""
    if event.kind == EventKind.WITHDRAWN:
        return ""
    about = [other for other in events if other.clip_id in {None, event.clip_id}]
    ended = standing.ended_at(event, about)
    if ended is not None:
        return f"taken back {ended:%Y-%m-%d %H:%M} UTC"
    if event.expires_at is not None and event.expires_at <= database_now():
        return f"expired {event.expires_at:%Y-%m-%d %H:%M} UTC"
    return f"stands until {event.expires_at:%Y-%m-%d %H:%M} UTC" if event.expires_at else "stands"


def _permitted(held: dict[str, Any]) -> dict[int, str]:
    """What each clip may be used for now, by its number."""
    found: dict[int, list[str]] = {}
    for row in held["permitted_now"]:
        found.setdefault(row["clip"], []).append(str(Purpose(row["purpose"]).label).lower())
    return {clip: ", ".join(purposes) for clip, purposes in found.items()}


def _act(request: HttpRequest, key: str, form: ActForm, clips: list[Clip]) -> None:
    """Record what the form says in the owner's name."""
    fields, at, clip = form.cleaned_data, database_now(), form.clip(clips)
    if isinstance(form, GiveForm):
        given = consenting.agreed(
            owner_key=key,
            disclosure=fields["disclosure"].version,
            purposes=fields["purposes"],
            channel=fields["channel"],
            given_at=at,
            region=clip.region if clip else None,
        )
        consenting.give(clip, given, by=staff(request), reason=fields["reason"])
        messages.success(request, gettext_lazy("It is recorded; what it permits is permitted from now on."))
        return
    how: dict[str, Any] = {name: fields[name] for name in ("purposes", "channel", "reason")}
    if clip is None:
        done = withdrawing.withdraw_all(key, by=staff(request), at=at, **how)
    else:
        done = withdrawing.withdraw(clip.pk, by=staff(request), at=at, **how)
    exports = withdrawing.exports_with(done.event, to=staff(request))
    said = "Withdrawn: nobody is shown it from now on."
    # All of an owner's clips may be in other regions, too, which figures would tell.
    if clip is not None or scope_of(request.user).everywhere:
        said += f" Leases ended: {done.leases_ended}."
    if done.clips_closing and (clip is not None or scope_of(request.user).everywhere):
        said += f" Clips still being closed, with every gate shut: {done.clips_closing}."
    if exports:
        said += f" Handed out no more: export {', '.join(str(row['id']) for row in exports)}."
    messages.success(request, said)


@require_safe
def file(request: HttpRequest, key: str) -> HttpResponse:
    """The owner's file, to be handed over."""
    if not allowed(request):
        raise Http404
    try:
        held = owners.file_of(key, at=database_now(), to=staff(request))
    except NotFound:
        raise Http404 from None
    reply = JsonResponse(OwnerFile(held).data, json_dumps_params={"indent": 2, "ensure_ascii": False})
    reply["Content-Disposition"] = f'attachment; filename="{key}.json"'
    reply["Cache-Control"] = "private, no-store"
    return reply


@require_safe
def seen(request: HttpRequest, key: str) -> HttpResponse:
    """Who saw this owner's clips, those that are purged too, as a table to be handed over."""
    if not request.user.has_perm("clips.report_sights") or not consenting.is_found(key, by=staff(request)):
        raise Http404
    table = sights.as_csv(sights.of_owner(key, seen_by_staff(request.user, Clip.objects.all())))
    reply = HttpResponse(table, content_type="text/csv; charset=utf-8")
    reply["Content-Disposition"] = f'attachment; filename="sights-{key}.csv"'
    reply["Cache-Control"] = "private, no-store"
    return reply
