"""Lists as people want them again: filters, search and order under a name."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class SavedView(models.Model):
    """A list's filters, search and order under a name; for one person, or shown to all who open the list.

    It holds the question and never the answer: whoever opens a shared one finds their own rows.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    table = models.CharField(max_length=100, help_text=_("The table, as app.model."))
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000, blank=True, help_text=_("The list's query string."))
    reach = ArrayField(
        models.CharField(max_length=32),
        default=list,
        help_text=_("The regions and teams of whoever saved it, for those whom it is shown to. Empty: all."),
    )
    names_rows = models.BooleanField(default=False, help_text=_("On: its filters name a team, a person or a number."))
    is_shared = models.BooleanField(default=False, help_text=_("On: all who open the list are offered it."))
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["name", "id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "table", "name"], name="saved_view_once"),
            models.CheckConstraint(condition=~Q(name=""), name="saved_view_has_name"),
        ]
        indexes = [models.Index(fields=["table"], name="saved_view_shared", condition=Q(is_shared=True))]

    def __str__(self) -> str:
        return self.name
