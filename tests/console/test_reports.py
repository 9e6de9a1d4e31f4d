"""Reports: what was done in a period, of what is theirs; on screen, as CSV, and by mail at most once."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from functools import partial
from threading import Barrier

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client

from annotations.console import reports as console_reports
from annotations.errors import NoAddress
from annotations.models import ActiveSpan, Annotation, IssueState, Lease, ReportIssue, ReportSubscription
from annotations.reporting import mailing, reading
from annotations.reporting.reading import KINDS
from config.clock import database_now
from config.errors import NotFound
from tests.conftest import make_project, make_ready_clips, make_region, make_reviewer, make_team, make_user, put_in_lane
from tests.console.test_today import answer, serious
from tests.racing import at_once
from workforce import staffing
from workforce.models import QuotaDay, Region, Team

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ops(roles, gateway):
    return make_user("ops", "ops manager", is_staff=True, email="ops@example.org")


@pytest.fixture
def worked(ops, tasks, asha, ravi):
    """Two people gave three answers; one worked for 30 s on one of them, and was handed a minute of hard footage."""
    answer(asha, 2)
    answer(ravi, 1)
    lease = Lease.objects.filter(reviewer=asha).order_by("pk")[0]
    ActiveSpan.objects.create(
        reviewer=asha, lease=lease, day=lease.quota_day.day, time_zone="Asia/Kolkata", started_at=lease.granted_at,
        ended_at=lease.granted_at + timedelta(seconds=36), lost_ms=6000,
    )  # fmt: skip
    QuotaDay.objects.filter(reviewer=asha).update(exposed_ms=60_000, exposure_allowed_ms=60_000)
    Annotation.objects.filter(reviewer=ravi).update(submitted_at=database_now())
    return lease.quota_day.day


def opened(user, **asked):
    client = Client()
    client.force_login(user)
    return client.get("/admin/reports", asked)


def rows_of(user, report: str, **asked) -> list[list[str]]:
    return [[str(cell) for cell in row] for row in opened(user, report=report, **asked).context["told"].rows]


def test_each_report_tells_what_was_done(ops, worked) -> None:
    here = ["India", "Hyderabad"]
    assert rows_of(ops, "done") == [[*here, "Threats", "3", "2", "1.5"]]
    assert rows_of(ops, "speed") == [[*here, "Threats", "1", "30.0", "30.0"]]
    assert rows_of(ops, "quota") == [[*here, "2", "300", "3", "1.0", "0", "0"]]
    assert rows_of(ops, "timesheets") == [[*here, "asha", "1", "0.01", "0.00", "0.00", "0.01"]]
    assert rows_of(ops, "waiting")[0][:4] == [*here, "Threats", "3"]
    assert rows_of(ops, "exposure") == [[*here, "1.0", "1", "1.0", "1"]]
    told = opened(ops, report="done").context["told"]
    assert told.by_day[worked][0] == 3
    assert (told.asked.last - told.asked.first).days == 13


def test_a_period_a_team_and_a_project_narrow_it(ops, worked, hyderabad) -> None:
    other = make_team("Pune")
    assert rows_of(ops, "done", team=other.pk) == []
    assert rows_of(ops, "done", team=hyderabad.pk) != []
    assert rows_of(ops, "done", first="2026-01-01", last="2026-01-09") == []
    empty = make_project(hyderabad, slug="empty")
    assert rows_of(ops, "done", project=empty.pk) == []
    assert rows_of(ops, "quota", region=hyderabad.region_id) != []


def test_the_newest_day_is_that_of_the_team_where_it_begins_first(ops, worked) -> None:
    """At half past seven in the evening in UTC it is tomorrow in Hyderabad, and people there work."""
    evening = datetime(2026, 11, 28, 19, 30, tzinfo=UTC)
    assert console_reports._newest_day(ops, evening) == date(2026, 11, 29)
    romania = make_region("ro", "Romania", "Europe/Bucharest")
    make_team("Bucharest", romania)
    manager = make_user("ops-ro", "ops manager", is_staff=True, places=[romania])
    assert console_reports._newest_day(manager, evening) == date(2026, 11, 28)


def test_what_takes_long_comes_after_its_page(ops, worked, monkeypatch) -> None:
    monkeypatch.setattr("annotations.reporting.queries.MUCH", 2)
    client = Client()
    client.force_login(ops)
    page = opened(ops, report="done", first=str(worked))
    assert (page.status_code, page.context["told"]) == (200, None)
    part = "/admin/reports/figures"
    assert f'hx-get="{part}?report=done&amp;first={worked}' in page.content.decode()
    assert "Hyderabad" in client.get(part, {"report": "done", "first": str(worked)}).content.decode()
    assert client.get(part, {"report": "done", "first": "x"}).status_code == 404
    monkeypatch.setattr("annotations.reporting.queries.MUCH", 3)
    assert opened(ops, report="done").context["told"].rows


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"first": "2026-02-09", "last": "2026-02-01"}, "turn them round"),
        ({"first": "2025-01-01", "last": "2026-02-01"}, "92 days at the most"),
        ({"first": "yesterday"}, "Enter a valid date."),
        ({"team": "987654"}, "not one of the available choices"),
    ],
)
def test_what_cannot_be_asked_is_said_in_words(ops, asked, said) -> None:
    page = opened(ops, **asked)
    assert (page.status_code, page.context["told"]) == (400, None)
    assert said in page.content.decode()


def test_the_csv_is_the_table(ops, worked) -> None:
    client = Client()
    client.force_login(ops)
    reply = client.get("/admin/reports/csv", {"report": "done"})
    assert reply["Content-Type"] == "text/csv; charset=utf-8"
    found = list(csv.reader(io.StringIO(reply.content.decode())))
    assert found == [
        ["Region", "Team", "Project", "Answers", "People", "A person's day"],
        ["India", "Hyderabad", "Threats", "3", "2", "1.5"],
    ]
    assert client.get("/admin/reports/csv", {"report": "done", "first": "x"}).status_code == 302


def test_of_another_region_nothing_is_reported(roles, gateway, hyderabad) -> None:
    there = make_team("Cluj", make_region("ro", "Romania", "Europe/Bucharest"))
    ioana = make_reviewer("ioana", there, country="RO")
    project = make_project(there, overlap=1, most_seats=1)
    put_in_lane(project, there, make_ready_clips(gateway, 2, region="ro"), at=database_now())
    answer(ioana, 2)
    user = make_user("of-india", "ops manager", is_staff=True, places=[hyderabad.region])
    for report in KINDS:
        page = opened(user, report=report)
        assert page.context["told"].rows == [], report
        assert page.context["told"].by_day == {}, report
        assert "Cluj" not in page.content.decode()
        for name, pk in (("region", there.region_id), ("team", there.pk), ("project", project.pk)):
            if name != "project" or KINDS[report].by_project:
                assert opened(user, report=report, **{name: pk}).status_code == 400
    with pytest.raises(NotFound):
        mailing.subscribe(user, report="done", every="day", team=there, at=database_now())
    everywhere = make_user("of-all", "ops manager", is_staff=True)
    assert rows_of(everywhere, "done")[0][1] == "Cluj"


def test_each_reads_what_is_for_their_role(roles, hyderabad) -> None:
    quality = make_user("quality", "quality lead", is_staff=True)
    assert [name for name, _title in opened(quality).context["tabs"]] == ["done", "speed", "waiting"]
    assert opened(quality, report="timesheets").status_code == 404
    assert opened(make_user("nobody", None, is_staff=True)).status_code == 404


def test_as_many_queries_however_many_rows(ops, worked, hyderabad, django_assert_max_num_queries) -> None:
    for number in range(8):
        make_project(make_team(f"Team {number}"), slug=f"project-{number}")
    client = Client()
    client.force_login(ops)
    for report in KINDS:
        with django_assert_max_num_queries(13):
            assert client.get("/admin/reports", {"report": report}).status_code == 200


# --- by mail ---

MONDAY = datetime(2026, 11, 30, 6, tzinfo=UTC)


def subscribed(user, every: str = "day", report: str = "done", **about) -> ReportSubscription:
    return mailing.subscribe(user, report=report, every=every, at=MONDAY - timedelta(days=20), **about)


def test_a_day_or_a_week_is_over_when_it_is_over_everywhere() -> None:
    zones = ["Asia/Kolkata", "Europe/Bucharest"]
    # Sunday is over in Bucharest at 22:00 UTC.
    over = datetime(2026, 11, 29, 22, 15, tzinfo=UTC)
    assert mailing.period("day", at=over, zones=zones) == (date(2026, 11, 29), date(2026, 11, 29), over)
    assert mailing.period("day", at=over - timedelta(seconds=1), zones=zones)[0] == date(2026, 11, 28)
    assert mailing.period("week", at=over, zones=zones)[:2] == (date(2026, 11, 23), date(2026, 11, 29))
    assert mailing.period("week", at=over - timedelta(seconds=1), zones=zones)[:2] == (
        date(2026, 11, 16), date(2026, 11, 22),
    )  # fmt: skip


def test_it_is_mailed_once_a_period_with_its_rows(ops, worked) -> None:
    at = datetime.combine(worked + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=6)
    mailing.subscribe(ops, report="done", every="day", at=at - timedelta(days=2))
    assert mailing.send_due(at=at) == 1
    assert mailing.send_due(at=at) == mailing.send_due(at=at + timedelta(hours=3)) == 0
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["ops@example.org"], f"Sightline: Done, {worked}")
    assert "Hyderabad" in sent.body
    name, content, kind = sent.attachments[0]
    assert (name, kind) == (f"done-{worked}-{worked}.csv", "text/csv")
    assert "India,Hyderabad,Threats,3,2,1.5" in content
    assert ReportIssue.objects.get().state == IssueState.SENT
    assert mailing.send_due(at=at + timedelta(days=1)) == 1


def test_what_was_asked_for_just_now_is_not_mailed_of_days_before(ops) -> None:
    mailing.subscribe(ops, report="done", every="day", at=MONDAY)
    assert mailing.send_due(at=MONDAY) == 0
    assert mailing.send_due(at=MONDAY + timedelta(days=1)) == 1


def beat(at: datetime, _number: int) -> int:
    return mailing.send_due(at=at)


def test_two_beats_at_once_send_it_once(ops, hyderabad) -> None:
    for report in ("done", "quota", "waiting"):
        subscribed(ops, report=report)
    for day in range(6):
        at_once(2, partial(beat, MONDAY + timedelta(days=day)))
    assert len(mail.outbox) == 18
    assert len({one.subject for one in mail.outbox}) == 18
    assert set(ReportIssue.objects.values_list("attempts", flat=True)) == {1}


def test_without_the_claim_two_beats_send_it_twice(ops, hyderabad, monkeypatch) -> None:
    """The control: what keeps it from being sent twice is the conditional update."""
    subscribed(ops)
    monkeypatch.setattr(mailing, "move", lambda rows, **_: 1)
    meet = Barrier(2)
    told = reading.read
    monkeypatch.setattr(reading, "read", lambda *args: (meet.wait(10), told(*args))[1])
    at_once(2, lambda _beat: mailing.send_due(at=MONDAY))
    assert len(mail.outbox) == 2


def test_it_is_of_what_its_reader_may_see_when_it_is_sent(ops, worked, hyderabad) -> None:
    at = datetime.combine(worked + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=6)
    mailing.subscribe(ops, report="done", every="day", at=at - timedelta(days=2))
    mailing.subscribe(ops, report="quota", every="day", team=hyderabad, at=at - timedelta(days=2))
    ops.staff_scopes.all().delete()
    elsewhere = make_region("ro", "Romania", "Europe/Bucharest")
    staffing.begin_scope(ops, staffing.Place(region=elsewhere))
    assert mailing.send_due(at=at) == 1
    assert "Hyderabad" not in mail.outbox[0].body + mail.outbox[0].attachments[0][1]
    assert "Nothing was done in this time." in mail.outbox[0].body
    dropped = ReportIssue.objects.get(state=IssueState.DROPPED)
    assert dropped.failure == "Its reader may not see this place any more."


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"is_active": False}, "Its reader's sign-in is closed."),
        ({"email": ""}, "Its reader has no e-mail address."),
        ({"groups": None}, "Its reader may not read such reports any more."),
    ],
)
def test_who_may_no_longer_read_it_is_sent_nothing(ops, hyderabad, change, why) -> None:
    subscribed(ops)
    if "groups" in change:
        ops.groups.clear()
    else:
        type(ops).objects.filter(pk=ops.pk).update(**change)
    assert mailing.send_due(at=MONDAY) == 0
    assert (mail.outbox, ReportIssue.objects.get().failure) == ([], why)


class Away(EmailBackend):
    def open(self) -> None:
        raise ConnectionRefusedError


class Torn(EmailBackend):
    def send_messages(self, messages) -> int:
        raise ConnectionResetError


def test_a_mail_server_that_is_away_is_asked_again_and_one_that_broke_off_is_not(ops, hyderabad, settings) -> None:
    subscribed(ops)
    locmem = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = f"{__name__}.Away"
    assert mailing.send_due(at=MONDAY) == 0
    assert "was not reached" in ReportIssue.objects.get().failure
    settings.EMAIL_BACKEND = f"{__name__}.Torn"
    assert mailing.send_due(at=MONDAY + timedelta(minutes=11)) == 0
    issue = ReportIssue.objects.get()
    assert (issue.state, issue.attempts) == (IssueState.DROPPED, 2)
    settings.EMAIL_BACKEND = locmem
    assert mailing.send_due(at=MONDAY + timedelta(hours=3)) == 0


def test_a_sender_that_died_is_not_followed_by_another(ops, hyderabad) -> None:
    one = subscribed(ops)
    ReportIssue.objects.create(
        subscription=one, first_day=date(2026, 11, 29), last_day=date(2026, 11, 29), state=IssueState.SENDING,
        due_at=MONDAY, attempts=1,
    )  # fmt: skip
    assert mailing.send_due(at=MONDAY) == 0
    assert ReportIssue.objects.get().state == IssueState.DROPPED


def test_one_subscribes_and_unsubscribes_on_the_page(ops, worked, desk) -> None:
    sat = desk(ops)
    page = sat.open("/admin/reports")
    sat.shoot("reports-done")
    page.get_by_role("link", name="Quota use").click()
    page.get_by_label("Team").select_option("Hyderabad")
    page.get_by_role("button", name="Show").click()
    page.get_by_label("Mail me").select_option("Every week")
    page.get_by_role("button", name="Mail it to me").click()
    page.get_by_text("Quota use comes to ops@example.org from its next period on.").wait_for()
    one = ReportSubscription.objects.get()
    assert (one.report, one.every, one.team) == ("quota", "week", Team.objects.get())
    assert serious(page) == []
    sat.shoot("reports-mailed")
    page.get_by_role("button", name="Stop mailing Quota use").click()
    page.get_by_text("It is mailed no more.").wait_for()
    assert ReportSubscription.objects.filter(ended_at=None).count() == 0
    assert mailing.send_due(at=database_now() + timedelta(days=30)) == 0


@pytest.mark.parametrize("dark", [False, True])
def test_it_looks_as_it_should(ops, worked, asha, desk, dark) -> None:
    sat = desk(ops, dark=dark)
    for report in KINDS:
        page = sat.open(f"/admin/reports?report={report}")
        sat.shoot(f"reports-{report}-{'dark' if dark else 'light'}")
        assert serious(page) == [], report
    page = sat.open("/admin/reports?first=2025-01-01&last=2025-01-20")
    sat.shoot(f"reports-empty-{'dark' if dark else 'light'}")
    assert serious(page) == []


def test_others_subscriptions_are_not_theirs_to_end_and_who_has_no_address_is_told(ops, roles) -> None:
    one = subscribed(ops)
    assert subscribed(ops) == one
    other = make_user("other", "ops manager", is_staff=True)
    client = Client()
    client.force_login(other)
    assert client.post("/admin/reports/mail/stop", {"number": one.pk}).status_code == 404
    assert ReportSubscription.objects.get().ended_at is None
    with pytest.raises(NoAddress):
        subscribed(other)
    reply = client.post("/admin/reports/mail", {"report": "done", "every": "day"}, follow=True)
    assert "no e-mail address" in reply.content.decode()
    for sent in ({"report": "nonsense", "every": "day"}, {"report": "done", "every": "hour"}, {}):
        assert client.post("/admin/reports/mail", sent).status_code == 404
    assert Region.objects.count() == 0
