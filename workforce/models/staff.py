"""Staff: who works here without reviewing, where their rights reach, and which roles they have; all kept as history."""

from __future__ import annotations

from typing import ClassVar

import pghistory
from django.conf import settings
from django.contrib.auth.models import User, UserManager
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_totp.models import TOTPDevice


@pghistory.track(
    pghistory.InsertEvent("given"),
    pghistory.DeleteEvent("taken"),
    model_name="StaffScopeChange",
    meta={"default_permissions": ()},
)
class StaffScope(models.Model):
    """One region or team in which a member of staff does what their roles allow; or all, those to come too.

    Who has none finds nothing. Rows are added and deleted, never edited.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="staff_scopes", db_index=False
    )
    everywhere = models.BooleanField(default=False, help_text=_("All regions, those to come too."))
    region = models.ForeignKey(
        "workforce.Region", on_delete=models.PROTECT, null=True, blank=True, related_name="staff_scopes"
    )
    team = models.ForeignKey(
        "workforce.Team", on_delete=models.PROTECT, null=True, blank=True, related_name="staff_scopes"
    )

    class Meta:
        ordering = ["user", "id"]
        default_permissions = ()
        permissions = [("give_role", "Can give and take roles and scopes, within their own")]
        constraints = [
            models.CheckConstraint(
                condition=Q(everywhere=True, region=None, team=None)
                | Q(everywhere=False, region__isnull=False, team=None)
                | Q(everywhere=False, region=None, team__isnull=False),
                name="staff_scope_names_one_thing",
            ),
            models.UniqueConstraint(
                fields=["user", "everywhere", "region", "team"], nulls_distinct=False, name="staff_scope_once"
            ),
        ]

    def __str__(self) -> str:
        return "everywhere" if self.everywhere else f"region {self.region}" if self.region_id else f"team {self.team}"


class StaffManager(UserManager["Staff"]):
    """Sign-ins that are no reviewer's."""

    use_in_migrations = False

    def get_queryset(self) -> models.QuerySet[Staff]:
        return super().get_queryset().filter(reviewer__isnull=True)


class Staff(User):
    """A sign-in that is no reviewer's, with its roles and scope: members of staff, and service accounts."""

    objects: ClassVar[StaffManager] = StaffManager()

    class Meta:
        proxy = True
        ordering = ["username"]
        default_permissions = ("view",)
        verbose_name = "member of staff"
        verbose_name_plural = "staff"


@pghistory.track(
    pghistory.InsertEvent("given"),
    pghistory.DeleteEvent("taken"),
    model_name="RoleChange",
    obj_field=None,
    meta={"default_permissions": ()},
)
class RoleHeld(User.groups.through):  # type: ignore[name-defined]
    """That a person has a role: a row of Django's own table, kept as history like all else that people change."""

    class Meta:
        proxy = True
        default_permissions = ()


@pghistory.track(
    pghistory.InsertEvent("given"),
    pghistory.DeleteEvent("taken"),
    fields=["user"],
    model_name="FactorChange",
    obj_field=None,
    meta={"default_permissions": ()},
)
class FactorHeld(TOTPDevice):
    """A person's second factor: a row of django-otp's table. That it was set up or taken is kept, and not its key."""

    class Meta:
        proxy = True
        default_permissions = ()
