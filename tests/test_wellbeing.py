"""What reviewers would rather not see, how much of it they are handed, and who may find what is quarantined."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from annotations import auditing, leasing
from annotations.models import Lane, Lease
from clips.models import Case, Clip
from config.clock import database_now
from tests.conftest import (
    make_project,
    make_ready_clips,
    make_user,
    signed_in,
    spread_now,
)
from tests.racing import at_once
from workforce.models import QuotaDay, ResidencyBasis, Reviewer, Team

pytestmark = pytest.mark.django_db
OPT_OUTS = "/api/v1/me/opt-outs"


def staff_client(role: str) -> Client:
    """A member of staff with this role, in the admin."""
    client = Client()
    client.force_login(make_user(role.replace(" ", "-"), role, is_staff=True))
    return client


def take(reviewer: Reviewer, count: int = 1) -> list[str]:
    """The projects of what is leased now, in the order of the leases."""
    ids = leasing.lease_next(reviewer.user_id, count=count).lease_ids
    found = dict(Lease.objects.filter(pk__in=ids).values_list("pk", "task__project__slug"))
    return [found[lease_id] for lease_id in ids]


# --- opting out ------------------------------------------------------------------------------------------------------


def test_who_opted_out_of_a_category_is_not_handed_it_and_others_are(gateway, hyderabad, asha, ravi) -> None:
    make_project(hyderabad, slug="falls", categories=["injury"], due_hours=1)
    make_project(hyderabad, slug="yards", due_hours=3)
    make_ready_clips(gateway, 1)
    spread_now()
    client = signed_in(asha.user)
    assert client.get(OPT_OUTS).json() == {"categories": [{"category": "injury", "opted_out": False}]}
    reply = client.put(OPT_OUTS, {"categories": ["injury"]})
    assert reply.json() == {"categories": [{"category": "injury", "opted_out": True}]}
    assert take(asha, 3) == ["yards"]
    assert take(ravi, 3) == ["falls", "yards"]
    # It costs nothing: the day is as if the other project were not there.
    day = QuotaDay.objects.get(reviewer=asha)
    assert (day.used, day.held, day.skips, day.exposed_ms) == (0, 1, 0, 0)
    assert client.put(OPT_OUTS, {"categories": []}).json()["categories"][0]["opted_out"] is False
    assert take(asha, 3) == ["falls"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"categories": ["nonsense"]}, "unknown-category"),
        ({"categories": "injury"}, "invalid"),
        ({}, "invalid"),
        ({"categories": [], "why": "x"}, "invalid"),
        ({"categories": ["x" * 33]}, "invalid"),
    ],
)
def test_bad_opt_outs_are_refused_with_a_code(asha, body, code) -> None:
    reply = signed_in(asha.user).put(OPT_OUTS, body)
    assert (reply.status_code, reply.json()["code"]) == (400, code)


def test_opting_out_is_nobody_elses_business(asha, hyderabad) -> None:
    make_project(hyderabad, slug="falls", categories=["injury"])
    signed_in(asha.user).put(OPT_OUTS, {"categories": ["injury"]})
    admin = staff_client("ops manager")
    page = admin.get(f"/admin/workforce/reviewer/{asha.pk}/change/")
    assert page.status_code == 200
    assert "injury" not in page.content.decode()
    assert "injury" not in admin.get("/admin/changes").content.decode()


# --- exposure --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_what_is_hard_to_look_at_is_counted_and_capped_at_the_claim(gateway, hyderabad, asha, ravi) -> None:
    make_project(hyderabad, slug="falls", categories=["injury"], due_hours=1, prefetch=20)
    make_project(hyderabad, slug="yards", due_hours=3, prefetch=20)
    make_ready_clips(gateway, 3)
    spread_now()
    Clip.objects.update(duration_ms=25_000)
    Team.objects.update(exposure_minutes=1)
    # Two clips of 25 s fit into a minute, the third does not; what is not hard to look at is handed out all the same.
    assert take(asha, 10) == ["falls", "falls", "yards", "yards", "yards"]
    day = QuotaDay.objects.get(reviewer=asha)
    assert (day.exposed_ms, day.exposure_allowed_ms, day.held) == (50_000, 60_000, 5)
    for lease in Lease.objects.filter(reviewer=asha):
        leasing.give_back(asha, lease.pk, at=database_now())
    assert leasing.lease_next(asha.user_id, count=1).reason == "exposure-reached"
    assert QuotaDay.objects.get(reviewer=asha).held == 0
    told = signed_in(asha.user).get("/api/v1/me/days").json()["days"][0]
    assert told["exposed_seconds"] == 50
    # The person's own number goes before the team's, upwards as well as down to nothing.
    Reviewer.objects.filter(pk=asha.pk).update(exposure_minutes=2)
    assert take(asha, 10) == ["falls"]
    Reviewer.objects.filter(pk=ravi.pk).update(exposure_minutes=0)
    assert take(ravi, 10) == ["yards"] * 3
    assert auditing.audit() == []


def test_sensitive_footage_counts_as_exposure(gateway, hyderabad, asha) -> None:
    asha.clearance = 1
    asha.save(update_fields=["clearance"])
    make_project(hyderabad, overlap=1)
    make_ready_clips(gateway, 1)
    Clip.objects.update(is_sensitive=True, duration_ms=20_000)
    spread_now()
    assert len(take(asha)) == 1
    assert QuotaDay.objects.get(reviewer=asha).exposed_ms == 20_000


def test_the_database_refuses_more_exposure_than_is_allowed(gateway, hyderabad, asha, ravi) -> None:
    make_project(hyderabad, categories=["injury"])
    make_ready_clips(gateway, 1)
    spread_now()
    take(asha)
    day = QuotaDay.objects.filter(reviewer=asha)
    allowed = day.get().exposure_allowed_ms
    with pytest.raises(IntegrityError, match="quota_day_within_exposure"), transaction.atomic():
        day.update(exposed_ms=allowed + 1)


@pytest.mark.django_db(transaction=True)
def test_parallel_claims_of_one_person_do_not_pass_the_cap(gateway, hyderabad, asha, ravi) -> None:
    make_project(hyderabad, categories=["injury"], prefetch=20)
    make_ready_clips(gateway, 8)
    spread_now()
    Clip.objects.update(duration_ms=20_000)
    Team.objects.update(exposure_minutes=1)
    at_once(6, lambda number: leasing.lease_next(asha.user_id, count=2))
    assert Lease.objects.filter(reviewer=asha).count() == 3
    assert QuotaDay.objects.get(reviewer=asha).exposed_ms == 60_000


# --- paid, and hidden ------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_sensitive_flag_is_paid_and_a_broken_one_comes_back(tasks, asha, ravi, meera) -> None:
    def flag(person: Reviewer, kind: str) -> None:
        lease = signed_in(person.user).post("/api/v1/leases", {}).json()["leases"][0]
        body = {"token": lease["token"], "kind": kind}
        assert signed_in(person.user).post(f"/api/v1/leases/{lease['id']}/flag", body).status_code == 201

    flag(asha, "sensitive")
    flag(ravi, "broken")
    assert [(day.used, day.held) for day in QuotaDay.objects.order_by("reviewer_id")] == [(1, 0), (0, 0)]
    assert auditing.audit() == []


def test_what_is_quarantined_is_listed_to_cleared_staff_alone(tasks, asha, ravi) -> None:
    lease = signed_in(asha.user).post("/api/v1/leases", {}).json()["leases"][0]
    body = {"token": lease["token"], "kind": "sensitive", "note": "a bathroom"}
    signed_in(asha.user).post(f"/api/v1/leases/{lease['id']}/flag", body)
    clip = Clip.objects.get(state="quarantined")
    case = Case.objects.get()
    ops, officer = staff_client("ops manager"), staff_client("privacy officer")
    for path, there in (
        (f"/admin/clips/clip/{clip.pk}/change/", 'id="clip-'),
        ("/admin/clips/clip/?state__exact=quarantined", f"/admin/clips/clip/{clip.pk}/change/"),
        (f"/admin/clips/clip/?q={clip.pk}", f"/admin/clips/clip/{clip.pk}/change/"),
        ("/admin/clips/case/", "a bathroom"),
        (f"/admin/clips/case/{case.pk}/change/", ""),
        ("/admin/annotations/flag/", "a bathroom"),
    ):
        mine, theirs = officer.get(path), ops.get(path)
        assert mine.status_code == 200, path
        if path.endswith("/change/"):
            assert theirs.status_code == 404, path
        else:
            assert there not in theirs.content.decode(), path
            assert there in mine.content.decode(), path


# --- residency -------------------------------------------------------------------------------------------------------

BASES = {("eu", "RO"), ("in", "IN")}


@pytest.mark.parametrize(
    ("region", "country", "based", "handed"),
    [
        ("eu", "RO", True, True),
        ("eu", "IN", False, False),
        ("eu", "IN", True, True),
        ("us", "IN", False, False),
        ("us", "IN", True, True),
        ("in", "IN", True, True),
        ("in", "RO", False, False),
        ("in", "RO", True, True),
    ],
)
def test_a_claim_needs_a_recorded_basis_for_the_clips_region_and_the_reviewers_country(
    gateway, hyderabad, asha, region, country, based, handed
) -> None:
    """The matrix: who sits where, whose footage it is, and whether somebody wrote down why they may see it."""
    make_project(hyderabad, overlap=1)
    make_ready_clips(gateway, 1)
    spread_now()
    home = hyderabad.region
    at = database_now()
    ResidencyBasis.objects.all().delete()
    Reviewer.objects.update(country=country)
    # The region is what it is called: the same rows stand for each, and the claim knows no other name.
    type(home).objects.filter(pk=home.pk).update(code=region)
    Clip.objects.update(region=region)
    Lane.objects.update(region=region)
    author = gateway
    ResidencyBasis.objects.create(
        region=home, country="FR", basis="another country", author=author, starts_at=at - timedelta(days=1)
    )
    ResidencyBasis.objects.create(
        region=home,
        country=country,
        basis="it ended",
        author=author,
        starts_at=at - timedelta(days=9),
        ends_at=at - timedelta(days=1),
    )
    ResidencyBasis.objects.create(
        region=home, country=country, basis="not yet", author=author, starts_at=at + timedelta(days=1)
    )
    if based:
        ResidencyBasis.objects.create(
            region=home, country=country, basis="contract 7", author=author, starts_at=at - timedelta(hours=1)
        )
    assert bool(take(asha)) is handed


def test_a_basis_says_who_recorded_it_why_and_from_when() -> None:
    for field in ("author", "basis", "starts_at"):
        assert not ResidencyBasis._meta.get_field(field).null
