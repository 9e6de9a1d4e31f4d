"""Two regions with a row of everything, alike but for their names and numbers: what is of one must not show in the
other. All that people wrote in a region, and all its names, carry the region's word; all its numbers are its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.models import Model

from annotations import bulk, exporting, leasing, saved_views, spreading
from annotations.models import (
    ActiveSpan,
    AmendedAnswer,
    Annotation,
    BulkRun,
    Export,
    Flag,
    Lane,
    LateAnswer,
    Lease,
    Plan,
    PlanKind,
    Project,
    ReportSubscription,
    SavedView,
    Task,
    TimeContest,
    Timesheet,
)
from annotations.planning import by_hand
from clips.models import (
    AccessEntry,
    Addition,
    Case,
    Clip,
    ConsentEvent,
    DeviceEvent,
    LegalHold,
    LegalRequest,
    Likeness,
    Need,
    OwnerRequest,
    Purge,
    PurgedKey,
    Rendition,
    RetentionRule,
    Viewing,
)
from config.clock import database_now
from config.history import because
from tests.conftest import make_project, make_ready_clips, make_region, make_reviewer, make_team, make_user, signed_in
from workforce import calendars, people, quotas, skills
from workforce.models import (
    Absence,
    Closure,
    DailyLimit,
    OwnHours,
    QuotaDay,
    Region,
    ResidencyBasis,
    Reviewer,
    Shift,
    Skill,
    Staff,
    Team,
    WorkedHoliday,
)

# The other region's numbers begin here: no number of a page that is not a row's comes near.
FAR = 887_700_000
WORD = "Zalmoxis"
FORBIDDEN = re.compile(
    rf"(?<![0-9A-Za-z])88770\d{{4}}(?:\d{{6}})?(?![0-9A-Za-z])|{WORD}|Dacia|[>\"']ro[<\"']|ro-en-1", re.IGNORECASE
)
# Tables whose rows are of no region.
OF_NO_REGION: set[type[Model]] = {Group}


@dataclass
class World:
    """One region and all that is in it, one row of each table by its model."""

    region: Region
    team: Team
    project: Project
    clips: list[Clip]
    manager: User
    rows: dict[type[Model], Any] = field(default_factory=dict)
    others: dict[type[Model], Any] = field(default_factory=dict)
    """Rows of tables that are not in the admin and have pages of the console."""

    def row_of(self, model: type[Model]) -> Any:
        return self.rows[model] if model in self.rows else self.others[model]

    @property
    def owner(self) -> str:
        return self.clips[0].owner_key


# What comes after both regions are built is of neither.
AFTER = 500_000_000


def numbers_from(first: int) -> Callable[[], None]:
    """Let all numbers go on from here, each table's apart; returns what lets them go on from where they were."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sequencename, coalesce(last_value, 1) FROM pg_sequences WHERE schemaname = 'public'")
        before = cursor.fetchall()
        for at, (name, _) in enumerate(sorted(before)):
            cursor.execute("SELECT setval(%s, %s)", [name, first + 100 * (at % 90) + 1])

    def back() -> None:
        with connection.cursor() as cursor:
            for name, last in before:
                cursor.execute("SELECT setval(%s, %s)", [name, last])

    return back


def build(code: str, *, name: str, zone: str, word: str, gateway: User) -> World:
    """A region with a row of everything."""
    at = database_now()
    region = make_region(code, name, zone)
    team = make_team(f"{word} team", region)
    manager = make_user(f"{word}-manager", "ops manager", is_staff=True, places=[region], last_name=word)
    crew = [
        make_reviewer(f"{word}-{n}", team, country=code.upper(), last_name=word, skills=[f"{word.lower()}-skill"])
        for n in range(3)
    ]
    project = make_project(team, slug=f"{word.lower()}-project", overlap=1, most_seats=1, amend_minutes=60)
    made = make_ready_clips(gateway, 6, region=code)
    for number, clip in enumerate(made):
        # What an owner said is told from what another did by the owner's key.
        Clip.objects.filter(pk=clip.pk).update(facts={"video_codec": f"{word}-codec"}, failure=f"{word} {number}")
    spreading.spread(at=at)
    # What the beat plans is of all regions at once, so its number is nobody's; each finds the lines of theirs.
    Plan.objects.filter(kind=PlanKind.BEAT).delete()
    world = World(region, team, project, list(Clip.objects.filter(region=code).order_by("pk")), manager)
    _people(world, crew, word=word, at=at)
    _work(world, crew, word=word)
    _footage(world, crew, word=word, gateway=gateway, at=at)
    _console(world, word=word, at=at)
    return world


def _people(world: World, crew: list[Reviewer], *, word: str, at: Any) -> None:
    by, rows = world.manager, world.rows
    rows[Region], rows[Team], rows[Reviewer], rows[Project] = world.region, world.team, crew[0], world.project
    rows[User] = rows[Staff] = Staff.objects.get(pk=by.pk)
    rows[ResidencyBasis] = people.allow_country(world.region, country="AQ", basis=f"{word} law", by=by, at=at)
    rows[DailyLimit] = quotas.set_limit(77, reason=f"{word} limit", by=by, from_day=at.date(), team=world.team)
    people.pause(crew[2], by=by, reason=f"{word} pause")
    person, day = crew[1], at.date()
    # Somebody stands still, too.
    for _lapse in range(3):
        people.count_lapse(person.pk)
    rows[Shift] = calendars.put_in(Shift(team=world.team, weekday=0, begins=time(0, 10), ends=time(0, 20)), by=by)
    # Only on Mondays of years to come: today they work.
    Shift.objects.filter(pk=rows[Shift].pk).update(from_day=day + timedelta(days=900))
    rows[OwnHours] = calendars.put_in(OwnHours(reviewer=person, weekday=0, from_day=day + timedelta(days=900)), by=by)
    far = day + timedelta(days=400)
    rows[Closure] = calendars.put_in(
        Closure(team=world.team, first_day=far, last_day=far, reason=f"{word} closure"), by=by
    )
    rows[WorkedHoliday] = calendars.put_in(WorkedHoliday(region=world.region, day=far, reason=f"{word} holiday"), by=by)
    rows[Absence] = calendars.put_in(Absence(reviewer=person, first_day=far, last_day=far), by=by)
    rows[Skill] = skills.give(reviewer=person, name=f"{word.lower()}-more", by=by)


def _work(world: World, crew: list[Reviewer], *, word: str) -> None:
    rows = world.rows
    held = leasing.lease_next(crew[0].user_id, count=3).lease_ids
    client = signed_in(crew[0].user)
    leases = list(Lease.objects.filter(pk__in=held).order_by("pk"))
    answer = {"label": "threat", "note": f"{word} note"}
    path = f"/api/v1/leases/{leases[0].pk}/annotation"
    assert client.post(path, {"token": str(leases[0].token), "answer": answer}).status_code == 201
    assert client.put(path, {"answer": answer | {"label": "unsure"}}, headers={"If-Match": '"1"'}).status_code == 200
    flag = {"token": str(leases[1].token), "kind": "emergency", "note": f"{word} flag"}
    assert client.post(f"/api/v1/leases/{leases[1].pk}/flag", flag).status_code == 201
    rows[Lease] = leases[2]
    rows[Annotation], rows[AmendedAnswer] = Annotation.objects.get(lease=leases[0]), AmendedAnswer.objects.latest("pk")
    rows[Flag] = Flag.objects.get(lease=leases[1])
    rows[Case] = rows[Flag].case
    rows[LateAnswer] = LateAnswer.objects.create(lease=leases[2], answer=answer, received_at=database_now())
    rows[Task], rows[QuotaDay] = leases[2].task, QuotaDay.objects.get(reviewer=crew[0])
    rows[Lane] = leases[2].task.lane
    choice = by_hand.Choice(project_id=world.project.pk, teams=[world.team.pk], priority=3)
    rows[Plan] = by_hand.apply(choice, by=world.manager, reason=f"{word} plan", at=database_now())
    rows[ActiveSpan] = ActiveSpan.objects.create(
        reviewer=crew[0], lease=leases[2], day=rows[QuotaDay].day, time_zone="UTC",
        started_at=leases[2].granted_at, ended_at=leases[2].granted_at + timedelta(seconds=7),
    )  # fmt: skip
    rows[Timesheet] = Timesheet.objects.get(reviewer=crew[0])
    rows[TimeContest] = TimeContest.objects.create(reviewer=crew[0], day=rows[QuotaDay].day, note=f"{word} contest")
    rows[Export] = exporting.request_export(
        world.project, by=world.manager, at=database_now(), regions=[world.region.code]
    )


def _footage(world: World, crew: list[Reviewer], *, word: str, gateway: User, at: Any) -> None:
    rows, by, code = world.rows, world.manager, world.region.code
    clip, other, gone = world.clips[3], world.clips[4], world.clips[5]
    rows[Clip], rows[Rendition] = clip, clip.renditions.first()
    rows[ConsentEvent] = ConsentEvent.objects.filter(clip=clip).latest("pk")
    rows[type(rows[ConsentEvent].disclosure)] = rows[ConsentEvent].disclosure
    rows[DeviceEvent] = DeviceEvent.objects.create(clip=clip, device_model=f"{word} cam", detector_version=word)
    rows[Addition] = Addition.objects.create(clip=clip, faces="blurred", due_at=at)
    rows[Likeness] = Likeness.objects.create(clip=other, other=clip, distance=0.5)
    rows[Viewing] = Viewing.objects.create(
        clip=clip, user=by, purpose="erasure", reason=f"{word} look", opened_at=at, ends_at=at + timedelta(minutes=5)
    )
    rows[AccessEntry] = AccessEntry.objects.create(
        stream=f"{word}", number=1, at=at, user=by, credentials="session", clip=clip, rendition="proxy",
        outcome="granted", hash=b"0" * 32,
    )  # fmt: skip
    rows[LegalHold] = LegalHold.objects.create(
        clip=clip, reason=f"{word} hold", author=by, starts_at=at, ends_at=at + timedelta(days=9)
    )
    rows[LegalRequest] = LegalRequest.objects.create(
        authority=f"{word} court", reference=word, legal_basis=f"{word} order", region=code, owner_key=clip.owner_key,
        clips=[clip.pk], viewers=[by.pk], entered_by=by, entered_at=at, ends_at=at + timedelta(days=9),
    )  # fmt: skip
    rows[OwnerRequest] = OwnerRequest.objects.create(
        owner_key=clip.owner_key, region=code, kind="access", law="gdpr", received_at=at, filed_by=gateway,
        due_at=at + timedelta(days=3),
    )  # fmt: skip
    rows[RetentionRule] = RetentionRule.objects.create(
        region=code, since="upload", days=999, reason=f"{word} rule", author=by
    )
    rows[Purge] = Purge.objects.create(
        clip=gone, region=code, reason="retention", asked_at=at, state_since=at, due_at=at, failure=f"{word} failure",
        quiet_at=at,
    )  # fmt: skip
    rows[PurgedKey] = PurgedKey.objects.create(
        alias=f"clips-{code}", folder=f"{word}folder", clip=gone.pk, digest=word, reason="retention", asked_at=at,
        seal=word,
    )  # fmt: skip
    rows[Need] = Need.objects.get(region=code, clip_kind="video", faces="clear")
    with because(by, f"{word} edit", verb="edit"):
        Team.objects.filter(pk=world.team.pk).update(weight=2)
        Project.objects.filter(pk=world.project.pk).update(priority=1)


def _console(world: World, *, word: str, at: Any) -> None:
    """What somebody of the region left in the console: a bulk action, a view that all may find, a report by mail."""
    by, task = world.manager, world.rows[Task]
    rows = Task.objects.filter(pk=task.pk)
    world.others[BulkRun] = bulk.begin(
        rows, action="requeue", title=f"{word} action", answers={"reason": f"{word} bulk"}, by=by, at=at
    )
    query = f"team__id__exact={world.team.pk}"
    world.others[SavedView] = saved_views.save(by, of="annotations.task", name=f"{word} view", query=query, shared=True)
    world.others[ReportSubscription] = ReportSubscription.objects.create(
        user=by, report="done", every="week", team=world.team
    )


def unlike(world: World) -> list[type[Model]]:
    """Tables of the admin of which this world has no row: each must have one, or be said to be of no region."""
    return [model for model in admin.site._registry if model not in OF_NO_REGION and model not in world.rows]
