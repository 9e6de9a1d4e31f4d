"""Watching a plan by hand: how much of what it placed somebody has begun, and how much is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, F, Q, Sum

from annotations.models import Plan, PlanItem, PlanLine
from annotations.planning.undoing import begun
from config.scope import seen


@dataclass(frozen=True)
class TeamProgress:
    """Of one plan: what one team was given, and how far it came with it."""

    team_id: int
    name: str
    planned: int
    """Tasks that the plan meant for it."""
    went: int
    """Tasks that really went there; others changed meanwhile."""
    begun: int
    """Tasks that somebody holds, held or answered."""
    finished: int
    """Tasks all of whose seats are answered."""
    answers: int
    held: int
    seats: int

    @property
    def percent(self) -> int:
        """Answers of the seats there are, in hundredths."""
        return round(100 * self.answers / self.seats) if self.seats else 0


def progress(plan: Plan, *, to: User) -> list[TeamProgress]:
    """Each team that a plan by hand gave something, as far as this person may find it; two statements."""
    lines = seen(to, PlanLine.objects.filter(plan=plan, to_team__isnull=False))
    given = lines.order_by("to_team__name").values_list("to_team", "to_team__name")
    items: dict[int, Mapping[str, Any]] = {
        row["line__to_team"]: dict(row)
        for row in PlanItem.objects.filter(line__in=lines.order_by().values("pk"))
        .order_by()
        .values("line__to_team")
        .annotate(
            begun=Count("pk", filter=begun()),
            finished=Count("pk", filter=Q(task__answers__gte=F("task__overlap"))),
            answers=Sum("task__answers"),
            held=Sum(F("task__overlap") - F("task__seats_left") - F("task__seats_later") - F("task__answers")),
            seats=Sum("task__overlap"),
        )
    }
    none = {"begun": 0, "finished": 0, "answers": 0, "held": 0, "seats": 0}
    return [
        TeamProgress(team, name, planned, went, **{key: items.get(team, none)[key] for key in none})
        for team, name, planned, went in given.annotate(planned=Sum("tasks"), went=Sum("done"))
    ]
