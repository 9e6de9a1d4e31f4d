"""Actions of the admin that touch others' work: first what will happen is shown, and a reason is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import helpers
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from config.errors import Refusal
from config.history import LONGEST, ReasonMissing, checked

# So many are done while one waits; more by a worker, which says how far it is.
AT_ONCE = 50
SHOWN = 20
# With what a row's own page says that an action was begun there.
FROM_PAGE = "_page"

Offered = Sequence[tuple[str, Any]]
# What may be chosen; or a function that says it for whoever asks.
Choices = Mapping[str, Offered | Callable[[HttpRequest], Offered]]
# Does it to one row: (admin, request, row, answers of the form); returns False when there was nothing to do.
Do = Callable[[Any, HttpRequest, Any, dict[str, Any]], object]


def staff(request: HttpRequest) -> User:
    """Who is signed in; the admin has let nobody else in."""
    return cast(User, request.user)


class ReasonField(forms.CharField):
    """Why: as :func:`config.history.checked` wants it, told at the field."""

    def __init__(self, **options: Any) -> None:
        usual: dict[str, Any] = {
            "label": _("Reason"),
            "max_length": LONGEST,
            "widget": forms.Textarea(attrs={"rows": 2}),
            "help_text": _("Kept with your name beside what changes."),
        }
        super().__init__(**usual | options)

    def clean(self, value: Any) -> str:
        said: str = super().clean(value)
        try:
            return checked(said)
        except ReasonMissing as refusal:
            raise ValidationError(refusal.detail) from None


class ReasonForm(forms.Form):
    """Why, and sometimes what."""

    reason = ReasonField(widget=UnfoldAdminTextareaWidget(attrs={"rows": 2, "autofocus": True}))

    def __init__(self, data: Any, *, choices: Mapping[str, Offered], numbers: Mapping[str, str | Promise]) -> None:
        super().__init__(data)
        for name, offered in choices.items():
            self.fields[name] = forms.ChoiceField(choices=offered, widget=UnfoldAdminSelectWidget())
        for name, label in numbers.items():
            self.fields[name] = forms.IntegerField(
                label=str(label), min_value=0, max_value=10_000, widget=UnfoldAdminIntegerFieldWidget()
            )
        self.order_fields([*choices, *numbers, "reason"])


def with_reason(
    *,
    description: str | Promise,
    effect: str | Promise,
    done: str | Promise,
    choices: Choices | None = None,
    numbers: Mapping[str, str | Promise] | None = None,
    permission: str = "ops",
) -> Callable[[Do], Any]:
    """Make an action of a verb for one row: a page that says its effect and asks why, then the verb for each row.

    ``done`` ends the sentence "3 leases ...". A row whose verb refuses is left as it is, and the page says why. More
    than a handful are done by a worker (``settings.BULK_ACTIONS``), for whom ``do`` is all there is of the request: who
    asked.
    """

    def decorate(do: Do) -> Any:
        def run(self: ModelAdmin, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
            count = queryset.count()
            asked = "confirmed" in request.POST
            offered = {name: of(request) if callable(of) else of for name, of in (choices or {}).items()}
            form = ReasonForm(request.POST if asked else None, choices=offered, numbers=numbers or {})
            if asked and form.is_valid() and count > AT_ONCE:
                begun: HttpResponse = import_string(settings.BULK_ACTIONS)(
                    request, queryset, action=do.__name__, title=description, answers=form.cleaned_data
                )
                return begun
            if asked and form.is_valid():
                _run_each(self, request, queryset, form.cleaned_data, do, done)
                return None
            return TemplateResponse(
                request,
                "admin/with_reason.html",
                self.admin_site.each_context(request)
                | {
                    "title": description,
                    "effect": effect,
                    "form": form,
                    "rows": [said(self, row) for row in queryset[:SHOWN]],
                    "more": max(0, count - SHOWN),
                    "count": count,
                    "in_background": count > AT_ONCE,
                    "opts": self.model._meta,
                    "action": do.__name__,
                    "chosen": request.POST.getlist(helpers.ACTION_CHECKBOX_NAME),
                    "select_across": request.POST.get("select_across", "0"),
                    "checkbox": helpers.ACTION_CHECKBOX_NAME,
                    "from_page": _from_page(request),
                },
            )

        run.__name__, run.__doc__ = do.__name__, do.__doc__
        offered_action = action(description=description, permissions=[permission])(run)
        # A worker does the same to each row.
        offered_action.do, offered_action.choices, offered_action.numbers = do, choices or {}, numbers or {}
        return offered_action

    return decorate


def _from_page(request: HttpRequest) -> str:
    """The number of the row on whose own page this was begun; empty when it was begun on the list."""
    page = request.POST.get(FROM_PAGE, "")
    return page if [page] == request.POST.getlist(helpers.ACTION_CHECKBOX_NAME) else ""


def said(admin: ModelAdmin, row: Any) -> str:
    """A row as the page names it: by the admin's own words where it has them."""
    return str(getattr(admin, "preview", str)(row))


def _run_each(
    admin: ModelAdmin, request: HttpRequest, rows: QuerySet[Any], answers: dict[str, Any], do: Do, done: str | Promise
) -> None:
    ended = dull = 0
    refused: Counter[str] = Counter()
    for row in rows:
        try:
            if do(admin, request, row, answers) is False:
                dull += 1
            else:
                ended += 1
        except Refusal as refusal:
            refused[refusal.detail] += 1
    names = admin.model._meta
    if ended:
        what = names.verbose_name if ended == 1 else names.verbose_name_plural
        messages.success(request, _("%(count)s %(what)s %(done)s.") % {"count": ended, "what": what, "done": done})
    if dull:
        messages.info(request, _("%(count)s were so already.") % {"count": dull})
    for why, count in refused.most_common():
        messages.warning(request, _("%(count)s left as they were: %(why)s") % {"count": count, "why": why})
