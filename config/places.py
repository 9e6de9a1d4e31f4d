"""What each list of the admin is for and how it fills: said where it is empty. And what the menu calls it."""

from __future__ import annotations

import functools
from typing import Any

from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.menu import MENU

# By table. tests/console/test_empty.py fails for a list that is not here.
PURPOSES: dict[str, str | Promise] = {
    "annotations.task": _(
        "Clips to be labelled. They come by themselves: ready clips are planned over teams that are open, for "
        "each project that is active."
    ),
    "annotations.lease": _("Who holds which task, and until when. A lease begins when a reviewer asks for work."),
    "annotations.annotation": _("What reviewers answered. The first stands here when the first task is submitted."),
    "annotations.lateanswer": _("Answers that came after their lease was over and were not counted. Empty is good."),
    "annotations.amendedanswer": _(
        "Answers that their authors changed, as they were before. Empty until somebody amends one."
    ),
    "annotations.flag": _("What reviewers flagged: broken, sensitive, emergency. Each opens a case for staff."),
    "annotations.lane": _("The tasks of a team that ask the same of a reviewer, in order. The planner makes them."),
    "annotations.project": _(
        "A label schema with its teams, its priority and its rules. Add one, and ready clips become its tasks."
    ),
    "annotations.plan": _(
        "Which team got what work, and why. A plan is made every few minutes, and by hand where you choose."
    ),
    "annotations.export": _("Datasets of settled labels. Ask for one at a project, or at POST /api/v1/exports."),
    "annotations.timesheet": _("What people's days add up to. A day shows when its first heartbeat came."),
    "annotations.activespan": _(
        "Stretches of active time, by heartbeats. They come from reviewers' players while they work."
    ),
    "annotations.timecontest": _(
        "Days whose time a reviewer says is wrong. Answer them here; empty means nobody waits."
    ),
    "clips.clip": _(
        "Footage and speech that cameras sent. Clips come from gateways over the API, or by the ingest command."
    ),
    "clips.rendition": _("What clips are shown as: proxies, posters, strips. They are made when a clip is prepared."),
    "clips.addition": _(
        "Proxies that ready clips lack for a project, such as one with faces covered. They are made by "
        "themselves; failed ones can be tried again."
    ),
    "clips.need": _("Which proxies projects ask for. It follows from the projects' settings."),
    "clips.deviceevent": _("What cameras said when they recorded. It comes with the clip, if the gateway sends it."),
    "clips.likeness": _(
        "Pairs of clips that look almost the same. They are found when clips are prepared; say which are."
    ),
    "clips.case": _(
        "Clips that staff must decide about, because a reviewer flagged them. Empty means nothing waits for you."
    ),
    "clips.consentevent": _(
        "What owners agreed to and took back. Consents come with clips, and at POST /api/v1/consents."
    ),
    "clips.disclosure": _(
        "The texts that owners are shown before they agree. Publish one before the first clip of a region comes."
    ),
    "clips.accessentry": _(
        "Who asked for which footage, when and why, and what they were answered. It fills when somebody watches."
    ),
    "clips.viewing": _("When staff said why they must see a clip. Open one on a clip's page."),
    "clips.purge": _(
        "Clips that are being taken out of the world for good. A purge begins when a consent ends or a clip's "
        "time is over."
    ),
    "clips.purgedkey": _("What was purged, so that it never comes back. A line is written when a purge is done."),
    "clips.retentionrule": _("How long footage is kept, by source and region. Without a rule the defaults count."),
    "clips.legalhold": _("What must not be purged for now. Add one when counsel asks for it."),
    "clips.legalrequest": _("What authorities asked for. Write each down here, also one that is refused."),
    "clips.ownerrequest": _(
        "What owners asked for: to see, to have, to erase. It comes by the owners' service; write down one that "
        "comes by letter."
    ),
    "workforce.region": _("Where footage lives and stays. Add a region before its teams."),
    "workforce.team": _("People who work together in a region. Add a team, then its reviewers."),
    "workforce.reviewer": _("Who labels clips. Add a person to a team, with a sign-in and a country."),
    "workforce.shift": _("A team's hours on a weekday. A team without shifts is open all the time."),
    "workforce.ownhours": _("Hours of people who work other ones than their team's. Everybody else follows the team."),
    "workforce.closure": _("Days on which a team, a region or everybody is off. Add one, and the plan goes around it."),
    "workforce.workedholiday": _(
        "Public holidays on which people work all the same. Other holidays are known by country."
    ),
    "workforce.absence": _(
        "Days on which a person is away. Add them before they begin, and no work waits for that person."
    ),
    "workforce.skill": _(
        "What people can do, and until when. Projects ask for skills; work that asks for one goes to those who have it."
    ),
    "workforce.quotaday": _("What each person may do on a day, and did. A day begins with its first lease."),
    "workforce.dailylimit": _(
        "How many clips a day, for everybody, a region, a team or a person. Without one the settings' default counts."
    ),
    "workforce.residencybasis": _(
        "Why people in a country may see footage of a region. Without one in force nobody there does."
    ),
    "workforce.staff": _("Members of staff and service accounts, with their roles and where these count."),
    "auth.user": _("Everybody's sign-in. Reviewers are added at their team, and roles are given under Staff."),
    "auth.group": _("Roles and what each allows. They are kept as the program says, after every update."),
}


def purpose(model: Any) -> str | Promise:
    """What the list of this table is for and how it fills; blank for an unknown one."""
    return PURPOSES.get(model._meta.label_lower, "")


@functools.lru_cache(maxsize=8)
def _words(prefix: str) -> dict[str, str | Promise]:
    """By address: what the menu calls it, where the site stands behind this prefix."""
    lines = [line for group in MENU for line in group["items"]]  # type: ignore[attr-defined]
    # The first of two that lead to the same page is the one that names it.
    return {str(line["link"]): line["title"] for line in reversed(lines)}


def word(link: object) -> str | Promise:
    """What the menu calls the page behind this link; blank for one that is not in the menu."""
    return _words(get_script_prefix()).get(str(link), "")


def word_for(model: Any) -> str | Promise:
    """What the menu calls the list of this table; blank for one that is not in the menu."""
    try:
        return word(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
    except NoReverseMatch:
        return ""
