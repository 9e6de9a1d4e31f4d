"""What the lines of a file mean: teams, reviewers, skills, limits and absences, each put in by its own verb.

A line says what should be there. What is there already is left as it is, so a file may be sent twice; what is there
otherwise is changed, each cell shown as it was and will be; a column that the file does not have stays as it is.
Nothing is deleted because a line is missing. What a file cannot change is refused with words, and so is a line that
gainsays another. One line that is refused refuses the file.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
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
from workforce import files
from workforce.models import (
    Region,
    Reviewer,
    Team,
)

Line = dict[str, str]


@dataclass(frozen=True)
class Outcome:
    """What a line comes to: the row, and for each column what was and what is; no columns: it was so already."""

    row: Model
    columns: dict[str, tuple[str, str]]
    changed: Model | None = None
    """The row that was there, if this one is not new."""


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
        self.told_of: set[tuple[type[Model], Any]] = set()

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
        rows = Reviewer.objects.filter(user__username__in=names).select_related("user", "team")
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
        about = {(type(row), row.pk) for row in (outcome.row, outcome.changed) if row is not None}
        if outcome.columns and about & self.told_of:
            return _refused(result, ValidationError(_("Another line of this file says otherwise. Keep one of them.")))
        self.told_of |= about
        result.import_type = RowResult.IMPORT_TYPE_SKIP
        if outcome.columns:
            result.import_type = RowResult.IMPORT_TYPE_UPDATE if outcome.changed else RowResult.IMPORT_TYPE_NEW
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
        if found is None or not found.is_active:
            raise ValidationError({"username": _("There is no such person among yours.")})
        return found

    def check_may_change(self, row: Model) -> None:
        """Raises ValidationError when whoever sends the file may add such rows and not change them."""
        label, name = row._meta.app_label, row._meta.model_name
        if not self.author.has_perm(f"{label}.change_{name}"):
            raise ValidationError(_("%(row)s is there otherwise, and is not yours to change.") % {"row": row})

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


def minute(at: datetime | None) -> str:
    """An instant as a cell says it, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" if at else ""


def words(said: Line, name: str) -> list[str]:
    """Words between commas or blanks."""
    return list(dict.fromkeys(said.get(name, "").replace(",", " ").split()))


def differing(said: Line, was: Line, now: Line) -> dict[str, tuple[str, str]]:
    """Cells of this line that say something else than what was."""
    return {name: (was[name], now[name]) for name in was if name in said and was[name] != now[name]}
