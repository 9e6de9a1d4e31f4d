"""Pages hold no script of their own, and the browser would run none. What browsers report is said without whom."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from config.http.policy import REPORT_BYTES, REPORTS_A_MINUTE
from tests.conftest import make_user

pytestmark = pytest.mark.django_db(transaction=True)


def rules(header: str) -> dict[str, list[str]]:
    return {words[0]: words[1:] for words in (part.split() for part in header.split(";")) if words}


def post(client: Client, body: Any, **options: Any) -> Any:
    data = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return client.post("/csp-reports", data, content_type="application/csp-report", **options)


def a_report(**fields: str) -> dict[str, Any]:
    page = "http://testserver/admin/owners/owner-0001-abcd?q=asha"
    said = {"document-uri": page, "effective-directive": "script-src-elem", "blocked-uri": "https://evil.test/x.js?k=1"}
    return {"csp-report": said | fields}


@pytest.mark.parametrize("path", ["/admin/login/", "/api/v1/docs", "/healthz", "/admin/nowhere", "/nowhere"])
def test_every_answer_says_what_a_page_may_do(client, path) -> None:
    found = rules(client.get(path)["Content-Security-Policy"])
    assert found["default-src"] == found["frame-ancestors"] == found["object-src"] == found["base-uri"] == ["'none'"]
    assert found["form-action"] == found["connect-src"] == ["'self'"]
    assert "'unsafe-inline'" not in found["script-src"]
    assert ("'unsafe-eval'" in found["script-src"]) is path.startswith("/admin/")


@pytest.mark.parametrize(
    ("given", "rule"), [("", "'self'"), ("https://store.test:3900/x?y", "'self' https://store.test:3900")]
)
def test_footage_may_come_from_where_players_are_sent(client, given, rule) -> None:
    asked = "from django.conf import settings; print(*settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['media-src'])"
    environment = os.environ | {"S3_DOWNLOAD_URL": given, "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "-c", asked]
    done = subprocess.run(command, env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == rule


def test_no_page_of_the_admin_does_what_it_may_not(roles, tasks, gateway, desk) -> None:
    boss = make_user("boss", is_staff=True, is_superuser=True)
    sat = desk(boss)
    page = sat.page
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation', (event) => console.error('Content Security Policy: '"
        " + event.violatedDirective + ' ' + event.blockedURI))"
    )
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        sat.open(reverse(f"{name}_changelist"))
        row = model._default_manager.first()
        if row is not None:
            sat.open(reverse(f"{name}_change", args=[row.pk]))
    for path in ("/admin/", "/admin/changes", "/admin/audit", "/admin/owners", reverse("admin:workforce_team_add")):
        sat.open(path)
        # Each page is whole: what unfold draws with Alpine and htmx is there.
        assert page.evaluate("typeof htmx + typeof Alpine") == "objectobject", path
    sat.open("/api/v1/docs")
    page.get_by_role("heading", name="Sightline").wait_for()
    page.get_by_text("/api/v1/leases", exact=True).first.wait_for()


def test_a_script_that_somebody_got_into_a_page_does_not_run(roles, desk, caplog) -> None:
    """The control: the browser refuses it, and says so at the door."""
    caplog.set_level(logging.WARNING, logger="sightline.policy")
    sat = desk(make_user("ops", "ops manager", is_staff=True))
    page = sat.open("/admin/")
    with page.expect_request("**/csp-reports") as asked:
        page.evaluate(
            "() => { const bad = document.createElement('script'); bad.textContent = 'window.ran = true';"
            " document.body.append(bad); const box = document.createElement('div');"
            ' box.innerHTML = \'<img src="data:," onerror="window.ran = true">\'; document.body.append(box); }'
        )
    assert asked.value.response().status == 204
    page.wait_for_timeout(200)
    assert page.evaluate("window.ran") is None
    assert any("inline on /admin/" in line for line in caplog.messages)
    assert [fault for fault in sat.faults if "Content Security Policy" in fault]
    sat.faults.clear()


def test_a_report_is_said_without_whom_and_what_it_was_about(client, caplog) -> None:
    assert post(client, a_report()).status_code == 204
    newer = {"effectiveDirective": "img-src", "blockedURL": "inline", "documentURL": "http://testserver/admin/"}
    assert post(client, [{"type": "csp-violation", "body": newer}]).status_code == 204
    assert caplog.messages == [
        "a browser refused script-src-elem https://evil.test on /admin/owners/<slug:key>",
        "a browser refused img-src inline on /admin/",
    ]


@pytest.mark.parametrize(
    "body", [b"", b"x", b"\xff", b"null", b"[]", b"[1]", b'{"csp-report": 5}', b"[" * 9000, b'{"csp-report": {}}']
)
def test_what_is_no_report_breaks_nothing(client, body) -> None:
    assert post(client, body).status_code == 204


def test_a_report_cannot_write_lines_into_the_log(client, caplog) -> None:
    bad = {"effective-directive": "a\nb" * 99, "blocked-uri": "http://[x\r\n", "document-uri": "/admin/\r\nroot: "}
    assert post(client, a_report(**bad)).status_code == 204
    assert all("\n" not in line and "\r" not in line and len(line) < 400 for line in caplog.messages)


def test_reports_are_bounded_and_slowed(client, caplog) -> None:
    assert client.get("/csp-reports").status_code == 405
    assert post(client, b"x" * (REPORT_BYTES + 1)).status_code == 413
    for _ in range(REPORTS_A_MINUTE + 5):
        assert post(client, a_report()).status_code == 204
    # The minute may end in between.
    assert REPORTS_A_MINUTE <= len(caplog.messages) <= REPORTS_A_MINUTE + 5
    assert len(caplog.messages) < REPORTS_A_MINUTE + 5
