"""The menu of the staff pages: each line for those for whom it opens."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse_lazy


def _page(title: str, icon: str, name: str, need: str, *, whole: bool = False) -> dict[str, object]:
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


def _list(title: str, icon: str, app: str, model: str) -> dict[str, object]:
    return _page(title, icon, f"admin:{app}_{model}_changelist", f"{app}.view_{model}")


MENU: list[dict[str, object]] = [
    {
        "title": "Work",
        "items": [
            {"title": "Today", "icon": "today", "link": reverse_lazy("admin:index")},
            _list("Tasks", "checklist", "annotations", "task"),
            _list("Leases", "timer", "annotations", "lease"),
            _list("Annotations", "label", "annotations", "annotation"),
            _list("Projects", "folder", "annotations", "project"),
            _list("Plans", "route", "annotations", "plan"),
            _list("Cases", "report", "clips", "case"),
            _list("Exports", "download", "annotations", "export"),
        ],
    },
    {
        "title": "Record",
        "separator": True,
        "items": [
            _page("Changes", "history", "changes", "annotations.view_lease"),
            _page("Audit", "fact_check", "audit", "annotations.view_lease", whole=True),
            _list("Access log", "visibility", "clips", "accessentry"),
            _list("Viewings", "preview", "clips", "viewing"),
        ],
    },
    {
        "title": "Footage",
        "separator": True,
        "items": [
            _list("Clips", "movie", "clips", "clip"),
            _list("Renditions", "perm_media", "clips", "rendition"),
            _list("Proxies to add", "face_retouching_off", "clips", "addition"),
            _list("Alike", "difference", "clips", "likeness"),
            _page("Owners", "person_search", "owners", "clips.view_owner"),
            _list("Consents", "handshake", "clips", "consentevent"),
            _list("Disclosures", "description", "clips", "disclosure"),
        ],
    },
    {
        "title": "Forgetting",
        "separator": True,
        "items": [
            _list("Owners' requests", "contact_mail", "clips", "ownerrequest"),
            _list("Purges", "delete_forever", "clips", "purge"),
            _list("Retention", "hourglass_bottom", "clips", "retentionrule"),
            _list("Legal holds", "lock_clock", "clips", "legalhold"),
            _list("Legal requests", "gavel", "clips", "legalrequest"),
            _list("Purge ledger", "menu_book", "clips", "purgedkey"),
        ],
    },
    {
        "title": "People",
        "separator": True,
        "items": [
            _list("Regions", "public", "workforce", "region"),
            _list("Teams", "groups", "workforce", "team"),
            _list("Reviewers", "badge", "workforce", "reviewer"),
            _list("Shifts", "schedule", "workforce", "shift"),
            _list("Own hours", "timelapse", "workforce", "ownhours"),
            _list("Closures", "event_busy", "workforce", "closure"),
            _list("Worked holidays", "celebration", "workforce", "workedholiday"),
            _list("Absences", "beach_access", "workforce", "absence"),
            _list("Skills", "school", "workforce", "skill"),
            _page("Calendar", "calendar_month", "calendar", "workforce.view_shift"),
            _page("Quota board", "grid_on", "quota-board", "workforce.view_quotaday"),
            _list("Timesheets", "punch_clock", "annotations", "timesheet"),
            _list("Contested time", "contact_support", "annotations", "timecontest"),
            _list("Quota days", "calendar_today", "workforce", "quotaday"),
            _list("Limits", "speed", "workforce", "dailylimit"),
            _list("Residency bases", "gavel", "workforce", "residencybasis"),
            _list("Staff", "manage_accounts", "workforce", "staff"),
            _list("Sign-ins", "person", "auth", "user"),
        ],
    },
]
