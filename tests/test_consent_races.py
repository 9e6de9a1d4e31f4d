"""An owner withdraws while others prepare, take, renew, answer, serve and export; real connections, a control each.

One clip's withdrawal against grant and submit is in ``test_withdrawal_races.py``; here the gates themselves are raced:
what begins after an owner's withdrawal was answered must not get through, before anything is tidied up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from annotations import auditing, consensus, exporting, leasing, links, queries, stopping, withdrawing
from annotations.errors import ExportWithdrawn
from annotations.models import Export, Lease, LeaseState, Project, Task, TaskState
from clips import consenting, preparing, storage
from clips.models import Clip, ClipState, ConsentEvent, Permit, Rendition
from clips.queries import reviewable
from config.clock import database_now
from config.errors import Refusal
from tests.conftest import make_clip, make_project, make_ready_clips, make_reviewer, make_user, permit, spread_now
from tests.test_flagging import asking_as
from tests.test_races import at_once
from workforce.models import Reviewer

pytestmark = pytest.mark.django_db(transaction=True)
OWNER = "owner-of-races"
CLIPS = 40


@pytest.fixture
def crew(gateway, hyderabad) -> list[Reviewer]:
    make_project(hyderabad, prefetch=20)
    return [make_reviewer(f"person-{number}", hyderabad) for number in range(5)]


@pytest.fixture
def clips(gateway, crew) -> list[Clip]:
    """One owner's clips, each with a task, under one consent for all."""
    found = make_ready_clips(gateway, CLIPS)
    for clip in found:
        Clip.objects.filter(pk=clip.pk).update(owner_key=OWNER, sha256=f"{clip.pk:064x}")
    permit(None, "human_review", "model_training", owner_key=OWNER)
    assert spread_now() == CLIPS
    return found


@contextmanager
def gates_off() -> Iterator[None]:
    """Events are kept, and nothing follows from them: as if whoever wrote one had forgotten the permits."""
    switch("DISABLE")
    try:
        yield
    finally:
        switch("ENABLE")


def switch(how: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE clips_consentevent {how} TRIGGER counts")


class Doors:
    """What people do all day; each returns whether it got through."""

    def __init__(self, crew: list[Reviewer]) -> None:
        self.crew = crew
        self.held: dict[int, list[Lease]] = {}
        for person in crew[1:]:
            queries.take(person.user_id, 10)
            self.held[person.pk] = list(Lease.objects.filter(reviewer=person).select_related("task"))

    def grant(self, person: Reviewer) -> bool:
        taken = queries.take(person.user_id, 1).lease_ids
        for lease_id in taken:
            # Room for the next; what is closed meanwhile is over by itself.
            with suppress(Refusal):
                leasing.give_back(person, lease_id, at=database_now())
        return bool(taken)

    def renew(self, person: Reviewer) -> bool:
        lease = self.held[person.pk][0]
        return passes(lambda: leasing.renew(person, lease.pk, token=lease.token, at=database_now()))

    def serve(self, person: Reviewer) -> bool:
        lease = self.held[person.pk][0]
        rendition = Rendition.objects.get(clip=lease.task.clip_id, kind="proxy")
        until = database_now() + timedelta(minutes=5)
        sealed = links.link(
            lease.pk, lease.token, rendition.pk, user_id=lease.reviewer.user_id, until=until
        ).rpartition("/")[2]
        return passes(lambda: links.open_link(sealed, asking=asking_as(person), at=database_now()))

    def submit(self, person: Reviewer) -> bool:
        if not self.held[person.pk]:
            return False
        lease = self.held[person.pk].pop()
        done = queries.submit(person.user_id, lease.pk, token=lease.token, label="threat", answer={}, schema_version=1)
        return done.outcome == "written"

    def export(self, person: Reviewer) -> bool:
        """A line in an export that is handed out."""
        export = exporting.request_export(Project.objects.get(), by=person.user, at=database_now())
        for _ in range(3):
            if exporting.write(export.pk, now=database_now):
                break
        export.refresh_from_db()
        return export.lines > 0 and passes(lambda: exporting.check_download(export))


def passes(do: Callable[[], object]) -> bool:
    try:
        do()
    except Refusal:
        return False
    return True


def race(crew: list[Reviewer], door: str, monkeypatch: pytest.MonkeyPatch, *, patience: float = 0.5) -> tuple[int, int]:
    """All go through one door while the owner of all clips withdraws; how often it opened before, and after.

    Afterwards they go on for as long as ``patience`` says, or until one got through.
    """
    if door == "export":
        Task.objects.update(state=TaskState.SETTLED, label="threat", seats_left=0, answers=2, due_at=None)
    doors, shut, over = Doors(crew), threading.Event(), threading.Event()
    do: Callable[[Reviewer], bool] = getattr(doors, door)
    by = make_user("gate")
    close = withdrawing.close

    def slowly(clip_id: int, **options: Any) -> int:
        shut.set()
        # Whoever tidies up is slow, or died here.
        time.sleep(0.02)
        return close(clip_id, **options)

    monkeypatch.setattr(withdrawing, "close", slowly)

    through, slipped = threading.Event(), threading.Event()

    def work(number: int) -> tuple[int, int]:
        if number == 0:
            # Somebody got through: from here on it is a race.
            assert through.wait(timeout=60)
            try:
                withdrawing.withdraw_all(OWNER, by=by, reason="the owner asked", at=database_now())
                shut.set()
                slipped.wait(timeout=patience)
            finally:
                over.set()
            return 0, 0
        before = after = 0
        while not over.is_set():
            was_shut = shut.is_set()
            opened = do(crew[number])
            after += opened and was_shut
            before += opened and not was_shut
            if opened:
                (slipped if was_shut else through).set()
        return before, after

    counts = at_once(len(crew), work)
    return sum(pair[0] for pair in counts), sum(pair[1] for pair in counts)


DOORS = ["grant", "renew", "serve", "submit", "export"]


@pytest.mark.parametrize("door", DOORS)
def test_control_without_the_permits_a_door_stays_open(clips, crew, monkeypatch, door) -> None:
    if door == "submit":
        # Answers run out within the race; one that is given afterwards tells.
        doors = Doors(crew)
        with gates_off():
            withdrawing.withdraw_all(OWNER, by=make_user("gate"), reason="the owner asked", at=database_now())
        assert doors.submit(crew[1])
        return
    with gates_off():
        before, after = race(crew, door, monkeypatch, patience=60)
    assert before > 0
    assert after > 0


@pytest.mark.parametrize("door", DOORS)
def test_what_begins_after_a_withdrawal_does_not_get_through(clips, crew, monkeypatch, door) -> None:
    before, after = race(crew, door, monkeypatch)
    assert before > 0
    assert after == 0
    withdrawing.sweep(at=database_now())
    assert not Lease.objects.filter(state=LeaseState.LIVE).exists()
    assert set(Clip.objects.filter(owner_key=OWNER).values_list("state", flat=True)) == {"withheld"}
    if door != "export":
        assert auditing.audit() == []


def stored(clip: Clip) -> set[str]:
    return {key.rpartition("/")[2] for key in storage.keys_under(clip.storage_alias, clip.folder)}


def prepare_while_withdrawn(gateway, waits: float) -> Clip:
    clip = make_clip(gateway)

    def work(number: int) -> object:
        if number == 0:
            return preparing.prepare(clip.pk, now=database_now)
        time.sleep(waits)
        return withdrawing.withdraw(clip.pk, by=gateway, reason="the owner asked", at=database_now())

    at_once(2, work)
    clip.refresh_from_db()
    return clip


def test_control_a_worker_that_asks_nobody_brings_a_withdrawn_clip_back(gateway, crew, monkeypatch) -> None:
    """Neither the state it left nor the permit is asked: both guards are off."""

    def anyhow(rows: Any, *, moves: Any, old: str, new: str, **changes: Any) -> int:
        return rows.update(state=new, **changes)

    made = preparing._make

    def late(held: Any, folder: Any, *, now: Any) -> Any:
        found = made(held, folder, now=now)
        withdrawing.withdraw(held.clip.pk, by=gateway, reason="the owner asked", at=database_now())
        assert Clip.objects.get(pk=held.clip.pk).state == ClipState.WITHHELD
        monkeypatch.setattr(preparing, "move", anyhow)
        return found

    clip = make_clip(gateway)
    monkeypatch.setattr(preparing, "_make", late)
    withholds = consenting.queries.in_force

    with gates_off():
        # What the events leave standing is nothing, though no permit says so.
        monkeypatch.setattr(consenting.queries, "in_force", lambda clips: withholds([]))
        assert preparing.prepare(clip.pk, now=database_now)
    assert reviewable("human_review").filter(pk=clip.pk).exists()


@pytest.mark.parametrize("waits", [0.0, 0.05, 0.2, 0.5, 0.9, 1.4])
def test_a_clip_that_is_withdrawn_while_it_is_prepared_is_never_shown(gateway, crew, waits) -> None:
    clip = prepare_while_withdrawn(gateway, waits)
    assert clip.state == ClipState.WITHHELD
    assert not Permit.objects.filter(clip=clip).exists()
    assert not preparing.prepare(clip.pk, now=database_now)
    assert spread_now() == 0
    stopping.put_back(at=database_now())
    assert not reviewable("human_review").filter(pk=clip.pk).exists()


def test_a_clip_is_withdrawn_while_its_labels_are_exported(gateway, crew, monkeypatch) -> None:
    """An export that is done either is without it, or is not handed out; in each second round the withdrawal comes just
    when the line is written and nothing is recorded, in the others at whatever instant."""
    by = make_user("gate")
    seen = set()
    describe = exporting.describe
    for turn in range(24):
        clip = make_ready_clips(gateway, 1)[0]
        spread_now()
        for person in crew[:2]:
            for lease in Lease.objects.filter(pk__in=queries.take(person.user_id, 5).lease_ids):
                queries.submit(person.user_id, lease.pk, token=lease.token, label="threat", answer={}, schema_version=1)
        for task_id in consensus.waiting(at=database_now()):
            consensus.settle(task_id, at=database_now())
        assert Task.objects.get(clip=clip).state == TaskState.SETTLED
        export = exporting.request_export(Project.objects.get(), by=by, at=database_now())

        def withdraw(clip: Clip = clip) -> object:
            return withdrawing.withdraw(clip.pk, by=by, reason="the owner asked", at=database_now())

        def just_then(*given: Any, **named: Any) -> Any:
            monkeypatch.setattr(exporting, "describe", describe)
            withdraw()
            return describe(*given, **named)

        def work(number: int, export: Export = export, withdraw: Callable[[], object] = withdraw) -> object:
            return exporting.write(export.pk, now=database_now) if number == 0 else withdraw()

        if turn % 2:
            monkeypatch.setattr(exporting, "describe", just_then)
            assert not exporting.write(export.pk, now=database_now)
        else:
            at_once(2, work)
        while Export.objects.filter(pk=export.pk, state__in=["requested", "writing"]).exists():
            exporting.write(export.pk, now=database_now)
            seen.add("written again")
        export.refresh_from_db()
        # What a door that asks only whether it is done would hand out: the control.
        holds = export.held.filter(clip=clip).exists()
        seen.add("with it" if holds else "without it")
        data = b"".join(storage.read_range(exporting.ALIAS, export.key, 0, export.size_bytes)) if export.lines else b""
        assert (f'"id":{clip.pk},'.encode() in data) == holds
        if holds:
            with pytest.raises(ExportWithdrawn):
                exporting.check_download(export)
        else:
            exporting.check_download(export)
    assert {"written again", "without it"} <= seen, seen


def late_clip(gateway, *, waits_in_line: bool) -> int:
    """A clip of an owner who agreed for all arrives, and commits after the owner's withdrawal was answered; how many
    permits it has."""
    template = make_ready_clips(gateway, 1)[0]
    permit(None, "human_review", owner_key=OWNER)
    fields = {one.attname: getattr(template, one.attname) for one in Clip._meta.concrete_fields if one.attname != "id"}
    came, withdrew = threading.Event(), threading.Event()

    def work(number: int) -> int:
        if number == 0:
            with transaction.atomic():
                clip = Clip.objects.create(**fields | {"owner_key": OWNER, "original_key": "late/original"})
                came.set()
                # The withdrawal stands in line behind this, or it does not and is done by then.
                withdrew.wait(timeout=1 if waits_in_line else 30)
            return clip.pk
        came.wait(timeout=30)
        with transaction.atomic():
            consenting.withdraw(owner_key=OWNER, clip=None, by=gateway)
        withdrew.set()
        return 0

    clip_id = next(found for found in at_once(2, work) if found)
    return Permit.objects.filter(clip=clip_id).count()


def test_control_without_a_line_a_clip_slips_past_its_owners_withdrawal(gateway, crew) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER FUNCTION sightline_lock_owner(text) RENAME TO sightline_locks_nothing")
        cursor.execute("CREATE FUNCTION sightline_lock_owner(p_owner text) RETURNS void LANGUAGE sql AS $$ SELECT $$")
    try:
        assert late_clip(gateway, waits_in_line=False) == 1
        assert "permits-follow-from-events" in {finding.check.name for finding in auditing.audit()}
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION sightline_lock_owner(text)")
            cursor.execute("ALTER FUNCTION sightline_locks_nothing(text) RENAME TO sightline_lock_owner")


def test_a_clip_that_arrives_while_its_owner_withdraws_is_not_permitted(gateway, crew) -> None:
    assert late_clip(gateway, waits_in_line=True) == 0
    assert [finding.check.name for finding in auditing.audit()] == []


def test_many_say_many_things_of_one_owner_at_once(gateway, crew) -> None:
    """Whatever the order, what is permitted follows from the events; nobody waits for another in a circle."""
    clips = make_ready_clips(gateway, 6)
    for clip in clips:
        Clip.objects.filter(pk=clip.pk).update(owner_key=OWNER, sha256=f"{clip.pk:064x}")
    permit(None, "human_review", "model_training", owner_key=OWNER)
    spread_now()

    def work(number: int) -> None:
        for turn in range(12):
            if number == 0:
                withdrawing.withdraw_all(
                    OWNER, by=gateway, purposes=["human_review"], reason="asked", at=database_now()
                )
            elif number == 1:
                permit(None, "human_review", owner_key=OWNER, by=gateway)
            elif number == 2:
                withdrawing.withdraw(
                    clips[turn % 6].pk, by=gateway, purposes=["human_review"], reason="asked", at=database_now()
                )
            elif number == 3:
                queries.take(crew[0].user_id, 1)
                withdrawing.sweep(at=database_now())
            else:
                permit(clips[turn % 6].pk, "human_review", by=gateway)

    at_once(5, work)
    withdrawing.sweep(at=database_now())
    assert auditing.audit() == []
    assert ConsentEvent.objects.filter(owner_key=OWNER).count() > 30
