"""The privacy officer's pages and the clip's, light and dark: they fit, are for everybody, break nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from annotations import flagging, withdrawing
from annotations.models import Lease
from clips import holding, legal, preparing, requesting, retention, viewing
from clips.models import Case, Clip
from config.clock import database_now
from tests.conftest import make_clip, make_user
from tests.console.floor import Floor
from tests.console.test_every_page import walked

pytestmark = pytest.mark.django_db(transaction=True)
LISTS = {
    "clips": "/admin/clips/clip/",
    "owners": "/admin/owners",
    "consents": "/admin/clips/consentevent/",
    "disclosures": "/admin/clips/disclosure/",
    "disclosure-add": "/admin/clips/disclosure/add/",
    "cases": "/admin/clips/case/",
    "holds": "/admin/clips/legalhold/",
    "hold-add": "/admin/clips/legalhold/add/",
    "legal": "/admin/clips/legalrequest/",
    "legal-add": "/admin/clips/legalrequest/add/",
    "requests": "/admin/clips/ownerrequest/",
    "purges": "/admin/clips/purge/",
    "ledger": "/admin/clips/purgedkey/",
    "retention": "/admin/clips/retentionrule/",
    "retention-add": "/admin/clips/retentionrule/add/",
    "log": "/admin/clips/accessentry/",
    "viewings": "/admin/clips/viewing/",
}


@pytest.fixture
def nadia(roles: None) -> User:
    return make_user("nadia", "privacy officer", is_staff=True, first_name="Nadia", last_name="Ionescu")


@pytest.fixture
def full(floor: Floor, gateway: User, nadia: User) -> dict[str, str]:
    """Something of everything that an owner, an authority or a reviewer may bring about."""
    at = database_now()
    shown = make_clip(gateway)
    assert preparing.prepare(shown.pk, now=database_now)
    failed = make_clip(gateway, sample="doorstep.mp4")
    Clip.objects.filter(pk=failed.pk).update(
        state="failed", attempts=3, failure="Only 3.2 of 8.0 seconds could be rendered; the clip is damaged inside."
    )
    lease = Lease.objects.filter(state="live").select_related("reviewer__user").earliest("pk")
    flagging.flag(lease.reviewer, lease.pk, token=lease.token, kind="sensitive", note="someone undresses", at=at)
    case = Case.objects.get()
    mine, other = Clip.objects.filter(region="in", state="ready").exclude(pk=shown.pk).order_by("pk")[:2]
    withdrawing.withdraw(mine.pk, by=nadia, reason="asked by letter", at=at)
    hold, _ = holding.place(
        by=nadia, reason="a claim for damages", ends_at=at + timedelta(days=90), at=at, owner_key=other.owner_key
    )
    request = legal.enter(
        authority="Tribunalul Cluj",
        reference="4417/2026",
        legal_basis="an order of the court of 20 November",
        region="in",
        owner_key=other.owner_key,
        clips=[other.pk],
        viewers=[nadia.pk],
        ends_at=at + timedelta(days=14),
        by=nadia,
        at=at,
    )
    for kind, days in (("access", 29), ("erasure", 2)):
        requesting.file(
            owner_key=other.owner_key,
            region="in",
            kind=kind,
            law="gdpr",
            received_at=at - timedelta(days=days),
            by=nadia,
        )
    retention.add(region="in", source="", since="upload", days=30, reason="as disclosed", by=nadia, at=at)
    viewing.begin([shown.pk], purpose="erasure", reason="is it the right one", minutes=5, by=nadia, at=at)
    return {
        "clip": f"/admin/clips/clip/{shown.pk}/change/",
        "clip-failed": f"/admin/clips/clip/{failed.pk}/change/",
        "clip-withheld": f"/admin/clips/clip/{mine.pk}/change/",
        "case": f"/admin/clips/case/{case.pk}/change/",
        "hold": f"/admin/clips/legalhold/{hold.pk}/change/",
        "legal-request": f"/admin/clips/legalrequest/{request.pk}/change/",
        "owner": f"/admin/owners/{other.owner_key}",
    }


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_privacy_page_fits_and_is_for_everybody(heart, desk, nadia, full, dark) -> None:
    picture = f"privacy-{{}}-{'dark' if dark else 'light'}"
    assert walked(desk(nadia, dark=dark), LISTS | full, picture=picture) == {}
