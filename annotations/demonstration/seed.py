"""Who and what the demonstration begins with: two regions, four teams, their reviewers, one project."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from annotations.demonstration import logins
from annotations.demonstration.logins import Login
from annotations.models import Project
from clips import disclosing
from config.clock import database_now
from workforce import people, staffing
from workforce.models import Region, Team

PROJECT = "threats"

LABEL_SCHEMA = {
    "question": "What did the camera see?",
    "labels": [
        {"value": "threat", "name": "Real threat", "help": "Somebody is where they should not be, or does harm."},
        {"value": "false_alarm", "name": "False alarm", "help": "Passers-by, animals, light, weather."},
        {"value": "unsure", "name": "Cannot tell", "help": "Too dark, too short or hidden."},
    ],
    "note": True,
}

REGIONS = {
    "in": ("India", "Asia/Kolkata", "IN"),
    "ro": ("Romania", "Europe/Bucharest", "RO"),
}
TEAMS = {
    "Hyderabad": ("in", [("asha", "Asha", "Rao"), ("ravi", "Ravi", "Kumar"), ("meera", "Meera", "Nair")]),
    "Chennai": ("in", [("arjun", "Arjun", "Menon"), ("divya", "Divya", "Iyer"), ("karthik", "Karthik", "Raman")]),
    "Bucharest": ("ro", [("ioana", "Ioana", "Marin"), ("mihai", "Mihai", "Stan"), ("elena", "Elena", "Dinu")]),
    "Iasi": ("ro", [("andrei", "Andrei", "Rusu"), ("raluca", "Raluca", "Toma"), ("stefan", "Stefan", "Lupu")]),
}
OPS, GATEWAY, MODEL_TEAM = "ops", "camera-gateway", "model-team"

DISCLOSURE = (
    "People look at the clips you send us. Reviewers employed in {country} watch each clip to say whether it shows a "
    "threat or a false alarm, so that the camera's detector learns the difference. They do not see your name or your "
    "address. Clips are kept for 30 days. You can stop this at any time under Settings > Privacy > Human review, and "
    "the clip is then withdrawn from review."
)
# Where it says what it must.
CHECKLIST = {
    "people": "People look at the clips you send us.",
    "countries": "Reviewers employed in {country}",
    "why": "so that the camera's detector learns the difference",
    "how_long": "Clips are kept for 30 days.",
    "how_to_stop": "You can stop this at any time under Settings > Privacy > Human review",
}


def disclosure_version(region: str) -> str:
    """The disclosure that the demonstration's owners of this region were shown."""
    return f"{region}-en-2026-11"


def is_empty() -> bool:
    """Whether nobody has used this database yet."""
    return not User.objects.exists()


def seed() -> None:
    """Fill an empty database. The sign-ins are written down before the transaction ends, so none is ever lost."""
    at = database_now()
    made: list[Login] = []

    def login(username: str, role: str) -> Login:
        made.append(logins.new(username, role))
        return made[-1]

    with transaction.atomic():
        ops = login(OPS, "ops manager")
        manager = people.give_role(
            username=ops.username, password=ops.password, role=ops.role, first_name="Ana", last_name="Pop"
        )
        for name, role in ((GATEWAY, "camera gateway"), (MODEL_TEAM, "model team")):
            account = login(name, role)
            people.give_role(username=account.username, password=account.password, role=account.role)
        regions: dict[str, Region] = {}
        for code, (region_name, zone, country) in REGIONS.items():
            regions[code] = people.open_region(code=code, name=region_name, time_zone=zone)
            staffing.begin_scope(manager, staffing.Place(region=regions[code]))
            people.allow_country(
                regions[code], country=country, basis="The footage does not leave the country.", by=manager, at=at
            )
            disclosing.publish(
                version=disclosure_version(code),
                region=code,
                language="en",
                text=DISCLOSURE.format(country=region_name),
                checklist={point: passage.format(country=region_name) for point, passage in CHECKLIST.items()},
                by=manager,
                at=at,
            )
        teams: list[Team] = []
        for team_name, (code, members) in TEAMS.items():
            team = people.open_team(regions[code], name=team_name)
            teams.append(team)
            for username, first, last in members:
                person = login(username, f"reviewer, {team_name}")
                people.take_on_reviewer(
                    team,
                    username=username,
                    password=person.password,
                    country=REGIONS[code][2],
                    first_name=first,
                    last_name=last,
                )
        project = Project(
            slug=PROJECT,
            name="Threat or false alarm",
            label_schema=LABEL_SCHEMA,
            overlap=2,
        )
        project.full_clean()
        project.save(force_insert=True)
        project.teams.set(teams)
        logins.keep(made)
