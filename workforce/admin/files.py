"""Lists that go out as files, and files that come in: looked at line by line, then put in whole or not at all."""

from __future__ import annotations

import json
from typing import Any

import tablib
from django import forms
from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from import_export.admin import ExportMixin
from import_export.formats.base_formats import CSV, XLSX
from import_export.results import Result, RowResult
from unfold.contrib.import_export.forms import ExportForm
from unfold.widgets import UnfoldAdminFileFieldWidget

from config.acting import ReasonField, staff
from config.clock import database_now
from config.history import because
from workforce import files
from workforce.resources import Lines

# A file that was looked at waits so long to be put in.
KEPT_SECONDS = 1800
LINES_SHOWN = 200
# What was looked at waits in the page: a form may carry 256 KB.
MOST_KEPT = 200_000


class FileForm(forms.Form):
    """A file, and why."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.xlsx"}),
        help_text=gettext_lazy("CSV in UTF-8, or XLSX; 2,000 lines and 1 MB at the most."),
    )
    reason = ReasonField(help_text=gettext_lazy("Kept with your name beside what is put in."))

    def lines(self) -> tablib.Dataset:
        """What the file says. Raises ValidationError."""
        sent = self.cleaned_data["file"]
        if sent.size > files.MOST_BYTES:
            raise ValidationError(_("The file is larger than 1 MB. Send it in parts."))
        return files.read(sent.name, sent.read())


class WithFiles(ExportMixin):
    """A list that goes out as the filter shows it, and into which files go in by the verbs of ``resource_classes``."""

    resource_classes: list[type[Lines]] = []
    export_form_class = ExportForm
    formats = [CSV, XLSX]
    import_export_change_list_template = "admin/import_export/change_list_import_export.html"

    def get_urls(self) -> list[URLPattern]:
        name = "{}_{}_import".format(*self.get_model_info())
        return [path("import/", self.admin_site.admin_view(self.import_page), name=name), *super().get_urls()]

    def has_import_permission(self, request: HttpRequest) -> bool:
        label, name = self.get_model_info()
        return bool(request.user.has_perm(f"{label}.add_{name}"))

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_view_permission(request))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        found = (extra_context or {}) | {"has_import_permission": self.has_import_permission(request)}
        return super().changelist_view(request, found)

    def export_action(self, request: HttpRequest) -> HttpResponse:
        if not self.has_export_permission(request):
            raise Http404
        return super().export_action(request)

    def get_valid_export_item_pks(self, request: HttpRequest) -> list[Any]:
        return list(self.get_export_queryset(request).values_list("pk", flat=True))

    def import_page(self, request: HttpRequest) -> HttpResponse:
        """Look at a file; then put in what was looked at."""
        if not self.has_import_permission(request):
            raise Http404
        if "waiting" in request.POST:
            return self._put_in(request)
        form = FileForm(request.POST or None, request.FILES or None)
        result, key = None, ""
        if form.is_valid():
            reason = form.cleaned_data["reason"]
            try:
                lines = form.lines()
                result = self._import(request, lines, reason=reason, dry=True)
            except ValidationError as error:
                form.add_error("file", error)
            else:
                if not result.has_validation_errors() and any(row.diff for row in result.rows):
                    kept = {"headers": lines.headers, "rows": list(lines), "reason": reason, "does": _does(result)}
                    kept["name"] = form.cleaned_data["file"].name
                    key = signing.dumps(kept, salt=self._salt(request), compress=True)
                    if len(key) > MOST_KEPT:
                        key = ""
                        form.add_error("file", _("The file is too large when it is unpacked. Send it in parts."))
        return self._page(request, form, result, key=key)

    def _salt(self, request: HttpRequest) -> str:
        """What was looked at comes back from the page that showed it, sealed: every process that answers knows it, and
        it opens for whoever looked, on this list, and for nobody else."""
        return f"import:{self.opts.label_lower}:{staff(request).pk}"

    def _put_in(self, request: HttpRequest) -> HttpResponse:
        try:
            kept = signing.loads(request.POST["waiting"], salt=self._salt(request), max_age=KEPT_SECONDS)
        except signing.BadSignature:
            messages.error(request, _("The file waits here no longer. Send it again."))
            return redirect(request.path)
        lines = tablib.Dataset(*kept["rows"], headers=kept["headers"])
        try:
            result = self._import(request, lines, reason=kept["reason"], dry=False, does=kept["does"])
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect(request.path)
        if result.has_validation_errors() or _does(result) != kept["does"]:
            messages.error(request, _("Something changed since you looked; nothing was put in."))
            return self._page(request, FileForm(initial={"reason": kept["reason"]}), result, key="")
        for row in result.rows:
            if row.diff:
                note = _("Imported from %(file)s: %(why)s") % {"file": kept["name"][:100], "why": kept["reason"]}
                flag = ADDITION if row.import_type == RowResult.IMPORT_TYPE_NEW else CHANGE
                LogEntry.objects.log_actions(
                    staff(request).pk, [row.instance], flag, change_message=note, single_object=True
                )
        done = ngettext("%(count)d line is put in.", "%(count)d lines are put in.", len(kept["does"]))
        messages.success(request, done % {"count": len(kept["does"])})
        return redirect(reverse("admin:{}_{}_changelist".format(*self.get_model_info())))

    def _import(
        self, request: HttpRequest, lines: tablib.Dataset, *, reason: str, dry: bool, does: list[Any] | None = None
    ) -> Result:
        """Put all lines in, or none: those of a file that is only looked at, that has a line that is refused, or that
        would do something else than ``does`` says, go back."""
        resource = self.resource_classes[0](by=staff(request), reason=reason, at=database_now())
        resource.check_columns(lines.headers)
        with because(staff(request), reason, verb=f"import {self.opts.verbose_name_plural}"), transaction.atomic():
            result: Result = resource.import_data(lines, dry_run=dry, rollback_on_validation_errors=True)
            if does is not None and _does(result) != does:
                transaction.set_rollback(True)
        if result.has_errors():
            failed = [error.error for error in result.base_errors]
            failed += [error.error for _number, errors in result.row_errors() for error in errors]
            # Nothing is expected to get here: what a line says wrong is told in words above.
            raise failed[0]
        return result

    def _page(self, request: HttpRequest, form: FileForm, result: Result | None, *, key: str) -> HttpResponse:
        resource = self.resource_classes[0]()
        refused = result.invalid_rows if result else []
        rows = [
            (number, row) for number, row in enumerate(result.rows if result else [], 2) if not row.validation_error
        ]
        context = self.admin_site.each_context(request) | {
            "title": _("Import %(what)s") % {"what": self.opts.verbose_name_plural},
            "form": form,
            "opts": self.opts,
            "about": type(resource).__doc__,
            "columns": [(name, name in resource.required) for name in resource.columns()],
            "back": reverse("admin:{}_{}_changelist".format(*self.get_model_info())),
            "looked": result is not None,
            "refused": [(row.number + 1, row.error_dict) for row in refused[:LINES_SHOWN]],
            "refusals": len(refused),
            "rows": rows[:LINES_SHOWN],
            "more": max(0, len(rows) - LINES_SHOWN),
            "fresh": result.totals[RowResult.IMPORT_TYPE_NEW] if result else 0,
            "changed": result.totals[RowResult.IMPORT_TYPE_UPDATE] if result else 0,
            "does": sum(1 for row in result.rows if row.diff) if result else 0,
            "same": result.totals[RowResult.IMPORT_TYPE_SKIP] if result else 0,
            "key": key,
        }
        return TemplateResponse(request, "admin/import_lines.html", context)


def _does(result: Result) -> list[Any]:
    """What each line comes to, of those that come to something; as it is when it was sealed and opened."""
    does = [(number, row.import_type, row.diff) for number, row in enumerate(result.rows) if row.diff]
    found: list[Any] = json.loads(json.dumps(does))
    return found
