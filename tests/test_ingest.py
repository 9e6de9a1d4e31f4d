"""Taking in a folder or a manifest: in any order, again, killed in the middle, and whatever a manifest may hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import execute_from_command_line

from clips import ingesting, storage
from clips.models import Clip, ClipState, ConsentEvent, DeviceEvent
from config.clock import database_now
from tests import processes
from tests.conftest import SAMPLES, make_disclosure, make_user
from tests.test_intake import EVENT
from tests.test_races import at_once

CONSENT = {
    "disclosure": "in-en-1",
    "purposes": ["human_review"],
    "channel": "app",
    "given_at": "2026-11-01T10:00:00Z",
}
OPTIONS = [
    *("--by=gateway", "--region=in", "--source=employee_tester", "--owner=owner-0001-abcd"),
    *("--disclosure=in-en-1", "--purposes=human_review", "--channel=app", "--given-at=2026-11-01T10:00:00Z"),
]


@pytest.fixture
def gateway(transactional_db: None, roles: None) -> User:
    user = make_user("gateway", "camera gateway")
    make_disclosure("in", user)
    return user


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """A folder of its own for the command; its storage is set up as migrate does it."""
    place = tmp_path / "var"
    place.mkdir()
    code = "import django; django.setup(); from clips import storage; storage.set_up()"
    env = processes.environment(place, DJANGO_SETTINGS_MODULE="config.settings")
    subprocess.run([sys.executable, "-c", code], cwd=settings.BASE_DIR, env=env, check=True)
    return place


def ingest(var: Path, *arguments: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "ingest", *map(str, arguments)]
    return subprocess.run(
        command, cwd=settings.BASE_DIR, env=processes.environment(var), capture_output=True, text=True, timeout=120
    )


def variant(path: Path, number: int, sample: str = "bikes.mp4") -> Path:
    """A clip like the sample, with other bytes: an empty box of some length at its end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((SAMPLES / sample).read_bytes() + (8 + number).to_bytes(4) + b"free" + bytes(number))
    return path


def report(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def at_least(count: int) -> bool:
    return Clip.objects.count() >= count


def stored(var: Path) -> list[Path]:
    return sorted((var / "storage" / "clips-in").rglob("original"))


def test_a_folder_killed_in_the_middle_is_taken_in_once(gateway, var, tmp_path) -> None:
    folder = tmp_path / "footage"
    files = [variant(folder / f"day-{number % 3}" / f"{number}.mp4", number) for number in range(9)]
    command = [sys.executable, "manage.py", "ingest", str(folder), *OPTIONS]
    for until in (2, 5):
        with (tmp_path / "log").open("ab") as log:
            run = subprocess.Popen(
                command, cwd=settings.BASE_DIR, env=processes.environment(var), stdout=log, stderr=log
            )
        assert processes.eventually(partial(at_least, until), 60, every=0.01)
        run.kill()
        assert run.wait() == -9
    assert Clip.objects.count() < len(files)
    done = ingest(var, folder, *OPTIONS, "--report", tmp_path / "report.jsonl")
    assert done.returncode == 0, done.stderr
    rows = report(tmp_path / "report.jsonl")
    assert [row["file"] for row in rows] == [str(path.relative_to(folder)) for path in sorted(files)]
    assert {row["result"] for row in rows} == {"taken", "there"}
    assert len({row["clip"] for row in rows}) == Clip.objects.count() == ConsentEvent.objects.count() == len(files)
    assert set(Clip.objects.values_list("state", flat=True)) == {ClipState.UPLOADED}
    assert len(stored(var)) == len(files)
    assert "9/9" in done.stderr
    again = ingest(var, folder, *OPTIONS, "--workers", "3")
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "0 taken, 9 there, 0 refused")
    assert Clip.objects.count() == len(files)


def test_a_manifest_says_of_each_line_what_became_of_it(gateway, var, tmp_path) -> None:
    folder, outside = tmp_path / "footage", variant(tmp_path / "elsewhere" / "secret.mp4", 99)
    variant(folder / "good.mp4", 1)
    variant(folder / "other.mp4", 2)
    (folder / "notes.mp4").write_text("this is not a video at all\n" * 50)
    (folder / "empty.mp4").touch()
    (folder / "out.mp4").symlink_to(outside)
    (folder / "in.mp4").symlink_to("good.mp4")
    (folder / "loop.mp4").symlink_to("loop.mp4")
    (folder / "folder.mp4").mkdir()
    os.mkfifo(folder / "pipe.mp4")
    (folder / "long.mp4").write_bytes(b"")
    os.truncate(folder / "long.mp4", 300 * 1024 * 1024)
    consent = CONSENT | {"owner": "owner-0001-abcd"}

    def line(file: Any, **fields: Any) -> str:
        whole = {"file": file, "owner": "owner-0001-abcd", "region": "in", "source": "employee_tester"}
        return json.dumps(whole | {"consent": consent} | fields)

    lines: list[tuple[bytes | str, str]] = [
        (line("good.mp4", event=EVENT), "taken"),
        (line("good.mp4"), "there"),
        (line("in.mp4"), "there"),
        (line("good.mp4", owner="owner-0002-abcd", consent=CONSENT), "taken"),
        ("", ""),
        (line("notes.mp4"), "not-a-video"),
        (line("empty.mp4"), "empty-file"),
        (line("long.mp4"), "clip-too-large"),
        (line("out.mp4"), "outside-folder"),
        (line("../elsewhere/secret.mp4"), "outside-folder"),
        (line(str(outside)), "outside-folder"),
        (line("loop.mp4"), "file-unreadable"),
        (line("folder.mp4"), "not-a-file"),
        (line("pipe.mp4"), "not-a-file"),
        (line("nowhere.mp4"), "file-missing"),
        (line("x" * 4000), "file-unreadable"),
        (line("a\0b"), "text-not-allowed"),
        (line(3), "invalid"),
        (line("other.mp4", region="mars"), "unknown-region"),
        (line("other.mp4", source="the street"), "invalid"),
        (line("other.mp4", surprise=1), "invalid"),
        (line("other.mp4", consent=3), "invalid"),
        (line("other.mp4", consent=consent | {"purposes": ["model_training"]}), "consent-lacks-human-review"),
        (line("other.mp4", consent=consent | {"disclosure": "in-en-9"}), "unknown-disclosure"),
        (line("other.mp4", event={"detections": [{"said": "!"}]}), "invalid"),
        ("{", "malformed-json"),
        ("[" * 5000, "json-too-deep"),
        ("[]", "bad-input"),
        ('{"file": "good.mp4", "file": "other.mp4"}', "malformed-json"),
        (b"\xff\xfe", "bad-input"),
        (b"x" * 300_000, "line-too-long"),
        (line("other.mp4"), "taken"),
    ]
    manifest = folder / "manifest.jsonl"
    manifest.write_bytes(b"\n".join(text.encode() if isinstance(text, str) else text for text, _ in lines))
    done = ingest(var, manifest, "--by=gateway", "--report", tmp_path / "report.jsonl")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr + done.stdout
    rows = {row["line"]: row for row in report(tmp_path / "report.jsonl")}
    said = {number: rows[number].get("code") or rows[number]["result"] for number in rows}
    assert said == {number: result for number, (_text, result) in enumerate(lines, start=1) if result}
    assert all(row["detail"] for row in rows.values() if row["result"] == "refused")
    assert Clip.objects.count() == 3
    assert DeviceEvent.objects.get().said == ["person", "motion", "crying-baby"]
    assert not list((var / "incoming").iterdir())
    assert len(stored(var)) == 3


def test_what_a_killed_run_began_is_carried_on_by_all_who_come(gateway, tmp_path) -> None:
    """The row is there and its bytes are not; nobody waits for it to be given up."""
    path = variant(tmp_path / "clip.mp4", 1)
    line = {"file": path.name, "region": "in", "source": "employee_tester"}
    item = ingesting.Item(1, path.name, line | {"consent": CONSENT | {"owner": "owner-0001-abcd"}})
    first = ingesting.take(item, root=tmp_path, common={}, by=gateway)
    clip = Clip.objects.get()
    assert first.clip == clip.pk
    storage.delete(clip.storage_alias, clip.original_key)
    Clip.objects.update(state=ClipState.RECEIVING, due_at=database_now() + timedelta(minutes=2))
    outcomes = at_once(4, lambda number: ingesting.take(item, root=tmp_path, common={}, by=gateway))
    assert {(outcome.clip, outcome.result) for outcome in outcomes} <= {(clip.pk, "taken"), (clip.pk, "there")}
    clip.refresh_from_db()
    assert (clip.state, ConsentEvent.objects.count()) == (ClipState.UPLOADED, 1)
    assert b"".join(storage.read_all(clip.storage_alias, clip.original_key)) == path.read_bytes()


def test_a_folder_that_may_not_be_entered_keeps_nothing_else_out(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "footage"
    for name in ("a/1.mp4", "b/2.mp4", "c/3.mp4"):
        variant(folder / name, 1)
    look = os.scandir

    def locked(path: Path) -> Any:
        if path.name == "b":
            raise PermissionError(13, "Permission denied", str(path))
        return look(path)

    # Whoever may do all, as in a container, is kept out of no folder.
    monkeypatch.setattr(os, "scandir", locked)
    items = list(ingesting.folder_items(folder))
    assert [item.file for item in items] == ["a/1.mp4", "b/", "c/3.mp4"]
    refusal = items[1].refusal
    assert isinstance(refusal, ingesting.FileUnreadable)
    assert refusal.detail == "The folder cannot be looked into: Permission denied."
    assert items[0].refusal is items[2].refusal is None
    with pytest.raises(PermissionError):
        list(ingesting.folder_items(folder / "b"))


def test_a_name_that_no_report_could_tell_is_refused_in_words_and_alone(gateway, tmp_path, capsys, monkeypatch) -> None:
    folder = tmp_path / "footage"
    variant(folder / "1.mp4", 1)
    odd = folder / os.fsdecode(b"caf\xe9.mp4")
    try:
        odd.write_bytes((folder / "1.mp4").read_bytes())
    except OSError:
        pytest.skip("this disk takes no such names")
    told = tmp_path / "report.jsonl"
    monkeypatch.setattr(sys, "argv", ["manage.py"])
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "ingest", str(folder), *OPTIONS, f"--report={told}"])
    assert ended.value.code == 1
    assert "refused name-unusable: caf\\udce9.mp4: The file's name is not UTF-8" in capsys.readouterr().out
    assert [(row["result"], row.get("code")) for row in report(told)] == [
        ("taken", None),
        ("refused", "name-unusable"),
    ]


def test_a_file_in_a_folder_that_may_not_be_entered_says_so(tmp_path, monkeypatch) -> None:
    variant(tmp_path / "locked" / "1.mp4", 1)
    resolve = Path.resolve

    def locked(path: Path, strict: bool = False) -> Path:
        if strict:
            raise PermissionError(13, "Permission denied", str(path))
        return resolve(path)

    # As above: root is kept out of nothing.
    monkeypatch.setattr(Path, "resolve", locked)
    with pytest.raises(ingesting.FileUnreadable, match="The file cannot be read: Permission denied"):
        ingesting.opened(tmp_path, "locked/1.mp4")


@pytest.mark.parametrize(
    "text", ["", "{}\n", "\ufeff{}\n", "ü" * ingesting.LONGEST_LINE, "a" + "ü" * ingesting.LONGEST_LINE]
)
def test_text_of_any_length_may_be_a_manifest(tmp_path, text) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_text(text, encoding="utf-8")
    assert ingesting.looks_like_a_manifest(path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere", *OPTIONS], "neither a folder nor a file"),
        ([SAMPLES / "bikes.mp4", *OPTIONS], "no manifest: it is not text"),
        ([SAMPLES / "walkway.avi", *OPTIONS], "no manifest: it is not text"),
        ([SAMPLES, "--by=nobody", *OPTIONS[1:]], "--by must name somebody"),
        ([SAMPLES, "--by=gateway"], "--region and --source"),
        ([SAMPLES, *OPTIONS[:-1]], "--given-at"),
        ([SAMPLES, *OPTIONS, "--owner=jane@example.org"], "--owner"),
        ([SAMPLES, *OPTIONS, "--workers=0"], "--workers"),
        ([SAMPLES, *OPTIONS, "--region=mars"], "--region"),
        ([SAMPLES, *OPTIONS, "--report=/nowhere/report.jsonl"], "/nowhere/report.jsonl"),
    ],
)
def test_what_cannot_begin_exits_2_and_says_why(gateway, arguments, said, capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["manage.py"])
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "ingest", *map(str, arguments)])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert not Clip.objects.exists()
