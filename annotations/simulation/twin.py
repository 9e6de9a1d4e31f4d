"""The twin: simulated people take, label and submit by the queue's own statements, one after the other in their order.

Time moves from event to event. What many do before anything can follow from it goes to PostgreSQL in one call; in what
order is never left to chance, so the same scenario and seed give the same days. Sweeps run each simulated minute and
the planner every ``plan_minutes``; the project's beat does so more often.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import log
from random import Random

from annotations import consensus, leasing, passing, spreading
from annotations.simulation import queries, scratch
from annotations.simulation.beside import Beside
from annotations.simulation.queries import Answer, Step
from annotations.simulation.scenario import Crowd, Scenario
from annotations.simulation.seeding import Inflow
from config.ticks import each
from workforce import capacity
from workforce.models import Reviewer, Team

MOST_AT_ONCE = 400
MOST_SETTLED = 500
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
# People do not sit down at the same instant.
LATE_BY = 300_000
QUICKEST = 3_000
THREATS = 0.3
CLEAN_EVERY = 2 * HOUR
MILLISECOND = timedelta(milliseconds=1)
# Reviewer, lease, from, to.
Spent = tuple[int, int, datetime, datetime]


@dataclass
class Person:
    """One simulated reviewer; times are milliseconds since the beginning."""

    number: int
    """Its place in the list of all."""
    user_id: int
    reviewer_id: int
    team: str
    crowd: Crowd
    random: Random
    spans: list[tuple[int, int]]
    """When they work, the next first."""
    held: list[tuple[int, int]] = field(default_factory=list)
    """Leases and their clips, the one at hand first."""
    begun: int = 0
    next_length: int = 0

    def draw(self) -> None:
        """How long the next task will take."""
        length = self.random.lognormvariate(log(self.crowd.seconds), self.crowd.spread) * 1000
        self.next_length = max(QUICKEST, round(length))


@dataclass
class Tally:
    """What happened, in counts and milliseconds, by team and day since the beginning."""

    teams: dict[tuple[str, int], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    answers_by_hour: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    outcomes: Counter[str] = field(default_factory=Counter)
    plans: int = 0
    lapsed: int = 0
    arrived: int = 0


class Twin:
    """A scenario under way in a scratch database that was seeded with it."""

    def __init__(self, scenario: Scenario, crowds: Mapping[int, Crowd]) -> None:
        scratch.check()
        self.scenario, self.tally, self.inflow = scenario, Tally(), Inflow(scenario)
        self.end = scenario.days * DAY
        self.people: list[Person] = []
        self.heap: list[tuple[int, int]] = []
        self.spans: list[Spent] = []
        self.holding = 0
        # Whether a task became full since somebody settled, and those whose answers do not agree.
        self.filled = False
        self.ties: list[int] = []
        self.apart = any(project.seats_apart for project in scenario.projects)
        self._populate(crowds)
        waiting = self.inflow.waiting()
        self.inflow.write(waiting, at=scenario.starts)
        self.tally.arrived = sum(one.count for one in waiting)
        queries.clean()

    def _populate(self, crowds: Mapping[int, Crowd]) -> None:
        teams = list(Team.objects.values_list("pk", flat=True))
        for name in Team.objects.values_list("name", flat=True):
            self.tally.teams[name, 0]["shift_ms"] += 0
        working = capacity.working_spans(teams, start=self.scenario.starts, end=self.scenario.ends)
        for number, reviewer in enumerate(Reviewer.objects.select_related("team").order_by("pk")):
            person = Person(
                number=number,
                user_id=reviewer.user_id,
                reviewer_id=reviewer.pk,
                team=reviewer.team.name,
                crowd=crowds[reviewer.pk],
                random=Random(f"{self.scenario.seed} {reviewer.pk}"),  # noqa: S311 -- the same each time is wanted
                spans=[(self._ms(begins), self._ms(ends)) for begins, ends in working.get(reviewer.pk, [])],
            )
            for begins, ends in person.spans:
                for day in range(begins // DAY, (ends - 1) // DAY + 1):
                    here = min(ends, (day + 1) * DAY) - max(begins, day * DAY)
                    self.tally.teams[person.team, day]["shift_ms"] += here
            person.draw()
            self.people.append(person)
            self._come_to_work(person, after=0)

    def run(self, *, say: Callable[[int, int], object]) -> Tally:
        """Live through all of it; ``say`` hears the milliseconds that passed and those there are, once an hour."""
        self.coming, self.done = Beside(hidden=True), Beside(hidden=False)
        try:
            for now in range(0, self.end + 1, MINUTE):
                self._people_until(now)
                queries.set_clock(self._at(now))
                comes = now % (self.scenario.plan_minutes * MINUTE) == 0 or now % HOUR == 0
                if comes:
                    self.coming.show()
                self._sweep(now)
                if comes and now < self.end:
                    self._have_come(now)
                if now % HOUR == 0:
                    say(now, self.end)
        finally:
            self.coming.end()
            self.done.end()
        return self.tally

    def _have_come(self, now: int) -> None:
        """Have the clips written that come until they are next planned. Not before the sweeps: a transaction that is
        open would keep old rows from being cleaned."""
        step = self.scenario.plan_minutes * MINUTE
        until = min(now + step - now % step, now + HOUR - now % HOUR)
        coming = self.inflow.between(self._at(now), self._at(until))
        self.tally.arrived += sum(one.count for one in coming)
        self.coming.write(lambda: self.inflow.write(coming, at=self._at(until)))

    def _have_written(self, spans: list[Spent], at: datetime) -> None:
        """Have active time written; plans alone read it here, and wait for it."""

        def write() -> None:
            queries.set_clock(at)
            queries.add_spans(spans)

        self.done.write(write)

    def _settle(self, now: int) -> None:
        """Have full tasks settled beside: nobody takes or plans what is full, so that nobody sees when it is done. Ties
        come back into the queue, and are dealt with in their turn: a minute later."""
        self.done.show()
        ties, self.ties = self.ties, []
        for task_id in ties:
            consensus.settle(task_id, at=self._at(now))
        if self.filled:
            self.filled = False
            self.done.write(lambda: self.ties.extend(settle_agreed(self._at(now))))
        if now == self.end:
            self.done.show()
            for task_id in self.ties:
                consensus.settle(task_id, at=self._at(now))

    def _sweep(self, now: int) -> None:
        """What the beat does."""
        at = self._at(now)
        # It waits for what was begun a minute ago, and not for what is begun now.
        self._settle(now)
        if self.spans:
            self._have_written(self.spans, at)
            self.spans = []
        if self.apart:
            each(passing.waiting(at=at), lambda task_id: passing.pass_on(task_id, at=at))
        if self.holding:
            self.tally.lapsed += leasing.sweep_lapsed(at=at)
        plans = now % (self.scenario.plan_minutes * MINUTE) == 0
        cleans = now > 0 and now % CLEAN_EVERY == 0
        if plans or cleans or now == self.end:
            self.done.show()
        if plans and now < self.end:
            spreading.spread(at=at)
            spreading.rehome_stuck(at=at)
            self.tally.plans += 1
        if cleans:
            queries.clean()

    def _people_until(self, end: int) -> None:
        while self.heap and self.heap[0][0] < end:
            batch: list[tuple[int, Person]] = []
            horizon = end
            while self.heap and self.heap[0][0] < horizon and len(batch) < MOST_AT_ONCE:
                now, number = heapq.heappop(self.heap)
                person = self.people[number]
                batch.append((now, person))
                # Nothing that follows from this can happen before.
                horizon = min(horizon, now + min(person.next_length, self.scenario.ask_again_seconds * 1000))
            steps = [self._step(person, now) for now, person in batch]
            for (now, person), step, answer in zip(batch, steps, queries.play(steps), strict=True):
                self._react(person, step, answer, now)

    def _step(self, person: Person, now: int) -> Step:
        lease, label = None, ""
        if person.held:
            lease, clip = person.held[0]
            label = self._label(person, clip)
        over = not person.spans or now >= person.spans[0][1]
        wants = 0 if over or len(person.held) > 1 else self.scenario.at_once
        return Step(person.user_id, lease, label, wants, self._at(now))

    def _react(self, person: Person, step: Step, answer: Answer, now: int) -> None:
        day = self.tally.teams[person.team, now // DAY]
        if answer.submitted is not None:
            self.tally.outcomes[answer.submitted] += 1
            self.filled = self.filled or bool(answer.filled)
            lease, _clip = person.held.pop(0)
            self.holding -= 1
            day["active_ms"] += now - person.begun
            if answer.submitted == "written":
                day["answers"] += 1
                self.tally.answers_by_hour[person.team][now // HOUR] += 1
                self.spans.append((person.reviewer_id, lease, self._at(person.begun), self._at(now)))
        if answer.taken is not None:
            self.tally.outcomes[f"take: {answer.taken}"] += 1
            person.held = list(zip(answer.leases, answer.clips, strict=True))
            self.holding += len(person.held)
        if person.spans and now >= person.spans[0][1]:
            self._go_home(person, now)
        elif person.held:
            person.begun = now
            self._push(person, now + person.next_length)
            person.draw()
        elif answer.taken == "quota-exhausted":
            # What is left of the day is theirs; the next span is another local day's, or finds the quota used again.
            day["done_ms"] += max(0, person.spans[0][1] - now)
            self._come_to_work(person, after=person.spans[0][1])
        else:
            again = min(now + self.scenario.ask_again_seconds * 1000, person.spans[0][1])
            day["waiting_ms"] += again - now
            self._push(person, again)

    def _go_home(self, person: Person, now: int) -> None:
        """Give back what was taken ahead, and come again at the next shift."""
        if person.held:
            queries.set_clock(self._at(now))
            mine = Reviewer.objects.get(pk=person.reviewer_id)
            each(person.held, lambda held: leasing.give_back(mine, held[0], at=self._at(now)))
            self.holding -= len(person.held)
            person.held = []
        self._come_to_work(person, after=now)

    def _come_to_work(self, person: Person, *, after: int) -> None:
        while person.spans and person.spans[0][1] <= after:
            person.spans.pop(0)
        if person.spans:
            begins, ends = person.spans[0]
            come = (
                begins + min(round(person.random.random() * LATE_BY), ends - begins - 1) if begins >= after else after
            )
            self._push(person, come)

    def _push(self, person: Person, at: int) -> None:
        heapq.heappush(self.heap, (at, person.number))

    def _label(self, person: Person, clip: int) -> str:
        threat, alarm = self.scenario.labels
        seen = Random(f"{self.scenario.seed} clip {clip}").random() < THREATS  # noqa: S311
        right = person.random.random() < person.crowd.agree
        return threat if seen == right else alarm

    def _at(self, now: int) -> datetime:
        return self.scenario.starts + now * MILLISECOND

    def _ms(self, at: datetime) -> int:
        return (at - self.scenario.starts) // MILLISECOND


def settle_agreed(at: datetime) -> list[int]:
    """Settle what is full by now and agrees; returns the ties."""
    queries.set_clock(at)
    ties: list[int] = []
    while True:
        # Ties stay full, before what came after them.
        most = MOST_SETTLED + len(ties)
        full = consensus.waiting(at=at, most=most)
        _settled, ties = consensus.settle_agreed(full, at=at)
        if len(full) < most:
            return ties
