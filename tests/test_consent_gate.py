"""No gate opens without a live consent for the project's purpose, whatever owners said in whatever order.

Random histories of one owner: given and withdrawn, for a clip or for all, for some purposes, late to arrive or not,
expiring or not, clips that come in between, time that passes. After them each gate is asked, and so is a fold over the
same events that knows nothing of tables. ``HISTORIES=1000`` in the environment asks for more of them.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotations import auditing, exporting, leasing, links, queries, spreading, stopping, withdrawing
from annotations.errors import ConsentExpired, ConsentWithdrawn, MediaLinkOver
from annotations.models import Lease, Project, Task, TaskState
from clips.models import Clip, ClipState, ConsentEvent, Rendition
from clips.queries import to_label
from config.clock import database_now
from tests.conftest import make_disclosure, make_project, make_ready_clips, make_reviewer, put_in_lane
from workforce import quotas
from workforce.models import QuotaDay

OWNER = "owner-of-histories"
PURPOSES = ["troubleshooting", "human_review", "model_training"]
BLINK = timedelta(milliseconds=40)

purposes = st.lists(st.sampled_from(PURPOSES), min_size=1, max_size=3, unique=True)
about = st.sampled_from([None, 0, 1, 2])
# When the owner acted, in minutes before it came to us; a device's clock may run ahead.
ago = st.sampled_from([0, 0, 0, 1, 5, 30, -2])
step = st.one_of(
    st.tuples(st.just("given"), about, purposes, ago, st.sampled_from(["never", "never", "in a blink", "in an hour"])),
    st.tuples(st.just("withdrawn"), about, st.one_of(st.just(PURPOSES), purposes), ago),
    st.tuples(st.just("a clip comes")),
    st.tuples(st.just("time passes")),
    st.tuples(st.just("the sweep runs")),
    st.tuples(st.just("everything is asked")),
)


@dataclass(frozen=True)
class Said:
    kind: str
    clip: int | None
    purposes: list[str]
    at: datetime
    expires_at: datetime | None = None


@dataclass
class History:
    """What the owner said, in the order in which it came to us."""

    said: list[Said] = field(default_factory=list)
    withheld: set[int] = field(default_factory=set)
    swept: set[int] = field(default_factory=set)
    closing: set[int] = field(default_factory=set)

    def permits(self, clip: int, purpose: str, *, at: datetime) -> bool:
        ends: list[datetime] = []
        taken_back = datetime.min.replace(tzinfo=UTC)
        for one in self.said:
            if one.clip in {None, clip} and purpose in one.purposes:
                if one.kind == "withdrawn":
                    ends, taken_back = [], max(taken_back, one.at)
                elif one.at > taken_back:
                    ends.append(one.expires_at or datetime.max.replace(tzinfo=UTC))
        return any(end > at for end in ends)

    def seen(self, clips: list[int], *wanted: str, at: datetime) -> set[int]:
        return {
            clip
            for clip in clips
            if clip not in self.withheld and all(self.permits(clip, purpose, at=at) for purpose in wanted)
        }


class World:
    """One owner's clips before every gate: tasks that wait, leases that live, labels that are settled."""

    def __init__(self, team, taker, holder, templates: list[Clip]) -> None:
        self.team, self.taker, self.holder, self.templates = team, taker, holder, templates
        self.history = History()
        self.clips: list[Clip] = []
        self.by = templates[0].uploaded_by
        self.projects = {
            purpose: make_project(team, slug=purpose.replace("_", "-"), purpose=purpose, prefetch=20)
            for purpose in ("human_review", "troubleshooting")
        }
        self.settled = make_project(team, slug="settled", purpose="human_review", is_active=False)
        self.fresh = {
            purpose: make_project(team, slug=f"fresh-{purpose}", purpose=purpose, is_active=False)
            for purpose in self.projects
        }
        self.leases: dict[str, dict[int, Lease]] = {purpose: {} for purpose in self.projects}
        for _ in range(2):
            self.a_clip_comes()

    def a_clip_comes(self) -> None:
        if len(self.clips) >= 4:
            return
        template = self.templates[len(self.clips)]
        fields = {
            one.attname: getattr(template, one.attname) for one in Clip._meta.concrete_fields if one.attname != "id"
        }
        number = len(self.clips)
        clip = Clip.objects.create(
            **fields | {"owner_key": OWNER, "sha256": f"{number:064x}", "original_key": f"histories-{number}/original"}
        )
        for row in template.renditions.all():
            row.pk, row.clip, row.key = None, clip, f"histories-{number}/{row.kind}"
            row.save(force_insert=True)
        self.clips.append(clip)
        at = database_now()
        for purpose, project in self.projects.items():
            put_in_lane(project, self.team, [clip], at=at)
            task = Task.objects.get(project=project, clip=clip)
            self.leases[purpose][clip.pk] = self.lease_on(task, at=at)
        put_in_lane(self.settled, self.team, [clip], at=at)
        Task.objects.filter(project=self.settled, clip=clip).update(
            state=TaskState.SETTLED, label="threat", seats_left=0, answers=2, due_at=None
        )

    def lease_on(self, task: Task, *, at: datetime) -> Lease:
        """A live lease that was granted whatever any gate says."""
        day = quotas.today(self.holder, at=at)
        if day.pk is None:
            day.save()
        QuotaDay.objects.filter(pk=day.pk).update(held=day.held + 1)
        Task.objects.filter(pk=task.pk).update(seats_left=task.seats_left - 1)
        return Lease.objects.create(
            task=task, reviewer=self.holder, quota_day=day, granted_at=at, expires_at=at + timedelta(minutes=30)
        )

    def do(self, action: tuple[Any, ...]) -> None:
        name, *details = action
        if name in {"given", "withdrawn"}:
            self.say(name, *details)
        elif name == "a clip comes":
            self.a_clip_comes()
        elif name == "time passes":
            time.sleep(BLINK.total_seconds() * 1.2)
        elif name == "the sweep runs":
            self.sweep()
        else:
            self.ask()

    def say(self, kind: str, which: int | None, what: list[str], minutes: int, ends: str = "never") -> None:
        if which is not None and which >= len(self.clips):
            return
        clip = None if which is None else self.clips[which]
        now = database_now()
        at = now - timedelta(minutes=minutes)
        expires_at = {"never": None, "in a blink": max(at, now) + BLINK, "in an hour": now + timedelta(hours=1)}[ends]
        given = kind == "given"
        ConsentEvent.objects.create(
            kind=kind,
            owner_key=OWNER,
            clip=clip,
            purposes=what,
            channel="app",
            at=at,
            expires_at=expires_at,
            disclosure=make_disclosure() if given else None,
            actor=self.by,
        )
        about = None if clip is None else clip.pk
        self.history.said.append(Said(kind, about, what, at if given else min(at, now), expires_at))
        if not given:
            touched = {one.pk for one in self.clips if clip is None or one.pk == clip.pk}
            self.history.closing |= touched - self.history.withheld

    def sweep(self) -> None:
        """Leases and tasks are ended: from then on a gate may be shut that the owner opened again."""
        before = database_now()
        withdrawing.sweep(at=before)
        stopping.put_back(at=before)
        state = dict(Clip.objects.filter(owner_key=OWNER).values_list("pk", "state"))
        for clip in self.history.closing:
            if not any(self.history.permits(clip, purpose, at=before) for purpose in PURPOSES):
                assert state[clip] == ClipState.WITHHELD
        self.history.withheld = {clip for clip, is_in in state.items() if is_in == ClipState.WITHHELD}
        # Nobody is withheld whose owner permits something, as far as can be told across the blink.
        for clip in self.history.withheld & self.history.closing:
            assert not all(self.history.permits(clip, purpose, at=database_now()) for purpose in PURPOSES)
        self.history.closing = set()
        self.history.swept = set(state)

    def ask(self) -> None:
        clips = [clip.pk for clip in self.clips]
        for purpose in self.projects:
            for gate in (self.spread, self.claim, self.serve, self.renew, self.submit):
                self.compare(gate.__name__, clips, (purpose,), functools.partial(gate, purpose))
        self.compare("export", clips, ("human_review", "model_training"), self.export)

    def compare(self, gate: str, clips: list[int], wanted: tuple[str, ...], opened: Callable[[], set[int]]) -> None:
        before = self.history.seen(clips, *wanted, at=database_now())
        found = opened()
        after = self.history.seen(clips, *wanted, at=database_now())
        # What expires while it is asked may be answered either way.
        assert found <= before, (gate, wanted)
        if gate in {"spread", "export"} or not self.history.swept:
            assert found >= after, (gate, wanted)

    def spread(self, purpose: str) -> set[int]:
        listed = set(to_label(purpose).filter(owner_key=OWNER).values_list("pk", flat=True))
        with undone():
            Project.objects.filter(pk=self.fresh[purpose].pk).update(is_active=True)
            spreading.spread(at=database_now())
            made = set(
                Task.objects.filter(project=self.fresh[purpose], clip__owner_key=OWNER).values_list("clip", flat=True)
            )
        assert made <= listed
        return made

    def claim(self, purpose: str) -> set[int]:
        with undone():
            # The other project's tasks would be drawn first by turns; each is asked alone.
            Project.objects.exclude(pk=self.projects[purpose].pk).update(is_active=False)
            granted = queries.take(self.taker.user_id, 10).lease_ids
            return set(Lease.objects.filter(pk__in=granted).values_list("task__clip", flat=True))

    def serve(self, purpose: str) -> set[int]:
        def open_one(lease: Lease) -> None:
            rendition = Rendition.objects.filter(clip=lease.task.clip_id, kind="proxy").get()
            # What opens a link, but for its entry in the access log, which stands outside of any transaction.
            if not links.gives_sight(lease, rendition, at=database_now()):
                raise MediaLinkOver

        return self.that_open(purpose, open_one, MediaLinkOver)

    def renew(self, purpose: str) -> set[int]:
        def renew_one(lease: Lease) -> object:
            return leasing.renew(self.holder, lease.pk, token=lease.token, at=database_now())

        return self.that_open(purpose, renew_one, ConsentWithdrawn, ConsentExpired)

    def submit(self, purpose: str) -> set[int]:
        found = set()
        for clip, lease in self.leases[purpose].items():
            with undone():
                done = queries.submit(
                    self.holder.user_id, lease.pk, token=lease.token, label="threat", answer={}, schema_version=1
                )
            if done.outcome == "written":
                found.add(clip)
        return found

    def that_open(self, purpose: str, do: Callable[[Lease], object], *refusals: type[Exception]) -> set[int]:
        found = set()
        for clip, lease in self.leases[purpose].items():
            with undone():
                try:
                    do(Lease.objects.select_related("task").get(pk=lease.pk))
                except refusals:
                    continue
                found.add(clip)
        return found

    def export(self) -> set[int]:
        return {line["clip"]["id"] for line, _task in exporting.lines(self.settled)}


class undone:
    """A block whose writes are taken back."""

    def __enter__(self) -> None:
        self.block = transaction.atomic()
        self.block.__enter__()

    def __exit__(self, *error: Any) -> None:
        transaction.set_rollback(True)
        self.block.__exit__(*error)


@pytest.fixture
def asking(gateway, hyderabad):
    taker, holder = (make_reviewer(name, hyderabad) for name in ("taker", "holder"))
    templates = make_ready_clips(gateway, 4)

    def world() -> World:
        return World(hyderabad, taker, holder, templates)

    return world


def run(asking, steps: list[tuple[Any, ...]]) -> None:
    with undone():
        world = asking()
        for action in steps:
            world.do(action)
        world.ask()
        check = next(one for one in auditing.CHECKS if one.name == "permits-follow-from-events")
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM ({check.query}) bad LIMIT 1")  # noqa: S608
            assert cursor.fetchone() is None


GATE = settings(
    max_examples=int(os.environ.get("HISTORIES", "30")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.django_db
@GATE
@given(st.lists(step, max_size=12))
def test_no_gate_opens_but_under_a_live_consent_for_the_projects_purpose(asking, steps) -> None:
    run(asking, steps)


@pytest.mark.django_db
def test_the_gates_open_where_the_owner_agrees(asking) -> None:
    """The property would hold of gates that never open."""
    with undone():
        world = asking()
        world.say("given", None, PURPOSES, 0)
        clips = {clip.pk for clip in world.clips}
        for purpose in world.projects:
            for gate in (world.spread, world.claim, world.serve, world.renew, world.submit):
                assert gate(purpose) == clips, gate
        assert world.export() == clips


@pytest.mark.django_db
def test_control_a_writer_that_keeps_no_permits_is_found(asking) -> None:
    """With the database's own writing switched off a withdrawal leaves the gates open, and the property says so."""
    with undone():
        world = asking()
        world.say("given", None, PURPOSES, 0)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE clips_consentevent DISABLE TRIGGER counts")
        world.say("withdrawn", 0, PURPOSES, 0)
        with pytest.raises(AssertionError):
            world.ask()
