"""Which instants are worked: clocks that jump and go back, nights, closures, people who move; over all zones."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workforce import days, shifts
from workforce.shifts import Away, Hours, Off, Zones

ZONES = sorted(
    zone
    for zone in available_timezones()
    if "/" in zone and not zone.startswith(("Etc/", "posix/", "right/", "SystemV/"))
)
# Where clocks do most: both hemispheres, half an hour, at midnight, a day left out, and no summer at all.
CLOCKS = [
    "Europe/Bucharest", "America/New_York", "Australia/Lord_Howe", "Pacific/Auckland", "America/Santiago",
    "America/Havana", "Africa/Cairo", "Asia/Beirut", "Asia/Kolkata", "Pacific/Apia", "Antarctica/Troll",
]  # fmt: skip
NIGHTS = [Hours(weekday, time(22), time(6)) for weekday in range(7)]
zones = st.sampled_from(CLOCKS) | st.sampled_from(ZONES)
dates = st.dates(date(2024, 1, 1), date(2030, 12, 1))
walls = st.times().map(lambda at: at.replace(microsecond=0))
hours = st.builds(Hours, st.integers(0, 6), walls, walls).filter(lambda rule: rule.begins != rule.ends)


def window(first: date, length: int) -> tuple[datetime, datetime]:
    start = datetime.combine(first, time.min, UTC)
    return start, start + timedelta(days=length)


def length(span: tuple[datetime, datetime]) -> float:
    return (span[1] - span[0]).total_seconds() / 3600


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("Europe/Bucharest", date(2027, 3, 28), 23),
        ("Europe/Bucharest", date(2027, 10, 31), 25),
        ("Asia/Kolkata", date(2027, 3, 28), 24),
        ("Australia/Lord_Howe", date(2027, 4, 4), 24.5),
        ("Pacific/Auckland", date(2027, 9, 26), 23),
        ("America/Santiago", date(2027, 9, 5), 23),  # there is no midnight that day
        ("America/Havana", date(2027, 11, 7), 25),  # midnight comes twice
        ("Antarctica/Troll", date(2027, 3, 28), 22),
        ("Antarctica/Troll", date(2027, 10, 31), 26),
        ("Pacific/Apia", date(2011, 12, 30), 0),  # the calendar left it out
    ],
)
def test_days_are_as_long_as_their_clocks_make_them(zone, day, expected) -> None:
    assert length(shifts.day_span(day, zone)) == expected


@pytest.mark.parametrize(
    ("zone", "day", "begins", "ends", "expected"),
    [
        ("Europe/Bucharest", date(2027, 3, 27), time(22), time(6), 7),
        ("Europe/Bucharest", date(2027, 10, 30), time(22), time(6), 9),
        ("Asia/Kolkata", date(2027, 3, 27), time(22), time(6), 8),
        ("Pacific/Auckland", date(2027, 4, 3), time(22), time(6), 9),
        ("Pacific/Auckland", date(2027, 9, 25), time(22), time(6), 7),
        # It begins and ends while the clock jumps from three to four.
        ("Europe/Bucharest", date(2027, 3, 28), time(3, 10), time(3, 50), 0),
        # It begins in the jump and ends after it: from the jump on.
        ("Europe/Bucharest", date(2027, 3, 28), time(3, 30), time(4, 15), 0.25),
        # Three to four is there twice, and both belong to what lies around them.
        ("Europe/Bucharest", date(2027, 10, 31), time(2), time(5), 4),
        ("America/Santiago", date(2027, 9, 4), time(18), time(0), 6),
    ],
)
def test_a_shift_is_as_long_as_the_clock_makes_it(zone, day, begins, ends, expected) -> None:
    assert length(shifts.hours_span(day, Hours(day.weekday(), begins, ends), zone)) == expected


@settings(max_examples=300, deadline=None)
@given(zones, dates, st.lists(walls, min_size=2, max_size=2))
def test_walls_keep_their_order_and_agree_with_the_clock(zone, day, both) -> None:
    early, late = sorted(both)
    first, second = shifts.instant(day, early, zone), shifts.instant(day, late, zone)
    assert first <= second
    shown = first.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    wall = datetime.combine(day, early)
    # Either the clock shows it, or it was jumped over and the clock has just passed it.
    assert shown >= wall
    if shown > wall:
        before = (first - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert before < wall


@settings(max_examples=200, deadline=None)
@given(zones, dates)
def test_days_follow_one_another_without_a_gap_and_hold_their_own_date(zone, day) -> None:
    begins, ends = shifts.day_span(day, zone)
    assert ends == shifts.day_span(day + timedelta(days=1), zone)[0]
    assert 22 <= length((begins, ends)) <= 26
    assert ends == days.ends_at(day, zone)
    for at in (begins, begins + (ends - begins) / 2, ends - timedelta(seconds=1)):
        assert days.local_day(at, zone) == day


@settings(max_examples=200, deadline=None)
@given(zones, dates, st.lists(hours, max_size=4), st.integers(1, 9))
def test_shifts_stay_in_the_window_and_show_their_own_times(zone, first, rules, count) -> None:
    start, end = window(first, count)
    for begins, ends in shifts.team_spans(rules, zone=zone, start=start, end=end):
        assert start <= begins < ends <= end
        if rules and begins > start:
            shown = begins.astimezone(ZoneInfo(zone))
            assert any(
                (rule.begins <= shown.time() and rule.weekday == shown.weekday()
                and (rule.begins == shown.time() or shown.utcoffset() != (shown - timedelta(days=1)).utcoffset()))
                or begins == shifts.instant(shown.date() - timedelta(days=1), rule.begins, zone)
                for rule in rules
            )  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(zones, dates, st.integers(1, 5))
def test_a_team_without_shifts_is_open_all_the_time(zone, first, count) -> None:
    start, end = window(first, count)
    assert shifts.united(shifts.team_spans([], zone=zone, start=start, end=end)) == [(start, end)]


def test_neighbouring_shifts_never_overlap_whatever_the_clock_does() -> None:
    rules = [Hours(day, time(hour), time((hour + 3) % 24)) for day in range(7) for hour in range(0, 24, 3)]
    for zone in CLOCKS:
        found = shifts.team_spans(rules, zone=zone, start=datetime(2027, 1, 1, tzinfo=UTC),
                                  end=datetime(2028, 1, 1, tzinfo=UTC))  # fmt: skip
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(found)), zone
        assert shifts.seconds(found) == 365 * 24 * 3600


spans_of = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 200)).map(
        lambda two: tuple(datetime(2027, 1, 1, tzinfo=UTC) + timedelta(minutes=n) for n in two)
    ),
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(spans_of, spans_of)
def test_spans_are_sets_of_instants(left, right) -> None:
    def minutes(spans):
        zero = datetime(2027, 1, 1, tzinfo=UTC)
        return {n for a, b in spans for n in range(round((a - zero) / timedelta(minutes=1)),
                                                   round((b - zero) / timedelta(minutes=1)))}  # fmt: skip

    one, other = shifts.united(left), shifts.united(right)
    assert minutes(one) == minutes(left)
    assert minutes(shifts.common(one, other)) == minutes(one) & minutes(other)
    assert minutes(shifts.without(one, other)) == minutes(one) - minutes(other)
    assert shifts.seconds(one) == 60 * len(minutes(one))


@settings(max_examples=150, deadline=None)
@given(zones, dates, st.integers(0, 3), st.data())
def test_nobody_works_on_a_day_that_is_off(zone, first, more, data) -> None:
    start, end = window(first - timedelta(days=3), 8 + more)
    off = Off(first, first + timedelta(days=more))
    closed = shifts.off_spans([off], zone=zone, start=start, end=end)
    for shift in shifts.team_spans(NIGHTS, zone=zone, start=start, end=end):
        for begins, ends in shifts.working(shift, closed=closed, own=[(start, end)], away=[]):
            for at in (begins, ends - timedelta(seconds=1)):
                assert not off.first <= days.local_day(at, zone) <= off.last


def test_a_night_shift_ends_at_the_midnight_of_a_closed_day() -> None:
    start, end = window(date(2026, 11, 6), 5)
    closed = shifts.off_spans([Off(date(2026, 11, 8), date(2026, 11, 8))], zone="Asia/Kolkata", start=start, end=end)
    eve = shifts.hours_span(date(2026, 11, 7), NIGHTS[0], "Asia/Kolkata")
    diwali = shifts.hours_span(date(2026, 11, 8), NIGHTS[0], "Asia/Kolkata")
    own = [(start, end)]
    assert shifts.seconds(shifts.working(eve, closed=closed, own=own, away=[])) == 2 * 3600
    assert shifts.seconds(shifts.working(diwali, closed=closed, own=own, away=[])) == 6 * 3600


def test_hours_may_be_closed_to_the_midnight() -> None:
    start, end = window(date(2026, 12, 23), 4)
    off = [Off(date(2026, 12, 24), date(2026, 12, 24), time(14), time(0))]
    (found,) = shifts.off_spans(off, zone="Europe/Bucharest", start=start, end=end)
    assert length(found) == 10


def test_part_time_hours_narrow_the_teams_and_may_cross_midnight() -> None:
    start, end = window(date(2027, 5, 2), 6)
    team = shifts.team_spans(NIGHTS, zone="Asia/Kolkata", start=start, end=end)
    mondays = [Hours(0, time(23), time(3))]
    own = shifts.own_spans(mondays, zones=Zones("Asia/Kolkata"), start=start, end=end)
    worked = [span for shift in team for span in shifts.working(shift, closed=[], own=own, away=[])]
    assert [length(span) for span in worked] == [4]
    whole = shifts.own_spans([Hours(0)], zones=Zones("Asia/Kolkata"), start=start, end=end)
    worked = [span for shift in team for span in shifts.working(shift, closed=[], own=whole, away=[])]
    assert [length(span) for span in worked] == [6, 2]


@settings(max_examples=150, deadline=None)
@given(zones, zones, dates, st.integers(0, 23))
def test_a_person_who_moves_has_every_instant_in_one_day_only(old, new, first, hour) -> None:
    moves_at = days.ends_at(days.local_day(datetime.combine(first, time(hour), UTC), old), old)
    person = Zones(old, new, moves_at)
    start, end = window(first - timedelta(days=2), 6)
    pieces = shifts.by_day([(start, end)], zones=person)
    assert shifts.united(span for _, span in pieces) == [(start, end)]
    assert all(one[1][1] == other[1][0] for one, other in itertools.pairwise(pieces))
    for day, (begins, ends) in pieces:
        for at in (begins, ends - timedelta(seconds=1)):
            assert day == days.local_day(at, new if at >= moves_at else old)


def test_an_absence_is_by_the_zone_in_which_the_person_is() -> None:
    moves_at = days.ends_at(date(2027, 5, 10), "Asia/Kolkata")
    person = Zones("Asia/Kolkata", "Europe/Bucharest", moves_at)
    start, end = window(date(2027, 5, 8), 6)
    away = [Away(date(2027, 5, 11), date(2027, 5, 11))]
    found = shifts.away_spans(away, frozenset(), zones=person, start=start, end=end)
    # Their eleventh begins by the new zone's clock, at half past nine in the evening of its tenth it is not yet.
    assert found == [shifts.day_span(date(2027, 5, 11), "Europe/Bucharest")]


def test_people_work_from_their_first_day_to_their_last_but_on_holidays() -> None:
    start, end = window(date(2026, 11, 20), 20)
    republic = frozenset({date(2026, 11, 30), date(2026, 12, 1)})
    away = shifts.away_spans(
        [], republic, zones=Zones("Europe/Bucharest"), start=start, end=end,
        employed=(date(2026, 11, 23), date(2026, 12, 4)),
    )  # fmt: skip
    days_off = {day for day, _ in shifts.by_day(away, zones=Zones("Europe/Bucharest"))}
    wanted = {date(2026, 11, 20) + timedelta(days=n) for n in range(20)}
    worked = {date(2026, 11, 23) + timedelta(days=n) for n in range(12)} - republic
    assert wanted - days_off == worked


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (Hours(6, time(22), time(6)), Hours(0, time(5), time(9)), True),
        (Hours(6, time(22), time(6)), Hours(0, time(6), time(9)), False),
        (Hours(0, time(12), time(0)), Hours(1, time(0), time(12)), False),
        (Hours(0, time(9), time(17)), Hours(1, time(9), time(17)), False),
        (Hours(0), Hours(0, time(23), time(1)), True),
    ],
)
def test_hours_overlap_over_the_weeks_end_too(one, other, both) -> None:
    assert shifts.overlap(one, other) is shifts.overlap(other, one) is both


def test_holidays_are_computed_by_country() -> None:
    assert days.holidays_of("IN", 2027)[date(2027, 1, 26)] == "Republic Day"
    assert len(days.holidays_of("IN", 2027)) == 18
    assert len(days.holidays_of("RO", 2027)) == 17
    assert days.holidays_of("XX", 2027) == {}
    assert date(2026, 12, 25) in days.holidays_between("RO", date(2026, 12, 20), date(2027, 1, 3))
