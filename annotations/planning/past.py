"""What people did of what they had room for, on days with work to the end: what a forecast learns from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from annotations.planning import queries
from annotations.planning.forecast import PastDay
from workforce import capacity
from workforce.models import QuotaDay, Reviewer
from workforce.queries import DEFAULT_LIMIT

LOOKED_BACK = timedelta(days=28)
# Whether work was left over in the evening is told by the tasks that these few took first on the next day of work.
ASKED_PEOPLE, ASKED_LEASES = 5, 20
# A next day that comes later than this says nothing of the evening.
NEXT_WITHIN = timedelta(days=4)


def past_days(zones: Mapping[int, str], paces: Mapping[int, float], *, at: datetime) -> list[PastDay]:
    """Everybody's days of the last four weeks, each with the room that the calendar, the quota and the person's pace
    left, and what was done of it. Zones are of teams, paces active seconds a task of people.

    A day whose evening found nothing left to do is left out: it tells how much came in and not how much people do.
    """
    first = at - LOOKED_BACK
    shifts = [one for one in capacity.worked(list(zones), start=first, end=at) if one.ends_at < at]
    days = list(
        QuotaDay.objects.filter(reviewer__is_active=True, day__gte=first.date())
        .order_by("day")
        .values_list("reviewer_id", "reviewer__team_id", "day", "day_limit", "used")
    )
    begun = _begun(days)
    evenings: dict[tuple[int, date], datetime] = {}
    worked: dict[tuple[int, int, date], int] = defaultdict(int)
    for shift in shifts:
        day = shift.starts_at.astimezone(ZoneInfo(zones[shift.team_id])).date()
        evenings[shift.team_id, day] = max(shift.ends_at, evenings.get((shift.team_id, day), shift.ends_at))
        for seconds, people in shift.people:
            for who in people:
                worked[who, shift.team_id, day] += seconds
    today = {team_id: at.astimezone(ZoneInfo(zone)).date() for team_id, zone in zones.items()}
    full = _full(evenings, since=first.date())
    limits, used = _limits(days), {(who, day): done for who, _team, day, _limit, done in days}
    found = []
    for (who, team_id, day), seconds in sorted(worked.items()):
        if (team_id, day) in full and day < today[team_id] and day >= begun.get(who, day):
            limit = limits.get((who, day)) or limits.get((-team_id, day)) or DEFAULT_LIMIT
            room = min(limit, int(seconds / paces[who])) if who in paces else 0
            found.append(PastDay(who, team_id, day, room, used.get((who, day), 0)))
    return found


def _begun(days: Sequence[tuple[int, int, date, int, int]]) -> dict[int, date]:
    """From which day on people count: when they were taken on, or did something, if that was earlier; and not before
    their team did anything at all."""
    rows = list(Reviewer.objects.filter(is_active=True).values_list("pk", "team_id", "user__date_joined"))
    own: dict[int, date] = {}
    teams: dict[int, date] = {}
    for who, team_id, day, _limit, _used in days:
        own[who] = min(day, own.get(who, day))
        teams[team_id] = min(day, teams.get(team_id, day))
    return {
        who: max(min(joined.date(), own.get(who, joined.date())), teams.get(team_id, date.max))
        for who, team_id, joined in rows
    }


def _limits(days: Sequence[tuple[int, int, date, int, int]]) -> dict[tuple[int, date], int]:
    """The limit of each person's day, and of each team's (under its number, negative) for those who did not come."""
    found: dict[tuple[int, date], int] = {}
    said: dict[tuple[int, date], Counter[int]] = defaultdict(Counter)
    for who, team_id, day, limit, _used in days:
        found[who, day] = limit
        said[team_id, day][limit] += 1
    for (team_id, day), counts in said.items():
        found[-team_id, day] = max(counts, key=lambda limit: (counts[limit], limit))
    return found


def _full(evenings: Mapping[tuple[int, date], datetime], *, since: date) -> set[tuple[int, date]]:
    """The teams' days in whose evening there was still work."""
    taken: dict[int, list[tuple[date, datetime]]] = defaultdict(list)
    for team_id, day, oldest in queries.oldest_taken(since=since, people=ASKED_PEOPLE, leases=ASKED_LEASES):
        taken[team_id].append((day, oldest))
    found = set()
    for (team_id, day), evening in evenings.items():
        later = next(((next_day, oldest) for next_day, oldest in taken[team_id] if next_day > day), None)
        if later and later[0] - day <= NEXT_WITHIN and later[1] < evening:
            found.add((team_id, day))
    return found


def days_seen(past: Sequence[PastDay]) -> dict[int, int]:
    """How many days of each team there are."""
    found: dict[int, set[date]] = defaultdict(set)
    for one in past:
        found[one.team_id].add(one.day)
    return {team_id: len(days) for team_id, days in found.items()}
