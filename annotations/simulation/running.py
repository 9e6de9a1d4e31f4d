"""A simulation from beginning to end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from annotations import auditing
from annotations.simulation import queries, report, seeding
from annotations.simulation.scenario import Scenario
from annotations.simulation.scratch import scratch
from annotations.simulation.twin import DAY, Twin


def simulate(
    scenario: Scenario, *, name: str = "", keep: bool = False, say: Callable[[str], object] = lambda line: None
) -> dict[str, Any]:
    """Live through a scenario in a scratch database of its own; returns what came of it, as JSON can say it.

    All but ``seconds`` and ``speed`` is the same each time for the same scenario. ``say`` hears how far it is. Raises
    :class:`annotations.errors.NotScratch`.
    """
    with scratch(starts=scenario.starts, name=name, keep=keep) as database:
        say(f"in the database {database}")
        crowds = seeding.seed(scenario)
        twin = Twin(scenario, crowds)
        began = time.monotonic()

        def told(now: int, end: int) -> None:
            spent = time.monotonic() - began
            speed = now / 1000 / spent if now else 0
            say(f"day {now / DAY:.2f} of {end // DAY}, {twin.tally.outcomes.total():,} steps, {speed:,.0f} x real time")

        tally = twin.run(say=told)
        seconds = time.monotonic() - began
        days, teams = report.team_days(tally.teams, queries.quota_by_team())
        return {
            "name": scenario.name,
            "starts": scenario.starts.date().isoformat(),
            "days": scenario.days,
            "seed": scenario.seed,
            "people": len(crowds),
            "arrived": tally.arrived,
            "unplaced": queries.unplaced_clips(),
            "plans": tally.plans,
            "lapsed": tally.lapsed,
            "outcomes": dict(sorted(tally.outcomes.items())),
            "teams": teams,
            "team_days": days,
            "projects": queries.by_project(),
            "quota_days": queries.quota_by_team(),
            "answers_by_hour": {
                team: {str(hour): count for hour, count in sorted(hours.items())}
                for team, hours in sorted(tally.answers_by_hour.items())
            },
            "broken": [asdict(finding.check)["name"] for finding in auditing.audit()],
            "seconds": round(seconds, 2),
            "speed": round(scenario.days * 86_400 / seconds, 1),
        }
