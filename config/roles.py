"""Roles as Django groups, and what each may do. Kept right after every migrate, so a deployment cannot drift.

Reviewers need no group: their row in ``workforce`` is their role.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Value
from django.db.models.functions import Concat

ROLES: dict[str, list[str]] = {
    # Service accounts: machines, each with no more than its errand. One brings clips in, one takes labels out.
    "camera gateway": [
        "clips.add_clip",
        "clips.view_clip",
        "clips.add_consentevent",
        "clips.view_owner",
        "clips.view_disclosure",
        "clips.report_sights",
        "clips.add_ownerrequest",
    ],
    "model team": ["annotations.add_export", "annotations.view_export"],
    # Staff who are cleared for sensitive footage and decide what becomes of it.
    "privacy officer": [
        "annotations.view_bulkrun",
        "clips.view_case",
        "clips.change_case",
        "clips.decide_sensitive",
        "clips.report_sights",
        "clips.watch_clip",
        "clips.view_accessentry",
        "clips.view_viewing",
        "clips.view_clip",
        "clips.add_consentevent",
        "clips.view_consentevent",
        "clips.view_owner",
        "clips.add_disclosure",
        "clips.view_disclosure",
        "annotations.view_flag",
        "clips.view_purge",
        "clips.change_purge",
        "clips.view_purgedkey",
        "clips.view_retentionrule",
        "clips.add_retentionrule",
        "clips.view_legalhold",
        "clips.add_legalhold",
        "clips.change_legalhold",
        "clips.view_ownerrequest",
        "clips.add_ownerrequest",
        "clips.change_ownerrequest",
        "clips.view_legalrequest",
        "clips.add_legalrequest",
        "clips.change_legalrequest",
        "clips.approve_legalrequest",
    ],
    "ops manager": [
        "annotations.view_bulkrun",
        "workforce.view_region",
        "workforce.add_team",
        "workforce.change_team",
        "workforce.view_team",
        "workforce.add_reviewer",
        "workforce.change_reviewer",
        "workforce.view_reviewer",
        "workforce.view_quotaday",
        "workforce.view_dailylimit",
        "workforce.add_dailylimit",
        "workforce.view_residencybasis",
        *[
            f"workforce.{may}_{what}"
            for what in ("shift", "ownhours", "closure", "workedholiday", "absence", "skill")
            for may in ("view", "add", "change")
        ],
        "workforce.view_staff",
        "workforce.give_role",
        "clips.change_clip",
        "clips.view_clip",
        "clips.view_rendition",
        "clips.view_addition",
        "clips.change_addition",
        "clips.view_need",
        "clips.view_consentevent",
        "clips.view_deviceevent",
        "clips.view_likeness",
        "clips.view_accessentry",
        "clips.view_viewing",
        "clips.change_likeness",
        "clips.watch_clip",
        "clips.view_disclosure",
        "annotations.view_timesheet",
        "annotations.view_activespan",
        "annotations.view_timecontest",
        "annotations.change_timecontest",
        "annotations.add_project",
        "annotations.change_project",
        "annotations.view_project",
        "annotations.change_task",
        "annotations.view_task",
        "annotations.view_lease",
        "annotations.change_lease",
        "annotations.view_flag",
        "clips.view_case",
        "clips.change_case",
        "annotations.view_lane",
        "annotations.view_plan",
        "annotations.add_plan",
        "annotations.change_plan",
        "annotations.view_lateanswer",
        "annotations.view_amendedanswer",
        "annotations.view_annotation",
        "annotations.add_export",
        "annotations.view_export",
        # They see what goes and why; privacy officers decide.
        "clips.view_purge",
        "clips.view_purgedkey",
        "clips.view_retentionrule",
        "clips.view_legalhold",
        "clips.view_ownerrequest",
        "clips.view_legalrequest",
    ],
    # Of a team: they see its work and its people, pause them, recall and re-queue, and keep their calendar.
    "team lead": [
        "annotations.view_bulkrun",
        *[f"workforce.view_{what}" for what in ("shift", "closure", "workedholiday", "skill")],
        *[f"workforce.{may}_{what}" for what in ("absence", "ownhours") for may in ("view", "add", "change")],
        "annotations.view_activespan",
        "annotations.view_timesheet",
        "annotations.view_timecontest",
        "annotations.change_timecontest",
        "annotations.view_plan",
        "workforce.view_region",
        "workforce.view_team",
        "workforce.view_reviewer",
        "workforce.change_reviewer",
        "workforce.view_quotaday",
        "workforce.view_dailylimit",
        "annotations.view_project",
        "annotations.view_task",
        "annotations.change_task",
        "annotations.view_lease",
        "annotations.change_lease",
        "annotations.view_lane",
        "annotations.view_annotation",
        "annotations.view_lateanswer",
        "annotations.view_amendedanswer",
        "annotations.view_flag",
    ],
    # Looks at answers and at what they were given about; weighs anew, says what is alike.
    "quality lead": [
        "annotations.view_bulkrun",
        "workforce.view_region",
        "workforce.view_team",
        "workforce.view_reviewer",
        "annotations.view_project",
        "annotations.view_task",
        "annotations.change_task",
        "annotations.view_lease",
        "annotations.view_annotation",
        "annotations.view_lateanswer",
        "annotations.view_amendedanswer",
        "annotations.view_flag",
        "annotations.view_export",
        "clips.view_clip",
        "clips.view_rendition",
        "clips.view_deviceevent",
        "clips.view_case",
        "clips.view_likeness",
        "clips.change_likeness",
        "clips.view_viewing",
        "clips.watch_clip",
    ],
}
# Reads all and changes nothing. No permission of theirs shows footage.
ROLES["auditor"] = sorted(
    {name for names in ROLES.values() for name in names if name.partition(".")[2].startswith("view_")}
    | {"clips.list_sensitive", "clips.report_sights"}
)
# Whose holders may open the admin; the others are machines' (service accounts).
STAFF_ROLES = {"ops manager", "team lead", "quality lead", "privacy officer", "auditor"}
# Beside these nobody has another role: who does the work does not audit it, and who audits sees no footage.
ALONE = {"auditor"}


def ensure_roles(**_: Any) -> None:
    """Give each role exactly its permissions, as far as they are there. Called after migrate; safe to repeat."""
    for name, codenames in ROLES.items():
        group, _created = Group.objects.get_or_create(name=name)
        wanted = Permission.objects.annotate(
            full_name=Concat("content_type__app_label", Value("."), "codename")
        ).filter(full_name__in=codenames)
        group.permissions.set(wanted)
