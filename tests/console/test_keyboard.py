"""The console without a mouse: one sees where one is, finds by the search, and fills a form to its end."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from annotations.models import Project
from tests.conftest import make_team, make_user

pytestmark = pytest.mark.django_db(transaction=True)

# Where the keyboard is, and whether it looks other than where it is not: by itself, or by what is around it.
WHERE = """() => {
    const one = document.activeElement;
    if (!one || one === document.body) return null;
    const looks = () => {
        let said = "";
        for (let at = one, up = 0; at && up < 3; at = at.parentElement, up++) {
            const seen = getComputedStyle(at);
            const outline = seen.outlineStyle === "none" ? "" : seen.outlineWidth + seen.outlineColor;
            said += [outline, seen.boxShadow, seen.borderColor, seen.backgroundColor, seen.textDecorationLine,
                     seen.clipPath, seen.left, seen.top].join();
        }
        return said;
    };
    const here = looks();
    one.blur();
    const away = looks();
    one.focus({focusVisible: true, preventScroll: true});
    const box = one.getBoundingClientRect();
    return {what: one.outerHTML.slice(0, 140), seen: here !== away, shown: box.width > 0 && box.height > 0};
}"""


@pytest.fixture
def ops(roles: None) -> User:
    return make_user("ops", "ops manager", is_staff=True)


def walked(page: Page, *, steps: int = 60) -> list[dict[str, object]]:
    """Each place that the tabulator key leads to."""
    found: list[dict[str, object]] = []
    for _ in range(steps):
        page.keyboard.press("Tab")
        where = page.evaluate(WHERE)
        if where is None or (found and where == found[0]):
            break
        found.append(where)
    return found


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/annotations/task/", "/admin/quotas", "/admin/stuck", "/admin/calendar"]
)
def test_one_sees_where_the_keyboard_is(ops, tasks, asha, desk, path) -> None:
    page = desk(ops).open(path)
    places = walked(page)
    assert len(places) > 20
    assert [one["what"] for one in places if not one["seen"]] == []


def test_the_search_is_opened_by_its_button_and_left_by_escape(ops, tasks, desk) -> None:
    sat = desk(ops)
    page = sat.open("/admin/")
    box = page.get_by_role("button", name="Clips, tasks, people")
    expect(box).to_have_attribute(
        "title", "Clips, tasks, leases, people, teams, projects by number, name or key; and pages"
    )
    box.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Search")
    expect(dialog).to_be_visible()
    expect(page.locator("#search-input-command")).to_be_focused()
    sat.shoot("search-by-keyboard")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_who_answers_and_from_how_many_teams_is_set_by_keyboard(ops, tasks, desk) -> None:
    project = tasks[0].project
    sat = desk(ops)
    page = sat.open(f"/admin/annotations/project/{project.pk}/change/")
    asks = page.get_by_label("Asks language")
    asks.focus()
    page.keyboard.press("End")
    chosen = asks.input_value()
    assert chosen != project.asks_language
    apart = page.get_by_label("Seats apart")
    apart.focus()
    page.keyboard.press("Space")
    sat.shoot("project-language-and-seats")
    page.get_by_role("button", name="Save", exact=True).focus()
    page.keyboard.press("Enter")
    # Two answers, each of another team, and there is one team: said beside the field, and nothing is kept.
    expect(page.get_by_text("Each of the 2 answers would be of another team, and there are 1 teams.")).to_be_visible()
    sat.shoot("project-seats-refused")
    project.refresh_from_db()
    assert not project.seats_apart
    project.teams.add(make_team("Chennai"))
    page.goto(f"/admin/annotations/project/{project.pk}/change/")
    page.get_by_label("Asks language").select_option(chosen)
    page.get_by_label("Seats apart").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Save", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/annotations/project/")
    kept = Project.objects.get(pk=project.pk)
    assert (kept.asks_language, kept.seats_apart) == (chosen, True)
