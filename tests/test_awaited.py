"""What is written down as awaited is what the gates say, whatever happens; what two changes make wrong is mended."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from annotations.models import Awaited, Project, Task
from annotations.planning import queries, running
from clips.models import Clip, ClipState, Rendition
from config.clock import database_now
from tests.conftest import leave_only, make_project, make_ready_clips, make_region, make_team, spread_now

pytestmark = pytest.mark.django_db
Lines = set[tuple[int, str, int, int, int]]


def gates() -> Lines:
    """What the gates themselves say of all clips."""
    every = list(Clip.objects.values_list("pk", flat=True))
    return {
        (one.project_id, one.region, one.clearance, one.clips, one.first)
        for project in Project.objects.filter(is_active=True)
        for one in queries.fresh_of(project.pk, clip_ids=every)
    }


def written() -> Lines:
    projects = list(Project.objects.values_list("pk", flat=True))
    return {(one.project_id, one.region, one.clearance, one.clips, one.first) for one in queries.fresh(projects)}


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_the_gates_and_the_lines_say_the_same(gateway, hyderabad, asha, seed) -> None:
    dice = random.Random(seed)
    team = make_team("Cluj", make_region("ro", "Romania", "Europe/Bucharest"))
    projects = [
        make_project(hyderabad, slug="one", overlap=1),
        make_project(hyderabad, team, slug="two", overlap=1, purpose="model_training"),
    ]
    clips = make_ready_clips(gateway, 4) + make_ready_clips(gateway, 2, region="ro")

    def one() -> Clip:
        return dice.choice(clips)

    def change(**fields: object) -> Callable[[], object]:
        return lambda: Clip.objects.filter(pk=one().pk).update(**fields)

    def of_project(**fields: object) -> Callable[[], object]:
        return lambda: Project.objects.filter(pk=dice.choice(projects).pk).update(**fields)

    other = clips[0]
    events: list[Callable[[], object]] = [
        change(state=ClipState.PREPARING, due_at=database_now()),
        change(state=ClipState.READY, due_at=None),
        change(is_sensitive=True),
        change(is_sensitive=False),
        lambda: Clip.objects.exclude(pk=other.pk).filter(pk=one().pk).update(same_as=other),
        change(same_as=None),
        lambda: leave_only(one(), "human_review"),
        lambda: leave_only(one(), "model_training"),
        lambda: leave_only(one(), "human_review", "model_training"),
        lambda: Rendition.objects.filter(clip=one(), kind="proxy").delete(),
        of_project(is_active=False),
        of_project(is_active=True),
        of_project(purpose="human_review"),
        of_project(purpose="model_training"),
        of_project(faces="blurred"),
        of_project(faces="clear"),
        lambda: projects[0].teams.set(dice.sample([hyderabad, team], dice.randrange(3))),
        lambda: clips.extend(make_ready_clips(gateway, 1)),
        lambda: spread_now(),
        lambda: Task.objects.filter(clip=one()).delete(),
    ]
    assert written() == gates() != set()
    for _ in range(25):
        dice.choice(events)()
        assert written() == gates()
    assert running.hold_awaited(at=database_now()) == 0


def test_what_is_wrong_is_mended(gateway, hyderabad, asha) -> None:
    make_project(hyderabad)
    clips = make_ready_clips(gateway, 3)
    right = written()
    Awaited.objects.filter(clip=clips[0]).delete()
    Awaited.objects.filter(clip=clips[1]).update(region="ro")
    Awaited.objects.create(clip_id=987_654, project=Project.objects.get(), region="in", clearance=0)
    assert written() != right
    assert queries.hold_awaited(first=0, last=1_000_000) == 3
    assert written() == right
    assert running.hold_awaited(at=database_now()) == 0


@pytest.mark.django_db(transaction=True)
def test_two_changes_that_do_not_see_each_other_are_mended(gateway, hyderabad, asha) -> None:
    """A clip becomes ready while a project that wants it is given its first team: neither sees the other."""
    project = make_project(overlap=1)
    clip = make_ready_clips(gateway, 1)[0]
    Clip.objects.update(state=ClipState.PREPARING, due_at=database_now())
    changed, seen = threading.Event(), threading.Event()

    def become_ready() -> None:
        try:
            with transaction.atomic():
                Clip.objects.filter(pk=clip.pk).update(state=ClipState.READY, due_at=None)
                changed.set()
                seen.wait(10)
        finally:
            connection.close()

    other = threading.Thread(target=become_ready)
    other.start()
    assert changed.wait(10)
    project.teams.set([hyderabad])
    seen.set()
    other.join()
    # The control: this is what the sweep is for.
    assert written() == set() != gates()
    assert running.hold_awaited(at=database_now()) == 1
    assert written() == gates()
    assert spread_now() == 1
    assert not Awaited.objects.exists()


def test_a_plan_reads_what_waits_and_not_what_is_done(gateway, hyderabad, asha) -> None:
    make_project(hyderabad, overlap=1)
    make_ready_clips(gateway, 2)
    assert spread_now() == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_get_xact_tuples_returned('clips_clip'::regclass)")
        before = cursor.fetchone()
        assert queries.fresh([Project.objects.get().pk]) == []
        cursor.execute("SELECT pg_stat_get_xact_tuples_returned('clips_clip'::regclass)")
        assert cursor.fetchone() == before


def rows_read() -> int:
    """Rows of the gates' tables that this transaction has read so far."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_xact_user_tables WHERE relname IN"
            " ('clips_clip', 'clips_permit', 'clips_rendition', 'annotations_task', 'annotations_awaited')"
        )
        return int(cursor.fetchone()[0])


def read_for(clip_ids: list[int]) -> int:
    before = rows_read()
    with connection.cursor() as cursor:
        cursor.execute("SELECT sightline_await(%s::bigint[])", [clip_ids])
    return rows_read() - before


def test_many_clips_cost_as_many_times_one_whatever_is_known_of_the_tables(gateway, hyderabad, asha) -> None:
    make_project(hyderabad, slug="one", overlap=1)
    make_project(hyderabad, slug="two", overlap=1)
    clips = [clip.pk for clip in make_ready_clips(gateway, 40)]
    assert spread_now() == 80
    few = read_for(clips[:4])
    assert 0 < read_for(clips) <= 10 * few


def test_tasks_are_made_by_look_ups_when_nothing_waited_as_the_tables_were_analyzed(gateway, hyderabad, asha) -> None:
    make_project(hyderabad, overlap=1)
    make_ready_clips(gateway, 60)
    assert spread_now() == 60
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE clips_clip, clips_permit, clips_rendition, annotations_task, annotations_awaited")

    def read(clips: int) -> int:
        make_ready_clips(gateway, clips)
        before = rows_read()
        assert spread_now() == clips
        return rows_read() - before

    few = read(10)
    assert read(80) <= 10 * few
