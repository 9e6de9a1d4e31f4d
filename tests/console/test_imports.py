"""Files in and out: lists as they are filtered, lines that are put in by verbs, and bad files refused in words."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, timedelta
from typing import Any

import openpyxl
import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from config.clock import database_now
from tests.conftest import make_region, make_reviewer, make_team, make_user
from tests.console.axe import serious
from tests.console.test_quota_board import today_of
from workforce import calendars, files, quotas, skills
from workforce.models import Absence, DailyLimit, Reviewer, Skill, Team

pytestmark = pytest.mark.django_db
KINDS = ["team", "reviewer", "skill", "dailylimit", "absence"]


@pytest.fixture
def ops(roles, client):
    client.force_login(make_user("ops", "ops manager", is_staff=True))
    return client


def page(kind: str) -> str:
    return reverse(f"admin:workforce_{kind}_import")


def sheet(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def look(client: Client, kind: str, data: str | bytes, *, name: str = "lines.csv", reason: str = "a new season"):
    body = data.encode() if isinstance(data, str) else data
    return client.post(page(kind), {"file": SimpleUploadedFile(name, body), "reason": reason})


def put(client: Client, kind: str, data: str | bytes, **options: str):
    """Look, then put in what was looked at."""
    seen = look(client, kind, data, **options)
    assert seen.context["key"], seen.content.decode()
    return client.post(page(kind), {"waiting": seen.context["key"]}, follow=True)


def said_of(reply) -> str:
    return reply.content.decode()


def test_a_season_is_put_in_by_files_and_twice_is_dull(ops, hyderabad) -> None:
    day = database_now().date() + timedelta(days=10)
    lines = {
        "team": "name,region,time_zone,weight\nPune,in,,2\n",
        "reviewer": "username,team,country,first_name,languages,skills,clearance\n"
        'lata,Pune,IN,Lata,"hi, te","night, hindi",1\n',
        "skill": "username,name,source,value,expires_at\nlata,hindi,tested,80,2030-01-01 00:00\n",
        "dailylimit": f"value,from_day,team,username,one_day\n140,{day},Pune,,\n90,{day},,lata,yes\n",
        "absence": f"username,first_day,last_day,from_time,until_time\nlata,{day},{day},09:00,12:30\n",
    }
    for kind, text in lines.items():
        assert "put in" in said_of(put(ops, kind, text)), kind
    team, lata = Team.objects.get(name="Pune"), Reviewer.objects.get(user__username="lata")
    assert (team.weight, team.time_zone) == (2, "Asia/Kolkata")
    assert (lata.team, lata.languages, lata.skills, lata.clearance) == (team, ["hi", "te"], ["hindi", "night"], 1)
    assert not lata.user.has_usable_password()
    assert Skill.objects.get(name="hindi", source="tested").value == 80
    assert {(one.level, one.value, one.reason) for one in DailyLimit.objects.all()} == {
        ("team", 140, "a new season"), ("day", 90, "a new season"),
    }  # fmt: skip
    assert str(Absence.objects.get().until_time) == "12:30:00"
    assert str(Skill.objects.get(source="tested").author) == str(Absence.objects.get().author) == "ops"
    counts = [model.objects.count() for model in (Team, Reviewer, Skill, DailyLimit, Absence)]
    for kind, text in lines.items():
        again = look(ops, kind, text)
        assert (again.context["fresh"], again.context["key"], again.context["refusals"]) == (0, "", 0), kind
    assert counts == [model.objects.count() for model in (Team, Reviewer, Skill, DailyLimit, Absence)]


def test_who_imported_and_why_stands_in_the_history_of_each_row(ops, hyderabad) -> None:
    put(ops, "team", "name,region\nPune,in\n", reason="a second office")
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.change_message) == ("ops", "Imported from lines.csv: a second office")
    assert "a second office" in said_of(ops.get(reverse("admin:workforce_team_history", args=[entry.object_id])))


def test_a_look_changes_nothing_and_shows_what_was_and_will_be(ops, asha) -> None:
    quotas.set_limit(120, reason="all", by=make_user("boss"), from_day=today_of(asha), reviewer=asha)
    seen = look(ops, "dailylimit", f"value,from_day,username\n90,{today_of(asha) + timedelta(days=1)},asha\n")
    assert seen.context["rows"][0][1].diff["value"] == ("120", "90")
    assert DailyLimit.objects.count() == 1


def test_one_bad_line_keeps_the_whole_file_out_and_each_is_told_in_words(ops, asha) -> None:
    tomorrow = today_of(asha) + timedelta(days=1)
    text = (
        "value,from_day,username,team,one_day\n"
        f"100,{tomorrow},asha,,\n"
        f"many,{tomorrow},asha,,\n"
        f"100,{today_of(asha)},asha,,\n"
        "100,tomorrow,asha,,\n"
        f"100,{tomorrow},nobody,,\n"
        f"100,{tomorrow},asha,Hyderabad,\n"
        f"100,{tomorrow},,Hyderabad,yes\n"
        f",{tomorrow},asha,,\n"
        f"=1+1,{tomorrow},asha,,\n"
    )
    seen = look(ops, "dailylimit", text)
    told = {line: " ".join(" ".join(words) for words in errors.values()) for line, errors in seen.context["refused"]}
    assert sorted(told) == [3, 4, 5, 6, 7, 8, 9, 10]
    for line, words in {
        3: "whole number", 4: "from tomorrow on", 5: "as in 2026", 6: "no such person among yours",
        7: "Name one of", 8: "Only a person has single days", 9: "must be said", 10: "looks like a formula",
    }.items():  # fmt: skip
        assert words in told[line], (line, told[line])
    assert not seen.context["key"]
    assert not DailyLimit.objects.exists()


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("team", "name,region,time_zone\nHyderabad,in,Asia/Dubai\n", "cannot be changed: open another"),
        ("team", "name,region,weight\nPune,in,2\nPune,in,3\n", "Another line of this file"),
        ("team", "name,region,time_zone\nPune,in,Mars/Base\n", "not a time zone"),
        ("team", "name,region\nPune,mars\n", "no such region among yours"),
        ("reviewer", "username,team,country\nops,Hyderabad,IN\n", "This sign-in is taken"),
        ("reviewer", "username,team,country\nasha,Hyderabad,IND\n", "characters"),
        ("reviewer", "username,team,country,clearance\nasha,Hyderabad,IN,1\nasha,Hyderabad,IN,0\n", "Another line"),
        ("reviewer", "username,team,country\nasha,Nowhere,IN\n", "no such team among yours"),
        ("reviewer", "username,team,country\nnew one,Hyderabad,India\n", "valid"),
        ("skill", "username,name\nasha,not a slug\n", "valid"),
        ("skill", "username,name,source\nasha,hindi,rumour\n", "not a valid choice"),
        ("skill", "username,name,value\nasha,night,700\n", "whole number"),
        ("absence", "username,first_day,last_day\nasha,2027-01-05,2027-01-04\n", "ends before it begins"),
        ("absence", "username,first_day\nasha,2027-05-10\n", "these overlap"),
        ("absence", "username,first_day,last_day\nasha,2027-05-09,2027-05-08\n", "ends before it begins"),
        ("absence", "username,first_day,from_time\nasha,2027-01-05,noon\n", "as in 14:30"),
    ],
)
def test_each_kind_refuses_what_its_verb_refuses(ops, asha, kind, text, words) -> None:
    skills.give(asha, "night")
    calendars.put_in(Absence(reviewer=asha, first_day=date(2027, 5, 9), last_day=date(2027, 5, 11)))
    seen = look(ops, kind, text)
    assert seen.context["refusals"] == 1
    assert words in said_of(seen)


def test_what_overlaps_within_a_file_is_refused_and_what_repeats_is_not(ops, asha) -> None:
    text = "username,first_day,last_day\nasha,2027-01-05,2027-01-09\nasha,2027-01-05,2027-01-09\n"
    assert look(ops, "absence", text).context["same"] == 1
    assert "these overlap" in said_of(look(ops, "absence", text + "asha,2027-01-09,2027-01-10\n"))


def edited(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, text
    return text.replace(old, new)


def test_a_file_that_went_out_changes_the_one_cell_that_was_edited(ops, asha, ravi, hyderabad) -> None:
    make_team("Pune", hyderabad.region)
    skills.give(asha, "hindi", value=7)
    skills.give(ravi, "night")
    calendars.put_in(Absence(reviewer=ravi, first_day=date(2027, 1, 5), last_day=date(2027, 1, 6)))
    calendars.put_in(Absence(reviewer=asha, first_day=date(2027, 2, 5), last_day=date(2027, 2, 6)))
    began = today_of(asha) - timedelta(days=20)
    boss = make_user("boss")
    for value in (100, 130):
        quotas.set_limit(value, reason="slow", by=boss, from_day=began, reviewer=asha)
    tomorrow = today_of(asha) + timedelta(days=1)
    for kind, old, new, columns in [
        ("team", "Pune,in,Asia/Kolkata,1", "Pune,in,Asia/Kolkata,4", {"weight": ("1", "4")}),
        ("reviewer", ",Hyderabad,IN,,hindi,0", ",Pune,IN,,hindi,0", {"team": ("Hyderabad", "Pune")}),
        ("reviewer", ",Pune,IN,,hindi,0", ',Pune,IN,,"hindi, te",0', {"skills": ("hindi", "hindi, te")}),
        ("reviewer", ',Hyderabad,IN,,night,0', ',Hyderabad,IN,,,0', {"skills": ("night", "")}),
        ("reviewer", ',Hyderabad,IN,,,0', ',Hyderabad,IN,en,,0', {"languages": ("", "en")}),
        ("skill", "asha,hindi,stated,7,", "asha,hindi,stated,60,", {"value": ("7", "60")}),
        ("absence", "2027-01-05,,2027-01-06,", "2027-01-05,,2027-01-09,", {"last_day": ("2027-01-06", "2027-01-09")}),
        ("absence", "2027-01-05,,2027-01-09,", "2027-01-04,,2027-01-09,", {"first_day": ("2027-01-05", "2027-01-04")}),
        ("dailylimit", f"130,{began}", f"90,{began}",
         {"value": ("130", "90"), "from_day": (str(began), str(tomorrow))}),
        ("dailylimit", f"90,{tomorrow}", f"80,{tomorrow}", {"value": ("90", "80")}),
    ]:  # fmt: skip
        before = exported(ops, kind)
        text = edited(before, old, new)
        seen = look(ops, kind, text)
        assert seen.context["refused"] == [], (kind, text)
        assert [row.diff for _line, row in seen.context["rows"] if row.diff] == [columns], (kind, text)
        assert exported(ops, kind) == before
        assert "1 line is put in" in said_of(put(ops, kind, text, reason="a new plan")), kind
        again = look(ops, kind, exported(ops, kind))
        assert (again.context["does"], again.context["key"], again.context["refusals"]) == (0, "", 0), (kind, text)
        assert "changes nothing" in said_of(again)
        entry = LogEntry.objects.all()[0]
        assert (entry.action_flag, entry.change_message) == (2, "Imported from lines.csv: a new plan")
    asha.refresh_from_db()
    assert (asha.team.name, asha.skills, ravi.absences.filter(cancelled_at=None).count()) == (
        "Pune",
        ["hindi", "te"],
        1,
    )
    assert Absence.objects.exclude(cancelled_at=None).count() == 2
    assert sorted(asha.limits.values_list("value", flat=True)) == [80, 90, 100, 130]
    told = said_of(ops.get(reverse("changes")))
    assert told.count("a new plan") >= 5


def test_a_limit_that_a_later_one_replaced_is_changed_on_its_own_line(ops, asha) -> None:
    began = today_of(asha) - timedelta(days=20)
    for value, day in ((130, began), (110, began + timedelta(days=9))):
        quotas.set_limit(value, reason="slow", by=make_user("boss" + str(value)), from_day=day, reviewer=asha)
    seen = look(ops, "dailylimit", f"value,from_day,username\n90,{began},asha\n")
    assert "it is 110 already. Change that line" in said_of(seen)


def test_what_changed_since_the_look_is_not_put_over(ops, hyderabad) -> None:
    key = look(ops, "team", "name,region,weight\nHyderabad,in,4\n").context["key"]
    Team.objects.update(weight=9)
    assert "nothing was put in" in said_of(ops.post(page("team"), {"waiting": key}))
    assert Team.objects.get().weight == 9


def test_who_may_add_and_not_change_is_told_so(ops, asha) -> None:
    boss = User.objects.get(username="ops")
    boss.groups.clear()
    for name in ("view_team", "add_team", "view_region"):
        boss.user_permissions.add(Permission.objects.get(codename=name))
    assert "not yours to change" in said_of(look(ops, "team", "name,region,weight\nHyderabad,in,4\n"))
    assert look(ops, "team", "name,region\nPune,in\n").context["fresh"] == 1


def test_somebody_who_left_stays_as_they_are(ops, asha) -> None:
    Reviewer.objects.update(is_active=False)
    assert look(ops, "reviewer", exported(ops, "reviewer")).context["same"] == 1
    assert "no longer works here" in said_of(look(ops, "reviewer", "username,team,country\nasha,Hyderabad,RO\n"))


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * (files.MOST_UNPACKED + 1))
    return out.getvalue()


def far_row() -> bytes:
    """A sheet that says it is as large as sheets get, with one cell in its last row."""
    found, out = sheet(["name", "region"]), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(found)) as old, zipfile.ZipFile(out, "w") as packed:
        for part in old.namelist():
            data = old.read(part)
            if part == "xl/worksheets/sheet1.xml":
                data = data.replace(b"A1:B1", b"A1:XFD1048576").replace(
                    b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
                )
            packed.writestr(part, data)
    return out.getvalue()


BAD: dict[str, tuple[str, bytes, str]] = {
    "empty": ("a.csv", b" ", "empty"),
    "a picture": ("a.csv", b"\x89PNG\r\n\x1a\n\xff\xfe", "neither a sheet"),
    "old sheet": ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "neither a sheet"),
    "latin": ("a.csv", "name,region\nPoiana Țapului,in".encode("iso8859-16"), "UTF-8"),
    "utf-16": ("a.csv", "name,region\nPune,in".encode("utf-16"), "UTF-8"),
    "nul": ("a.csv", b"name,region\nPu\0ne,in", "CSV or XLSX"),
    "a page": ("a.html", b"<html>", "CSV or XLSX"),
    "no header": ("a.csv", b",,\nPune,in", "must name the columns"),
    "missing column": ("a.csv", b"name\nPune", "missing: region"),
    "strange column": ("a.csv", b"name,region,colour\nPune,in,red", "Nobody knows these columns: colour"),
    "twice a column": ("a.csv", b"name,region,name\nPune,in,Pune", "named twice"),
    "too wide": ("a.csv", b"name,region\nPune,in,more", "more cells"),
    "long cell": ("a.csv", b"name,region\n" + b"P" * 2000 + b",in", "more than 1000 letters"),
    "quote": ("a.csv", b'name,region\n"Pune"x,in', "cannot be read"),
    "too many lines": ("a.csv", b"name,region\n" + b"P,in\n" * 100_000, "more than 2000 lines"),
    "too large": ("a.csv", b"name,region\n" + b"Pune with a long name,in\n" * 60_000, "larger than 1 MB"),
    "half a sheet": ("a.xlsx", sheet(["name", "region"], ["Pune", "in"])[:900], "cannot be read"),
    "not a sheet": ("a.xlsx", b"PK\x03\x04 nothing", "cannot be read"),
    "bomb": ("a.xlsx", bomb(), "too large when it is unpacked"),
    "far row": ("a.xlsx", far_row(), "line"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_refused_in_words(ops, hyderabad, what) -> None:
    name, data, words = BAD[what]
    reply = look(ops, "team", data, name=name)
    assert reply.status_code == 200
    if what == "far row":
        assert reply.context["key"] == ""
    else:
        assert words in said_of(reply), said_of(reply)[-3000:]
    assert Team.objects.count() == 1


def test_a_reason_and_a_file_are_asked_for(ops) -> None:
    assert "required" in said_of(ops.post(page("team"), {"reason": "because of it"}))
    assert "Say why" in said_of(look(ops, "team", "name,region\nPune,in", reason="x"))


def test_sheets_of_either_kind_are_read_and_semicolons_too(ops, hyderabad) -> None:
    put(ops, "team", sheet(["Name", "Region", "Weight"], ["Pune", "in", 2.0], [None, None, None]), name="a.xlsx")
    put(ops, "team", "﻿name;region;weight\nDelhi;in;3\n")
    assert sorted(Team.objects.values_list("name", "weight")) == [("Delhi", 3), ("Hyderabad", 1), ("Pune", 2)]


def test_a_formula_in_a_sheet_is_worth_what_it_came_to(ops, hyderabad) -> None:
    assert "must be said" in said_of(
        look(ops, "team", sheet(["name", "region"], ['=HYPERLINK("x")', "in"]), name="a.xlsx")
    )


def test_a_file_that_was_looked_at_is_put_in_by_whoever_looked_and_checked_again(ops, asha) -> None:
    text = "username,name\nasha,hindi\n"
    key = look(ops, "skill", text).context["key"]
    other = Client()
    other.force_login(make_user("other", "ops manager", is_staff=True))
    assert "no longer" in said_of(other.post(page("skill"), {"waiting": key}, follow=True))
    assert "no longer" in said_of(ops.post(page("absence"), {"waiting": key}, follow=True))
    skills.give(asha, "hindi", value=3)
    assert "nothing was put in" in said_of(ops.post(page("skill"), {"waiting": key}))
    assert Skill.objects.count() == 1
    assert "no longer" in said_of(ops.post(page("skill"), {"waiting": key + "x"}, follow=True))


def test_a_file_is_put_in_by_whichever_process_answers(ops, asha) -> None:
    key = look(ops, "skill", "username,name\nasha,hindi\n").context["key"]
    cache.clear()
    assert "1 line is put in" in said_of(ops.post(page("skill"), {"waiting": key}, follow=True))
    assert "nothing was put in" in said_of(ops.post(page("skill"), {"waiting": key}))
    assert Skill.objects.count() == 1


def test_what_is_others_is_not_there_for_a_file(roles, client, asha, hyderabad) -> None:
    iasi = make_team("Iasi", make_region("ro", "Romania", "Europe/Bucharest"))
    make_reviewer("ion", iasi, country="RO")
    client.force_login(make_user("boss", "ops manager", is_staff=True, places=[hyderabad.region]))
    tomorrow = today_of(asha) + timedelta(days=1)
    for kind, theirs, absent in [
        ("team", "name,region\nCluj,ro\n", "name,region\nCluj,mars\n"),
        ("reviewer", "username,team,country\nana,Iasi,RO\n", "username,team,country\nana,Nowhere,RO\n"),
        ("skill", "username,name\nion,hindi\n", "username,name\nnobody,hindi\n"),
        ("dailylimit", f"value,from_day,region\n9,{tomorrow},ro\n", f"value,from_day,region\n9,{tomorrow},mars\n"),
        ("dailylimit", f"value,from_day,team\n9,{tomorrow},Iasi\n", f"value,from_day,team\n9,{tomorrow},No\n"),
        ("dailylimit", f"value,from_day,username\n9,{tomorrow},ion\n", f"value,from_day,username\n9,{tomorrow},no\n"),
        ("absence", "username,first_day\nion,2027-01-05\n", "username,first_day\nnobody,2027-01-05\n"),
    ]:
        one, other = look(client, kind, theirs).context["refused"], look(client, kind, absent).context["refused"]
        assert [dict(errors) for _n, errors in one] == [dict(errors) for _n, errors in other] != [], kind
    assert "reaches other regions" in said_of(look(client, "dailylimit", f"value,from_day\n9,{tomorrow}\n"))
    for kind in KINDS:
        text = exported(client, kind)
        assert "ion" not in text.replace("region", "").replace("expires", ""), kind
        assert "Iasi" not in text


def exported(client: Client, kind: str, query: str = "", *, number: int = 0) -> str:
    address = reverse(f"admin:workforce_{kind}_export") + query
    reply = client.post(address, {"format": str(number), "resource": "0"})
    assert reply.status_code == 200, kind
    return reply.content.decode() if not number else str(len(reply.content))


def test_an_export_is_of_the_filter_and_comes_in_again_as_it_is(ops, asha, ravi, hyderabad) -> None:
    make_team("Pune", hyderabad.region)
    skills.give(asha, "hindi", value=7)
    calendars.put_in(Absence(reviewer=ravi, first_day=date(2027, 1, 5), last_day=date(2027, 1, 6)))
    tomorrow = today_of(asha) + timedelta(days=1)
    quotas.set_limit(90, reason="slow", by=make_user("boss"), from_day=tomorrow, reviewer=asha, one_day=True)
    rows = list(csv.DictReader(io.StringIO(exported(ops, "reviewer", "?q=asha"))))
    assert [(row["username"], row["team"], row["skills"]) for row in rows] == [("asha", "Hyderabad", "hindi")]
    for kind in KINDS:
        text = exported(ops, kind)
        again = look(ops, kind, text)
        assert (again.context["fresh"], again.context["refusals"]) == (0, 0), (kind, text, again.context["refused"])
        assert again.context["same"] > 0, kind
        assert int(exported(ops, kind, number=1)) > 1000
        assert reverse(f"admin:workforce_{kind}_export") in said_of(
            ops.get(reverse(f"admin:workforce_{kind}_changelist"))
        )


def test_what_a_spreadsheet_takes_for_a_formula_goes_out_tame(ops, hyderabad) -> None:
    for name in ("=1+1", "+1", "-1", "@x"):
        make_team(name, hyderabad.region)
    text = exported(ops, "team")
    assert {row["name"] for row in csv.DictReader(io.StringIO(text))} == {"Hyderabad", "'=1+1", "'+1", "'-1", "'@x"}
    reply = ops.post(reverse("admin:workforce_team_export"), {"format": "1", "resource": "0"})
    cells = [cell for row in openpyxl.load_workbook(io.BytesIO(reply.content)).active.rows for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert look(ops, "team", text).context["same"] == 5


def test_each_role_takes_in_what_it_may(roles, hyderabad) -> None:
    expected = {"ops manager": set(KINDS), "team lead": {"absence"}, "quality lead": set(), "auditor": set()}
    for role, kinds in expected.items():
        client = Client()
        client.force_login(make_user(role.replace(" ", "-"), role, is_staff=True, places=[hyderabad.region]))
        for kind in KINDS:
            assert client.get(page(kind)).status_code == (200 if kind in kinds else 404), (role, kind)
            shown = client.get(reverse(f"admin:workforce_{kind}_changelist"))
            assert (page(kind) in said_of(shown)) == (kind in kinds), (role, kind)
            out = client.get(reverse(f"admin:workforce_{kind}_export")).status_code
            assert out == (200 if shown.status_code == 200 else 404), (role, kind)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("dark", [False, True])
def test_somebody_mends_a_file_and_puts_it_in(roles, desk, tmp_path, dark) -> None:
    team = make_team()
    for name in ("asha", "ravi"):
        make_reviewer(name, team, first_name=name.title(), last_name="Rao")
    sat, mode = desk(make_user("ops", "ops manager", is_staff=True), dark=dark), "dark" if dark else "light"
    shown = sat.open(reverse("admin:workforce_absence_changelist"))
    shown.get_by_role("link", name="Import").first.click()
    shown.get_by_label("Reason").wait_for()
    assert sat.faults == []
    assert serious(shown) == []
    sat.shoot(f"import-{mode}")
    path = tmp_path / "away.csv"
    for text, words in (
        (
            "username,first_day,last_day\nasha,2027-01-05,2027-01-09\nnobody,2027-01-05,2027-01-03\n",
            "1 line cannot be put in",
        ),
        ("username,first_day,last_day\nasha,2027-01-05,2027-01-09\nravi,2027-01-05,2027-01-06\n", "2 lines are new."),
    ):
        path.write_text(text)
        shown.locator("#id_file").set_input_files(path)
        shown.get_by_label("Reason").fill("The winter's leaves")
        shown.get_by_role("button", name="Look at it").click()
        shown.get_by_text(words).wait_for()
        assert sat.faults == []
        assert serious(shown) == []
        sat.shoot(f"import-{words[:1]}-{mode}")
    assert not Absence.objects.exists()
    shown.get_by_role("button", name="Put 2 lines in").click()
    shown.get_by_text("2 lines are put in").wait_for()
    assert Absence.objects.count() == 2
    shown.locator('a[href*="/absence/export/"]').first.click()
    shown.wait_for_url("**/absence/export/**")
    assert serious(shown) == []
    sat.shoot(f"export-{mode}")
    assert sat.faults == []
