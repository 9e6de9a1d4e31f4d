"""What the console's own pages are asked for of the other region: by every parameter, form and file that names rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from annotations.console.stuck_acts import ACTS
from annotations.models import BulkRun, Export, Lease, Plan, ReportSubscription, SavedView, Task
from annotations.reporting.reading import KINDS
from clips.models import Addition, Clip, Purge
from config.clock import database_now
from tests.two_regions import WORD, World
from workforce.models import Absence, Closure, Reviewer, Skill, WorkedHoliday

if TYPE_CHECKING:
    from tests.test_scope_walk import Walk

ABSENT = 987_654_321
WHY = "because it must be"
# Which row each act of the page of stuck work is done to.
ACTED_ON: dict[str, type[Any]] = {
    "retry": Clip,
    "cancel": Clip,
    "ring": Clip,
    "add": Addition,
    "requeue": Task,
    "plan": Task,
    "recall": Lease,
    "resume": Reviewer,
    "export": Export,
    "write": Export,
    "hurry": Purge,
}
# Routes whose number is of this table.
NUMBER_OF: dict[str, type[Any]] = {
    "/admin/people/<int:pk>": Reviewer,
    "/admin/assign/plans/": Plan,
    "/admin/bulk/": BulkRun,
    "/admin/views/": SavedView,
}


def walk_console(walk: Walk) -> None:
    """All of it; what is found is in ``walk.found``."""
    assigning(walk)
    calendar(walk)
    board(walk)
    person(walk)
    reporting(walk)
    searching(walk)
    standing_still(walk)
    views(walk)
    files(walk)


def said_after(walk: Walk, path: str, data: dict[str, Any], *, echo: tuple[Any, ...] = ()) -> Any:
    """Send a form; what is said of it stands on the next page."""
    reply = walk.look("post", path, data, echo=echo)
    if reply.status_code == 302:
        walk.look("get", "/admin/changes", echo=echo)
    return reply


def alike_said(walk: Walk, path: str, theirs: dict[str, Any], absent: dict[str, Any]) -> None:
    """A form that names the other's rows is answered in the words for what is not there: none but those."""
    texts = []
    for data in (theirs, absent):
        named = tuple(str(value) for value in data.values() if len(str(value)) > 3)
        reply = said_after(walk, path, data, echo=named)
        text = reply.content.decode(errors="replace") if reply.status_code != 404 else ""
        for word in sorted(named, key=len, reverse=True):
            text = text.replace(word, "")
        text = re.sub(r"\b(ro|xx)\b", "", text)
        refusals = re.findall(r'(?s)<[^>]*(?:role="alert"|errorlist)[^>]*>(.*?)</(?:div|ul|p)>', text)
        texts.append((reply.status_code, [" ".join(one.split()) for one in refusals]))
    if texts[0] != texts[1]:
        walk.found.append(f"post {path} {theirs}: {texts[0]}, but {texts[1]} for none")


def assigning(walk: Walk) -> None:
    """The form of planning by hand, a look at it, and doing it."""
    here, there, path = walk.here, walk.there, reverse("assign")
    for asked in ({"project": there.project.pk}, {"region": there.region.code}):
        walk.look("get", path, asked, echo=tuple(asked.values()))
    own = {"do": "preview", "project": here.project.pk, "reason": WHY, "looked_at": ""}
    said_after(walk, path, own)
    said_after(walk, path, own | {"region": here.region.code, "priority": 3})
    for theirs, absent in (
        ({"project": there.project.pk}, {"project": ABSENT}),
        ({"teams": there.team.pk}, {"teams": ABSENT}),
        ({"from_teams": there.team.pk}, {"from_teams": ABSENT}),
        ({"region": there.region.code}, {"region": "xx"}),
        ({"chosen": f"task:{there.rows[Task].pk}"}, {"chosen": f"task:{ABSENT}"}),
        ({"chosen": f"clip:{there.rows[Clip].pk}"}, {"chosen": f"clip:{ABSENT}"}),
    ):
        for do in ("preview", "apply"):
            alike_said(walk, path, own | {"do": do} | theirs, own | {"do": do} | absent)


def calendar(walk: Walk) -> None:
    """The weeks in which the other has closures and absences; what a closure would do; taking rows out."""
    here, there, path = walk.here, walk.there, reverse("calendar")
    day = database_now().date()
    far = there.rows[Closure].first_day
    walk.look("get", path, {"from": str(far)})
    walk.look("get", path, {"from": str(far), "team": there.team.pk}, echo=(there.team.pk,))
    days = {"first_day": str(day), "last_day": str(day + timedelta(days=3)), "reason": WHY}
    said_after(walk, path, days | {"team": here.team.pk})
    said_after(walk, path, days | {"reviewer": here.rows[Reviewer].pk})
    for save in ({}, {"save": "yes"}):
        alike_said(walk, path, days | save | {"team": there.team.pk}, days | save | {"team": ABSENT})
        named = {"reviewer": there.rows[Reviewer].pk}
        alike_said(walk, path, days | save | named, days | save | {"reviewer": ABSENT})
    for kind, model in (("closure", Closure), ("absence", Absence), ("worked", WorkedHoliday)):
        taken = {"kind": kind, "reason": WHY}
        alike_said(walk, path, taken | {"pk": there.rows[model].pk}, taken | {"pk": ABSENT})


def board(walk: Walk) -> None:
    """The quota board by its filters, and setting quotas of the other's people and teams."""
    here, there = walk.here, walk.there
    for asked in ({"team": there.team.pk}, {"name": WORD}, {"only": "dry"}, {"only": "idle"}, {"p": "2"}):
        walk.look("get", reverse("quota-board"), asked, echo=tuple(asked.values()))
    day = database_now().date() + timedelta(days=2)
    form = {"value": 5, "first_day": str(day), "last_day": str(day), "span": "on", "reason": WHY, "confirmed": "yes"}
    path = reverse("quota-set")
    mine = here.rows[Reviewer].pk
    for theirs, absent in (
        (f"team={there.team.pk}", f"team={ABSENT}"),
        (f"reviewer={there.rows[Reviewer].pk}", f"reviewer={ABSENT}"),
        (f"reviewer={mine}&reviewer={there.rows[Reviewer].pk}", f"reviewer={mine}&reviewer={ABSENT}"),
    ):
        walk.alike("get", f"{path}?{theirs}", f"{path}?{absent}")
        walk.alike("post", f"{path}?{theirs}", f"{path}?{absent}", form)
    walk.look("get", f"{path}?reviewer={mine}")


def person(walk: Walk) -> None:
    """One's own person, whose page shows all; every act upon the other's."""
    walk.look("get", reverse("person", args=[walk.here.rows[Reviewer].pk]))
    theirs, absent = (reverse("person", args=[pk]) for pk in (walk.there.rows[Reviewer].pk, ABSENT))
    for act in ("pause", "resume", "recall", "give-skill", "take-skill"):
        form = {"act": act, f"{act}-reason": WHY, f"{act}-name": "hindi", f"{act}-source": "tested"}
        walk.alike("post", theirs, absent, form)
    own = reverse("person", args=[walk.here.rows[Reviewer].pk])
    take = {"act": "take-skill", "take-skill-reason": WHY}
    named = {"take-skill-skill": walk.there.rows[Skill].pk}
    alike_said(walk, own, take | named, take | {"take-skill-skill": ABSENT})


def reporting(walk: Walk) -> None:
    """Every report, of the other's places, on the page, as a file and by mail."""
    there = walk.there
    for report in KINDS:
        for asked in (
            {},
            {"region": there.region.pk},
            {"team": there.team.pk},
            {"project": there.project.pk},
        ):
            for name in ("reports", "report-figures", "report-csv"):
                walk.look("get", reverse(name), {"report": report} | asked, echo=tuple(asked.values()))
        mail = {"report": report, "every": "week"}
        for theirs, absent in (({"team": there.team.pk}, ABSENT), ({"project": there.project.pk}, ABSENT)):
            key = next(iter(theirs))
            alike_said(walk, reverse("report-subscribe"), mail | theirs, mail | {key: absent})
    number = there.others[ReportSubscription].pk
    walk.alike_form("/admin/reports/mail/stop", {"number": number}, {"number": ABSENT})


def searching(walk: Walk) -> None:
    """The search over everything, by all that the other's rows are called."""
    there = walk.there
    terms: list[Any] = [WORD, WORD.lower()[:5], there.owner, there.manager.username, there.project.slug]
    terms += [there.rows[Reviewer].pseudonym, there.rows[Clip].sha256, "owner", "ro"]
    for model in (Clip, Task, Lease, Reviewer):
        terms += [there.rows[model].pk, f"{model._meta.verbose_name} {there.rows[model].pk}"]
    for term in terms:
        for extended in ({}, {"extended": "1"}):
            walk.look("get", reverse("search-everything"), {"s": term} | extended, echo=(term,))


def standing_still(walk: Walk) -> None:
    """Every act at the other's row."""
    assert set(ACTED_ON) | {"audit"} == set(ACTS), "an act that the walk does not know"
    for act, model in ACTED_ON.items():
        asked = {"act": act, "reason": WHY, "section": "clips"}
        theirs, absent = asked | {"number": walk.there.rows[model].pk}, asked | {"number": ABSENT}
        walk.alike_form(reverse("stuck-act"), theirs, absent)


def views(walk: Walk) -> None:
    """Lists on which the other shows views; a view of one's own that asks for the other's rows."""
    path = reverse("admin:annotations_task_changelist")
    team = walk.there.team.pk
    walk.look("get", path)
    asked = {"list": "annotations.task", "name": "theirs", "query": f"team__id__exact={team}", "shared": "yes"}
    reply = walk.look("post", reverse("view-save"), asked, echo=(team,))
    if reply.status_code == 302:
        walk.look("get", str(reply.url), echo=(team,))
    for name in ("view-rename", "view-delete"):
        theirs, absent = (reverse(name, args=[pk]) for pk in (walk.there.others[SavedView].pk, ABSENT))
        walk.alike("post", theirs, absent, {"name": "mine"})


def file_pages() -> Iterator[tuple[type[Any], str, str]]:
    """Of each list that files go into and out of: its table, and the addresses of both."""
    for model, page in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        if hasattr(page, "import_page"):
            yield model, reverse(f"{name}_import"), reverse(f"{name}_export")


def lines(world: World | None) -> dict[str, str]:
    """A file for each table, that names what is of a world; without one, what is nowhere."""
    day = database_now().date() + timedelta(days=5)
    team = world.team.name if world else "No such team"
    who = world.rows[Reviewer].user.username if world else "nobody-such"
    region = world.region.code if world else "xx"
    return {
        "team": f"name,region\nNew one,{region}\n",
        "reviewer": f"username,team,country\nnew-one,{team},IN\n",
        "skill": f"username,name,source\n{who},night,tested\n",
        "dailylimit": f"value,from_day,team,username\n90,{day},,{who}\n90,{day},{team},\n",
        "absence": f"username,first_day,last_day\n{who},{day},{day}\n",
    }


def files(walk: Walk) -> None:
    """What goes out by each list, whatever is asked for; what is said of a file that names the other's."""
    found = list(file_pages())
    assert {model._meta.model_name for model, _i, _o in found} == set(lines(None)), "a file that the walk does not know"
    theirs, absent = lines(walk.there), lines(None)
    words = (walk.there.team.name, walk.there.rows[Reviewer].user.username, "ro,", ">ro<")
    nothing = ("No such team", "nobody-such", "xx,", ">xx<")
    for model, into, out in found:
        walk.look("get", into)
        walk.look("get", out)
        form = {"format": "0", "resource": "0", "export_items": [walk.there.rows[model].pk]}
        for query in ("", f"?id={walk.there.rows[model].pk}", f"?q={WORD}"):
            walk.look("post", out + query, form, echo=(walk.there.rows[model].pk,))
            walk.look("post", out + query, {"format": "0", "resource": "0"})
        kind = str(model._meta.model_name)
        said = []
        for text, echo in ((theirs[kind], words), (absent[kind], nothing)):
            sent = {"file": SimpleUploadedFile("lines.csv", text.encode()), "reason": WHY}
            reply = walk.look("post", into, sent, echo=echo)
            refused = (reply.context or {}).get("refused") if reply.status_code == 200 else None
            said.append((reply.status_code, without(str(refused), *echo), (reply.context or {}).get("key") or ""))
        if said[0] != said[1]:
            walk.found.append(f"post {into}: {said[0]}, but {said[1]} for none")


def without(text: str, *words: str) -> str:
    for word in words:
        text = text.replace(word, "")
    return text
