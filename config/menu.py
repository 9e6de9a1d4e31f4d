"""The menu of the staff pages: each line for those for whom it opens."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


def _page(title: str | Promise, icon: str, name: str, need: str, *, whole: bool = False) -> dict[str, object]:
    """A line of the menu, for those who may open it; ``whole``: only those who have all regions."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(name),
        "permission": lambda request: request.user.has_perm(need) and (not whole or _reaches_all(request)),
    }


def _reaches_all(request: HttpRequest) -> bool:
    # The settings name this menu, and models are not loaded before the settings.
    from config.scope import reaches_all

    return reaches_all(request.user)


def _list(title: str | Promise, icon: str, app: str, model: str) -> dict[str, object]:
    return _page(title, icon, f"admin:{app}_{model}_changelist", f"{app}.view_{model}")


MENU: list[dict[str, object]] = [
    {
        "title": _("Work"),
        "items": [
            {"title": _("Today"), "icon": "today", "link": reverse_lazy("admin:index")},
            _page(_("Stuck work"), "running_with_errors", "stuck", "annotations.view_lease"),
            _page(_("Assign workloads"), "assignment_ind", "assign", "annotations.add_plan"),
            _list(_("Tasks"), "checklist", "annotations", "task"),
            _list(_("Leases"), "timer", "annotations", "lease"),
            _list(_("Annotations"), "label", "annotations", "annotation"),
            _list(_("Projects"), "folder", "annotations", "project"),
            _list(_("Plans"), "route", "annotations", "plan"),
            _list(_("Cases"), "report", "clips", "case"),
            _list(_("Exports"), "download", "annotations", "export"),
            _page(_("Reports"), "bar_chart", "reports", "annotations.view_annotation"),
        ],
    },
    {
        "title": _("Record"),
        "separator": True,
        "items": [
            _page(_("Changes"), "history", "changes", "annotations.view_lease"),
            _page(_("Bulk actions"), "playlist_add_check", "bulk-runs", "annotations.view_bulkrun"),
            _page(_("Audit"), "fact_check", "audit", "annotations.view_lease", whole=True),
            _list(_("Access log"), "visibility", "clips", "accessentry"),
            _list(_("Viewings"), "preview", "clips", "viewing"),
        ],
    },
    {
        "title": _("Footage"),
        "separator": True,
        "items": [
            _list(_("Clips"), "movie", "clips", "clip"),
            _list(_("Renditions"), "perm_media", "clips", "rendition"),
            _list(_("Proxies to add"), "face_retouching_off", "clips", "addition"),
            _list(_("Alike"), "difference", "clips", "likeness"),
            _page(_("Owners"), "person_search", "owners", "clips.view_owner"),
            _list(_("Consents"), "handshake", "clips", "consentevent"),
            _list(_("Disclosures"), "description", "clips", "disclosure"),
        ],
    },
    {
        "title": _("Forgetting"),
        "separator": True,
        "items": [
            _list(_("Owners' requests"), "contact_mail", "clips", "ownerrequest"),
            _list(_("Purges"), "delete_forever", "clips", "purge"),
            _list(_("Retention"), "hourglass_bottom", "clips", "retentionrule"),
            _list(_("Legal holds"), "lock_clock", "clips", "legalhold"),
            _list(_("Legal requests"), "gavel", "clips", "legalrequest"),
            _list(_("Purge ledger"), "menu_book", "clips", "purgedkey"),
        ],
    },
    {
        "title": _("People"),
        "separator": True,
        "items": [
            _list(_("Regions"), "public", "workforce", "region"),
            _list(_("Teams"), "groups", "workforce", "team"),
            _list(_("Reviewers"), "badge", "workforce", "reviewer"),
            _list(_("Shifts"), "schedule", "workforce", "shift"),
            _list(_("Own hours"), "timelapse", "workforce", "ownhours"),
            _list(_("Closures"), "event_busy", "workforce", "closure"),
            _list(_("Worked holidays"), "celebration", "workforce", "workedholiday"),
            _list(_("Absences"), "beach_access", "workforce", "absence"),
            _list(_("Skills"), "school", "workforce", "skill"),
            _page(_("Calendar"), "calendar_month", "calendar", "workforce.view_shift"),
            _page(_("Quota board"), "grid_on", "quota-board", "workforce.view_quotaday"),
            _list(_("Timesheets"), "punch_clock", "annotations", "timesheet"),
            _list(_("Contested time"), "contact_support", "annotations", "timecontest"),
            _list(_("Quota days"), "calendar_today", "workforce", "quotaday"),
            _list(_("Limits"), "speed", "workforce", "dailylimit"),
            _list(_("Residency bases"), "gavel", "workforce", "residencybasis"),
            _list(_("Staff"), "manage_accounts", "workforce", "staff"),
            _list(_("Sign-ins"), "person", "auth", "user"),
        ],
    },
]
