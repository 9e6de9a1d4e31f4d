"""The footage in the admin: where each clip stands, never what is on it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.decorators import display

from clips import preparing, sight, story
from clips.models import Case, CaseState, Clip, ClipState, Consent, DeviceEvent, Disclosure, Likeness, Rendition, Sight
from clips.tasks import ring_for
from config.acting import staff, with_reason
from config.admin import Record, ago, seconds, size
from config.clock import database_now
from config.history import because

STATE_COLOURS = {
    ClipState.RECEIVING: "info",
    ClipState.UPLOADED: "info",
    ClipState.PREPARING: "warning",
    ClipState.READY: "success",
    ClipState.FAILED: "danger",
    ClipState.QUARANTINED: "danger",
    ClipState.WITHHELD: "danger",
}


class Stuck(admin.SimpleListFilter):
    """What a sweep should have moved on by now, and what waits for a person."""

    title = "what needs somebody"
    parameter_name = "needs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("late", "Late in its state"), ("failed", "Failed"), ("case", "Has an open case")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Clip]) -> QuerySet[Clip]:
        if self.value() == "late":
            return queryset.filter(due_at__lt=database_now() - timedelta(minutes=2))
        if self.value() == "failed":
            return queryset.filter(state=ClipState.FAILED)
        if self.value() == "case":
            return queryset.filter(pk__in=Case.objects.filter(state=CaseState.OPEN).values("clip"))
        return queryset


@admin.register(Clip)
class ClipAdmin(Record):
    list_display = [
        "id",
        "state_label",
        "progress",
        "region",
        "source",
        "duration",
        "bytes",
        "picture",
        "codec",
        "attempts",
        "since",
        "failure",
    ]
    list_filter = [Stuck, "state", "kind", "region", "source", "created_at"]
    search_fields = ["=id", "owner_key", "sha256"]
    search_help_text = "Clip number, owner's key or SHA-256, whole"
    actions = ["retry", "cancel"]
    change_form_before_template = "admin/clip_page.html"
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
        clip = Clip.objects.select_related("event").filter(pk=object_id).first() if object_id.isdigit() else None
        context = extra_context or {}
        if clip is not None:
            context |= {
                "watchable": sight.may_watch(staff(request), clip),
                "kinds": dict.fromkeys(clip.renditions.values_list("kind", flat=True), True),
                "said": story.said_of(clip),
                "story": story.story_of(clip),
            }
        return super().change_view(request, object_id, form_url, context)

    @with_reason(
        description="Cancel preparation",
        effect="What waits for preparation or is being prepared fails, with your reason; a retry begins anew.",
        done="cancelled",
    )
    def cancel(self, request: HttpRequest, clip: Clip, answers: dict[str, Any]) -> object:
        """Stop preparing these clips."""
        return preparing.cancel(clip.pk, by=staff(request), reason=answers["reason"], at=database_now())

    @display(description="State", ordering="state", label=STATE_COLOURS)
    def state_label(self, clip: Clip) -> tuple[str, str]:
        return clip.state, clip.get_state_display()

    @display(description="Progress")
    def progress(self, clip: Clip) -> str:
        return f"{clip.percent} %" if clip.state in {ClipState.PREPARING, ClipState.READY} else "-"

    @display(description="Length", ordering="duration_ms")
    def duration(self, clip: Clip) -> str:
        return seconds(clip.duration_ms)

    @display(description="Size", ordering="size_bytes")
    def bytes(self, clip: Clip) -> str:
        return size(clip.size_bytes)

    @display(description="Picture")
    def picture(self, clip: Clip) -> str:
        return f"{clip.width} x {clip.height}"

    @display(description="Codec")
    def codec(self, clip: Clip) -> str:
        return str(clip.facts.get("video_codec", "-"))

    @display(description="In this state", ordering="state_since")
    def since(self, clip: Clip) -> SafeString | str:
        return ago(clip.state_since)

    @with_reason(
        description="Try failed clips again",
        effect="Failed clips get another round of attempts; others are left as they are.",
        done="will be tried again",
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
    search_help_text = "Clip number or SHA-256, whole"

    @display(description="Picture")
    def picture(self, rendition: Rendition) -> str:
        return f"{rendition.width} x {rendition.height}"

    @display(description="Length")
    def length(self, rendition: Rendition) -> str:
        return seconds(rendition.duration_ms) if rendition.duration_ms else "-"

    @display(description="Size", ordering="size_bytes")
    def bytes(self, rendition: Rendition) -> str:
        return size(rendition.size_bytes)


@admin.register(Disclosure)
class DisclosureAdmin(Record):
    list_display = ["version", "region", "language", "published_at", "published_by", "short_digest"]
    list_filter = ["region", "language"]
    list_select_related = ["published_by"]
    search_fields = ["version", "text"]
    search_help_text = "Version or wording"

    @display(description="SHA-256")
    def short_digest(self, disclosure: Disclosure) -> str:
        return disclosure.sha256[:16]


@admin.register(Consent)
class ConsentAdmin(Record):
    list_display = ["id", "clip", "owner_key", "agreed_to", "disclosure", "channel", "given_at", "recorded_by"]
    list_filter = ["channel", "disclosure"]
    list_select_related = ["clip", "disclosure", "recorded_by"]
    search_fields = ["=clip__id", "owner_key"]
    search_help_text = "Clip number or owner's key"

    @display(description="Agreed to")
    def agreed_to(self, consent: Any) -> str:
        return ", ".join(purpose.replace("_", " ") for purpose in consent.purposes)


@admin.register(DeviceEvent)
class DeviceEventAdmin(Record):
    list_display = ["clip", "said", "device_model", "detector_version", "happened_at"]
    list_filter = ["device_model", "detector_version", "clip__region"]
    list_select_related = ["clip"]
    search_fields = ["=clip__id"]
    search_help_text = "Clip number"


@admin.register(Likeness)
class LikenessAdmin(Record):
    list_display = ["id", "other", "clip", "distance", "verdict", "found_at"]
    list_filter = ["verdict", "clip__region"]
    list_select_related = ["clip", "other"]
    search_fields = ["=clip__id", "=other__id"]
    search_help_text = "Clip number"
    change_form_before_template = "admin/likeness_page.html"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        rows = Likeness.objects.select_related("clip__event", "other__event")
        found = rows.filter(pk=object_id).first() if object_id.isdigit() else None
        context = extra_context or {}
        if found is not None:
            user = staff(request)
            context["sides"] = [
                {"clip": clip, "watchable": sight.may_watch(user, clip), "said": story.said_of(clip)}
                for clip in (found.other, found.clip)
            ]
        return super().change_view(request, object_id, form_url, context)


@admin.register(Sight)
class SightAdmin(Record):
    list_display = ["clip", "rendition_kind", "user", "place", "seen_at"]
    list_filter = ["rendition_kind", "place", "seen_at"]
    list_select_related = ["clip", "user"]
    search_fields = ["=clip__id", "user__username"]
    search_help_text = "Clip number or sign-in"
