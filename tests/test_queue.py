"""The queue: order, lanes, what a reviewer may not be handed, and heads that never pass a free seat."""

from __future__ import annotations

from datetime import timedelta

import pytest

from annotations import leasing, queries
from annotations.models import Bookmark, Head, Lane, Lease, Task
from clips.models import Clip
from config.clock import database_now
from tests.conftest import make_project, make_ready_clips, make_reviewer, put_in_lane, signed_in, spread_now
from workforce import skills
from workforce.errors import QuotaExhausted
from workforce.models import QuotaDay, ResidencyBasis, Reviewer

pytestmark = pytest.mark.django_db


def take(reviewer: Reviewer, count: int = 1) -> list[int]:
    """Task ids, in the order of their leases."""
    ids = leasing.lease_next(reviewer.user_id, count=count).lease_ids
    found = dict(Lease.objects.filter(pk__in=ids).values_list("pk", "task_id"))
    return [found[lease_id] for lease_id in ids]


def head_of(lane: Lane) -> Head:
    return lane.heads.latest("number")


def heads_pass_no_free_seat() -> None:
    """The invariant of the lanes: every open task with a free seat is at or behind its lane's head."""
    for task in Task.objects.filter(state="open", seats_left__gt=0).select_related("lane"):
        head = head_of(task.lane)
        if task.rank < 10**11:
            assert head.express_head <= task.rank < head.express_next
        else:
            assert head.head_rank <= task.rank <= head.tail_rank


def stale_heads() -> None:
    Head.objects.update(made_at=database_now() - timedelta(seconds=1))


def test_work_comes_in_the_order_of_its_virtual_deadlines_over_projects(gateway, hyderabad, asha, ravi) -> None:
    calm = make_project(hyderabad, slug="calm", due_hours=24)
    urgent = make_project(hyderabad, slug="urgent", due_hours=24, priority=3)
    make_ready_clips(gateway, 3)
    assert spread_now() == 6
    order = [Task.objects.get(pk=task_id).project_id for task_id in take(asha, 10)]
    assert order == [urgent.pk] * 3 + [calm.pk] * 3


def test_old_work_is_not_starved_by_fresh_work_of_higher_priority(gateway, hyderabad, asha, ravi) -> None:
    make_project(hyderabad, slug="calm", due_hours=1)
    make_project(hyderabad, slug="urgent", due_hours=48, priority=24)
    make_ready_clips(gateway, 1)
    spread_now()
    assert Task.objects.get(pk=take(asha)[0]).project.slug == "calm"


def test_a_seat_that_comes_back_goes_first(tasks, asha, ravi, meera) -> None:
    held = leasing.lease_next(asha.user_id, count=1).lease_ids[0]
    assert take(ravi) == [tasks[0].pk]
    stale_heads()
    assert take(meera) == [tasks[1].pk]
    leasing.give_back(asha, held, at=database_now())
    heads_pass_no_free_seat()
    assert take(meera) == [tasks[0].pk]
    heads_pass_no_free_seat()


def test_what_enters_before_the_head_is_found(gateway, hyderabad, asha, ravi, meera) -> None:
    late = make_project(hyderabad, slug="p", due_hours=48, overlap=1)
    make_ready_clips(gateway, 4)
    spread_now()
    stale_heads()
    take(asha, 2)
    late.due_hours = 1
    late.save(update_fields=["due_hours"])
    make_ready_clips(gateway, 1)
    assert spread_now() == 1
    heads_pass_no_free_seat()
    assert take(ravi) == [Task.objects.latest("pk").pk]


@pytest.mark.parametrize("missing", ["skill", "clearance", "basis", "ended basis"])
def test_what_a_reviewer_lacks_keeps_work_from_them(gateway, hyderabad, asha, ravi, missing) -> None:
    project = make_project(hyderabad, skills=["hindi"] if missing == "skill" else [])
    make_ready_clips(gateway, 1)
    if missing == "clearance":
        Clip.objects.update(is_sensitive=True)
    # No plan would do this.
    put_in_lane(project, hyderabad, list(Clip.objects.all()), at=database_now())
    if missing == "basis":
        ResidencyBasis.objects.all().delete()
    if missing == "ended basis":
        ResidencyBasis.objects.update(ends_at=database_now() - timedelta(seconds=1))
    assert take(asha) == []
    if missing == "skill":
        skills.give(asha, "glass")
        skills.give(asha, "hindi")
    elif missing == "clearance":
        Reviewer.objects.filter(pk=asha.pk).update(clearance=1)
    elif missing == "ended basis":
        ResidencyBasis.objects.update(ends_at=None)
    if missing != "basis":
        assert len(take(asha)) == 1


def test_a_reviewer_abroad_needs_a_basis_of_their_own(tasks, hyderabad) -> None:
    abroad = make_reviewer("ioana", hyderabad, country="RO")
    assert take(abroad) == []
    basis = ResidencyBasis.objects.get()
    ResidencyBasis.objects.create(
        region=basis.region, country="RO", basis="contract 7", author=basis.author, starts_at=basis.starts_at
    )
    assert len(take(abroad)) == 1


def test_a_clip_that_became_sensitive_is_not_handed_to_the_uncleared_though_its_lane_is_open(tasks, asha) -> None:
    Clip.objects.filter(pk=tasks[0].clip_id).update(is_sensitive=True)
    assert take(asha) == [tasks[1].pk]


def test_nobody_holds_more_of_a_project_than_its_prefetch(tasks, asha) -> None:
    tasks[0].project.prefetch = 2
    tasks[0].project.save(update_fields=["prefetch"])
    assert len(take(asha, 10)) == 2
    granted = leasing.lease_next(asha.user_id, count=1)
    assert (granted.lease_ids, granted.reason) == ([], "holding-enough")
    leasing.give_back(asha, Lease.objects.earliest("pk").pk, at=database_now())
    assert len(take(asha)) == 1


def test_the_paused_are_told_so(tasks, asha, hyderabad) -> None:
    client = signed_in(asha.user)
    for row, reason in ((hyderabad, "team-is-paused"), (asha, "you-are-paused")):
        row.is_paused = True
        row.save(update_fields=["is_paused"])
        reply = client.post("/api/v1/leases", {})
        assert (reply.status_code, reply.json()["code"], reply.json()["reason"]) == (409, "paused", reason)
        row.is_paused = False
        row.save(update_fields=["is_paused"])
    assert client.post("/api/v1/leases", {}).status_code == 201


def test_a_long_walk_is_remembered_and_forgets_nothing(gateway, hyderabad, asha, ravi) -> None:
    """Bookmarks are written after a slow walk; here by hand, as after one."""
    make_project(hyderabad)
    make_ready_clips(gateway, 3)
    spread_now()
    mine = take(asha, 3)
    lane = Lane.objects.get()
    head = head_of(lane)
    Bookmark.objects.create(
        reviewer=asha, lane=lane, version=head.version, rank=head.tail_rank + 1, express=head.express_next
    )
    assert take(asha) == []
    # A seat that comes back is not before the bookmark: returned seats have turns of their own.
    lease = Lease.objects.get(task=mine[0], reviewer=asha)
    leasing.give_back(asha, lease.pk, at=database_now())
    assert take(ravi) == [mine[0]]
    # What enters before the tail makes the bookmark worthless.
    queries.enter(lane, [head.tail_rank - 5])
    assert head_of(lane).version == head.version + 1
    Task.objects.filter(pk=mine[2]).update(rank=head.tail_rank - 5)
    Lease.objects.filter(task=mine[2]).delete()
    assert take(asha) == [mine[2]]


def test_tasks_that_come_together_have_places_of_their_own(tasks) -> None:
    """Heads and bookmarks are ranks: among tasks of one rank they could not say how far somebody has come."""
    ranks = list(Task.objects.order_by("pk").values_list("rank", flat=True))
    assert ranks == [ranks[0] + place for place in range(len(ranks))]


def test_a_bookmark_stands_at_what_is_next_and_not_where_the_next_lane_began(gateway, hyderabad, asha, ravi) -> None:
    """Many seats that this reviewer held before, then work in another lane, then more of the first lane's."""
    first = make_project(hyderabad, slug="first", due_hours=1, prefetch=20)
    make_ready_clips(gateway, 12)
    spread_now()
    assert len(take(asha, 10)) == 10
    assert len(take(asha, 10)) == 2
    lane = Lane.objects.get(project=first)
    make_project(hyderabad, slug="second", due_hours=3)
    spread_now()
    assert Task.objects.get(pk=take(asha)[0]).project.slug == "second"
    # Nothing of the first lane is theirs, up to its end and not only up to where the second begins.
    assert Bookmark.objects.get(reviewer=asha, lane=lane).rank == head_of(lane).tail_rank + 1
    make_ready_clips(gateway, 1)
    spread_now()
    assert Task.objects.get(pk=take(asha)[0]).project == first
    heads_pass_no_free_seat()


def test_a_lane_is_asked_in_vain_once_and_not_at_each_claim(gateway, hyderabad, asha, ravi) -> None:
    """However short the walk was: dead index entries, walked for nothing, are not even counted."""
    first = make_project(hyderabad, slug="first", due_hours=1)
    make_ready_clips(gateway, 3)
    spread_now()
    assert len(take(asha, 3)) == 3
    make_project(hyderabad, slug="second", due_hours=3)
    spread_now()
    lane = Lane.objects.get(project=first)
    assert Task.objects.get(pk=take(asha)[0]).project.slug == "second"
    mark = Bookmark.objects.get(reviewer=asha, lane=lane)
    assert mark.rank == head_of(lane).tail_rank + 1
    assert Task.objects.get(pk=take(asha)[0]).project.slug == "second"
    # Not asked again, so nothing is remembered again.
    assert Bookmark.objects.get(reviewer=asha, lane=lane) == mark
    assert head_of(lane).number == 1
    # For others the lane begins where it began.
    assert Task.objects.get(pk=take(ravi)[0]).project == first
    heads_pass_no_free_seat()


def test_units_that_were_held_for_nothing_go_back(tasks, asha) -> None:
    """The units are held before the seats are looked for; what was not granted must not stay with the day."""
    assert len(take(asha, 10)) == 3
    day = QuotaDay.objects.get(reviewer=asha)
    assert (day.held, day.used) == (3, 0)
    granted = leasing.lease_next(asha.user_id, count=2)
    assert (granted.lease_ids, granted.quota.held) == ([], 3)
    again = leasing.lease_next(asha.user_id, count=1, key="k")
    assert leasing.lease_next(asha.user_id, count=1, key="k") == again
    day.refresh_from_db()
    assert (day.held, day.used) == (3, 0)


def test_the_last_units_of_a_day_are_granted_though_more_were_asked_for(tasks, asha) -> None:
    leasing.lease_next(asha.user_id, count=1)
    QuotaDay.objects.filter(reviewer=asha).update(day_limit=2, allowed=2)
    assert len(take(asha, 10)) == 1
    with pytest.raises(QuotaExhausted):
        take(asha, 1)
    day = QuotaDay.objects.get(reviewer=asha)
    assert (day.held, day.used) == (2, 0)


def test_the_same_key_gets_the_same_leases(tasks, asha, ravi) -> None:
    client = signed_in(asha.user)
    first = client.post("/api/v1/leases", {"count": 2}, headers={"Idempotency-Key": "k1"})
    again = client.post("/api/v1/leases", {"count": 2}, headers={"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert [x["token"] for x in first.json()["leases"]] == [x["token"] for x in again.json()["leases"]]
    assert Lease.objects.count() == 2
    other = client.post("/api/v1/leases", {"count": 1}, headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert (
        len(
            signed_in(ravi.user)
            .post("/api/v1/leases", {"count": 2}, headers={"Idempotency-Key": "k1"})
            .json()["leases"]
        )
        == 2
    )
    for bad in ("", "x" * 256, "a b", "é"):
        reply = client.post("/api/v1/leases", {}, headers={"Idempotency-Key": bad})
        assert (reply.status_code, reply.json()["code"]) == (400, "idempotency-key-malformed")


def test_statements_per_call(tasks, asha, django_assert_num_queries) -> None:
    client = signed_in(asha.user)
    for count in (1, 2):
        with django_assert_num_queries(3):
            leases = client.post("/api/v1/leases", {"count": count}).json()["leases"]
        for lease in leases:
            body = {"token": lease["token"], "answer": {"label": "threat"}}
            with django_assert_num_queries(4):
                client.post(f"/api/v1/leases/{lease['id']}/annotation", body)


def test_heads_are_only_added_and_all_but_the_newest_are_forgotten(gateway, hyderabad, asha, ravi) -> None:
    make_project(hyderabad, prefetch=20)
    make_ready_clips(gateway, 3)
    spread_now()
    lane = Lane.objects.get()
    first = head_of(lane)
    ids = leasing.lease_next(asha.user_id, count=2).lease_ids
    for lease_id in ids:
        leasing.give_back(asha, lease_id, at=database_now())
    newest = head_of(lane)
    assert (newest.express_next, lane.heads.count()) == (first.express_next + 2, first.number + 2)
    assert Head.objects.get(lane=lane, number=first.number).express_next == first.express_next
    assert queries.forget_old_heads() == newest.number - 1
    assert lane.heads.get().number == newest.number
    assert len(take(ravi, 3)) == 3


def test_a_lane_that_ran_dry_goes_on_where_the_next_tasks_begin(gateway, hyderabad, asha, ravi) -> None:
    """Its head stands past its tail then; left there it would look earlier than lanes whose work is older."""
    make_project(hyderabad, prefetch=20)
    make_ready_clips(gateway, 1)
    spread_now()
    take(asha), take(ravi)
    stale_heads()
    assert take(asha) == []
    lane = Lane.objects.get()
    assert head_of(lane).head_rank == head_of(lane).tail_rank + 1
    queries.enter(lane, [head_of(lane).tail_rank + 5000])
    assert head_of(lane).head_rank == head_of(lane).tail_rank
