"""Label schemas: what a project asks, and whether an answer is one. Pure.

A schema is ``{"question": text, "labels": [{"value": slug, "name": text, "help": text}, ...], "note": bool}``: one
label is chosen, and where ``note`` is true a short remark may go with it.
"""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError

from annotations.errors import AnswerNotInSchema

NOTE_LENGTH = 500
_SLUG = re.compile(r"\A[a-z][a-z0-9_-]{0,31}\Z")


def check_schema(schema: Any) -> None:
    """A field validator for a project's label schema. Raises ValidationError saying what to change."""
    if not isinstance(schema, dict) or set(schema) - {"question", "labels", "note"}:
        raise ValidationError("A label schema is an object with question, labels and, if wanted, note.")
    if not isinstance(schema.get("question"), str) or not schema["question"].strip():
        raise ValidationError("question is the text that reviewers read above the labels.")
    labels = schema.get("labels")
    if not isinstance(labels, list) or not 2 <= len(labels) <= 20:
        raise ValidationError("labels is a list of 2 to 20 labels.")
    for label in labels:
        if not isinstance(label, dict) or set(label) - {"value", "name", "help"}:
            raise ValidationError("A label is an object with value, name and, if wanted, help.")
        if not isinstance(label.get("value"), str) or not _SLUG.match(label["value"]):
            raise ValidationError("A label's value is a short lower-case word, such as false_alarm.")
        if not isinstance(label.get("name"), str) or not label["name"].strip():
            raise ValidationError(f"The label {label['value']} needs a name that reviewers read.")
        if not isinstance(label.get("help", ""), str):
            raise ValidationError(f"The help of {label['value']} is a text.")
    if len({label["value"] for label in labels}) != len(labels):
        raise ValidationError("Two labels have the same value.")
    if not isinstance(schema.get("note", False), bool):
        raise ValidationError("note is true or false.")


def label_of(answer: Any, schema: dict[str, Any]) -> str:
    """The label an answer chooses under a valid schema. Raises :class:`AnswerNotInSchema` for anything else."""
    if not isinstance(answer, dict):
        raise AnswerNotInSchema("An answer is an object with a label.")
    known = {"label", "note"} if schema.get("note") else {"label"}
    unknown = sorted(set(answer) - known)
    if unknown:
        raise AnswerNotInSchema(f"This project's answers have no {unknown[0]!r}.")
    values = [label["value"] for label in schema["labels"]]
    if answer.get("label") not in values:
        raise AnswerNotInSchema(f"label is one of {', '.join(values)}.")
    note = answer.get("note", "")
    if not isinstance(note, str) or len(note) > NOTE_LENGTH:
        raise AnswerNotInSchema(f"note is a text of at most {NOTE_LENGTH} characters.")
    label: str = answer["label"]
    return label
