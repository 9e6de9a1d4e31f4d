"""Pages in English, Romanian and Hindi: every message is translated and compiled; the API stays English."""

from __future__ import annotations

import ast
import gettext
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.utils import translation
from django.utils.functional import Promise

from config.menu import MENU
from config.places import PURPOSES
from config.words import ROOMS, WORDS
from tests.conftest import make_user
from workforce.models import Team

pytestmark = pytest.mark.django_db(transaction=True)
OTHERS = [code for code, _ in settings.LANGUAGES if code != "en"]
# What is the same in both.
SAME = {
    "ro": {
        "Audit",
        "Calendar",
        "Clip",
        "Codec",
        "Decide",
        "Export",
        "Plan",
        "SHA-256",
        "Text",
        "Video",
        "clip",
        "export",
        "plan",
    }
    | {"Total, h"},
    "hi": {"SHA-256"},
}


def entries(code: str) -> dict[str, list[str]]:
    """Each message of a catalogue with its translations."""
    text = (Path(settings.BASE_DIR) / "locale" / code / "LC_MESSAGES" / "django.po").read_text()
    assert "#, fuzzy" not in text
    assert "#~" not in text
    found = {}
    for block in text.strip().split("\n\n")[1:]:
        said = re.findall(r'^(msgid|msgid_plural|msgstr(?:\[\d\])?) ((?:".*"\n?)+)', block, re.M)
        parts = [(name, "".join(ast.literal_eval(line) for line in lines.strip().split("\n"))) for name, lines in said]
        found[parts[0][1]] = [value for name, value in parts if name.startswith("msgstr")]
    return found


def marked() -> set[str]:
    """What templates mark to be translated, one line each; Python's marks are found where they are used."""
    found: set[str] = set()
    for room in ("annotations", "clips", "config", "workforce"):
        for path in (Path(settings.BASE_DIR) / room).rglob("templates/**/*.html"):
            text = path.read_text()
            for quote in "\"'":
                found |= set(re.findall(rf"{{%\s*trans(?:late)?\s+{quote}([^{quote}]+){quote}", text))
    return found


@pytest.mark.parametrize("code", OTHERS)
def test_nothing_is_untranslated(code) -> None:
    catalogue = entries(code)
    assert len(catalogue) > 200
    for message, said in catalogue.items():
        assert all(said), f"{code}: {message}"
        names = set(re.findall(r"%\(\w+\)s", message))
        for one in said:
            assert set(re.findall(r"%\(\w+\)s", one)) == names, f"{code}: {message}"
            assert message in SAME[code] or one != message, f"{code}: {message}"
    assert set(catalogue) == set(entries(OTHERS[0]))


@pytest.mark.parametrize("code", OTHERS)
def test_everything_that_is_marked_is_in_the_catalogue(code) -> None:
    known = set(entries(code))
    assert not marked() - known
    with translation.override("en"):
        lines = [line for group in MENU for line in [group, *group["items"]]]  # type: ignore[misc]
        assert not {str(line["title"]) for line in lines} - known
        assert not {str(text) for text in PURPOSES.values()} - known


@pytest.mark.parametrize("code", OTHERS)
def test_what_is_compiled_is_what_is_written(code) -> None:
    with (Path(settings.BASE_DIR) / "locale" / code / "LC_MESSAGES" / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message, said in entries(code).items():
        if len(said) == 1:
            assert compiled.gettext(message) == said[0]
        else:
            counts = {"ro": (1, 2, 20), "hi": (1, 2)}[code]
            assert [compiled.ngettext(message, "", count) for count in counts] == said


def test_what_helps_at_a_field_is_said_in_the_readers_language() -> None:
    """So that a table's help text is marked; what is marked is translated, by the tests above."""
    plain = [
        f"{model._meta.label}.{field.name}"
        for room in ROOMS
        for model in apps.get_app_config(room).get_models()
        for field in model._meta.local_fields
        if field.help_text and not isinstance(field.help_text, Promise) and not field.name.startswith("pgh_")
    ]
    # Of django-otp's own table, whose words they are.
    assert plain == ["workforce.FactorChange.user"]


def test_the_browser_chooses_until_somebody_does(client, roles) -> None:
    client.force_login(make_user("ops", "ops manager", is_staff=True))
    asked = {"Accept-Language": "ro-RO,ro;q=0.9,en;q=0.5"}
    page = client.get("/admin/", headers=asked)
    assert page["Content-Language"] == "ro"
    assert "Echipele astăzi" in page.content.decode()
    reply = client.post("/admin/language", {"language": "hi", "next": "/admin/"}, headers=asked)
    assert (reply.status_code, reply["Location"]) == (302, "/admin/")
    assert "आज टीमें" in client.get("/admin/", headers=asked).content.decode()
    del client.cookies[settings.LANGUAGE_COOKIE_NAME]
    assert "Teams today" in client.get("/admin/", headers={"Accept-Language": "sv"}).content.decode()
    elsewhere = client.post("/admin/language", {"language": "en", "next": "https://evil.test/"})
    assert "evil.test" not in elsewhere["Location"]


def test_the_api_speaks_english_to_everybody(client) -> None:
    for code in OTHERS:
        reply = client.post("/api/v1/tokens", {}, content_type="application/json", headers={"Accept-Language": code})
        assert {error["detail"] for error in reply.json()["errors"]} == {"This field is required."}
        assert "Content-Language" not in reply
    assert translation.get_language() == "en"


@pytest.mark.parametrize("code", OTHERS)
def test_every_main_page_opens_in_every_language(client, roles, tasks, code) -> None:
    client.force_login(make_user("boss", is_staff=True, is_superuser=True))
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = code
    for path in ("/admin/", "/admin/changes", "/admin/audit", "/admin/owners", "/admin/clips/clip/"):
        page = client.get(path)
        assert (page.status_code, page["Content-Language"]) == (200, code)


def test_the_switch_in_a_browser(roles, desk) -> None:
    sat = desk(make_user("ops", "ops manager", is_staff=True))
    page = sat.open("/admin/annotations/task/")
    page.locator("form[action='/admin/language'] input[value=hi] + button").evaluate("button => button.click()")
    page.get_by_text("लेबल किए जाने वाले क्लिप").wait_for()
    sat.shoot("languages-hi")
    page = sat.open("/admin/")
    sat.shoot("languages-hi-home")
    page.locator("form[action='/admin/language'] input[value=ro] + button").evaluate("button => button.click()")
    page.get_by_role("heading", name="Echipele astăzi").wait_for()
    sat.shoot("languages-ro-home")


def test_what_fields_are_called_is_translated_and_no_migration() -> None:
    shown = [model for model in admin.site._registry if model._meta.app_label in ROOMS]
    names = {
        field.name.replace("_", " ")
        for model in shown
        for field in model._meta.concrete_fields
        if getattr(field, "_verbose_name", "") is None and field.name != "id"
    }
    assert names == set(WORDS)
    field = Team._meta.get_field("weight")
    with translation.override("ro"):
        assert field.verbose_name == "pondere"
    assert field.deconstruct()[3].get("verbose_name") is None
