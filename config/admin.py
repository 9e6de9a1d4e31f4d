"""What every admin page shares: lists to look at, state that only verbs move, reasons for what is done."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from django.contrib.admin import AllValuesFieldListFilter, FieldListFilter, RelatedFieldListFilter
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import reverse_field_path
from django.contrib.auth.models import User
from django.db.models import BooleanField, DateField, Field, Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.timesince import timesince, timeuntil
from unfold.admin import ModelAdmin
from unfold.decorators import display

from config.acting import FROM_PAGE
from config.history import LONGEST, because
from config.places import purpose, word_for
from config.scope import offered, scope_of, seen


@functools.cache
def _box() -> tuple[str, str]:
    """What stands before and after a row's number in the box that chooses it: rendered once, for it took a sixth of the
    time of a page."""
    before, _, after = ModelAdmin.action_checkbox(cast(Any, None), cast(Any, _Numbered())).partition(_Numbered.pk)
    return before, after


class _Numbered:
    pk = "0-0-0"


class Scoped(ModelAdmin):
    """Pages that show, offer and name no row that this person may not find: what is not theirs is not there (404)."""

    # What stands above each list: views that people saved of it.
    list_before_template = "admin/list_top.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return seen(request.user, super().get_queryset(request))

    @display(description=ModelAdmin.action_checkbox.short_description)
    def action_checkbox(self, obj: Model) -> SafeString:
        """The box that chooses a row."""
        before, after = _box()
        return mark_safe(f"{before}{escape(obj.pk)}{after}")  # noqa: S308 -- the rest is Unfold's own

    @property
    def empty_says(self) -> str | Promise:
        """What this list is for and how it fills."""
        return purpose(self.model)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, under the menu's word for it."""
        title = word_for(self.model) or capfirst(self.opts.verbose_name_plural)
        reply: HttpResponse = super().changelist_view(request, {"title": title} | (extra_context or {}))
        return reply

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row, with who asks: figures on its page count only what they may find."""
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            found.asked_by = request.user
        return found

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        rows = kwargs.get("queryset", db_field.remote_field.model._default_manager.all())
        return super().formfield_for_foreignkey(db_field, request, **kwargs | {"queryset": seen(request.user, rows)})

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        rows = kwargs.get("queryset", db_field.remote_field.model._default_manager.all())
        return super().formfield_for_manytomany(db_field, request, **kwargs | {"queryset": seen(request.user, rows)})

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, which knows who asks (see :class:`OfRegions`)."""
        form = super().get_form(request, obj, change=change, **kwargs)
        # The class was made for this request.
        form.asked_by = request.user
        return form

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        raise Http404


class OfRegions:
    """A form with a field ``region``, which offers the codes of those regions that are in the scope of who asks.

    ``blank_is_all``: none chosen means all regions, which is only for those who reach all.
    """

    asked_by: Any = None
    blank_is_all = False

    def __init__(self, *args: Any, **options: Any) -> None:
        self.asked_by = options.pop("asked_by", self.asked_by)
        super().__init__(*args, **options)
        fields = self.fields  # type: ignore[attr-defined]
        if "region" in fields:
            given = list(fields["region"].choices)
            codes = offered(self.asked_by, [code for code, _ in given if code])
            narrow = self.blank_is_all and not scope_of(self.asked_by).everywhere
            fields["region"].required |= narrow
            fields["region"].choices = [
                (code, name) for code, name in given if code in codes or (not code and not narrow)
            ]


def rows_offered(request: HttpRequest, model: type[Model]) -> list[Any]:
    """The rows of a small table that a filter offers this person; read once for a request, with what they refer to."""
    kept: dict[type[Model], list[Any]] = request.__dict__.setdefault("_sightline_offered", {})
    if model not in kept:
        kept[model] = list(seen(request.user, model._default_manager.select_related()))
    return kept[model]


class SeenRelated(RelatedFieldListFilter):
    """A filter by a row of another table: offers those that this person may find."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        return [(row.pk, str(row)) for row in rows_offered(request, field.remote_field.model)]


class SeenBeyond(SeenRelated):
    """A filter by what rows of another table refer to, as by the region of a team: asked of those rows, which the next
    filter offers."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        found = {row.pk: str(row) for one in rows_offered(request, field.model) if (row := getattr(one, field.name))}
        return sorted(found.items(), key=lambda pair: pair[1])


class SeenValues(AllValuesFieldListFilter):
    """A filter by a plain value: offers those of rows that this person may find."""

    def __init__(self, field: Any, request: HttpRequest, params: Any, model: Any, model_admin: Any, field_path: str):
        super().__init__(field, request, params, model, model_admin, field_path)
        holder = reverse_field_path(model, field_path)[0]
        if holder is not model:
            rows = seen(request.user, holder._default_manager.all())
            self.lookup_choices = rows.order_by(field.name).values_list(field.name, flat=True).distinct()


def _is_plain(field: Field[Any, Any]) -> bool:
    return not (field.remote_field or field.choices or isinstance(field, BooleanField | DateField))


FieldListFilter.register(lambda field: bool(field.remote_field), SeenRelated, take_priority=True)
FieldListFilter.register(_is_plain, SeenValues, take_priority=True)


class Supervised(Scoped):
    """Whoever may change rows of a table may use its actions, also where the rows themselves are only looked at, and on
    a row's own page as on the list."""

    change_form_outer_after_template = "admin/acts.html"
    # By the value of a column: which of the actions may do something to such a row. What is not named may always.
    acts_by: tuple[str, Mapping[str, Collection[object]]] = ("", {})

    def has_ops_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")

    def acts_on(self, request: HttpRequest, row: Model) -> list[tuple[str, str]]:
        """The actions that ask for a reason and may do something to this row: names, and what pages call them."""
        column, by_value = self.acts_by
        states = {name: values for name, values in by_value.items() if getattr(row, column) not in values}
        offered_now = self.get_actions(request).values()
        return [(name, said) for act, name, said in offered_now if hasattr(act, "do") and name not in states]

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj is not None:
            context["acts"] = self.acts_on(request, obj)
        reply: HttpResponse = super().render_change_form(request, context, add, change, form_url, obj)
        return reply

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Done from a row's own page, an action leads back there, while it is there for who did it."""
        reply: HttpResponse | None = super().response_action(request, queryset)
        page = request.POST.get(FROM_PAGE, "")
        is_back = isinstance(reply, HttpResponseRedirect) and reply.url == request.get_full_path()
        is_one = [page] == request.POST.getlist(ACTION_CHECKBOX_NAME)
        if is_back and is_one and self.get_queryset(request).filter(pk=page).exists():
            return HttpResponseRedirect(
                reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[page])
            )
        return reply


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
    """A time as people say it, with the exact one on hover: in the zone of who looks, and in UTC."""
    if at is None:
        return "-"
    # To be read by a person: this machine's clock is good enough, and is asked for every cell.
    now = timezone.now()
    said = f"in {timeuntil(at, now)}" if at > now else f"{timesince(at, now)} ago"
    here, there = timezone.localtime(at), at.astimezone(UTC)
    exact = f"{there:%Y-%m-%d %H:%M:%S} UTC"
    if here.utcoffset():
        exact = f"{here:%Y-%m-%d %H:%M:%S}, {exact}"
    return format_html('<span title="{}">{}</span>', exact, said)


def seconds(milliseconds: int) -> str:
    """A duration in seconds."""
    return f"{milliseconds / 1000:.1f} s"


def size(count: int) -> str:
    """A size in the unit that suits it."""
    return f"{count / 1024:.0f} KB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MB"
