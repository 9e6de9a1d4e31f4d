"""What the API's document says of refusals: at every door, so that none is left undocumented."""

from __future__ import annotations

from typing import Any

from config.http.problems import PROBLEM

_REFUSED = "problem+json: what was asked cannot be done as it is; `code` is stable and says why"
_AWAY = "problem+json: something is away or busy; ask again after Retry-After"
_SCHEMA = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; the end of `type`."},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "Of code `invalid`: which fields, and why.",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string", "description": "A dotted path."},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
                "required": ["field", "code", "detail"],
            },
        },
    },
    "required": ["type", "title", "status", "code", "detail"],
}
_METHODS = frozenset({"get", "put", "post", "delete", "patch"})


def say_refusals(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular's hook: each operation may answer 4XX and 503 with a problem document, and those refusals that it
    names have that form, too."""
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _SCHEMA
    for operations in result.get("paths", {}).values():
        for operation in (operation for method, operation in operations.items() if method in _METHODS):
            answers = operation["responses"]
            for status, answer in answers.items():
                if status.startswith("4") and "content" not in answer:
                    answer["content"] = content
            answers.setdefault("4XX", {"description": _REFUSED, "content": content})
            answers.setdefault("503", {"description": _AWAY, "content": content})
    return result
