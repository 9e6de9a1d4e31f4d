"""Which UTC instants a person works. Pure: rules of a calendar go in, spans come out.

A wall time that a clock shows twice means the first of the two; one that it jumps over means the instant of the jump.
So walls keep their order as instants, neighbouring shifts stay neighbours, and a shift that lies wholly in the jump is
empty. What bounds a day (a closure, a holiday, an absence) is that local day from its beginning to its end, be it 22
or 26 hours long; a night shift that begins on an open eve ends at its midnight if the day after is closed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from math import ceil, floor
from zoneinfo import ZoneInfo

Span = tuple[datetime, datetime]
DAY = timedelta(days=1)
A_DAY = 24 * 3600
A_WEEK = 7 * A_DAY


@dataclass(frozen=True)
class Hours:
    """Hours that begin on a weekday (Monday is 0). No later end: the next day. No times at all: the whole day.

    They hold from ``from_day`` to ``until_day``, both inclusive, either open; days are those on which they begin.
    """

    weekday: int
    begins: time | None = None
    ends: time | None = None
    from_day: date | None = None
    until_day: date | None = None

    def on(self, day: date) -> bool:
        """Whether they begin on this day."""
        return (
            day.weekday() == self.weekday
            and (self.from_day is None or self.from_day <= day)
            and (self.until_day is None or day <= self.until_day)
        )


@dataclass(frozen=True)
class Off:
    """Local days, first to last, on which there is no work: whole, or between two times of each."""

    first: date
    last: date
    begins: time | None = None
    ends: time | None = None


@dataclass(frozen=True)
class Away:
    """One stretch of local time, from a wall time of the first day to one of the last; None: the day's own end."""

    first: date
    last: date
    from_time: time | None = None
    until_time: time | None = None


@dataclass(frozen=True)
class Zones:
    """By which zone a person's days count: ``zone``, and ``later`` from the instant ``moves_at`` on."""

    zone: str
    later: str = ""
    moves_at: datetime | None = None

    def parts(self) -> list[tuple[str, datetime | None, datetime | None]]:
        """Each zone with the instants between which it counts; None is open."""
        if self.moves_at is None:
            return [(self.zone, None, None)]
        return [(self.zone, None, self.moves_at), (self.later, self.moves_at, None)]


@lru_cache(maxsize=65536)
def instant(day: date, at: time, zone: str) -> datetime:
    """The instant (UTC) at which a clock in ``zone`` shows this: the first of two, or the jump over it."""
    wall = datetime.combine(day, at)
    place = ZoneInfo(zone)
    found = wall.replace(tzinfo=place).astimezone(UTC)
    if found.astimezone(place).replace(tzinfo=None) == wall:
        return found
    # The wall lies in a jump, which is between what the offsets after it and before it make of the wall.
    early = floor(wall.replace(tzinfo=place, fold=1).timestamp())
    late = ceil(found.timestamp())
    before = datetime.fromtimestamp(early, place).utcoffset()
    while late - early > 1:
        middle = (early + late) // 2
        if datetime.fromtimestamp(middle, place).utcoffset() == before:
            early = middle
        else:
            late = middle
    return datetime.fromtimestamp(late, UTC)


def day_span(day: date, zone: str) -> Span:
    """The local day, from its beginning to that of the next; empty where the calendar leaves the day out."""
    return instant(day, time.min, zone), instant(day + DAY, time.min, zone)


def hours_span(day: date, hours: Hours, zone: str) -> Span:
    """The hours that begin on this day."""
    if hours.begins is None or hours.ends is None:
        return day_span(day, zone)
    over_midnight = hours.ends <= hours.begins
    return instant(day, hours.begins, zone), instant(day + DAY if over_midnight else day, hours.ends, zone)


def days_around(start: datetime, end: datetime, zone: str) -> list[date]:
    """Every local date that could have anything to do with the window, a day to spare on each side."""
    place = ZoneInfo(zone)
    first, last = start.astimezone(place).date() - DAY, end.astimezone(place).date() + DAY
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def united(spans: Iterable[Span]) -> list[Span]:
    """The same instants as ordered spans that neither overlap nor touch; empty ones are left out."""
    found: list[Span] = []
    for begins, ends in sorted(span for span in spans if span[0] < span[1]):
        if found and begins <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ends))
        else:
            found.append((begins, ends))
    return found


def common(left: Sequence[Span], right: Sequence[Span]) -> list[Span]:
    """The instants in both; both ordered and free of overlap, and so is the answer."""
    found: list[Span] = []
    one = other = 0
    while one < len(left) and other < len(right):
        begins, ends = max(left[one][0], right[other][0]), min(left[one][1], right[other][1])
        if begins < ends:
            found.append((begins, ends))
        if left[one][1] <= right[other][1]:
            one += 1
        else:
            other += 1
    return found


def without(spans: Sequence[Span], gone: Sequence[Span]) -> list[Span]:
    """The instants of ``spans`` that are not in ``gone``; both ordered and free of overlap."""
    found: list[Span] = []
    first = 0
    for begins, ends in spans:
        at = begins
        while first < len(gone) and gone[first][1] <= at:
            first += 1
        for hole in gone[first:]:
            if hole[0] >= ends:
                break
            if hole[0] > at:
                found.append((at, hole[0]))
            at = max(at, hole[1])
        if at < ends:
            found.append((at, ends))
    return found


def seconds(spans: Iterable[Span]) -> int:
    """How long they are together, in whole seconds."""
    return int(sum((ends - begins for begins, ends in spans), timedelta()).total_seconds())


def team_spans(shifts: Sequence[Hours], *, zone: str, start: datetime, end: datetime) -> list[Span]:
    """A team's shifts within the window, each a span of its own; a team without any is open, each local day a span."""
    rules = shifts or [Hours(weekday) for weekday in range(7)]
    found = {hours_span(day, rule, zone) for day in days_around(start, end, zone) for rule in rules if rule.on(day)}
    cut = ((max(begins, start), min(ends, end)) for begins, ends in found)
    return sorted(span for span in cut if span[0] < span[1])


def off_spans(off: Collection[Off], *, zone: str, start: datetime, end: datetime) -> list[Span]:
    """When local days, or hours of them, are off."""
    found: list[Span] = []
    for day in days_around(start, end, zone) if off else []:
        for one in off:
            if not one.first <= day <= one.last:
                continue
            if one.begins is None or one.ends is None:
                found.append(day_span(day, zone))
            else:
                last = day + DAY if one.ends == time.min else day
                found.append((instant(day, one.begins, zone), instant(last, one.ends, zone)))
    return united(found)


def personal(zones: Zones, spans_in: list[tuple[str, list[Span]]]) -> list[Span]:
    """Spans that were found by each of a person's zones, each cut to when that zone counts."""
    found: list[Span] = []
    by_zone = dict(spans_in)
    for zone, begins, ends in zones.parts():
        found += [(max(span[0], begins or span[0]), min(span[1], ends or span[1])) for span in by_zone.get(zone, [])]
    return united(found)


def away_spans(
    away: Collection[Away],
    holidays: Collection[date],
    *,
    zones: Zones,
    start: datetime,
    end: datetime,
    employed: tuple[date | None, date | None] = (None, None),
) -> list[Span]:
    """When a person does not work: absences, public holidays, and days before their first and after their last."""
    found = []
    for zone, _begins, _ends in zones.parts():
        spans = [_away_span(one, zone) for one in away]
        for day in days_around(start, end, zone):
            first, last = employed
            if day in holidays or (first is not None and day < first) or (last is not None and day > last):
                spans.append(day_span(day, zone))
        found.append((zone, united(spans)))
    return personal(zones, found)


def _away_span(away: Away, zone: str) -> Span:
    begins = instant(away.first, away.from_time or time.min, zone)
    if away.until_time is None:
        return begins, day_span(away.last, zone)[1]
    return begins, instant(away.last, away.until_time, zone)


def own_spans(hours: Sequence[Hours], *, zones: Zones, start: datetime, end: datetime) -> list[Span]:
    """When a part-time person works at most; the whole window for a person without hours of their own."""
    if not hours:
        return [(start, end)] if start < end else []
    found = []
    for zone, _begins, _ends in zones.parts():
        spans = [hours_span(day, rule, zone) for day in days_around(start, end, zone) for rule in hours if rule.on(day)]
        found.append((zone, united(spans)))
    return personal(zones, found)


def working(shift: Span, *, closed: Sequence[Span], own: Sequence[Span], away: Sequence[Span]) -> list[Span]:
    """The instants of one of their team's shifts at which a person works."""
    return without(without(common([shift], own), closed), away)


def by_day(spans: Iterable[Span], *, zones: Zones) -> list[tuple[date, Span]]:
    """The spans, cut where the person's local day ends, each with its day; in order."""
    found: list[tuple[date, Span]] = []
    for begins, ends in spans:
        for zone, since, until in zones.parts():
            at, last = max(begins, since or begins), min(ends, until or ends)
            place = ZoneInfo(zone)
            while at < last:
                day = at.astimezone(place).date()
                over = instant(day + DAY, time.min, zone)
                if over <= at:
                    # The clock went back over midnight and the date came again: it ends with the second midnight.
                    over = datetime.combine(day + DAY, time.min, place).replace(fold=1).astimezone(UTC)
                cut = min(last, over)
                found.append((day, (at, cut)))
                at = cut
    return found


def overlap(one: Hours, other: Hours) -> bool:
    """Whether two rules of hours share an instant of the week, in whatever weeks they hold."""
    return any(a < d and c < b for a, b in _pieces(one) for c, d in _pieces(other))


def _pieces(hours: Hours) -> list[tuple[float, float]]:
    """The rule's hours as seconds of the week; two pieces where they run over its end."""
    first = hours.weekday * A_DAY
    if hours.begins is None or hours.ends is None:
        return [(first, first + A_DAY)]
    begins, ends = first + _second(hours.begins), first + _second(hours.ends)
    if ends <= begins:
        ends += A_DAY
    if ends <= A_WEEK:
        return [(begins, ends)]
    return [(begins, A_WEEK), (0, ends - A_WEEK)]


def _second(at: time) -> float:
    return at.hour * 3600 + at.minute * 60 + at.second + at.microsecond / 1_000_000
