"""The access log: every entry in its place, and whatever is done to one of them is found."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clips import access, chain, heads
from clips.access import About, Asking
from clips.models import AccessEntry, AccessStream
from clips.tasks import sign_access_log
from config.clock import database_now
from tests import processes
from tests.conftest import triggers_off

pytestmark = pytest.mark.django_db

ASKING = Asking(user_id=7, credentials="link", address="203.0.113.9", method="GET", span="bytes=0-")
ABOUT = About(clip_id=3, rendition="proxy", under="lease", under_id=5, purpose="review", country="IN")


def write(count: int, user_id: int = 7) -> None:
    """So many grants of one person, each of another lease."""
    for number in range(count):
        access.grant(replace(ASKING, user_id=user_id), replace(ABOUT, under_id=number))


def faults(known: chain.Heads | None = None) -> list[tuple[str, int]]:
    return [(fault.stream, fault.number) for fault in chain.verify(known).faults or []]


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


# --- What is an entry -----------------------------------------------------------------------------------------------
def test_a_players_many_pieces_are_one_entry_and_all_else_is_its_own() -> None:
    first = access.grant(ASKING, ABOUT)
    for span in ("bytes=10-19", "", "bytes=-5"):
        assert access.grant(replace(ASKING, span=span), ABOUT) == first
    others = [
        (replace(ASKING, method="HEAD"), ABOUT),
        (replace(ASKING, address="198.51.100.4"), ABOUT),
        (replace(ASKING, credentials="token"), ABOUT),
        (ASKING, replace(ABOUT, rendition="poster")),
        (ASKING, replace(ABOUT, under_id=6)),
        (ASKING, replace(ABOUT, under="viewing")),
        (ASKING, replace(ABOUT, clip_id=4)),
    ]
    assert [access.grant(*each) for each in others] == list(range(2, 9))
    assert access.refuse(ASKING, ABOUT, code="media-link-over") == 9
    with triggers_off():
        AccessEntry.objects.update(at=database_now() - 2 * access.ALIKE)
    assert access.grant(ASKING, ABOUT) == 10


def test_people_have_streams_of_their_own_each_without_a_gap() -> None:
    for user_id in (7, 8, 7, 8, 7):
        write(AccessEntry.objects.filter(user=user_id).count() + 1, user_id)
    for user_id in (7, 8):
        numbers = list(
            AccessEntry.objects.filter(stream=f"person-{user_id}").order_by("id").values_list("number", flat=True)
        )
        assert numbers == list(range(1, len(numbers) + 1))
    assert faults() == []


def test_strangers_cannot_fill_the_disk_nor_hide_a_person(monkeypatch) -> None:
    nobody = Asking(user_id=None, credentials="link", address="", method="GET")
    for number in range(300):
        access.refuse(replace(nobody, address=f"203.0.113.{number % 250}"), About(), code=f"code-{number}")
    kept = AccessEntry.objects.filter(stream="strangers")
    assert kept.count() == access.MOST_OF_STRANGERS
    assert kept.latest("number").purpose == "more within a minute are not kept"
    for number in range(300):
        access.refuse(ASKING, replace(ABOUT, clip_id=number), code="no-viewing")
    assert AccessEntry.objects.filter(user=7).count() == access.MOST_REFUSALS
    # What is shown is kept, whatever was refused.
    assert access.grant(ASKING, ABOUT) == access.MOST_REFUSALS + 1
    assert faults() == []


def test_nothing_can_take_an_entry_back() -> None:
    write(3)
    for statement in (
        "UPDATE clips_accessentry SET outcome = 'granted'",
        "DELETE FROM clips_accessentry",
        "TRUNCATE clips_accessentry",
        "DELETE FROM clips_accessstream",
        "TRUNCATE clips_accessstream CASCADE",
        "UPDATE clips_accessstream SET noted_number = -1",
        "UPDATE clips_accessstream SET name = 'x'",
    ):
        with pytest.raises(DatabaseError, match="only added to"), transaction.atomic():
            sql(statement)
    with pytest.raises(RuntimeError, match="before footage is shown"), transaction.atomic():
        access.grant(ASKING, ABOUT)


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


@given(texts=st.tuples(*[TEXT] * 4), number=st.integers(1, 2**53), clip=st.none() | st.integers(0, 2**53))
@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_postgresql_and_python_agree_about_canonical_json(texts, number, clip) -> None:
    at = database_now()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sightline_access_text(%s, %s, %s, NULL, 'link', %s::bigint, 'proxy', '', NULL, %s, 'IN', %s, %s,"
            " 'granted')",
            ["person-1", number, at, clip, *texts[:3]],
        )
        (found,) = cursor.fetchone()
    row = (number, at, None, "link", clip, "proxy", "", None, texts[0], "IN", texts[1], texts[2], "granted", b"")
    assert found.encode() == chain.canonical(chain.said("person-1", row))
    assert json.loads(found)["purpose"] == texts[0]


def test_one_statement_and_one_when_it_is_a_repeat(django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        access.grant(ASKING, ABOUT)
    with django_assert_num_queries(1):
        access.grant(ASKING, ABOUT)


# --- Attacks --------------------------------------------------------------------------------------------------------
OTHER = {
    "at": "at + interval '1 second'",
    "user_id": "8",
    "credentials": "'token'",
    "clip_id": "clip_id + 1",
    "rendition": "'poster'",
    "under": "'viewing'",
    "under_id": "under_id + 1",
    "purpose": "'else'",
    "country": "'RO'",
    "address": "'198.51.100.4'",
    "asked": "'HEAD'",
    "outcome": "'not-found'",
    "hash": "sha256('x')",
}


def test_every_column_of_every_entry_is_covered() -> None:
    """Also those that a later migration adds."""
    covered = {*OTHER, "id", "stream", "number"}
    assert {field.column for field in AccessEntry._meta.fields} == covered
    write(12)
    for column, value in OTHER.items():
        number = random.Random(column).randint(1, 12)
        with transaction.atomic():
            with triggers_off():
                sql(f"UPDATE clips_accessentry SET {column} = {value} WHERE number = %s", number)  # noqa: S608
            assert faults() == [("person-7", number)], column
            transaction.set_rollback(True)
    assert faults() == []


@pytest.mark.parametrize("number", range(1, 13))
def test_a_row_that_is_gone_is_missed(number) -> None:
    write(12)
    known = signed()
    write_later = replace(ABOUT, under_id=99)
    access.grant(ASKING, write_later)
    with triggers_off():
        sql("DELETE FROM clips_accessentry WHERE number = %s", number)
    assert faults(known) == [("person-7", number)]


def test_rows_that_changed_places_are_found() -> None:
    write(6)
    with triggers_off():
        sql("UPDATE clips_accessentry SET number = 100 WHERE number = 2")
        sql("UPDATE clips_accessentry SET number = 2 WHERE number = 4")
        sql("UPDATE clips_accessentry SET number = 4 WHERE number = 100")
    assert faults() == [("person-7", 2)]


def test_streams_that_were_exchanged_are_found() -> None:
    """Each is whole in itself, and is somebody else's."""
    write(3, user_id=7)
    write(3, user_id=8)
    with triggers_off():
        for old, new in (("person-7", "aside"), ("person-8", "person-7"), ("aside", "person-8")):
            sql("UPDATE clips_accessentry SET stream = %s WHERE stream = %s", new, old)
    assert faults() == [("person-7", 1), ("person-8", 1)]


def test_a_row_that_was_put_in_is_found() -> None:
    write(6)
    with triggers_off():
        sql("UPDATE clips_accessentry SET number = number + 100 WHERE number > 3")
        sql("UPDATE clips_accessentry SET number = number - 99 WHERE number > 100")
        columns = ", ".join(["stream", *OTHER])
        put_in = f"INSERT INTO clips_accessentry (number, {columns}) SELECT 4, {columns} FROM clips_accessentry"  # noqa: S608
        sql(f"{put_in} WHERE number = 3")
    assert faults() == [("person-7", 4)]


def test_an_end_that_was_cut_off_is_found_by_the_signed_head_and_by_the_streams_row() -> None:
    write(70)
    known = signed()
    with triggers_off():
        sql("DELETE FROM clips_accessentry WHERE number > 66")
        sql("UPDATE clips_accessstream SET noted_number = 0")
    assert faults(known) == [("person-7", 67)]
    with triggers_off():
        sql("UPDATE clips_accessstream SET noted_number = 64")
        sql("DELETE FROM clips_accessentry WHERE number > 60")
    assert faults() == [("person-7", 61)]
    # The last one and its stream's row as well: only what was signed knows.
    with triggers_off():
        sql("DELETE FROM clips_accessentry")
        sql("DELETE FROM clips_accessstream")
    assert faults() == []
    assert faults(known) == [("person-7", 1)]


def test_a_chain_that_was_made_anew_is_found_by_what_was_signed() -> None:
    """Somebody who rules the database and knows how hashes are made: from the third entry on all fits again."""
    write(2)
    early = heads_of()
    write(7)
    late = heads_of()
    with triggers_off():
        sql("UPDATE clips_accessentry SET address = '' WHERE number = 4")
        before = b""
        for row in list(AccessEntry.objects.order_by("number").values_list("pk", *chain.COLUMNS)):
            before = chain.hashlib.sha256(before + chain.canonical(chain.said("person-7", row[1:]))).digest()
            sql("UPDATE clips_accessentry SET hash = %s WHERE id = %s", before, row[0])
    assert faults() == []
    assert faults(chain.Heads(early)) == []
    (fault,) = chain.verify(chain.Heads([*early, *late])).faults or []
    assert (fault.number, fault.wrong) == (3, "an entry from 3 on was rewritten: the head signed at 7 is another")


def test_a_stream_without_its_row_is_found() -> None:
    write(2)
    with triggers_off():
        sql("DELETE FROM clips_accessstream")
    assert faults() == [("person-7", 1)]


def test_it_reads_in_pages(monkeypatch, django_assert_num_queries) -> None:
    write(10)
    monkeypatch.setattr(chain, "PAGE", 4)
    # Streams by two leaps, their rows, three pages.
    with django_assert_num_queries(2 + 1 + 3):
        assert chain.verify().entries == 10


# --- Heads ----------------------------------------------------------------------------------------------------------
def heads_of() -> list[tuple[str, int, bytes]]:
    path = Path(settings.ACCESS_LOG_HEADS)
    heads.sign(path, at=database_now())
    return list(heads.read(path, keys=[heads.public_key()]))


def signed() -> chain.Heads:
    return chain.Heads(heads_of())


def test_heads_are_signed_once_a_day_and_only_of_streams_that_grew() -> None:
    path = Path(settings.ACCESS_LOG_HEADS)
    write(3)
    sign_access_log()
    sign_access_log()
    assert [json.loads(line)["kind"] for line in path.read_text().splitlines()] == ["head", "signing"]
    assert path.stat().st_mode & 0o777 == 0o600
    write(1, user_id=8)
    assert heads.sign(path, at=database_now()) == 1
    assert heads.sign(path, at=database_now()) == 0
    assert AccessStream.objects.get(name="person-7").noted_number == 3
    assert len(list(heads.read(path, keys=[heads.public_key()]))) == 2


@pytest.mark.parametrize("attack", ["edit", "drop", "swap", "sign"])
def test_the_file_of_heads_is_looked_at_before_it_is_believed(attack: str, settings) -> None:
    path = Path(settings.ACCESS_LOG_HEADS)
    write(3)
    heads.sign(path, at=database_now())
    write(1, user_id=8)
    heads.sign(path, at=database_now())
    ours, lines = heads.public_key(), path.read_text().splitlines()
    if attack == "edit":
        lines[0] = lines[0].replace('"number":3', '"number":2')
    elif attack == "drop":
        del lines[1]
    elif attack == "swap":
        lines[0], lines[2] = lines[2], lines[0]
    else:
        settings.ACCESS_LOG_KEY = "x" * 60
        path.unlink()
        heads.sign(path, at=database_now())
        lines = path.read_text().splitlines()
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(heads.BadHeads):
        list(heads.read(path, keys=[ours]))


def test_the_command_says_what_it_read_and_names_the_first_bad_entry(tmp_path, settings) -> None:
    write(5)
    write(2, user_id=8)
    out = io.StringIO()
    call_command("verify_access_log", stdout=out)
    assert out.getvalue().startswith("7 entries in 2 streams, 0 signed heads")
    assert "an end that was cut off would not be found" in out.getvalue()
    call_command("sign_access_log", stdout=out)
    old = heads.public_key()
    assert old in out.getvalue()
    call_command("verify_access_log", stdout=out)
    assert "7 entries in 2 streams, 2 signed heads" in out.getvalue()
    settings.ACCESS_LOG_KEY = "another key of sixty letters that was made when the first was lost"
    with pytest.raises(CommandError, match="not ours"):
        call_command("verify_access_log", stdout=out)
    call_command("verify_access_log", "--public-key", old, stdout=out)
    with triggers_off():
        sql("UPDATE clips_accessentry SET clip_id = 9 WHERE user_id = 8 AND number = 2")
    with pytest.raises(CommandError, match="person-8 2: its hash does not fit"):
        call_command("verify_access_log", "--public-key", old, stdout=out)
    with pytest.raises(CommandError, match="not there"):
        call_command("verify_access_log", "--heads", str(tmp_path / "nothing"))


# --- Many at once ---------------------------------------------------------------------------------------------------
PROCESSES, EACH = 6, 40


def all_at_once(tmp_path: Path) -> list[int]:
    """How the processes ended; they begin together."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.access_writer", str(number), str(EACH)],
            cwd=settings.BASE_DIR,
            env=processes.environment(tmp_path),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=120)
    return [writer.returncode for writer in writers]


def without_the_lock() -> Callable[[], None]:
    """Take the lock out of the function; returns what puts it back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('sightline_access'::regproc)")
        (text,) = cursor.fetchone() or ("",)
        bare = text.replace(" FOR NO KEY UPDATE", "")
        # What a moment's thought costs, so that the race is run on any machine.
        bare = bare.replace("entry := v_number + 1;", "entry := v_number + 1; PERFORM pg_sleep(0.002);")
        assert bare != text
        cursor.execute(bare)
        cursor.execute("ALTER TABLE clips_accessentry DROP CONSTRAINT access_numbered_once")
        cursor.execute("CREATE INDEX access_numbered_twice ON clips_accessentry (stream, number)")

    def put_back() -> None:
        with connection.cursor() as cursor:
            cursor.execute(text)
            with triggers_off():
                cursor.execute("TRUNCATE clips_accessentry")
            cursor.execute("DROP INDEX access_numbered_twice")
            cursor.execute("ALTER TABLE clips_accessentry ADD CONSTRAINT access_numbered_once UNIQUE (stream, number)")

    return put_back


@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_the_chain_forks(tmp_path) -> None:
    put_back = without_the_lock()
    try:
        all_at_once(tmp_path)
        assert faults() != []
    finally:
        put_back()


@pytest.mark.django_db(transaction=True)
def test_many_processes_write_one_chain(tmp_path) -> None:
    assert all_at_once(tmp_path) == [0] * PROCESSES
    assert AccessEntry.objects.count() == PROCESSES * (EACH + 1)
    assert faults() == []


@pytest.mark.django_db(transaction=True)
def test_a_writer_leaves_no_version_of_the_streams_row_behind() -> None:
    write(60)
    with connection.cursor() as cursor:
        cursor.execute("SELECT ctid FROM clips_accessstream WHERE name = 'person-7'")
        where = cursor.fetchone()
        write(3, user_id=7)
        cursor.execute("SELECT ctid FROM clips_accessstream WHERE name = 'person-7'")
        assert cursor.fetchone() == where
