"""What reviewers would rather not see, and how much of what is hard to look at they are handed in a day.

Both are judged at the claim (``sightline_take``): a lane whose project names a category that the person opted out of is
not theirs, and a clip that would take them past their day's exposure is not handed out. Opting out needs no reason and
leaves no trace but the answer to the person's own question.
"""

from __future__ import annotations

from collections.abc import Iterable

from annotations.errors import UnknownCategory
from annotations.models import Project
from workforce import people
from workforce.models import Reviewer


def categories(reviewer: Reviewer) -> dict[str, bool]:
    """All that projects name and this reviewer opted out of, by name: whether they opted out."""
    named = {name for found in Project.objects.values_list("categories", flat=True) for name in found}
    return {name: name in reviewer.opted_out for name in sorted(named | set(reviewer.opted_out))}


def opt_out(reviewer: Reviewer, wanted: Iterable[str]) -> dict[str, bool]:
    """Opt out of these categories and of no others, from the next claim on. Raises :class:`UnknownCategory`."""
    chosen = set(wanted)
    unknown = sorted(chosen - set(categories(reviewer)))
    if unknown:
        raise UnknownCategory(f"No project names {unknown[0][:32]!r}.")
    people.opt_out(reviewer, sorted(chosen))
    reviewer.refresh_from_db()
    return categories(reviewer)
