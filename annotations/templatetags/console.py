"""Times as the console shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import template
from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from annotations.models import SavedView
from annotations.saved_views import PASSING
from config.places import word
from config.scope import seen

SHOWN = 30

register = template.Library()


@register.simple_tag(takes_context=True)
def saved_views(context: dict[str, Any], cl: Any) -> list[SavedView]:
    """The views of this list that whoever looks at it saved or is shown, with ``is_here``: it is what one looks at."""
    request = context["request"]
    here = sorted(pair for pair in request.GET.lists() if pair[0] not in PASSING)
    rows = seen(request.user, SavedView.objects.filter(table=cl.opts.label_lower)).select_related("user")
    found = list(rows.order_by("name", "pk")[:SHOWN])
    for view in found:
        view.is_here = sorted(QueryDict(view.query).lists()) == here  # type: ignore[attr-defined]
        view.is_mine = view.user_id == request.user.pk  # type: ignore[attr-defined]
    return found


@register.filter
def menu_word(title: object, link: object) -> object:
    """The menu's word for the page behind this link, if it is in the menu; else the title as it is."""
    return (word(link) if link else "") or title


@register.filter
def when(at: datetime | None, style: str = "%Y-%m-%d %H:%M") -> SafeString | str:
    """A time in the zone of who looks, with UTC on hover; ``style`` as in strftime."""
    if at is None:
        return "-"
    here = timezone.localtime(at)
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        at.isoformat(),
        f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        here.strftime(style.replace("%b", date_format(here, "M"))),
    )


@register.filter
def plain(value: Any) -> str:
    """A field's value as it was written down, in words."""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or gettext("none")
    return "-" if value in (None, "") else str(value)


@register.filter
def hours(milliseconds: int) -> str:
    """A duration in hours and minutes, as in 6:05."""
    minutes = round(milliseconds / 60_000)
    return f"{minutes // 60}:{minutes % 60:02}"
