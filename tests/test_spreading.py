"""Spreading: each region's clips to its own teams, by weight, once."""

from __future__ import annotations

import pytest

from annotations import spreading
from annotations.models import Task
from clips.models import Clip, ClipState
from tests.conftest import leave_only, make_project, make_ready_clips, make_region, make_reviewer, make_team, spread_now


def staff(team, *names) -> None:
    for name in names:
        make_reviewer(name, team, country=team.region.code.upper())


@pytest.mark.django_db
def test_clips_stay_in_their_region_and_are_planned_once(gateway) -> None:
    romania = make_region("ro", "Romania", "Europe/Bucharest")
    teams = [make_team("Hyderabad"), make_team("Chennai"), make_team("Bucharest", romania)]
    for team, names in zip(teams, (("a", "b"), ("c", "d"), ("e", "f")), strict=True):
        staff(team, *names)
    make_project(*teams)
    make_ready_clips(gateway, 4, region="in")
    make_ready_clips(gateway, 3, region="ro")
    assert spread_now() == 7
    assert spread_now() == 0
    for task in Task.objects.select_related("clip", "team__region"):
        assert task.clip.region == task.team.region.code
    assert [Task.objects.filter(team=team).count() for team in teams] == [2, 2, 3]


@pytest.mark.django_db
def test_a_team_too_small_for_the_overlap_is_given_nothing(gateway, hyderabad, asha) -> None:
    project = make_project(hyderabad, overlap=2)
    make_ready_clips(gateway, 2)
    assert spread_now() == 0
    assert spreading.unplaced(project) == (2, "Hyderabad has 1 who may, and each task needs 2 different people")
    make_reviewer("ravi", hyderabad)
    assert spread_now() == 2
    assert spreading.unplaced(project) == (0, "")


@pytest.mark.django_db
def test_only_what_is_ready_and_consented_becomes_a_task(gateway, hyderabad, asha, ravi) -> None:
    make_project(hyderabad)
    ready, failed, unconsented = make_ready_clips(gateway, 3)
    Clip.objects.filter(pk=failed.pk).update(state=ClipState.FAILED, failure="broken")
    leave_only(unconsented, "model_training")
    assert spread_now() == 1
    assert Task.objects.get().clip_id == ready.pk


@pytest.mark.django_db
def test_a_project_is_asked_of_clips_of_its_kind(gateway, hyderabad, asha, ravi) -> None:
    seen, heard = make_ready_clips(gateway, 2)
    Clip.objects.filter(pk=heard.pk).update(kind="voice")
    films = make_project(hyderabad)
    assert spread_now() == 1
    assert Task.objects.get().clip_id == seen.pk
    assert spreading.unplaced(films) == (0, "")
    words = make_project(hyderabad, slug="words", clip_kind="voice")
    assert spread_now() == 1
    assert Task.objects.get(project=words).clip_id == heard.pk
