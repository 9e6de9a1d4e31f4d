"""What every admin page shares: lists to look at, state that only verbs move, reasons for what is done."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from unfold.admin import ModelAdmin

from config.history import LONGEST, because


class Supervised(ModelAdmin):
    """Whoever may change rows of a table may use its actions, also where the rows themselves are only looked at."""

    def has_ops_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")


class Record(Supervised):
    """A table that verbs write and people read."""

    list_per_page = 50
    show_full_result_count = False
    list_fullwidth = True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class Register(Supervised):
    """A table that people keep; rows are never deleted, because the past refers to them."""

    list_per_page = 50
    show_full_result_count = False
    list_fullwidth = True
    warn_unsaved_form = True

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write the fields that were edited and no others, so that two editors do not undo each other."""
        if not change:
            obj.save(force_insert=True)
        elif form.changed_data:
            columns = {field.name for field in obj._meta.concrete_fields}
            with because(cast(User, request.user), f"edited: {', '.join(form.changed_data)}"[:LONGEST], verb="edit"):
                obj.save(update_fields=[name for name in form.changed_data if name in columns])


def ago(at: datetime | None) -> SafeString | str:
    """A time as people say it, with the exact one on hover."""
    if at is None:
        return "-"
    # To be read by a person: this machine's clock is good enough, and is asked for every cell.
    now = timezone.now()
    said = f"in {timeuntil(at, now)}" if at > now else f"{timesince(at, now)} ago"
    return format_html('<span title="{} UTC">{}</span>', f"{at:%Y-%m-%d %H:%M:%S}", said)


def seconds(milliseconds: int) -> str:
    """A duration in seconds."""
    return f"{milliseconds / 1000:.1f} s"


def size(count: int) -> str:
    """A size in the unit that suits it."""
    return f"{count / 1024:.0f} KB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MB"
