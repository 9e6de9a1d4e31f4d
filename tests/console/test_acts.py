"""What may be done to a row, from its own page: said there, asked for with a reason, and back to the page."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from annotations import stopping
from clips.models import Case, Clip
from config.clock import database_now
from tests.conftest import make_clip, make_project, make_ready_clips, make_reviewer, make_team, make_user
from workforce.models import Reviewer

pytestmark = pytest.mark.django_db
PAGE = "/admin/clips/clip/{}/change/"


@pytest.fixture
def ops(client: Client, roles: None) -> User:
    user = make_user("ops", "ops manager", is_staff=True)
    client.force_login(user)
    return user


def offered(client: Client, page: str) -> list[str]:
    return re.findall(r'name="action" value="(\w+)"', client.get(page).content.decode())


@pytest.mark.parametrize(
    ("state", "acts"),
    [
        ("uploaded", ["cancel", "quarantine"]),
        ("preparing", ["cancel", "quarantine"]),
        ("ready", ["quarantine"]),
        ("failed", ["retry", "quarantine"]),
        ("quarantined", []),
        ("withheld", []),
    ],
)
def test_a_page_offers_what_would_do_something(client, ops, gateway, state, acts) -> None:
    clip = make_clip(gateway)
    Clip.objects.filter(pk=clip.pk).update(state=state, failure="it is cut" if state == "failed" else "")
    assert offered(client, PAGE.format(clip.pk)) == acts


def test_what_is_begun_on_a_page_asks_why_and_leads_back(client, ops, gateway) -> None:
    (clip,) = make_ready_clips(gateway, 1)
    page, form = PAGE.format(clip.pk), {"action": "quarantine", "_selected_action": clip.pk, "_page": clip.pk}
    asked = client.post("/admin/clips/clip/", form | {"index": 0})
    text = asked.content.decode()
    assert "They are taken from everybody at once" in text
    assert f'name="_page" value="{clip.pk}"' in text
    assert f'href="{page}"' in text
    assert not Case.objects.exists()
    nothing_said = client.post("/admin/clips/clip/", form | {"confirmed": "yes", "reason": ""})
    assert nothing_said.status_code == 200
    assert not Case.objects.exists()
    done = client.post("/admin/clips/clip/", form | {"confirmed": "yes", "reason": "an owner called"}, follow=True)
    # Taken from everybody who is not cleared, so that there is no page for them either.
    assert done.redirect_chain == [("/admin/clips/clip/", 302)]
    assert "1 clip quarantined" in done.content.decode()
    assert Case.objects.get().clip_id == clip.pk
    assert client.get(page).status_code == 404


def test_a_case_is_decided_on_its_page(client, ops, gateway) -> None:
    (clip,) = make_ready_clips(gateway, 1)
    stopping.quarantine(clip.pk, by=ops, reason="an owner called", at=database_now())
    nadia = make_user("nadia", "privacy officer", is_staff=True)
    client.force_login(nadia)
    case = Case.objects.get()
    page = f"/admin/clips/case/{case.pk}/change/"
    assert offered(client, page) == ["decide"]
    form = {"action": "decide", "_selected_action": case.pk, "_page": case.pk, "confirmed": "yes"}
    done = client.post("/admin/clips/case/", form | {"decision": "show", "reason": "nothing in it"}, follow=True)
    assert done.redirect_chain == [(page, 302)]
    assert offered(client, page) == []


def test_a_list_stays_a_list(client, ops, gateway) -> None:
    """Also when a page is named that is not the one row chosen."""
    one, two = make_ready_clips(gateway, 2)
    form = {"action": "quarantine", "confirmed": "yes", "reason": "an owner called"}
    for more in ({"_selected_action": [one.pk]}, {"_selected_action": [two.pk], "_page": one.pk}):
        done = client.post("/admin/clips/clip/", form | more, follow=True)
        assert done.redirect_chain == [("/admin/clips/clip/", 302)]


def test_who_may_only_look_is_offered_nothing(client, ops, gateway) -> None:
    (clip,) = make_ready_clips(gateway, 1)
    client.force_login(make_user("anca", "auditor", is_staff=True))
    assert offered(client, PAGE.format(clip.pk)) == []


def test_a_person_a_team_and_a_project_are_paused_and_resumed_from_their_pages(client, ops) -> None:
    team = make_team()
    asha, project = make_reviewer("asha", team), make_project(team)
    pages = {
        f"/admin/workforce/team/{team.pk}/change/": "/admin/workforce/team/",
        f"/admin/workforce/reviewer/{asha.pk}/change/": "/admin/workforce/reviewer/",
        f"/admin/annotations/project/{project.pk}/change/": "/admin/annotations/project/",
    }
    for page, rows in pages.items():
        number = page.split("/")[-3]
        for act, other in (("pause", "resume"), ("resume", "pause")):
            now = offered(client, page)
            assert act in now
            assert other not in now
            form = {"action": act, "_selected_action": number, "_page": number, "confirmed": "yes", "reason": "a rush"}
            assert client.post(rows, form, follow=True).redirect_chain == [(page, 302)]
    assert not Reviewer.objects.get().is_paused
