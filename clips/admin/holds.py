"""Legal holds and the register of legal requests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Count, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from clips import holding, legal
from clips.models import Clip, LegalHold, LegalRequest, LegalRequestState, Purge
from config.acting import staff, with_reason
from config.admin import OfRegions, Record, ago
from config.clock import database_now
from config.errors import Refusal
from config.history import ReasonMissing, checked
from config.roles import ALONE
from config.scope import ReachesFurther, scope_of, seen


def _regions() -> list[tuple[str, str]]:
    return [("", "-"), *((code, code) for code in settings.REGIONS)]


class HoldForm(OfRegions, forms.ModelForm):
    """What must not be purged, why, until when."""

    region = forms.ChoiceField(
        required=False,
        choices=_regions,
        widget=UnfoldAdminSelectWidget(),
        help_text=_("All clips of this region that arrived from the first to the last instant."),
    )

    # A plain number: a widget that looks it up would tell of clips that are not theirs.
    clip = forms.ModelChoiceField(Clip.objects.none(), required=False, widget=UnfoldAdminIntegerFieldWidget())

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "clip" in self.fields:
            field: Any = self.fields["clip"]
            field.queryset = seen(self.asked_by, Clip.objects.all())

    class Meta:
        model = LegalHold
        fields = ["clip", "owner_key", "region", "arrived_from", "arrived_until", "ends_at", "reason"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        named = [name for name in ("clip", "owner_key", "region") if cleaned.get(name)]
        if len(named) != 1:
            raise ValidationError(_("Name one of a clip, an owner and a region."))
        span = (cleaned.get("arrived_from"), cleaned.get("arrived_until"))
        if named == ["region"] and (None in span or span[0] >= span[1]):  # type: ignore[operator]
            raise ValidationError(_("With a region say from when until when its clips arrived."))
        if named != ["region"] and any(span):
            raise ValidationError(_("Only with a region it matters when clips arrived."))
        if named == ["owner_key"] and not scope_of(self.asked_by).everywhere:
            raise ValidationError(_("An owner may have clips in other regions than yours; name the clips."))
        if cleaned.get("ends_at") and cleaned["ends_at"] <= database_now():
            self.add_error("ends_at", "A hold ends in the future.")
        try:
            cleaned["reason"] = checked(cleaned.get("reason", ""))
        except ReasonMissing as refusal:
            self.add_error("reason", refusal.detail)
        return cleaned

    def _post_clean(self) -> None:
        """The verb writes the row whole."""


@admin.register(LegalHold)
class LegalHoldAdmin(Record):
    """A hold keeps bytes from being purged; it shows them to nobody."""

    form = HoldForm
    list_display = ["id", "scope_said", "is_on", "reason", "author", "starts_at", "ends_at", "waiting"]
    list_filter = ["region", "ends_at"]
    list_select_related = ["author"]
    search_fields = ["=id", "=clip__id", "=owner_key", "reason"]
    search_help_text = _("Hold or clip number, owner's key, or a word of the reason")
    actions = ["extend", "lift"]

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("clips.add_legalhold")

    def save_model(self, request: HttpRequest, obj: LegalHold, form: Any, change: bool) -> None:
        fields = {name: value for name, value in form.cleaned_data.items() if value not in (None, "")}
        made, late = holding.place(**fields, by=staff(request), at=database_now())
        late = list(seen(request.user, Clip.objects.filter(pk__in=late)).order_by("pk").values_list("pk", flat=True))
        if late:
            said = ", ".join(map(str, late[:20]))
            messages.warning(request, f"Too late for {len(late)} clips, whose purge had begun: {said}.")
        obj.pk = made.pk
        obj.refresh_from_db()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What was filled in; and of one that is there everything."""
        if obj is None:
            return super().get_fields(request)
        return ["scope_said", "reason", "author", "created_at", "starts_at", "ends_at", "waiting"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [] if obj is None else self.get_fields(request, obj)

    @display(description=_("Keeps"))
    def scope_said(self, hold: LegalHold) -> str:
        return hold.scope

    @display(description=_("In force"), boolean=True)
    def is_on(self, hold: LegalHold) -> bool:
        return hold.starts_at <= timezone.now() < hold.ends_at

    @display(description=_("Purges that wait"))
    def waiting(self, hold: Any) -> int:
        count: int = hold.waiting_count
        return count

    def get_queryset(self, request: HttpRequest) -> QuerySet[LegalHold]:
        waiting = seen(request.user, Purge.objects.filter(held_by=OuterRef("pk"))).order_by().values("held_by")
        counted = Subquery(waiting.annotate(count=Count("pk")).values("count"))
        return super().get_queryset(request).annotate(waiting_count=Coalesce(counted, 0))

    @with_reason(
        description=_("Keep for longer"),
        effect=_("What these holds keep is kept so many days longer."),
        done=_("made longer"),
        numbers={"days": _("Days longer")},
    )
    def extend(self, request: HttpRequest, hold: LegalHold, answers: dict[str, Any]) -> object:
        """Make these holds longer."""
        _check_within(request, hold)
        until = hold.ends_at + timedelta(days=answers["days"])
        return holding.extend(hold, until=until, by=staff(request), reason=answers["reason"], at=database_now())

    @with_reason(
        description=_("Lift holds"),
        effect=_("They end now, and what waits for them is purged by itself. That cannot be undone."),
        done=_("lifted"),
    )
    def lift(self, request: HttpRequest, hold: LegalHold, answers: dict[str, Any]) -> object:
        """End these holds."""
        _check_within(request, hold)
        return holding.lift(hold, by=staff(request), reason=answers["reason"], at=database_now())


def _check_within(request: HttpRequest, hold: LegalHold) -> None:
    """Raises :class:`ReachesFurther` for a hold of an owner, who may have clips in other regions."""
    if hold.owner_key and not scope_of(request.user).everywhere:
        raise ReachesFurther


class LegalRequestForm(OfRegions, forms.ModelForm):
    """What an authority asks for."""

    region = forms.ChoiceField(choices=_regions, widget=UnfoldAdminSelectWidget(), help_text=_("Where the clips live."))
    viewers = forms.ModelMultipleChoiceField(
        User.objects.filter(is_staff=True, is_active=True).order_by("username"),
        widget=UnfoldAdminSelectMultipleWidget(),
        label=_("May be shown to"),
        help_text=_("The members of staff who may be shown the clips once two people approved, and nobody else."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "viewers" in self.fields:
            field: Any = self.fields["viewers"]
            field.queryset = seen(self.asked_by, field.queryset.exclude(groups__name__in=ALONE))

    class Meta:
        model = LegalRequest
        fields = ["authority", "reference", "legal_basis", "region", "owner_key", "clips", "viewers", "ends_at"]
        widgets = {"clips": UnfoldAdminTextInputWidget()}

    def clean_viewers(self) -> list[int]:
        return [user.pk for user in self.cleaned_data["viewers"]]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not cleaned.get("owner_key") and not cleaned.get("clips"):
            raise ValidationError(_("Name an owner, or the numbers of clips."))
        return cleaned

    def _post_clean(self) -> None:
        if self.errors:
            return
        # Asked of the verb's own checks before it is written.
        try:
            given = {name: self.cleaned_data[name] for name in ("region", "clips", "viewers", "ends_at")}
            legal.check(**given, at=database_now())
            checked(self.cleaned_data["legal_basis"])
        except Refusal as refusal:
            self.add_error(None, refusal.detail)


@admin.register(LegalRequest)
class LegalRequestAdmin(Record):
    """The register: nothing is edited or deleted, and two people decide who did not enter it."""

    form = LegalRequestForm
    list_display = [
        "id",
        "state_label",
        "authority",
        "reference",
        "scope",
        "named",
        "entered_by",
        "decided",
        "is_open",
        "ends",
    ]
    list_filter = ["state", "region", "entered_at"]
    list_select_related = ["entered_by", "first_approver", "second_approver", "refused_by"]
    search_fields = ["authority", "reference", "=owner_key"]
    search_help_text = _("Authority, its file number, or an owner's key")
    actions = ["approve", "refuse", "end"]
    acts_by = (
        "state",
        {
            "approve": {LegalRequestState.WAITING},
            "refuse": {LegalRequestState.WAITING},
            "end": {LegalRequestState.APPROVED},
        },
    )

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("clips.add_legalrequest")

    def save_model(self, request: HttpRequest, obj: LegalRequest, form: Any, change: bool) -> None:
        made = legal.enter(**form.cleaned_data, by=staff(request), at=database_now())
        obj.pk = made.pk
        obj.refresh_from_db()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What was filled in; and of one that is there everything."""
        if obj is None:
            return super().get_fields(request)
        given = [
            "state",
            "authority",
            "reference",
            "legal_basis",
            "scope",
            "named",
            "entered_by",
            "entered_at",
            "ends_at",
        ]
        return [*given, "first_approver", "first_at", "second_approver", "second_at", "refused_by", "decision_reason"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [] if obj is None else self.get_fields(request, obj)

    @display(
        description=_("State"),
        ordering="state",
        label={"waiting": "warning", "approved": "success", "refused": "danger"},
    )
    def state_label(self, request: LegalRequest) -> tuple[str, str]:
        return request.state, request.get_state_display()

    @display(description=_("Clips"))
    def scope(self, request: LegalRequest) -> str:
        clips = f"clips {', '.join(map(str, request.clips))}" if request.clips else ""
        owner = f"all of {request.owner_key}" if request.owner_key else ""
        return f"{request.region}: {' and '.join(filter(None, [owner, clips]))}"

    @display(description=_("May be shown to"))
    def named(self, request: LegalRequest) -> str:
        named = User.objects.filter(pk__in=request.viewers).order_by("username")
        return ", ".join(named.values_list("username", flat=True))

    @display(description=_("Decided by"))
    def decided(self, request: LegalRequest) -> str:
        if request.refused_by:
            return f"{request.refused_by} refused"
        return " and ".join(str(by) for by in (request.first_approver, request.second_approver) if by) or "-"

    @display(description=_("Ends"), ordering="ends_at")
    def ends(self, request: LegalRequest) -> SafeString | str:
        return ago(request.ends_at)

    @display(description=_("Door open"), boolean=True)
    def is_open(self, request: LegalRequest) -> bool:
        return request.state == LegalRequestState.APPROVED and request.ends_at > timezone.now()

    @with_reason(
        description=_("Approve"),
        effect=_(
            "You approve what the authority asks for. The second approval, by somebody else, opens the clips to "
            "those who are named. Who entered it cannot approve it."
        ),
        done=_("approved by you"),
    )
    def approve(self, request: HttpRequest, found: LegalRequest, answers: dict[str, Any]) -> object:
        """Approve these."""
        return legal.approve(found, by=staff(request), reason=answers["reason"], at=database_now())

    @with_reason(description=_("Refuse"), effect=_("The authority is refused; nothing opens."), done=_("refused"))
    def refuse(self, request: HttpRequest, found: LegalRequest, answers: dict[str, Any]) -> object:
        """Refuse these."""
        return legal.refuse(found, by=staff(request), reason=answers["reason"], at=database_now())

    @with_reason(
        description=_("Close the door"), effect=_("From now on nobody is shown anything under these."), done=_("ended")
    )
    def end(self, request: HttpRequest, found: LegalRequest, answers: dict[str, Any]) -> object:
        """End these before their time."""
        return legal.end(found, by=staff(request), reason=answers["reason"], at=database_now())
