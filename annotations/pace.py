"""How long a person takes for a task: the median of their own active time, without waits for the network."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from annotations import queries
from config.clock import database_now

# Who has answered less than this lately is taken for average: clips of 20 to 30 seconds are seen once or twice and
# answered.
LEAST_TASKS = 5
DEFAULT_PACE = 90.0
LOOKED_BACK = timedelta(days=28)
LATEST_SPANS = 100
# Nobody looks at a clip in less; what seems so is a player that beats wrongly, and would promise thousands a day.
QUICKEST = 3.0


def paces(reviewer_ids: Collection[int], *, at: datetime | None = None) -> dict[int, float]:
    """Active seconds a task of each of these people, in one query: of their latest answers, or :data:`DEFAULT_PACE`
    for those with fewer than :data:`LEAST_TASKS`. ``at`` is now unless said otherwise."""
    if not reviewer_ids:
        return {}
    since = (at or database_now()) - LOOKED_BACK
    known = queries.median_paces(reviewer_ids, since=since, spans=LATEST_SPANS, least=LEAST_TASKS)
    return {person: max(QUICKEST, known.get(person, DEFAULT_PACE)) for person in reviewer_ids}
