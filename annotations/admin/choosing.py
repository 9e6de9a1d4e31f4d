"""From a filtered list to a plan by hand: what was chosen there is carried to the page that assigns it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import resolve, reverse
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import action

from annotations.planning.by_hand import MOST


@dataclass(frozen=True)
class Chosen:
    """Tasks or clips by number, as somebody chose them in a list."""

    kind: str
    """``task`` or ``clip``."""
    ids: tuple[int, ...]

    def packed(self) -> str:
        """As a form carries it: neighbours as ``first-last``, so that twenty thousand fit into a request."""
        runs: list[tuple[int, int]] = []
        for number in sorted(set(self.ids)):
            if runs and number == runs[-1][1] + 1:
                runs[-1] = (runs[-1][0], number)
            else:
                runs.append((number, number))
        return f"{self.kind}:" + ".".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)

    @classmethod
    def unpacked(cls, text: str) -> Chosen | None:
        """What :meth:`packed` gave; None for nothing. Raises ValueError for anything else, and for too much."""
        if not text:
            return None
        kind, _, numbers = text.partition(":")
        if kind not in {"task", "clip"}:
            raise ValueError(f"{kind} is no choice")
        ids: list[int] = []
        for run in numbers.split("."):
            first, _, last = run.partition("-")
            begin, end = int(first), int(last or first)
            if not 0 < begin <= end < 2**63 or end - begin >= MOST or len(ids) > MOST:
                raise ValueError(f"{run} is no choice")
            ids += range(begin, end + 1)
        if len(ids) > MOST or any(one >= other for one, other in pairwise(ids)):
            raise ValueError(f"{len(ids)} numbers out of order are no choice")
        return cls(kind, tuple(ids))


def chosen_of(kind: str, ids: Iterable[int]) -> Chosen:
    """These rows, as a choice."""
    return Chosen(kind, tuple(ids))


class Plannable:
    """A list from which what is chosen, or all that its filter finds, can be planned by hand."""

    def has_plan_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("annotations.add_plan")

    @action(description=gettext_lazy("Plan these…"), permissions=["plan"])
    def plan_these(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Choose who is to do these, see what would come of it, and do it."""
        ids = list(queryset.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
        if not ids or len(ids) > MOST:
            said = gettext("Nothing is chosen.")
            if ids:
                said = gettext("More than %(most)s are too many for one plan by hand: filter the list further.")
            messages.error(request, said % {"most": f"{MOST:,}"})
            return None
        kind = queryset.model._meta.model_name or ""
        # By its name: that page stands above this room's lists.
        page = resolve(reverse("assign")).func
        shown: HttpResponse = page(request, chosen=chosen_of(kind, ids))
        return shown
