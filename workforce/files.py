"""Files that staff send: CSV and XLSX read within bounds, refused in words; and cells that no spreadsheet takes for a
formula. What the lines mean is said in ``resources.py``."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, datetime, time
from typing import Any

import openpyxl
import tablib
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from openpyxl.utils.exceptions import InvalidFileException

MOST_BYTES = 1024 * 1024
# Sheets are packed: so much may come out of one, and no more is ever read.
MOST_UNPACKED = 12 * 1024 * 1024
MOST_LINES, MOST_COLUMNS, MOST_LETTERS = 2000, 40, 1000
# What a spreadsheet takes for the beginning of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
PACKED = b"PK\x03\x04"


def read(name: str, data: bytes) -> tablib.Dataset:
    """The lines of a file with their columns named by its first, all as text. Raises ValidationError, in words."""
    if not data.strip():
        raise ValidationError(_("The file is empty."))
    if len(data) > MOST_BYTES:
        raise ValidationError(_("The file is larger than 1 MB. Send it in parts."))
    rows = _of_sheet(data) if data.startswith(PACKED) else _of_text(name, data)
    while rows and not any(rows[-1]):
        rows.pop()
    if not rows or not any(rows[0]):
        raise ValidationError(_("The first line must name the columns."))
    if len(rows) > MOST_LINES + 1:
        raise ValidationError(
            _("The file has more than %(most)d lines. Send it in parts.") % {"most": MOST_LINES},
        )
    headers = [cell.strip().lower().replace(" ", "_") for cell in rows[0]]
    while headers and not headers[-1]:
        headers.pop()
    if len(set(headers)) != len(headers):
        raise ValidationError(_("A column is named twice in the first line."))
    found = tablib.Dataset(headers=headers)
    for number, row in enumerate(rows[1:], 2):
        if any(row[len(headers) :]):
            raise ValidationError(_("Line %(line)d has more cells than the first line names.") % {"line": number})
        cells = [*row, *[""] * len(headers)][: len(headers)]
        if any(len(cell) > MOST_LETTERS for cell in cells):
            raise ValidationError(
                _("A cell of line %(line)d has more than %(most)d letters.") % {"line": number, "most": MOST_LETTERS}
            )
        found.append(cells)
    return found


def _of_text(name: str, data: bytes) -> list[list[str]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValidationError(
            _("This is neither a sheet (XLSX) nor text in UTF-8. Save it as CSV UTF-8 or as XLSX.")
        ) from None
    if "\0" in text or not name.lower().endswith((".csv", ".txt")):
        raise ValidationError(_("Files are CSV or XLSX, and named so. Save it as one of them."))
    first = text.partition("\n")[0]
    comma = ";" if first.count(";") > first.count(",") else ","
    rows = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=comma, strict=True):
            rows.append(row[: MOST_COLUMNS + 1])
            if len(rows) > MOST_LINES + 1:
                break
    except csv.Error as error:
        raise ValidationError(
            _("Line %(line)d cannot be read: %(why)s.") % {"line": len(rows) + 1, "why": error}
        ) from None
    return rows


def _of_sheet(data: bytes) -> list[list[str]]:
    """The first sheet's values: of a formula what was last worked out, never the formula."""
    broken = ValidationError(_("This sheet cannot be read. Save it anew as XLSX, or as CSV UTF-8."))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            # A part is never unpacked beyond what is said here of its size.
            if sum(part.file_size for part in packed.infolist()) > MOST_UNPACKED:
                raise ValidationError(_("The sheet is too large when it is unpacked. Send it in parts, or as CSV."))
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        # How large a sheet says it is, is not to be believed.
        sheet.reset_dimensions()
        rows = sheet.iter_rows(max_row=MOST_LINES + 2, max_col=MOST_COLUMNS, values_only=True)
        return [[_as_text(value) for value in row] for row in rows]
    except ValidationError:
        raise
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, IndexError, OSError, SyntaxError):
        raise broken from None
    except (TypeError, AttributeError, EOFError, NotImplementedError, RuntimeError, OverflowError):
        # What the reader makes of a sheet that somebody broke on purpose.
        raise broken from None


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat(timespec="minutes")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def plain(value: Any) -> Any:
    """A cell as it goes out: one that a spreadsheet would take for a formula gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def unplain(cell: str) -> str:
    """A cell as it comes in, without that apostrophe and without blanks around it. Raises ValidationError for a
    formula."""
    said = " ".join(cell.split())
    if said.startswith("'") and said[1:].startswith(FORMULA):
        return said[1:]
    if said.startswith(("=", "@")):
        raise ValidationError(_("%(cell)s looks like a formula. Write what it comes to.") % {"cell": said[:40]})
    return said
