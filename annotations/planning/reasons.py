"""Why work was not placed, in words that somebody can act on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from annotations.planning.work import Bases, Demand, TeamFacts, able
from workforce.capacity import PersonCapacity, TeamShift

LONGEST = 300
NO_OTHER = "each answer is for another team, and every team of the project has answered or is about to"


def why(
    demand: Demand,
    *,
    language: str,
    teams: Mapping[int, TeamFacts],
    people: Mapping[int, Sequence[PersonCapacity]],
    shifts: Sequence[TeamShift],
    opens: Mapping[int, datetime],
    zones: Mapping[int, str],
    bases: Bases,
) -> str:
    """Why nobody was found for a demand: who would be needed, and what each team that has them is waiting for.

    ``language`` is what the demand's is called. ``people`` are all of each team, at work or not; ``opens`` is when a
    team that has no shift now begins its next.
    """
    asked = sorted(team_id for team_id in demand.teams if team_id in teams)
    if not asked:
        return NO_OTHER if demand.later else "the project has no team"
    needs, reasons = demand.needs, []
    everybody = [one for team_id in asked for one in people.get(team_id, ())]
    if not everybody:
        return f"nobody works in {_names(asked, teams)}"
    seen = [one for one in everybody if one.country in bases.get(needs.region, frozenset())]
    if not seen:
        return f"nobody in the teams of the project may see footage of region {needs.region}"
    if needs.language and not any(needs.language in one.languages for one in seen):
        return f"needs {language}; nobody in {_names(asked, teams)} speaks it"[:LONGEST]
    for skill in needs.skills:
        if not any(skill in one.skills for one in seen):
            reasons.append(f"nobody in {_names(asked, teams)} has it")
            return f"needs {', '.join(needs.skills)}; {reasons[0]}"[:LONGEST]
    if all(one.clearance < needs.clearance for one in seen):
        return f"needs clearance for sensitive footage; nobody in {_names(asked, teams)} has it"[:LONGEST]
    counts = {
        team_id: len({one.reviewer_id for one in people.get(team_id, ()) if able(one, needs, bases)})
        for team_id in asked
    }
    there = [team_id for team_id in asked if counts[team_id]]
    if demand.apart and 0 < len(there) < demand.overlap:
        more = "more answers are" if demand.later else "answers are"
        only = "nobody but" if len(there) == 1 else "only"
        return f"{demand.overlap} {more} for different teams, and {only} {_names(there, teams, 'and')} may"[:LONGEST]
    for team_id, count in counts.items():
        if count:
            reasons.append(_team(demand, teams[team_id], count, shifts, opens.get(team_id), zones, bases))
    asks = [*([language] if needs.language else []), *needs.skills, *(["clearance"] if needs.clearance else [])]
    said = [f"needs {' and '.join(asks)}"] if asks else []
    return "; ".join([*said, *(reasons or ["nobody in the teams of the project has all of it"])])[:LONGEST]


def _team(
    demand: Demand,
    team: TeamFacts,
    count: int,
    shifts: Sequence[TeamShift],
    opens: datetime | None,
    zones: Mapping[int, str],
    bases: Bases,
) -> str:
    """What a team that has able people is waiting for."""
    here = [shift for shift in shifts if shift.team_id == team.team_id]
    ready = {
        one.reviewer_id: one.tasks
        for shift in here
        for one in shift.people
        if one.tasks > 0 and able(one, demand.needs, bases)
    }
    if count < demand.per_team:
        return f"{team.name} has {count} who may, and each task needs {demand.per_team} different people"
    if team.is_paused:
        return f"{team.name} is paused"
    if not any(shift.people for shift in here):
        zone = ZoneInfo(zones.get(team.team_id, "UTC"))
        return f"{team.name} closed until {opens.astimezone(zone):%A}" if opens else f"{team.name} closed"
    if not ready:
        return f"{team.name} has nothing left of its quotas and shifts"
    if len(ready) < demand.per_team:
        return (
            f"only {len(ready)} of {team.name} have room left, and each task needs {demand.per_team} different people"
        )
    return f"{team.name} is full"


def _names(team_ids: Iterable[int], teams: Mapping[int, TeamFacts], word: str = "or") -> str:
    names = [teams[team_id].name for team_id in team_ids]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"
