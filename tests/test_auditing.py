"""The audit: clean after real work, and it names the first row of each kind of damage."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection

from annotations import auditing, leasing, submitting
from annotations.models import Lane, Lease, Task
from config.clock import database_now
from workforce.models import QuotaDay

# One snapshot needs a transaction of its own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worked(tasks, asha, ravi) -> list[Task]:
    """A morning: answers, a lease given back, one that lapsed, one that is live."""
    for person in (asha, ravi):
        ids = leasing.lease_next(person.user_id, count=3).lease_ids
        mine = {lease.task_id: lease for lease in Lease.objects.filter(pk__in=ids)}
        first = mine[tasks[0].pk]
        submitting.submit(person.user_id, first.pk, token=first.token, answer={"label": "threat"})
        leasing.give_back(person, mine[tasks[1].pk].pk, at=database_now())
    assert auditing.audit() == []
    return tasks


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


DAMAGE = {
    "quota-counters": "UPDATE workforce_quotaday SET used = used + 1",
    "lease-on-its-day": "UPDATE workforce_quotaday SET day = day - 3",
    "seats": "UPDATE annotations_lease SET state = 'lapsed', ended_at = now() WHERE state = 'live'",
    "answers": "UPDATE annotations_task SET state = 'open', answers = 1 WHERE state = 'full'",
    "annotation-under-its-lease": "UPDATE annotations_lease SET state = 'returned' WHERE state = 'submitted'",
    "sweeps-keep-up": "UPDATE annotations_lease SET granted_at = now() - interval '2 hours',"
    " expires_at = now() - interval '1 hour' WHERE state = 'live'",
    "heads-pass-no-free-seat": "UPDATE annotations_head SET express_head = express_next",
    "nothing-held-of-what-may-not-be-seen": "UPDATE clips_clip SET state = 'quarantined', due_at = now()",
    "lane-fits-its-tasks": "UPDATE clips_clip SET is_sensitive = true",
    "flagged-leases-have-flags": "UPDATE annotations_lease SET state = 'flagged', ended_at = now()"
    " WHERE state = 'live'",
    "settled-as-voted": "UPDATE annotations_task SET state = 'settled', label = 'unsure', due_at = NULL"
    " WHERE state = 'full'",
}


@pytest.mark.parametrize("name", DAMAGE)
def test_each_damage_is_found_and_its_first_row_named(worked, name, capsys) -> None:
    sql(DAMAGE[name])
    found = {finding.check.name: finding for finding in auditing.audit()}
    assert name in found
    assert found[name].count >= 1
    assert next(iter(found[name].first.values()))
    with pytest.raises(SystemExit):
        call_command("audit_queue")
    assert f"broken  {name}" in capsys.readouterr().out


def test_a_clean_queue_is_said_to_be(worked, capsys) -> None:
    call_command("audit_queue")
    out = capsys.readouterr().out
    assert out.count("ok ") == len(auditing.CHECKS)
    assert QuotaDay.objects.count() == 2
    assert Lane.objects.count() == 1
