"""What authorities ask for: a register of its own, two approvals, and the only other door to footage."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q

from clips.errors import LegalRequestDecided, NeedsAnother, NotForYou, ViewerUnknown
from clips.models import Clip, ClipState, LegalRequest, LegalRequestState
from config.errors import BadInput
from config.history import because, checked
from config.roles import ALONE

APPROVE = "clips.approve_legalrequest"


def enter(
    *,
    authority: str,
    reference: str,
    legal_basis: str,
    region: str,
    owner_key: str,
    clips: list[int],
    viewers: list[int],
    ends_at: datetime,
    by: User,
    at: datetime,
) -> LegalRequest:
    """Write down what an authority asks for. Nothing opens by it. Raises :class:`ViewerUnknown`,
    :class:`config.errors.BadInput`, and ValidationError for what the register cannot say."""
    check(region=region, clips=clips, viewers=viewers, ends_at=ends_at, at=at)
    request = LegalRequest(
        authority=authority.strip(),
        reference=reference.strip(),
        legal_basis=checked(legal_basis),
        region=region,
        owner_key=owner_key,
        clips=sorted(set(clips)),
        viewers=sorted(set(viewers)),
        entered_by=by,
        entered_at=at,
        ends_at=ends_at,
    )
    request.full_clean()
    request.save(force_insert=True)
    return request


def check(*, region: str, clips: list[int], viewers: list[int], ends_at: datetime, at: datetime) -> None:
    """Raises :class:`ViewerUnknown` and :class:`config.errors.BadInput` for what cannot be entered."""
    # Auditors read all and are shown nothing.
    named = User.objects.filter(pk__in=viewers, is_active=True, is_staff=True).exclude(groups__name__in=ALONE)
    staff = set(named.values_list("pk", flat=True))
    if not viewers or staff != set(viewers):
        raise ViewerUnknown
    there = set(Clip.objects.filter(pk__in=clips, region=region).values_list("pk", flat=True))
    if there != set(clips):
        raise BadInput(f"There is no such clip in {region}: {', '.join(map(str, sorted(set(clips) - there)))}.")
    if ends_at <= at:
        raise BadInput("It ends in the future.")


def approve(request: LegalRequest, *, by: User, reason: str, at: datetime) -> LegalRequest:
    """Approve; the second approval opens the door. Neither is who entered it, and they are two: the database holds it,
    too. Raises :class:`NotForYou`, :class:`NeedsAnother`, :class:`LegalRequestDecided`."""
    _may_decide(request, by)
    with because(by, reason, verb="approve legal request"):
        said = checked(reason)
        rows = LegalRequest.objects.filter(pk=request.pk, state=LegalRequestState.WAITING, ends_at__gt=at)
        first = rows.filter(first_approver=None)
        if not first.update(first_approver=by, first_at=at, decision_reason=said):
            second = rows.exclude(first_approver=by).filter(second_approver=None)
            changes: dict[str, Any] = {"second_approver": by, "second_at": at, "decision_reason": said}
            if not second.update(state=LegalRequestState.APPROVED, **changes):
                if rows.filter(first_approver=by).exists():
                    raise NeedsAnother
                raise LegalRequestDecided
    request.refresh_from_db()
    return request


def refuse(request: LegalRequest, *, by: User, reason: str, at: datetime) -> LegalRequest:
    """Refuse; one person's no is enough, and it cannot be whose request it is. Raises as :func:`approve`."""
    _may_decide(request, by)
    with because(by, reason, verb="refuse legal request"):
        rows = LegalRequest.objects.filter(pk=request.pk, state=LegalRequestState.WAITING)
        if not rows.update(state=LegalRequestState.REFUSED, refused_by=by, decision_reason=checked(reason)):
            raise LegalRequestDecided
    request.refresh_from_db()
    return request


def end(request: LegalRequest, *, by: User, reason: str, at: datetime) -> bool:
    """Close the door before its time; False when it had ended."""
    with because(by, reason, verb="end legal request"):
        return LegalRequest.objects.filter(pk=request.pk, ends_at__gt=at).update(ends_at=at) == 1


def door(user: User | AnonymousUser, clip: Clip, *, at: datetime) -> LegalRequest | None:
    """The approved legal request under which this member of staff may be shown this clip now; None: there is none.

    Consent does not matter here, and nothing else does: neither rights nor being an administrator opens it.
    """
    if isinstance(user, AnonymousUser) or not user.is_active or not user.is_staff or clip.state == ClipState.PURGED:
        return None
    return (
        LegalRequest.objects.filter(
            Q(clips__contains=[clip.pk]) | Q(owner_key=clip.owner_key, owner_key__gt=""),
            state=LegalRequestState.APPROVED,
            region=clip.region,
            viewers__contains=[user.pk],
            ends_at__gt=at,
        )
        .order_by("pk")
        .first()
    )


def counted() -> list[dict[str, Any]]:
    """How many were entered in each half-year, by what was decided; for everybody to read, the latest first."""
    found: dict[str, Counter[str]] = {}
    for entered_at, state in LegalRequest.objects.order_by("entered_at").values_list("entered_at", "state"):
        half = f"{entered_at.year}-H{1 if entered_at.month <= 6 else 2}"
        found.setdefault(half, Counter())[state] += 1
    return [
        {"half_year": half, "entered": counts.total()} | {state.value: counts[state] for state in LegalRequestState}
        for half, counts in sorted(found.items(), reverse=True)
    ]


def _may_decide(request: LegalRequest, by: User) -> None:
    if not by.has_perm(APPROVE):
        raise NotForYou("Legal requests are decided by those who have the right to.")
    if by.pk == request.entered_by_id:
        raise NeedsAnother
