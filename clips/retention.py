"""Retention: how long clips may stay. Rules are only added; the most particular counts, and of those the newest.

Which clips have been here long enough is asked of this room; who holds them is the work's, so it does the withholding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.db.models import DateTimeField, F, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Greatest

from clips.errors import UnknownRegion
from clips.models import GRANTED, AccessEntry, Case, Clip, ClipState, Purge, PurgeReason, RetentionRule, Since, Source
from config.history import checked

# What holds where no rule says otherwise, in days. Nothing sensitive waits for ever for a decision.
DEFAULTS: dict[str, int] = {Since.WITHHELD: 30, Since.QUARANTINED: 30}
# In a preview: within so many days.
AHEAD = (0, 7, 30, 90)
REASONS = {Since.QUARANTINED: PurgeReason.UNDECIDED, Since.WITHHELD: PurgeReason.WITHHELD}

# When another room last used a clip: queries by OuterRef("pk") that answer one time.
USES: list[Callable[[], Subquery]] = []


@dataclass(frozen=True)
class Term:
    """How many days clips of one region and source may stay, and the rule that says so; None: the default."""

    region: str
    source: str
    since: str
    days: int
    rule: RetentionRule | None


@dataclass(frozen=True)
class Ahead:
    """A line of a preview: so many clips, by when."""

    said: str
    count: int


def add(
    *, region: str, source: str, since: str, days: int | None, reason: str, by: User, at: datetime
) -> RetentionRule:
    """Say how long clips may stay from now on. Raises :class:`clips.errors.UnknownRegion`,
    :class:`config.history.ReasonMissing`, and ValidationError for what no rule can say."""
    if region and region not in settings.REGIONS:
        raise UnknownRegion
    rule = RetentionRule(
        region=region, source=source, since=since, days=days, reason=checked(reason), author=by, created_at=at
    )
    rule.full_clean()
    rule.save(force_insert=True)
    return rule


def in_force(rules: dict[tuple[str, str, str], RetentionRule], region: str, source: str, since: str) -> Term | None:
    """What counts for clips of this region and source: the most particular rule, else the default."""
    for key in ((region, source, since), (region, "", since), ("", source, since), ("", "", since)):
        rule = rules.get(key)
        if rule is not None:
            return None if rule.days is None else Term(region, source, since, rule.days, rule)
    return Term(region, source, since, DEFAULTS[since], None) if since in DEFAULTS else None


def newest() -> dict[tuple[str, str, str], RetentionRule]:
    """The newest rule of each region, source and count."""
    return {(rule.region, rule.source, rule.since): rule for rule in RetentionRule.objects.order_by("id")}


def terms(rules: dict[tuple[str, str, str], RetentionRule] | None = None) -> Iterator[Term]:
    """What is in force for each region, source and count."""
    rules = newest() if rules is None else rules
    for region in settings.REGIONS:
        for source in Source.values:
            for since in Since.values:
                term = in_force(rules, region, source, since)
                if term is not None:
                    yield term


def due(*, at: datetime, most: int = 200) -> list[tuple[int, Term]]:
    """Clips that have been here long enough, the longest first, each with what says so."""
    found: dict[int, Term] = {}
    for term in terms():
        rows = counted(term).filter(since_when__lte=at - timedelta(days=term.days))
        for clip_id in rows.order_by("since_when", "pk").values_list("pk", flat=True)[:most]:
            found.setdefault(clip_id, term)
    return list(found.items())[:most]


def preview(*, region: str, source: str, since: str, days: int | None, at: datetime) -> list[Ahead]:
    """How many clips a rule would have purged, and when, if it were added now; writes nothing."""
    if days is None:
        return []
    proposed = RetentionRule(region=region, source=source, since=since, days=days)
    with_it = newest() | {(region, source, since): proposed}
    counts = dict.fromkeys(AHEAD, 0)
    later = 0
    for term in terms(with_it):
        if term.rule is not proposed:
            continue
        rows = counted(term)
        every = rows.exclude(since_when=None).count()
        before = 0
        for ahead in AHEAD:
            by_then = rows.filter(since_when__lte=at + timedelta(days=ahead) - timedelta(days=days)).count()
            counts[ahead] += by_then - before
            before = by_then
        later += every - before
    said = ["At once", f"Within {AHEAD[1]} days"] + [
        f"In {first} to {last} days" for first, last in pairwise(AHEAD[1:])
    ]
    found = [Ahead(words, counts[ahead]) for words, ahead in zip(said, AHEAD, strict=True)]
    return [*found, Ahead(f"Later than in {AHEAD[-1]} days, of those that are here now", later)]


def counted(term: Term) -> QuerySet[Any]:
    """The clips that a term is about, with ``since_when`` their days are counted; None: they are not yet."""
    rows = Clip.objects.filter(region=term.region, source=term.source).exclude(
        state__in=[ClipState.RECEIVING, ClipState.PURGED]
    )
    # What is scheduled already goes by itself.
    rows = rows.exclude(pk__in=Purge.objects.values("clip"))
    if term.since in {Since.WITHHELD, Since.QUARANTINED}:
        return rows.filter(state=str(term.since)).annotate(since_when=F("state_since"))
    if term.since == Since.DECISION:
        decided = Case.objects.filter(clip=OuterRef("pk")).order_by().values("clip")
        return rows.annotate(since_when=Subquery(decided.annotate(last=Max("decided_at")).values("last")))
    if term.since == Since.LAST_USE:
        seen = AccessEntry.objects.filter(clip=OuterRef("pk"), outcome=GRANTED).order_by().values("clip")
        uses = [Subquery(seen.annotate(last=Max("at")).values("last")), *(use() for use in USES)]
        # PostgreSQL passes over what is not there.
        return rows.annotate(since_when=Greatest(F("created_at"), *uses, output_field=DateTimeField()))
    return rows.annotate(since_when=F("created_at"))


def why(term: Term) -> str:
    """What is written down for a clip that goes under this term."""
    counted_from = Since(term.since).label
    by = f"rule {term.rule.pk}" if term.rule else "the default"
    return f"{term.days} days since {counted_from}, by {by}."


def clock_user() -> User:
    """The name under which deadlines act where no person's rule does; nobody can sign in with it."""
    user, _made = User.objects.get_or_create(
        username="sightline-clock", defaults={"is_active": False, "password": make_password(None), "last_name": "Clock"}
    )
    return user
