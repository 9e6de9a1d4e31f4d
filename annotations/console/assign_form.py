"""The form of planning by hand: which work, to whom, by when."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from annotations.admin.choosing import Chosen
from annotations.models import Project
from annotations.planning.by_hand import Choice
from config.errors import Refusal
from config.history import LONGEST
from config.scope import offered, seen
from workforce.models import Region, Team

# Where on the form a refusal of the verb is said; of all others it is said above.
SAID_AT = {
    "unknown-project": "project",
    "project-paused": "project",
    "unknown-team": "teams",
    "team-without-people": "teams",
    "due-in-past": "due_at",
    "reason-required": "reason",
}
WHAT = ("project", "region", "sensitive", "arrived_from", "arrived_before", "from_teams")
BECOMES = ("teams", "priority", "due_at")


class Moment(forms.DateTimeField):
    """A day and a time on the viewer's wall."""

    widget = UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"})

    def prepare_value(self, value: Any) -> Any:
        found = super().prepare_value(value)
        return f"{found:%Y-%m-%dT%H:%M}" if isinstance(found, datetime) else found


class AssignForm(forms.Form):
    """Which work, to whom, by when, and, once its effect was looked at, why."""

    project = forms.ModelChoiceField(
        queryset=Project.objects.none(),
        label=_("Project"),
        empty_label=_("Choose one"),
        help_text=_("A plan is of one project at a time."),
        widget=UnfoldAdminSelectWidget(),
    )
    region = forms.ChoiceField(
        required=False,
        label=_("Region of the clips"),
        help_text=_("Where the footage lives."),
        widget=UnfoldAdminSelectWidget(),
    )
    sensitive = forms.ChoiceField(
        required=False,
        label=_("Sensitivity"),
        choices=[("", _("Both")), ("no", _("Only what is not sensitive")), ("yes", _("Only what is sensitive"))],
        help_text=_("Sensitive clips need people who are cleared for them."),
        widget=UnfoldAdminSelectWidget(),
    )
    arrived_from = Moment(required=False, label=_("Arrived from"), help_text=_("The clip came in then or later."))
    arrived_before = Moment(required=False, label=_("Arrived before"), help_text=_("The clip came in earlier."))
    from_teams = forms.ModelMultipleChoiceField(
        queryset=Team.objects.none(),
        required=False,
        label=_("Only what lies with"),
        help_text=_("None: whoever it lies with, and clips that are no tasks yet."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )
    teams = forms.ModelMultipleChoiceField(
        queryset=Team.objects.none(),
        required=False,
        label=_("To these teams"),
        help_text=_("None: let the plan decide. A team that you name keeps it: no later plan takes it away."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )
    priority = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=240,
        label=_("Priority"),
        help_text=_("Hours by which it goes before other work. Empty: as the project says."),
        widget=UnfoldAdminIntegerFieldWidget(),
    )
    due_at = Moment(required=False, label=_("Due"), help_text=_("From now on. Empty: as it was."))
    reason = forms.CharField(
        required=False,
        max_length=LONGEST,
        label=_("Why"),
        help_text=_("Kept with your name beside the plan."),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )
    chosen = forms.CharField(required=False, widget=forms.HiddenInput())
    looked_at = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput())

    def __init__(self, *args: Any, asked_by: User, **options: Any) -> None:
        super().__init__(*args, **options)
        teams = seen(asked_by, Team.objects.select_related("region")).order_by("region__name", "name")
        projects = seen(asked_by, Project.objects.filter(is_active=True)).order_by("name")
        codes = offered(asked_by, settings.REGIONS)
        names = dict(Region.objects.filter(code__in=codes).values_list("code", "name"))
        # Read once for both of the boxes.
        named = [(team.pk, f"{team.name} ({team.region.name})") for team in teams]
        for name in ("teams", "from_teams"):
            box: Any = self.fields[name]
            box.queryset, box.choices = teams.all(), named
            if not named:
                box.help_text = gettext("No team is yours yet: open one, or ask for your scope.")
        field: Any = self.fields["project"]
        field.queryset = projects
        field = self.fields["region"]
        field.choices = [("", gettext("All of mine")), *((code, names.get(code, code)) for code in codes)]

    def clean_chosen(self) -> Chosen | None:
        try:
            return Chosen.unpacked(self.cleaned_data["chosen"])
        except ValueError:
            raise ValidationError(
                gettext("What was chosen cannot be read any more; choose it in its list again.")
            ) from None

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        begins, ends = found.get("arrived_from"), found.get("arrived_before")
        if begins and ends and begins >= ends:
            self.add_error("arrived_before", gettext("That is before the beginning."))
        return found

    def choice(self) -> Choice:
        """What was asked, for the verb."""
        found = self.cleaned_data
        chosen: Chosen | None = found["chosen"]
        return Choice(
            project_id=found["project"].pk,
            clip_ids=chosen.ids if chosen and chosen.kind == "clip" else None,
            task_ids=chosen.ids if chosen and chosen.kind == "task" else None,
            region=found["region"] or None,
            sensitive={"yes": True, "no": False}.get(found["sensitive"]),
            arrived_from=found["arrived_from"],
            arrived_before=found["arrived_before"],
            from_teams=sorted(team.pk for team in found["from_teams"]),
            teams=sorted(team.pk for team in found["teams"]),
            priority=found["priority"],
            due_at=found["due_at"],
        )

    def say(self, refusal: Refusal) -> None:
        """Say a refusal of the verb where it belongs."""
        self.add_error(SAID_AT.get(refusal.code), refusal.detail)

    def looked(self, choice: Choice) -> None:
        """Remember that this is what is looked at: it may be done as it is."""
        data: Any = self.data.copy()  # type: ignore[attr-defined]
        data["looked_at"] = fingerprint(choice)
        self.data = data

    def section(self, names: tuple[str, ...]) -> list[forms.BoundField]:
        return [self[name] for name in names]


def fingerprint(choice: Choice) -> str:
    """What is applied must be what was looked at: this tells two choices apart."""
    return sha256(repr(choice).encode()).hexdigest()
