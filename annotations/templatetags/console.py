"""Times as the console shows them."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


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
        here.strftime(style),
    )


@register.filter
def hours(milliseconds: int) -> str:
    """A duration in hours and minutes, as in 6:05."""
    minutes = round(milliseconds / 60_000)
    return f"{minutes // 60}:{minutes % 60:02}"
