"""What was agreed to and withdrawn before consents were events is carried over, and back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.conftest import make_user

BEFORE = [("annotations", "0008_exposure"), ("clips", "0007_purges_and_holds")]
AFTER = [("annotations", "0010_consent_gate"), ("clips", "0010_fill_permits")]
AT = datetime(2026, 11, 1, tzinfo=UTC)


def migrate(to):
    executor = MigrationExecutor(connection)
    executor.migrate(to)
    return MigrationExecutor(connection).loader.project_state(to).apps


@pytest.fixture
def as_before(transactional_db):
    yield migrate(BEFORE)
    call_command("migrate", verbosity=0)


def test_consents_become_events_with_their_numbers_and_go_back(as_before) -> None:
    by = make_user("gate")
    clips, disclosures = as_before.get_model("clips", "Clip"), as_before.get_model("clips", "Disclosure")
    text = disclosures.objects.create(
        version="in-en-0", region="in", language="en", text="x", sha256="0" * 64, published_at=AT, published_by_id=by.pk
    )
    kept, gone = (
        clips.objects.create(
            region="in", source="employee_tester", owner_key=f"owner-{name}-0001", uploaded_by_id=by.pk,
            state="ready" if name == "kept" else "withheld", original_key=f"{name}/original",
            sha256=name.rjust(64, "0"), size_bytes=1, duration_ms=1, width=1, height=1,
        )
        for name in ("kept", "gone")
    )  # fmt: skip
    rows = [
        as_before.get_model("clips", "Consent").objects.create(
            clip=clip, owner_key=clip.owner_key, disclosure=text, purposes=["human_review"], channel="app",
            given_at=AT, recorded_by_id=by.pk, withdrawn_at=ended,
        )
        for clip, ended in ((kept, None), (gone, AT), (gone, AT))
    ]  # fmt: skip
    now = migrate(AFTER)
    events = now.get_model("clips", "ConsentEvent").objects
    given = list(events.filter(kind="given").order_by("id").values_list("id", "clip", "at", "disclosure_sha256"))
    assert given == [(row.pk, row.clip_id, AT, "0" * 64) for row in rows]
    taken = events.get(kind="withdrawn")
    assert (taken.clip_id, taken.at, taken.withdraws_id, taken.owner_key) == (gone.pk, AT, rows[1].pk, gone.owner_key)
    permits = now.get_model("clips", "Permit").objects.values_list("clip", "purpose", "event")
    assert list(permits) == [(kept.pk, "human_review", rows[0].pk)]
    back = migrate(BEFORE)
    again = back.get_model("clips", "Consent").objects.order_by("id").values_list("id", "withdrawn_at")
    assert list(again) == [(rows[0].pk, None), (rows[1].pk, AT), (rows[2].pk, AT)]
