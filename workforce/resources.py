"""What the lines of a file mean: teams, reviewers, skills, limits and absences, each put in by its own verb.

A line says what should be there. What is there already is left as it is, so a file may be sent twice; what is there
otherwise is refused with words, and nothing is ever deleted. One line that is refused refuses the file.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

import tablib
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, IntegrityError, transaction
from django.db.models import Model
from django.utils.translation import gettext as _
from import_export import resources
from import_export.fields import Field
from import_export.instance_loaders import BaseInstanceLoader
from import_export.results import RowResult

from config.errors import Refusal
from config.scope import scope_of, seen
from workforce import calendars, files, people, queries, quotas, skills
from workforce.days import local_day
from workforce.models import (
    Absence,
    Clearance,
    DailyLimit,
    LimitLevel,
    Region,
    Reviewer,
    Skill,
    SkillSource,
    Team,
)
from workforce.scopes import reaches

Line = dict[str, str]


@dataclass(frozen=True)
class Outcome:
    """What a line comes to: the row, and for each column what was and what is; no columns: it was so already."""

    row: Model
    columns: dict[str, tuple[str, str]]


def column(attribute: str, name: str = "") -> Field:
    """A column that goes out as this attribute."""
    return Field(attribute=attribute, column_name=name or attribute)


class Lines(resources.Resource):
    """Lines of a file, by somebody, for a reason, at an instant."""

    required: Collection[str] = ()

    class Meta:
        instance_loader_class = BaseInstanceLoader
        using_db = DEFAULT_DB_ALIAS
        use_transactions = True
        skip_diff = True
        store_instance = True

    def __init__(self, *, by: User | None = None, reason: str = "", at: datetime | None = None, **_options: Any):
        super().__init__()
        self.by, self.reason, self.at = by, reason, at
        self.known_people: dict[str, Reviewer] = {}
        self.known_teams: dict[str, Team] = {}

    @property
    def author(self) -> User:
        return cast(User, self.by)

    @property
    def now(self) -> datetime:
        return cast(datetime, self.at)

    @classmethod
    def get_display_name(cls) -> str:
        """How the form of exports names it."""
        return cls.__name__

    def columns(self) -> list[str]:
        """The names of the columns, in order."""
        return [str(field.column_name) for field in self.get_export_fields()]

    def check_columns(self, headers: Collection[str]) -> None:
        """Raises ValidationError, in words, for columns that are missing or that nobody knows."""
        known = ", ".join(self.columns())
        if missing := [name for name in self.required if name not in headers]:
            raise ValidationError(
                _("Columns are missing: %(missing)s. A file of these has: %(known)s.")
                % {"missing": ", ".join(missing), "known": known}
            )
        if strange := [name for name in headers if name not in self.columns()]:
            raise ValidationError(
                _("Nobody knows these columns: %(strange)s. A file of these has: %(known)s.")
                % {"strange": ", ".join(strange)[:100], "known": known}
            )

    def before_import(self, dataset: tablib.Dataset, **kwargs: Any) -> None:
        """Find all people and teams that are named, at once: those that whoever sends the file may find."""
        found = cast(list[Line], dataset.dict)
        names = {files.unplain(line.get("username", "")) for line in found if line.get("username", "")[:1] not in "=@"}
        rows = Reviewer.objects.filter(user__username__in=names, is_active=True).select_related("user", "team")
        self.known_people = {one.user.username: one for one in seen(self.author, rows)}
        self.known_teams = {one.name: one for one in seen(self.author, Team.objects.select_related("region"))}

    def import_row(self, row: dict[str, Any], instance_loader: Any, **kwargs: Any) -> RowResult:
        """Put one line in, or say in words why not."""
        result = RowResult()
        result.row_values = row
        try:
            said = {name: files.unplain(str(value or "")) for name, value in row.items()}
            if blank := [name for name in self.required if not said[name]]:
                raise ValidationError(dict.fromkeys(blank, _("This must be said.")))
            with transaction.atomic():
                outcome = self.put(said)
        except ValidationError as error:
            return _refused(result, error)
        except Refusal as refusal:
            return _refused(result, ValidationError(refusal.detail))
        except IntegrityError:
            return _refused(result, ValidationError(_("Somebody has just put this in. Send the file again.")))
        result.import_type = RowResult.IMPORT_TYPE_NEW if outcome.columns else RowResult.IMPORT_TYPE_SKIP
        result.instance, result.diff = outcome.row, outcome.columns
        result.add_instance_info(outcome.row)
        return result

    def put(self, said: Line) -> Outcome:
        """Put one line in by its verb. Raises ValidationError."""
        raise NotImplementedError

    def export_field(self, field: Field, instance: Any, **kwargs: Any) -> Any:
        return files.plain(super().export_field(field, instance, **kwargs))

    def person(self, said: Line) -> Reviewer:
        """Whom a line names. Raises ValidationError alike for nobody and for others' people."""
        found = self.known_people.get(said["username"])
        if found is None:
            raise ValidationError({"username": _("There is no such person among yours.")})
        return found

    def team(self, name: str) -> Team:
        """The team that a line names. Raises ValidationError alike for none and for others'."""
        found = self.known_teams.get(name)
        if found is None:
            raise ValidationError({"team": _("There is no such team among yours.")})
        return found

    def region(self, code: str) -> Region:
        """The region that a line names, all of which is theirs. Raises ValidationError alike for none and others'."""
        found = Region.objects.filter(code=code).first()
        if found is None or not scope_of(self.author).covers(code):
            raise ValidationError({"region": _("There is no such region among yours.")})
        return found


def _refused(result: RowResult, error: ValidationError) -> RowResult:
    result.import_type, result.validation_error = RowResult.IMPORT_TYPE_INVALID, error
    return result


def new(said: Line) -> dict[str, tuple[str, str]]:
    """All columns that say something, of something new."""
    return {name: ("", value) for name, value in said.items() if value}


def number(said: Line, name: str, *, least: int = 0, most: int = 10_000) -> int | None:
    """A whole number; None where nothing is said. Raises ValidationError."""
    text = said.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and least <= int(text[:9]) <= most and len(text) < 9):
        words = {"least": least, "most": most}
        raise ValidationError({name: _("A whole number from %(least)d to %(most)d, please.") % words})
    return int(text)


def day(said: Line, name: str) -> date | None:
    """A date; None where nothing is said. Raises ValidationError."""
    try:
        return date.fromisoformat(said[name]) if said.get(name) else None
    except ValueError:
        raise ValidationError({name: _("Write days as in 2026-11-30.")}) from None


def clock(said: Line, name: str) -> time | None:
    """A time on a wall; None where nothing is said. Raises ValidationError."""
    try:
        return time.fromisoformat(said[name]).replace(tzinfo=None) if said.get(name) else None
    except ValueError:
        raise ValidationError({name: _("Write times as in 14:30.")}) from None


def instant(said: Line, name: str) -> datetime | None:
    """An instant, UTC unless it says otherwise; None where nothing is said. Raises ValidationError."""
    try:
        found = datetime.fromisoformat(said[name]) if said.get(name) else None
    except ValueError:
        raise ValidationError({name: _("Write times as in 2026-11-30 14:30, in UTC.")}) from None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


def words(said: Line, name: str) -> list[str]:
    """Words between commas or blanks."""
    return list(dict.fromkeys(said.get(name, "").replace(",", " ").split()))


def same_or_refuse(row: Model, is_same: bool, where: str) -> Outcome:
    """What is there already, as it is; refused, if the line wants it otherwise."""
    if not is_same:
        raise ValidationError(
            _("%(row)s is there already, otherwise. Files add and change nothing; change it %(where)s.")
            % {"row": row, "where": where}
        )
    return Outcome(row, {})


class Teams(Lines):
    """Teams: opened in a region."""

    required = ("name", "region")
    name, region_code = column("name"), column("region__code", "region")
    zone, weight = column("time_zone"), column("weight")

    def put(self, said: Line) -> Outcome:
        region, weight = self.region(said["region"]), number(said, "weight", least=1, most=1000)
        zone = said.get("time_zone") or region.time_zone
        found = self.known_teams.get(said["name"])
        if found is not None:
            same = (found.region_id, found.time_zone, found.weight) == (region.pk, zone, weight or found.weight)
            return same_or_refuse(found, same, _("on its page"))
        made = people.open_team(region, name=said["name"], time_zone=zone, weight=weight or 1)
        self.known_teams[made.name] = made
        return Outcome(made, new(said | {"time_zone": zone, "weight": str(made.weight)}))


class Reviewers(Lines):
    """People who are taken on. A file has no passwords: an administrator sets one, or they sign in elsewhere."""

    required = ("username", "team", "country")
    username, first_name = column("user__username", "username"), column("user__first_name", "first_name")
    last_name, team_name = column("user__last_name", "last_name"), column("team__name", "team")
    country, languages = column("country"), column("languages")
    can, clearance = column("skills"), column("clearance")

    def dehydrate_languages(self, person: Reviewer) -> str:
        return ", ".join(person.languages)

    def dehydrate_can(self, person: Reviewer) -> str:
        return ", ".join(person.skills)

    def put(self, said: Line) -> Outcome:
        team, clearance = self.team(said["team"]), number(said, "clearance", most=max(Clearance.values)) or 0
        languages, can = words(said, "languages"), words(said, "skills")
        if can and not self.author.has_perm("workforce.add_skill"):
            raise ValidationError({"skills": _("Skills are not yours to give. Leave them out.")})
        found = self.known_people.get(said["username"])
        if found is not None:
            told = (team.pk, said["country"], clearance, languages or found.languages)
            has = (found.team_id, found.country, found.clearance, found.languages)
            return same_or_refuse(found, told == has and set(can) <= set(found.skills), _("on their record"))
        try:
            User._meta.get_field("username").run_validators(said["username"])
        except ValidationError as error:
            raise ValidationError({"username": error}) from None
        if User.objects.filter(username=said["username"]).exists():
            raise ValidationError({"username": _("This sign-in is taken.")})
        made = people.take_on_reviewer(
            team,
            username=said["username"],
            password=None,
            country=said["country"],
            first_name=said.get("first_name", ""),
            last_name=said.get("last_name", ""),
            skills=can,
            languages=languages,
            clearance=clearance,
        )
        self.known_people[said["username"]] = made
        return Outcome(made, new(said))


class Skills(Lines):
    """Skills that people are given."""

    required = ("username", "name")
    username, name = column("reviewer__user__username", "username"), column("name")
    source, value, expires_at = column("source"), column("value"), column("expires_at")

    def dehydrate_expires_at(self, skill: Skill) -> str:
        return f"{skill.expires_at.astimezone(UTC):%Y-%m-%d %H:%M}" if skill.expires_at else ""

    def filter_export(self, queryset: Any, **kwargs: Any) -> Any:
        return queryset.select_related("reviewer__user")

    def put(self, said: Line) -> Outcome:
        who, value, until = self.person(said), number(said, "value", most=100), instant(said, "expires_at")
        source = said.get("source") or SkillSource.STATED.value
        found = Skill.objects.filter(reviewer=who, name=said["name"], source=source, cancelled_at=None).first()
        if found is not None:
            return same_or_refuse(found, (found.value, found.expires_at) == (value, until), _("on its page"))
        made = skills.give(who, said["name"], source=source, value=value, expires_at=until, by=self.author)
        return Outcome(made, new(said | {"source": source}))


class Limits(Lines):
    """How many a day, from tomorrow or later on: for a region, a team, a person, or everybody if none is named."""

    required = ("value", "from_day")
    value, from_day = column("value"), column("from_day")
    region_code, team_name = column("region__code", "region"), column("team__name", "team")
    username, one_day = column("reviewer__user__username", "username"), column("level", "one_day")

    def dehydrate_one_day(self, limit: DailyLimit) -> str:
        return "yes" if limit.level == LimitLevel.DAY else ""

    def filter_export(self, queryset: Any, **kwargs: Any) -> Any:
        return queryset.select_related("region", "team", "reviewer__user")

    def put(self, said: Line) -> Outcome:
        value, first = number(said, "value"), day(said, "from_day")
        if len([name for name in ("region", "team", "username") if said.get(name)]) > 1:
            raise ValidationError(_("Name one of region, team and username, or none of them for everybody."))
        region = self.region(said["region"]) if said.get("region") else None
        team = self.team(said["team"]) if said.get("team") else None
        who = self.person(said) if said.get("username") else None
        if who is None and not reaches(scope_of(self.author), region=region, team=team):
            raise ValidationError(_("A limit for everybody reaches other regions than yours; name one of yours."))
        one_day = said.get("one_day", "").lower() in {"yes", "1", "true"}
        if one_day and who is None:
            raise ValidationError({"one_day": _("Only a person has single days; name one.")})
        zone = who.zone_at(self.now) if who else team.time_zone if team else region.time_zone if region else "UTC"
        if first is None or value is None or first <= local_day(self.now, zone):
            raise ValidationError({"from_day": _("Files count from tomorrow on. Change today on the quota board.")})
        level = LimitLevel.DAY if one_day else LimitLevel.REVIEWER if who else None
        named = DailyLimit.objects.filter(region=region, team=team, reviewer=who, from_day=first)
        if level is not None:
            named = named.filter(level=level)
        latest = named.order_by("-id").first()
        if latest is not None and latest.value == value:
            return Outcome(latest, {})
        before = str(latest.value) if latest else ""
        if who is not None:
            before = str(queries.quota_cells([who.pk], [first])[who.pk, first].limit)
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
        return Outcome(made, new(said) | {"value": (before, str(value))})


class Absences(Lines):
    """Days on which people are away. Why is nobody's business."""

    required = ("username", "first_day")
    username = column("reviewer__user__username", "username")
    first_day, from_time = column("first_day"), column("from_time")
    last_day, until_time = column("last_day"), column("until_time")

    def filter_export(self, queryset: Any, **kwargs: Any) -> Any:
        return queryset.select_related("reviewer__user")

    def put(self, said: Line) -> Outcome:
        first = cast(date, day(said, "first_day"))
        row = Absence(
            reviewer=self.person(said),
            first_day=first,
            from_time=clock(said, "from_time"),
            last_day=day(said, "last_day") or first,
            until_time=clock(said, "until_time"),
        )
        if row.last_day < local_day(self.now, row.reviewer.zone_at(self.now)) - timedelta(days=366):
            raise ValidationError({"last_day": _("That is more than a year ago.")})
        same = ("reviewer", "first_day", "from_time", "last_day", "until_time")
        found = Absence.objects.filter(cancelled_at=None, **{name: getattr(row, name) for name in same}).first()
        if found is not None:
            return Outcome(found, {})
        made = calendars.put_in(row, by=self.author)
        return Outcome(made, new(said | {"last_day": str(row.last_day)}))
