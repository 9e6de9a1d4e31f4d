"""Files of limits and of absences."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from config.scope import scope_of, seen
from workforce import calendars, queries, quotas
from workforce.days import local_day
from workforce.models import Absence, DailyLimit, LimitLevel, Region, Reviewer, Team
from workforce.resources.lines import Line, Lines, Outcome, clock, column, day, new, number
from workforce.scopes import reaches


class Limits(Lines):
    """How many a day, from tomorrow or later on: for a region, a team, a person, or everybody if none is named."""

    required = ("value", "from_day")
    value, from_day = column("value"), column("from_day")
    region_code, team_name = column("region__code", "region"), column("team__name", "team")
    username, one_day = column("reviewer__user__username", "username"), column("level", "one_day")

    def dehydrate_one_day(self, limit: DailyLimit) -> str:
        return "yes" if limit.level == LimitLevel.DAY else ""

    def filter_export(self, queryset: Any, **kwargs: Any) -> Any:
        """Limits that later ones of the same day have not replaced."""
        later = DailyLimit.objects.filter(pk__gt=OuterRef("pk"), level=OuterRef("level"), from_day=OuterRef("from_day"))
        for name in ("region", "team", "reviewer"):
            later = later.filter(Q(**{name: OuterRef(name)}) | Q(**{f"{name}__isnull": True}))
        return queryset.exclude(Exists(later)).select_related("region", "team", "reviewer__user")

    def put(self, said: Line) -> Outcome:
        value, first = cast(int, number(said, "value")), cast(date, day(said, "from_day"))
        if len([name for name in ("region", "team", "username") if said.get(name)]) > 1:
            raise ValidationError(_("Name one of region, team and username, or none of them for everybody."))
        region = self.known_region(said["region"]) if said.get("region") else None
        team = self.team(said["team"]) if said.get("team") else None
        who = self.known_people.get(said["username"]) if said.get("username") else None
        one_day = said.get("one_day", "").lower() in {"yes", "1", "true"}
        if one_day and not said.get("username"):
            raise ValidationError({"one_day": _("Only a person has single days; name one.")})
        # Who is not among theirs has no limits that they find.
        there = self.there(region, team, who, one_day) if who or not said.get("username") else None
        latest = there.filter(from_day=first).first() if there is not None else None
        if latest is not None and latest.value == value:
            return Outcome(latest, {})
        who = self.person(said) if said.get("username") else None
        if said.get("region"):
            region = self.region(said["region"])
        if who is None and not reaches(scope_of(self.author), region=region, team=team):
            raise ValidationError(_("A limit for everybody reaches other regions than yours; name one of yours."))
        zone = who.zone_at(self.now) if who else team.time_zone if team else region.time_zone if region else "UTC"
        today = local_day(self.now, zone)
        columns = {"value": (str(latest.value) if latest else "", str(value))}
        if first <= today:
            if latest is None or one_day:
                raise ValidationError({"from_day": _("Files count from tomorrow on. Change today on the quota board.")})
            # Days that have begun keep the limit they began with: what is said otherwise counts from tomorrow on.
            tomorrow, replaced = today + timedelta(days=1), latest
            later = there.filter(from_day__gt=first, from_day__lte=tomorrow) if there is not None else None
            newest = later.first() if later is not None else None
            if newest is not None and (newest.from_day != tomorrow or newest.value != value):
                said_so = {"from": newest.from_day, "value": newest.value}
                raise ValidationError(
                    {"value": _("From %(from)s on it is %(value)s already. Change that line.") % said_so}
                )
            if newest is not None:
                return Outcome(newest, {})
            columns["from_day"], first, latest = (str(first), str(tomorrow)), tomorrow, replaced
        elif latest is None:
            columns = new(said) | columns
            if who is not None:
                before = str(queries.quota_cells([who.pk], [first])[who.pk, first].limit)
                columns["value"] = (before, str(value))
        made = quotas.set_limit(
            value,
            reason=self.reason,
            by=self.author,
            from_day=first,
            region=region,
            team=team,
            reviewer=who,
            one_day=one_day,
        )
        return Outcome(made, columns, changed=latest)

    def known_region(self, code: str) -> Region:
        """The region that a line names, a part of which is theirs. Raises ValidationError."""
        found = seen(self.author, Region.objects.filter(code=code)).first()
        return found or self.region(code)

    def there(self, region: Region | None, team: Team | None, who: Reviewer | None, one_day: bool) -> Any:
        """Limits that are there for just these, as whoever sends the file may find them, the latest first."""
        level = LimitLevel.GLOBAL
        for named, its in ((region, LimitLevel.REGION), (team, LimitLevel.TEAM), (who, LimitLevel.REVIEWER)):
            level = its if named is not None else level
        level = LimitLevel.DAY if one_day else level
        rows = DailyLimit.objects.filter(level=level, region=region, team=team, reviewer=who)
        return seen(self.author, rows).order_by("-from_day", "-id")


class Absences(Lines):
    """Days on which people are away. Why is nobody's business."""

    required = ("username", "first_day")
    username = column("reviewer__user__username", "username")
    first_day, from_time = column("first_day"), column("from_time")
    last_day, until_time = column("last_day"), column("until_time")

    def filter_export(self, queryset: Any, **kwargs: Any) -> Any:
        return queryset.filter(cancelled_at=None).select_related("reviewer__user")

    def put(self, said: Line) -> Outcome:
        first, who = cast(date, day(said, "first_day")), self.known_people.get(said["username"])
        row = Absence(
            reviewer=who or self.person(said),
            first_day=first,
            from_time=clock(said, "from_time"),
            last_day=day(said, "last_day") or first,
            until_time=clock(said, "until_time"),
        )
        standing = Absence.objects.filter(reviewer=row.reviewer, cancelled_at=None)
        now = _cells(row)
        same = standing.filter(**{name: getattr(row, name) for name in now}).first()
        if same is not None:
            return Outcome(same, {})
        row.reviewer = self.person(said)
        if row.last_day < local_day(self.now, row.reviewer.zone_at(self.now)) - timedelta(days=366):
            raise ValidationError({"last_day": _("That is more than a year ago.")})
        # One that begins or ends alike is this one, said otherwise.
        alike = standing.filter(first_day=row.first_day, from_time=row.from_time).first()
        alike = alike or standing.filter(last_day=row.last_day, until_time=row.until_time).first()
        if alike is None:
            made = calendars.put_in(row, by=self.author)
            return Outcome(made, new(said | {"last_day": str(row.last_day)}))
        self.check_may_change(alike)
        was = _cells(alike)
        made = calendars.exchange(alike, row, by=self.author, reason=self.reason, at=self.now)
        return Outcome(made, {name: (was[name], now[name]) for name in now if was[name] != now[name]}, changed=alike)


def _cells(row: Absence) -> Line:
    """An absence as its line says it, beside whose it is."""
    names = ("first_day", "from_time", "last_day", "until_time")
    return {name: "" if getattr(row, name) is None else str(getattr(row, name)) for name in names}
