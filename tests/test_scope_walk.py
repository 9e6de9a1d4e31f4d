"""Someone of region India finds nothing of another: every page of the admin and every door, walked by every role.

The walk is made from the admin's registry and the URL conf: a page, an action or a door that nobody thought of is
walked, too, or the walk fails because it does not know how.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from rest_framework.test import APIClient

from annotations.models import Export, Lease, Plan, Project, Task, TimeContest
from clips.models import Case, Clip, ConsentEvent, OwnerRequest
from config import scope
from config.history import made_by
from config.roles import STAFF_ROLES
from tests.conftest import make_user, signed_in
from tests.console_walk import ABSENT, NUMBER_OF, file_pages, walk_console
from tests.test_roles import METHODS, OPEN, doors
from tests.two_regions import AFTER, FAR, FORBIDDEN, OF_NO_REGION, WORD, World, build, numbers_from, unlike
from workforce.models import Absence, Closure, OwnHours, Reviewer, Shift, Skill, Team, WorkedHoliday

pytestmark = pytest.mark.django_db

ALL_RIGHTS = "all rights"
WALKERS = [*sorted(STAFF_ROLES), ALL_RIGHTS]


@pytest.fixture
def here(roles, gateway) -> World:
    return build("in", name="India", zone="Asia/Kolkata", word="Ganga", gateway=gateway)


@pytest.fixture
def there(here, gateway) -> Iterator[World]:
    back = numbers_from(FAR)
    made = build("ro", name="Dacia", zone="Europe/Bucharest", word=WORD, gateway=gateway)
    numbers_from(AFTER)
    yield made
    back()


def somebody(role: str, here: World) -> User:
    """A member of staff of India, or of its team; one has every right there is."""
    place = here.team if role == "team lead" else here.region
    # Whatever was done last is still known to the transaction that a test is.
    with made_by(here.manager, verb="give scope"):
        user = make_user(f"walker-{role.replace(' ', '-')}", None, is_staff=True, places=[place])
        if role == ALL_RIGHTS:
            user.user_permissions.set(Permission.objects.all())
        else:
            user.groups.add(Group.objects.get(name=role))
    return user


def without_echo(reply: Any, *said: Any) -> str:
    """What was answered, without what was asked."""
    body = b"".join(reply.streaming_content) if reply.streaming else reply.content
    text: str = body.decode(errors="replace") + str(reply.headers.get("Location", ""))
    # The switch of languages names Romanian, which is written as the code of the other region is.
    return without_words(re.sub(r'<form action="/admin/language".*?</form>', "", text, flags=re.DOTALL), *said)


def without_words(text: str, *said: Any) -> str:
    words = {form for word in said for form in (str(word), quote_plus(str(word)), quote(str(word)), escape(str(word)))}
    for word in sorted(words - {""}, key=len, reverse=True):
        text = text.replace(word, "")
    return text


class Walk:
    """One person's walk through all pages; what it finds of the other region."""

    def __init__(self, client: Client, here: World, there: World) -> None:
        self.client, self.here, self.there = client, here, there
        self.found: list[str] = []
        self.opened = self.listed = 0

    def look(self, method: str, path: str, data: Any = None, *, echo: tuple[Any, ...] = ()) -> Any:
        """Ask, and note what is of the other region in the answer."""
        reply = getattr(self.client, method)(path, data or {})
        self.opened += reply.status_code == 200
        if reply.status_code >= 500:
            self.found.append(f"{method} {path}: answered {reply.status_code}")
        text = without_echo(reply, *echo)
        leak = FORBIDDEN.search(text)
        if leak:
            around = " ".join(text[max(0, leak.start() - 60) : leak.end() + 30].split())
            self.found.append(f"{method} {path} {data or ''}: {around}")
        return reply

    def alike(self, method: str, theirs: str, absent: str, data: Any = None, *, echo: tuple[Any, ...] = ()) -> None:
        """What is another region's is answered as what is not there at all."""
        one, other = self.look(method, theirs, data, echo=echo), self.look(method, absent, data, echo=(ABSENT,))
        if one.status_code != other.status_code or one.status_code == 200:
            self.found.append(f"{method} {theirs}: {one.status_code}, but {other.status_code} for none")

    def alike_form(self, path: str, theirs: dict[str, Any], absent: dict[str, Any]) -> None:
        """A form that names the other's row is answered as one that names none."""
        one, other = self.look("post", path, theirs), self.look("post", path, absent, echo=(ABSENT,))
        if one.status_code != other.status_code or one.status_code in {200, 302}:
            self.found.append(f"post {path} {theirs}: {one.status_code}, but {other.status_code} for none")

    def tables(self) -> None:
        for model, page in admin.site._registry.items():
            self.table(model, page, f"admin:{model._meta.app_label}_{model._meta.model_name}")

    def table(self, model: type[Model], page: Any, name: str) -> None:
        url = reverse(f"{name}_changelist")
        if self.look("get", url).status_code != 200:
            return
        self.look("get", reverse(f"{name}_add"))
        if model in OF_NO_REGION:
            return
        own, other = self.here.rows[model], self.there.rows[model]
        self.look("get", url, {"_facets": "True"}, echo=("_facets",))
        for term in (str(other.pk), f"clip {other.pk}", WORD, self.there.owner, self.there.manager.username):
            self.none_of(url, {"q": term})
        for asked in self.filters(page, other):
            self.none_of(url, asked)
        self.look("get", reverse(f"{name}_change", args=[own.pk]))
        self.look("get", reverse(f"{name}_history", args=[own.pk]))
        for kind in ("change", "history", "delete"):
            for method in ("get", "post"):
                theirs = reverse(f"{name}_{kind}", args=[other.pk])
                self.alike(method, theirs, theirs.replace(str(other.pk), str(ABSENT)), echo=(other.pk,))
        self.actions(url, page, other)
        self.choices(model)

    def none_of(self, url: str, asked: dict[str, str]) -> None:
        """A list that is asked for the other's rows finds none and counts none.

        Its rows are looked at, and not its page, of which all but the rows is the page of the whole list, seen before;
        to make it takes most of the time.
        """
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(SimpleTemplateResponse, "rendered_content", "")
            reply = self.look("get", url, asked, echo=tuple(asked.values()))
        found = (getattr(reply, "context_data", None) or {}).get("cl")
        self.listed += found is not None
        if found is not None and found.result_count:
            rows = list(found.queryset)
            said = without_words(" ".join(f"{row.pk} {row}" for row in rows), *asked.values())
            if {row.pk for row in rows} & self.strangers(found.model) or FORBIDDEN.search(said):
                self.found.append(f"{url} {asked} finds {found.result_count}")

    def strangers(self, model: type[Model]) -> set[Any]:
        row = self.there.rows.get(model)
        return {row.pk} if row is not None else set()

    def filters(self, page: Any, other: Any) -> Iterator[dict[str, str]]:
        """Each filter of the list, asked for what the other's row has."""
        for named in page.list_filter:
            item = named[0] if isinstance(named, tuple) else named
            if isinstance(item, str):
                value: Any = other
                for step in item.split("__"):
                    value = getattr(value, step, None)
                if isinstance(value, Model):
                    yield {f"{item}__id__exact": str(value.pk)}
                elif value not in (None, ""):
                    yield {item: str(value)}
                    yield {f"{item}__exact": str(value)}

    def actions(self, url: str, page: Any, other: Any) -> None:
        """Every action, at the other's row: none is chosen, and nothing is done."""
        for name in page.actions or ():
            asked = {"action": name, "_selected_action": [other.pk]}
            self.look("post", url, asked, echo=(other.pk,))
            filled = {"reason": "because", "value": "5", "days": "5", "confirmed": "yes", "select_across": "1"}
            self.look("post", url, asked | filled | {"decision": "withhold", "outcome": "refused"}, echo=(other.pk,))

    def choices(self, model: type[Model]) -> None:
        """What a form's box offers for each foreign key, whether it is searched or not."""
        for row in (field for field in model._meta.get_fields() if field.many_to_one or field.many_to_many):
            if row.auto_created or not hasattr(row, "name"):
                continue
            asked = {"app_label": model._meta.app_label, "model_name": model._meta.model_name, "field_name": row.name}
            self.look("get", reverse("admin:autocomplete"), asked | {"term": ""})
            self.look("get", reverse("admin:autocomplete"), asked | {"term": WORD}, echo=(WORD,))

    def pages(self) -> None:
        """What is no table's: every other route under /admin/."""
        for name, path in admin_routes():
            for theirs, absent in self.filled(path):
                if theirs == absent:
                    if name not in {"logout", "login"}:
                        self.look("get", theirs)
                        self.look(
                            "get",
                            theirs,
                            {"q": WORD, "s": WORD, "key": self.there.owner},
                            echo=(WORD, self.there.owner),
                        )
                else:
                    echo = (self.there.owner, self.there.rows[Clip].pk)
                    self.alike("get", theirs, absent, echo=echo)
                    self.alike("post", theirs, absent, {"act": "withdraw"}, echo=echo)
        for kind, number, by in itertools.product(["", "clip", "team", "role"], ["", "x"], ["", f"{WORD}-manager"]):
            asked = {"kind": kind, "number": str(self.there.rows[Clip].pk) if number else "", "by": by}
            self.look("get", reverse("changes"), asked, echo=tuple(filter(None, (asked["number"], by))))
        clip = self.there.rows[Clip].pk
        for shown in (clip, ABSENT):
            form = {"clip": shown, "purpose": "erasure", "reason": "to look", "minutes": 5, "page": "/admin/"}
            self.look("post", reverse("open-viewing"), form, echo=(shown,))
            self.look("get", "/admin/", echo=(shown,))

    def filled(self, path: str) -> list[tuple[str, str]]:
        """The route with the other's numbers and keys, and with those of nobody. A new kind of part fails the walk."""
        theirs, absent = path, path
        for part in re.findall(r"<[^>]+>", path):
            model = next((model for begins, model in NUMBER_OF.items() if path.startswith(begins)), None)
            values = (self.there.row_of(model).pk, ABSENT) if model else PARTS[part](self.there)
            theirs, absent = theirs.replace(part, str(values[0])), absent.replace(part, str(values[1]))
        return [(theirs, absent)]


PARTS: dict[str, Any] = {
    "<int:pk>": lambda there: (there.rows[Clip].pk, ABSENT),
    "<slug:key>": lambda there: (there.rows[Clip].owner_key, "owner-of-nobody"),
    "<slug:kind>": lambda there: ("proxy", "proxy"),
    "<path:object_id>": lambda there: (there.rows[Clip].pk, ABSENT),
    "<path:content_type_id>": lambda there: (ContentType.objects.get_for_model(Clip).pk,) * 2,
}


def admin_routes(patterns: Any = None, prefix: str = "") -> list[tuple[str, str]]:
    """Every route under /admin/ that is not of a table in the registry."""
    found: list[tuple[str, str]] = []
    for pattern in patterns if patterns is not None else get_resolver().url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            ours = re.match(r"admin/(\w+)/(\w+)/$", path)
            if not ours and path.startswith("admin"):
                found += admin_routes(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and path.startswith("admin") and "^" not in path and "(?P" not in path:
            found.append((str(pattern.name), "/" + path))
    return found


def walked(user: User, here: World, there: World) -> Walk:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    walk = Walk(client, here, there)
    walk.tables()
    walk.pages()
    walk_console(walk)
    return walk


# Of which table the number in a door's path is.
NUMBERS: dict[str, type[Model]] = {
    "ops-reviewer-pause": Reviewer,
    "ops-reviewer-resume": Reviewer,
    "ops-reviewer-day": Reviewer,
    "ops-team-pause": Team,
    "ops-team-resume": Team,
    "ops-recall": Lease,
    "ops-requeue": Task,
    "ops-project-pause": Project,
    "ops-project-resume": Project,
    "ops-decision": Case,
    "lease": Lease,
    "renewal": Lease,
    "skip": Lease,
    "flag": Lease,
    "annotation": Lease,
    "clip": Clip,
    "confirmation": Clip,
    "withdrawal": ConsentEvent,
    "export": Project,
    "export-download": Project,
    "export-withdrawals": Project,
    "owner-request": Clip,
    "ops-reviewer-capacity": Reviewer,
    "ops-shifts-take-out": Shift,
    "ops-own-hours-take-out": OwnHours,
    "ops-closures-take-out": Closure,
    "ops-worked-holidays-take-out": WorkedHoliday,
    "ops-absences-take-out": Absence,
    "ops-skills-take-out": Skill,
    "ops-time-contest-answer": TimeContest,
    "ops-plan": Plan,
    "ops-plan-undo": Plan,
    "heartbeat": Lease,
}


def bodies(there: World, absent: bool) -> list[dict[str, Any]]:
    """What a door may be sent: all that names rows in a body, for every door."""
    number = (lambda row: ABSENT) if absent else (lambda row: row.pk)
    owner = "owner-of-nobody" if absent else there.rows[Clip].owner_key
    said = {"reason": "because it must be", "value": 5, "from_day": "2026-11-22"}
    return [
        said,
        said | {"team": number(there.team)},
        said | {"reviewer": number(there.rows[Reviewer])},
        said | {"region": "nowhere" if absent else "ro"},
        {"reason": "because it must be", "decision": "handled"},
        {"reason": "because it must be", "channel": "desk"},
        {"reason": "because it must be", "granted_seconds": 5},
        {"team": number(there.team), "weekday": 1, "begins": "08:00", "ends": "16:00"},
        {"reviewer": number(there.rows[Reviewer]), "weekday": 1},
        {"reviewer": number(there.rows[Reviewer]), "first_day": "2027-11-22", "last_day": "2027-11-22"},
        {"reviewer": number(there.rows[Reviewer]), "name": "night"},
        {"team": number(there.team), "first_day": "2027-11-22", "last_day": "2027-11-22", "reason": "closed"},
        {"region": "nowhere" if absent else "ro", "day": "2027-11-22", "reason": "open all the same"},
        {"project": number(there.project)},
        {"project": number(there.project), "reason": "because it must be", "teams": [number(there.team)]},
        {"project": "no-project" if absent else there.project.slug},
        {"kind": "withdrawn", "owner": owner, "channel": "desk"},
        {"kind": "withdrawn", "owner": owner, "clip": number(there.rows[Clip]), "channel": "desk"},
    ]


def knocked(client: APIClient, there: World, rows: dict[str, Any]) -> list[str]:
    """Every door with the other's numbers and keys, answered as for numbers and keys of nobody."""
    found = []
    for name, path in doors():
        if name in OPEN or name in {"tokens", "current-token"}:
            continue
        number = rows[name].pk if "987654" in path else 0
        theirs = path.replace("987654", str(number)).replace("owner-0001-abcd", there.rows[Clip].owner_key)
        absent = path.replace("987654", str(ABSENT)).replace("owner-0001-abcd", "owner-of-nobody")
        for method in METHODS:
            for one, none in zip(bodies(there, False), bodies(there, True), strict=True):
                reply = client.generic(method, theirs, json.dumps(one), content_type="application/json")
                other = client.generic(method, absent, json.dumps(none), content_type="application/json")
                echo = (there.rows[Clip].owner_key, number, *one.values())
                leak = FORBIDDEN.search(without_echo(reply, *[word for word in echo if len(str(word)) > 3]))
                if leak:
                    found.append(f"{method} {theirs} {one}: {leak[0]}")
                if reply.status_code != other.status_code:
                    found.append(f"{method} {theirs} {one}: {reply.status_code}, but {other.status_code} for none")
                # What reads no body is asked once.
                if method in {"GET", "DELETE"} or reply.status_code == other.status_code in {403, 405}:
                    break
    return found


def rows_by_door(there: World) -> dict[str, Any]:
    by_model = {name: there.rows[model] for name, model in NUMBERS.items()}
    export, request = there.rows[Export], there.rows[OwnerRequest]
    return by_model | {
        "export": export,
        "export-download": export,
        "export-withdrawals": export,
        "owner-request": request,
    }


def state_of(world: World) -> dict[str, Any]:
    """All rows of a region as they are, to be compared with later."""
    return {
        model._meta.label: list(model._default_manager.filter(pk=row.pk).values())
        for model, row in (world.rows | world.others).items()
        if model is not User
    }


def test_the_two_regions_have_a_row_of_every_table(here, there) -> None:
    assert unlike(here) == unlike(there) == []
    for model, row in there.rows.items():
        if isinstance(row.pk, int):
            assert FORBIDDEN.search(f" {row.pk} "), (model, row.pk)


def test_without_scopes_the_walk_finds_the_other_region(here, there, monkeypatch) -> None:
    """The control: what the other tests walk would show it, were it not for the scopes."""
    monkeypatch.setattr(scope, "_reader", lambda: lambda user: scope.EVERYWHERE)
    walker = somebody(ALL_RIGHTS, here)
    # The walk itself puts right what stands still, when nothing keeps it from that.
    first = Client()
    first.force_login(walker)
    assert FORBIDDEN.search(without_echo(first.get(reverse("stuck"))))
    client = Client(raise_request_exception=False)
    client.force_login(walker)
    walk = Walk(client, here, there)
    # Of each table's many pages the two that the others are variations of: its list, and a row of the other region.
    for model, row in there.rows.items():
        if model is not User:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            url = reverse(f"{name}_changelist")
            walk.look("get", url)
            walk.look("get", reverse(f"{name}_change", args=[row.pk]))
            assert any(said.startswith((f"get {url} ", f"get {url}:")) for said in walk.found), url
            walk.none_of(url, {"q": str(row.pk)})
    assert sum(" finds " in said for said in walk.found) > 10
    walk.pages()
    walk_console(walk)
    pages = ("/admin/ ", "/admin/changes", "/admin/owners", "/admin/today/", "/admin/assign")
    console = ("/admin/bulk", "/admin/calendar", "/admin/quotas", "/admin/reports", "/admin/search/", "/admin/people/")
    for page in (*pages, *console):
        assert any(said.startswith(f"get {page}") for said in walk.found), page
    for _model, into, out in file_pages():
        for page in (into, out):
            assert any(said.startswith(f"post {page}") for said in walk.found), page
    assert walk.opened > 100
    assert knocked(signed_in(User.objects.get(username="walker-all-rights")), there, rows_by_door(there))


@pytest.mark.parametrize("role", WALKERS)
def test_nobody_of_one_region_finds_the_other_in_the_admin(here, there, role) -> None:
    before = state_of(there)
    walk = walked(somebody(role, here), here, there)
    assert not walk.found, f"{len(walk.found)} found:\n" + "\n".join(walk.found[:60])
    assert walk.opened > 20
    assert walk.listed > 20
    assert state_of(there) == before


@pytest.mark.parametrize("role", WALKERS)
def test_nobody_of_one_region_finds_the_other_at_the_doors(here, there, role) -> None:
    before = state_of(there)
    found = knocked(signed_in(somebody(role, here)), there, rows_by_door(there))
    assert not found, f"{len(found)} found:\n" + "\n".join(found[:60])
    assert state_of(there) == before


def test_a_reviewer_of_one_region_finds_the_other_at_no_door(here, there) -> None:
    found = knocked(signed_in(here.rows[Reviewer].user), there, rows_by_door(there))
    assert not found, "\n".join(found[:60])


@pytest.mark.parametrize("role", WALKERS)
def test_who_has_no_scope_finds_nothing(here, there, role) -> None:
    user = somebody(role, here)
    user.staff_scopes.all().delete()
    client = Client()
    client.force_login(user)
    for model in admin.site._registry:
        if model in OF_NO_REGION:
            continue
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        reply = client.get(url)
        if reply.status_code == 200:
            text = without_echo(reply)
            assert not FORBIDDEN.search(text), url
            assert "Ganga" not in text.replace("Ganga-manager", ""), url
