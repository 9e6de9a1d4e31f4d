"""The digital twin: days in simulated time by the queue's own statements, in a database of its own."""

from __future__ import annotations

import copy
import json
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from annotations import auditing, consensus, leasing, submitting
from annotations.errors import NotScratch, ScenarioWrong
from annotations.models import Lease, Task
from annotations.simulation import fitting, queries, running, scenario, seeding, twin
from annotations.simulation.scratch import PREFIX, scratch
from annotations.simulation.twin import Twin
from clips.models import Clip
from config.clock import database_now
from workforce.models import QuotaDay, Reviewer

SMALL: dict[str, Any] = {
    "name": "small",
    "seed": 7,
    "starts": "2026-11-23",
    "days": 1,
    "plan_minutes": 30,
    "ask_again_seconds": 300,
    "at_once": 2,
    "regions": [{"code": "in", "time_zone": "Asia/Kolkata", "countries": ["IN"]}],
    "teams": [
        {
            "name": "Hyderabad",
            "region": "in",
            "time_zone": "Asia/Kolkata",
            "shifts": [{"days": ["mon"], "from": "09:00", "to": "13:00"}],
            "people": [
                {"count": 3, "country": "IN", "seconds": 60, "quota": 40, "agree": 0.8},
                {"count": 1, "country": "IN", "skills": ["hindi"], "seconds": 400, "spread": 0.8},
            ],
        },
        {
            "name": "Closed",
            "region": "in",
            "time_zone": "Asia/Kolkata",
            "shifts": [{"days": ["mon"], "from": "09:00", "to": "17:00"}],
            "closures": [{"first": "2026-11-23", "reason": "Diwali"}],
            "people": [{"count": 2, "country": "IN"}],
        },
    ],
    "projects": [{"slug": "threats", "teams": ["Hyderabad", "Closed"], "overlap": 2, "due_hours": 2}],
    "arrivals": [{"region": "in", "waiting": 40, "by_hour": [10] * 24}],
}
# Beside it voice clips in two languages, of which one is spoken here, each answered by two teams.
PUNE = SMALL["teams"][0] | {
    "name": "Pune",
    "people": [{"count": 2, "country": "IN", "languages": ["hi", "te"], "seconds": 60, "agree": 1.0}],
}
DELHI = PUNE | {"name": "Delhi"}
SPOKEN: dict[str, Any] = {
    "teams": [*SMALL["teams"], PUNE, DELHI],
    "projects": [
        *SMALL["projects"],
        {"slug": "spoken", "teams": ["Pune", "Delhi"], "kind": "voice", "overlap": 2, "seats_apart": True},
    ],
    "arrivals": [
        *SMALL["arrivals"],
        {"region": "in", "kind": "voice", "language": "hi", "waiting": 10, "by_hour": [0] * 24},
        {"region": "in", "kind": "voice", "language": "ta", "waiting": 5, "by_hour": [0] * 24},
    ],
}
BY_CLOCK = {"seconds", "speed"}


def databases() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
        return {name for (name,) in cursor.fetchall()}


def same(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key not in BY_CLOCK}


@pytest.mark.django_db(transaction=True)
def test_a_day_is_lived_through_twice_alike_and_leaves_nothing(tmp_path) -> None:
    """One day, twice, through the command: within quota and shifts, no promise broken, the same to the last number."""
    path, told, said = tmp_path / "small.yaml", StringIO(), StringIO()
    path.write_text(yaml.safe_dump(SMALL), encoding="utf-8")
    call_command(
        "simulate",
        path,
        "--json",
        tmp_path / "one.json",
        "--plot",
        tmp_path / "one.svg",
        stdout=told,
        stderr=said,
    )
    found = json.loads((tmp_path / "one.json").read_text())
    assert found["broken"] == []
    teams = {row["team"]: row for row in found["teams"]}
    assert teams["Hyderabad"]["shift_hours"] == 16
    assert teams["Closed"] == {"team": "Closed", "answers": 0, "shift_hours": 0.0} | dict.fromkeys(
        ("active", "waiting", "done", "quota_use"), 0.0
    )
    assert found["arrived"] == 40 + 240
    (project,) = found["projects"]
    assert project["settled"] + project["disputed"] + project["waiting"] == project["tasks"] == 280 - found["unplaced"]
    # Three people may do 40 each. The slow one takes two at a time and longer than a lease lasts: after three lapses in
    # a row the queue pauses them, as it would.
    assert 120 <= teams["Hyderabad"]["answers"] < 150
    assert found["lapsed"] >= 3
    assert found["outcomes"]["take: you-are-paused"] > 0
    assert all(row["used"] <= row["allowed"] for row in found["quota_days"])
    worked = {int(hour) for hour in found["answers_by_hour"]["Hyderabad"]}
    assert min(worked) == 3
    assert max(worked) <= 7
    assert project["late"] > 0
    assert "Hyderabad" in told.getvalue()
    assert (tmp_path / "one.svg").read_text().startswith("<svg")

    again = running.simulate(scenario.load(path))
    assert same(again) == same(found)
    other = running.simulate(scenario.read(SMALL | {"seed": 8} | SPOKEN))
    assert other["answers_by_hour"] != found["answers_by_hour"]
    # The queue's promises are asked of it, too: each answer is of another team, and nobody is handed Tamil.
    assert other["broken"] == []
    (spoken,) = [row for row in other["projects"] if row["project"] == "spoken"]
    assert (spoken["tasks"], spoken["settled"]) == (10, 10)
    assert other["unplaced"] >= 5
    (name,) = re.findall(r"in the database (\S+)", said.getvalue())
    assert name not in databases()
    assert not Clip.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_claim_goes_by_the_simulated_clock() -> None:
    """Leases, defaults and quota days are of simulated time; and a control: outside, the clock is the real one."""
    told = scenario.read(SMALL)
    with scratch(starts=told.starts):
        crowds = seeding.seed(told)
        assert database_now() == told.starts
        twin = Twin(told, crowds)
        twin.end = 5 * 3_600_000
        twin.run(say=lambda now, end: None)
        assert {day.isoformat() for day in QuotaDay.objects.values_list("day", flat=True)} == {"2026-11-23"}
        made = Task.objects.order_by("pk").values_list("created_at", flat=True).first()
        assert made is not None
        assert told.starts <= made <= told.starts + timedelta(hours=1)
        assert auditing.audit() == []
        # A control: what the audit would find if a counter were wrong.
        QuotaDay.objects.filter(used__gt=0).update(used=0)
        assert [finding.check.name for finding in auditing.audit()] == ["quota-counters"]
    assert abs(database_now() - datetime.now(UTC)) < timedelta(minutes=5)


@pytest.mark.django_db(transaction=True)
def test_no_database_with_real_data_is_simulated_in() -> None:
    """Neither the configured database, nor one of another name, nor one that is there; nothing is written."""
    told = scenario.read(SMALL)
    configured = str(connection.settings_dict["NAME"])
    for name in (configured, "postgres", "somebody_elses"):
        with pytest.raises(NotScratch), scratch(starts=told.starts, name=name):
            raise AssertionError("it was let in")
    with (
        scratch(starts=told.starts, name=f"{PREFIX}twice") as taken,
        pytest.raises(NotScratch),
        scratch(starts=told.starts, name=taken),
    ):
        raise AssertionError("it was let in")
    with pytest.raises(NotScratch):
        seeding.seed(told)
    with pytest.raises(NotScratch):
        Twin(told, {})
    assert not queries.is_scratch()
    assert not Reviewer.objects.exists()
    assert connection.settings_dict["NAME"] == configured


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("days",), 0, "days: 0 is less than the minimum"),
        (("teams", 0, "time_zone"), "Mars/Olympus", "no time zone Mars/Olympus"),
        (("teams", 0, "region"), "us", "there is no region us"),
        (("teams", 0, "people"), [], "has no people"),
        (("teams", 0, "weight"), 0, "teams.0.weight"),
        (("teams", 0, "shifts", 0, "to"), "09:00", "has no length"),
        (("teams", 0, "shifts", 0, "to"), 1080, "Put times in quotes"),
        (("teams", 0, "shifts", 0, "to"), "25:00", "is not written as it must be"),
        (("teams", 1, "closures", 0, "last"), "2026-11-01", "ends before it begins"),
        (("teams", 1, "closures", 0, "first"), "2026-02-30", "there is no day 2026-02-30"),
        (("teams", 1, "name"), "Hyderabad", "there twice"),
        (("projects", 0, "teams"), ["Nobody"], "there is no team Nobody"),
        (("projects", 0, "most_seats"), 1, "most_seats"),
        (("arrivals", 0, "by_hour"), [1, 2], "too short"),
        (("arrivals", 0, "by_hour", 3), float("nan"), "arrivals.0.by_hour.3: nan is no number"),
        (("teams", 0, "people", 0, "seconds"), float("nan"), "teams.0.people.0.seconds: nan is no number"),
        (("teams", 1, "closures", 0, "reason"), "a\0b", "NUL cannot be kept"),
        (("regions", 0, "code"), "a-region-that-has-a-long-name", "regions.0.code"),
        (("regions", 0, "countries"), ["IN", "IN"], "regions.0.countries"),
        (("teams", 0, "people", 1, "skills"), ["hindi", "hindi"], "has non-unique elements"),
        (
            ("teams", 0, "shifts"),
            [
                {"days": ["mon"], "from": "09:00", "to": "17:00"},
                {"days": ["sun", "mon"], "from": "16:00", "to": "18:00"},
            ],
            "team Hyderabad: two of its shifts share an hour",
        ),
        (("starts",), "9999-12-31", "not of the years 2000 to 2099"),
        (("starts",), "0001-01-01", "not of the years 2000 to 2099"),
        (("arrivals", 0, "speed"), 3, "'speed' was unexpected"),
    ],
)
def test_a_bad_scenario_is_refused_in_words(place, value, words) -> None:
    said = copy.deepcopy(SMALL)
    at: Any = said
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    with pytest.raises(ScenarioWrong, match="(?s).*" + words.replace(".", r"\.")):
        scenario.read(said)


def test_what_is_no_scenario_is_refused_by_the_command(tmp_path) -> None:
    for text, words in (("{", "is no YAML"), ("- 1", "the scenario"), ("starts: [", "is no YAML")):
        path = tmp_path / "bad.yaml"
        path.write_text(text)
        with pytest.raises(CommandError, match=words):
            call_command("simulate", path)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("simulate", tmp_path / "none.yaml")


def test_the_example_is_a_scenario() -> None:
    assert scenario.load(settings.BASE_DIR / "docs" / "scenario.yaml").days == 3


def test_history_makes_a_scenario(gateway, hyderabad, asha, tasks) -> None:
    """People, shifts, projects and arrivals of the configured database, as a file that can be simulated."""
    said = fitting.fit(days=7, at=database_now())
    found = scenario.read(yaml.safe_load(yaml.safe_dump(said)))
    team = next(team for team in found.teams if team.name == hyderabad.name)
    assert sum(crowd.count for crowd in team.people) == 3
    assert {crowd.seconds for crowd in team.people} == {90.0}
    (sort,) = found.arrivals
    assert sort.waiting == len(tasks)
    assert sum(sort.by_hour) * 7 == pytest.approx(len(tasks), abs=0.1)


def test_many_tasks_settle_as_each_would(tasks, asha, ravi) -> None:
    """Settled together: what agrees has its label and votes, a tie is told and left, and doing it twice is dull."""
    for person, labels in ((asha, ["threat", "threat", "threat"]), (ravi, ["threat", "false_alarm", "threat"])):
        lease_ids = leasing.lease_next(person.user_id, count=3).lease_ids
        for lease, label in zip(Lease.objects.filter(pk__in=lease_ids).order_by("task"), labels, strict=True):
            submitting.submit(person.user_id, lease.pk, token=lease.token, answer={"label": label})
    numbers = [task.pk for task in tasks]
    tie = [sorted(numbers)[1]]
    assert consensus.settle_agreed(numbers, at=database_now()) == (2, tie)
    assert list(Task.objects.order_by("pk").values_list("state", "label", "votes", "seats_left")) == [
        ("settled", "threat", {"threat": 2}, 0),
        ("full", "", {}, 0),
        ("settled", "threat", {"threat": 2}, 0),
    ]
    assert consensus.settle_agreed(numbers, at=database_now()) == (0, tie)


def test_settling_ends_however_many_ties_stand_before_what_agrees(tasks, asha, ravi, monkeypatch) -> None:
    monkeypatch.setattr(twin, "MOST_SETTLED", 1)
    monkeypatch.setattr(twin.queries, "set_clock", lambda at: None)
    for person, labels in ((asha, ["threat", "threat", "threat"]), (ravi, ["false_alarm", "false_alarm", "threat"])):
        lease_ids = leasing.lease_next(person.user_id, count=3).lease_ids
        for lease, label in zip(Lease.objects.filter(pk__in=lease_ids).order_by("task_id"), labels, strict=True):
            submitting.submit(person.user_id, lease.pk, token=lease.token, answer={"label": label})
    assert len(twin.settle_agreed(database_now())) == 2
    assert list(Task.objects.order_by("pk").values_list("state", flat=True)) == ["full", "full", "settled"]
