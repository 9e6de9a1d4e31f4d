"""What people call a row and the rows of a table, in their language.

They are given to the tables when the program starts: said in the models, a translated name would be a migration.
"""

from __future__ import annotations

from django.apps import apps
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NAMES: dict[str, tuple[str | Promise, str | Promise]] = {
    "annotations.task": (_("task"), _("tasks")),
    "annotations.lease": (_("lease"), _("leases")),
    "annotations.annotation": (_("annotation"), _("annotations")),
    "annotations.project": (_("project"), _("projects")),
    "annotations.plan": (_("plan"), _("plans")),
    "annotations.export": (_("export"), _("exports")),
    "annotations.timesheet": (_("timesheet"), _("timesheets")),
    "annotations.timecontest": (_("time contest"), _("time contests")),
    "clips.clip": (_("clip"), _("clips")),
    "clips.rendition": (_("rendition"), _("renditions")),
    "clips.likeness": (_("likeness"), _("likenesses")),
    "clips.case": (_("case"), _("cases")),
    "clips.consentevent": (_("consent event"), _("consent events")),
    "clips.disclosure": (_("disclosure"), _("disclosures")),
    "clips.viewing": (_("viewing"), _("viewings")),
    "clips.purge": (_("purge"), _("purges")),
    "clips.retentionrule": (_("retention rule"), _("retention rules")),
    "clips.legalhold": (_("legal hold"), _("legal holds")),
    "clips.legalrequest": (_("legal request"), _("legal requests")),
    "clips.ownerrequest": (_("request"), _("requests")),
    "workforce.region": (_("region"), _("regions")),
    "workforce.team": (_("team"), _("teams")),
    "workforce.reviewer": (_("reviewer"), _("reviewers")),
    "workforce.shift": (_("shift"), _("shifts")),
    "workforce.closure": (_("closure"), _("closures")),
    "workforce.absence": (_("absence"), _("absences")),
    "workforce.skill": (_("skill"), _("skills")),
    "workforce.quotaday": (_("quota day"), _("quota days")),
    "workforce.dailylimit": (_("daily limit"), _("daily limits")),
}


def name_tables() -> None:
    """Give the tables their names."""
    for label, (one, many) in NAMES.items():
        meta = apps.get_model(label)._meta
        meta.verbose_name, meta.verbose_name_plural = one, many
