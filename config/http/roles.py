"""Who may: permission classes that every room uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:
    from rest_framework.views import APIView


class IsReviewer(BasePermission):
    """A person with a reviewer's row who is still employed."""

    message = "This is for reviewers."

    def has_permission(self, request: Request, view: APIView) -> bool:
        reviewer = getattr(request.user, "reviewer", None)
        return bool(reviewer and reviewer.is_active)


def needs(*permissions: str) -> type[BasePermission]:
    """A permission class for one of Django's permissions, such as ``clips.add_clip``, or any one of several."""

    class Needs(BasePermission):
        message = "Your role does not include this."

        def has_permission(self, request: Request, view: APIView) -> bool:
            return bool(request.user) and any(request.user.has_perm(permission) for permission in permissions)

    Needs.__name__ = f"Needs_{'_or_'.join(permissions).replace('.', '_')}"
    return Needs
