"""Clips in the admin: where each stands, never what is on it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from clips import preparing, queries, sight, sights, story
from clips.admin.footage import panel
from clips.models import Case, CaseState, Clip, ClipState, DeviceEvent, Rendition
from clips.tasks import ring_for
from config import speech
from config.acting import staff, with_reason
from config.admin import Record, ago, seconds, size
from config.clock import database_now
from config.history import because
from config.lists import Came, Large, RegionValues
from config.scope import offered, seen

STATE_COLOURS = {
    ClipState.RECEIVING: "info",
    ClipState.UPLOADED: "info",
    ClipState.PREPARING: "warning",
    ClipState.READY: "success",
    ClipState.FAILED: "danger",
    ClipState.QUARANTINED: "danger",
    ClipState.WITHHELD: "danger",
    ClipState.PURGED: "default",
}


class Stuck(admin.SimpleListFilter):
    """What a sweep should have moved on by now, and what waits for a person."""

    title = _("what needs somebody")
    parameter_name = "needs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("late", _("Late in its state")), ("failed", _("Failed")), ("case", _("Has an open case"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Clip]) -> QuerySet[Clip]:
        if self.value() == "late":
            return queryset.filter(due_at__lt=database_now() - timedelta(minutes=2))
        if self.value() == "failed":
            return queryset.filter(state=ClipState.FAILED)
        if self.value() == "case":
            return queryset.filter(pk__in=Case.objects.filter(state=CaseState.OPEN).values("clip"))
        return queryset


class OfLanguage(admin.SimpleListFilter):
    """What is spoken: the languages of clips that are this person's."""

    title = _("language")
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        codes = queries.languages(regions=offered(request.user, settings.REGIONS))
        return [(code, speech.name_of(code)) for code in codes]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Clip]) -> QuerySet[Clip]:
        return queryset.filter(language=self.value()) if self.value() else queryset


@admin.register(Clip)
class ClipAdmin(Large):
    list_display = [
        "id",
        "state_label",
        "progress",
        "region",
        "source",
        "language",
        "duration",
        "bytes",
        "picture",
        "codec",
        "attempts",
        "since",
        "failure",
    ]
    list_filter = [Stuck, "state", ("region", RegionValues), Came, "kind", "source", OfLanguage, "is_sensitive"]
    search_fields = ["=id", "=owner_key", "=sha256"]
    # What a source or a kind is of is in no index.
    reach = 200_000
    few = {
        "state__exact": frozenset(ClipState.values) - {ClipState.READY, ClipState.PURGED},
        "needs": {"late", "failed", "case"},
    }
    search_help_text = _("Clip number, owner's key or SHA-256, whole")
    actions = ["retry", "cancel", "tell_owner"]
    acts_by = (
        "state",
        {
            "retry": {ClipState.FAILED},
            "cancel": {ClipState.UPLOADED, ClipState.PREPARING},
            "quarantine": {ClipState.UPLOADED, ClipState.PREPARING, ClipState.READY, ClipState.FAILED},
        },
    )
    change_form_outer_before_template = "admin/clip_page.html"
    fieldsets = [
        (
            "As it is stored",
            {
                "classes": ["collapse"],
                "fields": ["region", "state", "due_at", "sha256", "original_key", "same_as", "facts", "sound"],
            },
        )
    ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_queryset(request).select_related("event")
        clip = found.filter(pk=object_id).first() if object_id.isdigit() else None
        context = extra_context or {}
        # Asked for by hand, each time: what is shown first has no faces, where there is such a one.
        clear = request.GET.get("faces") == "clear"
        if clip is not None:
            context |= {
                "panel": panel(request, [clip], clear=clear),
                "has_both": sight.has_both(clip),
                "clear": clear,
                "seen": sight.sights_by_faces(clip),
                "said": story.said_of(clip),
                "story": story.story_of(clip),
            }
        return super().change_view(request, object_id, form_url, context)

    def has_report_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("clips.report_sights")

    @action(description=_("Who saw the owner's clips (CSV)"), permissions=["report"])
    def tell_owner(self, request: HttpRequest, queryset: QuerySet[Clip]) -> HttpResponse | None:
        """The report that an owner is given, of all their clips and not only the chosen one."""
        owners = set(queryset.order_by().values_list("owner_key", flat=True).distinct()[:2])
        if len(owners) != 1:
            messages.error(request, _("A report is one owner's: choose clips of one."))
            return None
        (owner,) = owners
        if not owner:
            # All purged clips look alike here; their owners' sights must not come into one report.
            messages.error(
                request, _("Whose a purged clip was is not known here; take the report from the owner's page.")
            )
            return None
        name = f'attachment; filename="sights-{owner}.csv"'
        report = sights.as_csv(sights.of_owner(owner, seen(request.user, Clip.objects.all())))
        return HttpResponse(report, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": name})

    @with_reason(
        description=_("Cancel preparation"),
        effect=_("What waits for preparation or is being prepared fails, with your reason; a retry begins anew."),
        done=_("cancelled"),
    )
    def cancel(self, request: HttpRequest, clip: Clip, answers: dict[str, Any]) -> object:
        """Stop preparing these clips."""
        return preparing.cancel(clip.pk, by=staff(request), reason=answers["reason"], at=database_now())

    @display(description=_("State"), ordering="state", label=STATE_COLOURS)
    def state_label(self, clip: Clip) -> tuple[str, str]:
        return clip.state, clip.get_state_display()

    @display(description=_("Progress"))
    def progress(self, clip: Clip) -> str:
        return f"{clip.percent} %" if clip.state in {ClipState.PREPARING, ClipState.READY} else "-"

    @display(description=_("Length"), ordering="duration_ms")
    def duration(self, clip: Clip) -> str:
        return seconds(clip.duration_ms)

    @display(description=_("Size"), ordering="size_bytes")
    def bytes(self, clip: Clip) -> str:
        return size(clip.size_bytes)

    @display(description=_("Picture"))
    def picture(self, clip: Clip) -> str:
        return f"{clip.width} x {clip.height}"

    @display(description=_("Codec"))
    def codec(self, clip: Clip) -> str:
        return str(clip.facts.get("video_codec", "-"))

    @display(description=_("In this state"), ordering="state_since")
    def since(self, clip: Clip) -> SafeString | str:
        return ago(clip.state_since)

    @with_reason(
        description=_("Try failed clips again"),
        effect=_("Failed clips get another round of attempts; others are left as they are."),
        done=_("will be tried again"),
    )
    def retry(self, request: HttpRequest, clip: Clip, answers: dict[str, Any]) -> object:
        """Give failed clips another round of attempts."""
        with because(staff(request), answers["reason"], verb="retry preparation"):
            again = preparing.retry(clip.pk, at=database_now())
        if again:
            ring_for(clip.pk, clip.region)
        return again


@admin.register(Rendition)
class RenditionAdmin(Record):
    list_display = ["clip", "kind", "content_type", "picture", "length", "bytes", "attempt", "made_at"]
    list_filter = ["kind", "clip__region"]
    list_select_related = ["clip"]
    search_fields = ["=clip__id", "=sha256"]
    search_help_text = _("Clip number or SHA-256, whole")

    @display(description=_("Picture"))
    def picture(self, rendition: Rendition) -> str:
        return f"{rendition.width} x {rendition.height}"

    @display(description=_("Length"))
    def length(self, rendition: Rendition) -> str:
        return seconds(rendition.duration_ms) if rendition.duration_ms else "-"

    @display(description=_("Size"), ordering="size_bytes")
    def bytes(self, rendition: Rendition) -> str:
        return size(rendition.size_bytes)


@admin.register(DeviceEvent)
class DeviceEventAdmin(Record):
    list_display = ["clip", "said", "device_model", "detector_version", "happened_at"]
    list_filter = ["device_model", "detector_version", "clip__region"]
    list_select_related = ["clip"]
    search_fields = ["=clip__id"]
    search_help_text = _("Clip number")
