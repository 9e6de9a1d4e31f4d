"""What ops do about one person, from their page: each by its verb, with a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from annotations import supervision
from annotations.models import Lease, LeaseState
from config.acting import ReasonField, staff
from config.errors import Refusal
from config.history import because
from config.scope import seen
from workforce import people, skills
from workforce.models import Reviewer, Skill, SkillSource


class WhyForm(forms.Form):
    """Why."""

    reason = ReasonField()

    def __init__(self, *args: Any, who: Reviewer, **options: Any) -> None:
        super().__init__(*args, **options)
        self.who = who


class GiveSkillForm(WhyForm):
    """Which skill, on what it stands, and until when."""

    name = forms.SlugField(
        label=gettext_lazy("Skill"), max_length=32, help_text=gettext_lazy("As projects ask for it, such as hindi.")
    )
    source = forms.ChoiceField(label=gettext_lazy("On what it stands"), choices=SkillSource.choices)
    value = forms.IntegerField(label=gettext_lazy("How well, of 100"), min_value=0, max_value=100, required=False)
    expires_at = forms.DateTimeField(
        label=gettext_lazy("Until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=gettext_lazy("Blank: it does not expire."),
    )
    field_order = ["name", "source", "value", "expires_at", "reason"]


class SkillChoice(forms.ModelChoiceField):
    """A skill, with what it stands on: a person may have one from several."""

    def label_from_instance(self, obj: Skill) -> str:
        return f"{obj.name} ({obj.get_source_display()})"


class TakeSkillForm(WhyForm):
    """Which skill of theirs."""

    skill = SkillChoice(label=gettext_lazy("Skill"), queryset=Skill.objects.none())
    field_order = ["skill", "reason"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        choice = self.fields["skill"]
        assert isinstance(choice, SkillChoice)  # noqa: S101 -- as declared above
        choice.queryset = Skill.objects.filter(reviewer=self.who, cancelled_at=None).order_by("name", "source")


@dataclass(frozen=True)
class Act:
    """Something that may be done: its name, its words, its form, and what does it and says what was done."""

    name: str
    title: str | Promise
    effect: str | Promise
    form: type[WhyForm]
    do: Callable[[HttpRequest, Reviewer, dict[str, Any], datetime], str]


@dataclass(frozen=True)
class Offered:
    """An act with its form, as the page shows it."""

    act: Act
    form: WhyForm
    open: bool


def _pause(request: HttpRequest, who: Reviewer, answers: dict[str, Any], at: datetime) -> str:
    people.pause(who, by=staff(request), reason=answers["reason"])
    return _("%(who)s is paused.") % {"who": who}


def _resume(request: HttpRequest, who: Reviewer, answers: dict[str, Any], at: datetime) -> str:
    people.unpause(who, by=staff(request), reason=answers["reason"])
    return _("%(who)s is handed work again.") % {"who": who}


def _give(request: HttpRequest, who: Reviewer, answers: dict[str, Any], at: datetime) -> str:
    with because(staff(request), answers["reason"], verb="give skill"):
        skills.give(
            who,
            answers["name"],
            source=answers["source"],
            value=answers["value"],
            expires_at=answers["expires_at"],
            by=staff(request),
        )
    return _("%(who)s has the skill %(name)s.") % {"who": who, "name": answers["name"]}


def _take(request: HttpRequest, who: Reviewer, answers: dict[str, Any], at: datetime) -> str:
    skills.take_away(answers["skill"], by=staff(request), reason=answers["reason"], at=at)
    return _("%(name)s is taken away.") % {"name": answers["skill"].name}


def _recall(request: HttpRequest, who: Reviewer, answers: dict[str, Any], at: datetime) -> str:
    """Recall what they hold; one that just ended otherwise is left as it is, and said."""
    ended, refused = 0, Counter[str]()
    for lease in seen(request.user, Lease.objects.filter(reviewer=who, state=LeaseState.LIVE)).order_by("pk"):
        try:
            supervision.recall(lease.pk, by=staff(request), reason=answers["reason"], at=at)
            ended += 1
        except Refusal as refusal:
            refused[refusal.detail] += 1
    for why, count in refused.most_common():
        messages.warning(request, _("%(count)d left as they were: %(why)s") % {"count": count, "why": why})
    return ngettext("%(count)d lease is recalled.", "%(count)d leases are recalled.", ended) % {"count": ended}


PAUSE = Act(
    "pause",
    gettext_lazy("Pause"),
    gettext_lazy("They are handed no more work until ops resume them; what they hold they may finish."),
    WhyForm,
    _pause,
)
RESUME = Act("resume", gettext_lazy("Resume"), gettext_lazy("They are handed work again."), WhyForm, _resume)
GIVE = Act(
    "give-skill",
    gettext_lazy("Give a skill"),
    gettext_lazy("They are handed tasks that ask for it from now on. Take it away to undo this."),
    GiveSkillForm,
    _give,
)
TAKE = Act(
    "take-skill",
    gettext_lazy("Take a skill away"),
    gettext_lazy(
        "They are handed no more tasks that ask for it; what they hold they may finish. Give it again to undo this."
    ),
    TakeSkillForm,
    _take,
)
RECALL = Act(
    "recall",
    gettext_lazy("Recall all their leases"),
    gettext_lazy(
        "Every open lease that is listed here ends at once; seats and quota return, and they are told when they next "
        "call. It cannot be undone: others may take the tasks."
    ),
    WhyForm,
    _recall,
)


def acts_for(request: HttpRequest, who: Reviewer) -> list[Act]:
    """What this member of staff may do about this person."""
    user = request.user
    found = []
    if user.has_perm("workforce.change_reviewer") and who.is_active:
        found.append(RESUME if who.is_paused and not who.paused_by_lapses else PAUSE)
        if who.paused_by_lapses:
            found.append(RESUME)
    if user.has_perm("annotations.change_lease"):
        found.append(RECALL)
    if user.has_perm("workforce.add_skill") and who.is_active:
        found.append(GIVE)
    if user.has_perm("workforce.change_skill"):
        found.append(TAKE)
    return found


def forms_for(request: HttpRequest, who: Reviewer) -> list[Offered]:
    """The forms of what may be done; filled, and open, where one was sent."""
    sent = request.POST.get("act", "")
    return [
        Offered(
            one,
            one.form(request.POST if one.name == sent else None, who=who, prefix=one.name),
            one.name == sent,
        )
        for one in acts_for(request, who)
    ]


def act(request: HttpRequest, who: Reviewer, offered: list[Offered], *, at: datetime) -> bool:
    """Do what was sent; False when nothing was, or when its form has something to say."""
    asked = next((one for one in offered if one.open), None)
    if asked is None:
        messages.error(request, _("That cannot be done now, or not by you. Look again."))
        return True
    if not asked.form.is_valid():
        return False
    try:
        messages.success(request, asked.act.do(request, who, asked.form.cleaned_data, at))
    except ValidationError as error:
        asked.form.add_error(None, ValidationError(error.messages))
        return False
    return True
