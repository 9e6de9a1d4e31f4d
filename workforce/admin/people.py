"""The people in the admin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, Model, Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from knox.models import get_token_model
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminTextInputWidget

from config.acting import staff, with_reason
from config.admin import Record, Register, Scoped, SeenBeyond
from config.clock import database_now
from config.scope import scope_of
from workforce import people, quotas
from workforce.admin.files import WithFiles
from workforce.days import local_day
from workforce.forms import LimitForm
from workforce.models import DailyLimit, QuotaDay, Region, ResidencyBasis, Reviewer, Team
from workforce.resources import Limits, Reviewers, Teams

LINK = '<a class="text-primary-600 underline dark:text-primary-500" href="{}">Day and history{}</a>'

admin.site.unregister(User)
admin.site.unregister(Group)
admin.site.unregister(get_token_model())


class ForAdministrators(Scoped):
    """Pages by which somebody could raise themselves: for administrators alone."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return staff(request).is_superuser

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return staff(request).is_superuser

    def has_add_permission(self, request: HttpRequest) -> bool:
        return staff(request).is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return staff(request).is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return staff(request).is_superuser


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ForAdministrators):  # type: ignore[misc]
    """Sign-ins. Roles are given on the page of staff, with a reason."""

    readonly_fields = ["groups", "user_permissions"]

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "first_name", "last_name", "is_active", "is_staff", "last_login"]
    list_filter = ["is_active", "is_staff", "groups"]


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ForAdministrators):
    """Roles; what each may do is kept by the code."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Region)
class RegionAdmin(Register):
    # Said again for the boxes that offer rows: a list that is counted has no order of its own.
    ordering = ["name"]
    list_display = ["name", "code", "time_zone", "teams_count"]
    search_fields = ["name", "code"]
    search_help_text = _("Name or code")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Region]:
        return (
            super()
            .get_queryset(request)
            .annotate(teams_count=Count("teams", filter=scope_of(request.user).of("teams")))
        )

    @display(description=_("Teams"), ordering="teams_count")
    def teams_count(self, region: Any) -> int:
        count: int = region.teams_count
        return count


@admin.register(Team)
class TeamAdmin(WithFiles, Register):
    """A team's region and zone are what its lanes and its people's days were made by: fixed once it is there."""

    resource_classes = [Teams]
    ordering = ["name"]
    list_display = ["name", "region", "time_zone", "weight", "people", "keeps_hours", "is_paused"]
    list_filter = ["region", "keeps_hours", "is_paused"]
    list_select_related = ["region"]
    actions = ["pause", "resume"]
    acts_by = ("is_paused", {"pause": {False}, "resume": {True}})
    search_fields = ["name"]
    search_help_text = _("Name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        return super().get_queryset(request).annotate(people=Count("reviewers", filter=Q(reviewers__is_active=True)))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A team is opened in a region by who has the region, not only a team of it."""
        if db_field.name == "region":
            kwargs["queryset"] = Region.objects.filter(scope_of(request.user).at("code"))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @display(description=_("Active reviewers"), ordering="people")
    def people(self, team: Any) -> int:
        count: int = team.people
        return count

    def get_readonly_fields(self, request: HttpRequest, obj: Team | None = None) -> list[str]:
        return ["region", "time_zone", "is_paused"] if obj else ["is_paused"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not obj.reviewers.filter(is_active=True).exists():
            messages.warning(request, f"{obj} has no people yet, so nobody does what it is given.")

    @with_reason(
        description=_("Pause teams"),
        effect=_("Nobody of them is handed work; what they hold they may finish."),
        done=_("paused"),
    )
    def pause(self, request: HttpRequest, team: Team, answers: dict[str, Any]) -> object:
        """Hand these teams no more work."""
        return people.pause(team, by=staff(request), reason=answers["reason"])

    @with_reason(description=_("Resume teams"), effect=_("They are handed work again."), done=_("resumed"))
    def resume(self, request: HttpRequest, team: Team, answers: dict[str, Any]) -> object:
        """Hand these teams work again."""
        return people.unpause(team, by=staff(request), reason=answers["reason"])


@admin.register(Reviewer)
class ReviewerAdmin(WithFiles, Register):
    resource_classes = [Reviewers]
    # Most of a page's time goes into its cells, and there are thousands of people.
    list_per_page = 30
    list_display = [
        "user",
        "full_name",
        "their_day",
        "team",
        "country",
        "clearance",
        "can",
        "used_today",
        "paused",
        "is_active",
        "pseudonym",
    ]
    list_filter = ["is_active", "is_paused", ("team__region", SeenBeyond), "team", "country", "clearance"]
    list_select_related = ["user", "team__region"]
    search_fields = ["user__username", "user__first_name", "user__last_name", "pseudonym"]
    search_help_text = _("Name, sign-in or pseudonym")
    autocomplete_fields = ["team"]
    formfield_overrides = {ArrayField: {"widget": UnfoldAdminTextInputWidget}}
    readonly_fields = ["pseudonym", "can", "paused", "limits"]
    exclude = ["is_paused"]
    actions = ["pause", "resume", "set_day"]
    acts_by = ("is_paused", {"pause": {False}, "resume": {True}})

    def get_readonly_fields(self, request: HttpRequest, obj: Reviewer | None = None) -> list[str]:
        if request.user.has_perm("workforce.add_reviewer"):
            return [*self.readonly_fields, "user"] if obj else list(self.readonly_fields)
        # Team leads pause their people; who somebody is and what they may be shown is not theirs to say.
        return [field.name for field in Reviewer._meta.fields if field.editable and field.name not in self.exclude] + [
            *self.readonly_fields
        ]

    def has_limit_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("workforce.add_dailylimit")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            # A sign-in belongs to one person, and staff are not reviewers.
            kwargs["queryset"] = User.objects.filter(reviewer__isnull=True, is_staff=False).order_by("username")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A moved zone counts from the person's next day, so it goes through its verb."""
        if change and "time_zone" in form.changed_data:
            form.changed_data.remove("time_zone")
            kept = Reviewer.objects.get(pk=obj.pk)
            begins = people.move_zone(kept, obj.time_zone, at=database_now())
            messages.info(request, f"The zone changes with the person's next day, at {begins:%Y-%m-%d %H:%M} UTC.")
        super().save_model(request, obj, form, change)

    @with_reason(
        description=_("Pause people"),
        effect=_("They are handed no more work, and only ops can resume them; what they hold they may finish."),
        done=_("paused"),
    )
    def pause(self, request: HttpRequest, reviewer: Reviewer, answers: dict[str, Any]) -> object:
        """Hand these people no more work."""
        return people.pause(reviewer, by=staff(request), reason=answers["reason"])

    @with_reason(description=_("Resume people"), effect=_("They are handed work again."), done=_("resumed"))
    def resume(self, request: HttpRequest, reviewer: Reviewer, answers: dict[str, Any]) -> object:
        """Hand these people work again."""
        return people.unpause(reviewer, by=staff(request), reason=answers["reason"])

    @with_reason(
        description=_("Set how many they may do today"),
        effect=_("For their own local today alone. A number below what is used stops new leases and breaks nothing."),
        done=_("have another limit today"),
        numbers={"value": _("Clips today")},
        permission="limit",
    )
    def set_day(self, request: HttpRequest, reviewer: Reviewer, answers: dict[str, Any]) -> object:
        """Raise or lower these people's day."""
        at = database_now()
        return quotas.set_limit(
            answers["value"],
            reason=answers["reason"],
            by=staff(request),
            from_day=local_day(at, reviewer.zone_at(at)),
            reviewer=reviewer,
            one_day=True,
        )

    @display(description=_("Skills in force"))
    def can(self, reviewer: Reviewer) -> str:
        return ", ".join(reviewer.skills) or "-"

    @display(description=_("Clips a day, and why"))
    def limits(self, reviewer: Reviewer) -> str:
        if not reviewer.pk:
            return "-"
        at = database_now()
        said = []
        for step in quotas.explain(reviewer, local_day(at, reviewer.zone_at(at))):
            why = f"{step.limit.reason}, by {step.limit.author}" if step.limit else "the default"
            said.append(f"{step.value} for {step.level} ({why})" + (" - this counts" if step.counts else ""))
        return "; ".join(said)

    @display(description=_("Paused"))
    def paused(self, reviewer: Reviewer) -> str:
        if not reviewer.is_paused:
            return "-"
        return "after lapses" if reviewer.paused_by_lapses else "by ops"

    @display(description=_("Page"))
    def their_day(self, reviewer: Reviewer) -> SafeString:
        who = format_html('<span class="sr-only"> of {}</span>', reviewer)
        return format_html(
            '<a class="text-primary-600 underline dark:text-primary-500" href="{}">Day and history{}</a>',
            reverse("person", args=[reviewer.pk]),
            who,
        )

    @display(description=_("Name"))
    def full_name(self, reviewer: Reviewer) -> str:
        return reviewer.user.get_full_name() or "-"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reviewer]:
        lately = QuotaDay.objects.filter(day__gte=timezone.now().date() - timedelta(days=2))
        return super().get_queryset(request).prefetch_related(Prefetch("quota_days", lately, to_attr="lately"))

    @display(description=_("Used today"))
    def used_today(self, reviewer: Any) -> str:
        now = timezone.now()
        today = local_day(now, reviewer.zone_at(now))
        day = next((day for day in reviewer.lately if day.day == today), None)
        if day is None:
            return "not begun"
        return f"{day.used} of {day.day_limit}" + (f" (+{day.held} held)" if day.held else "")


@admin.register(QuotaDay)
class QuotaDayAdmin(Record):
    list_display = [
        "day",
        "reviewer",
        "team",
        "day_limit",
        "limit_source",
        "used",
        "held",
        "left",
        "exposure",
        "time_zone",
    ]
    list_filter = ["reviewer__team__region", "reviewer__team", "day"]
    list_select_related = ["reviewer__user", "reviewer__team"]
    search_fields = ["reviewer__user__username", "reviewer__user__last_name"]
    search_help_text = _("Reviewer's name or sign-in")

    @display(description=_("Exposure"), ordering="exposed_ms")
    def exposure(self, day: QuotaDay) -> str:
        return f"{day.exposed_ms / 60_000:.0f} min" if day.exposed_ms else "-"

    @display(description=_("Team"))
    def team(self, day: QuotaDay) -> Team:
        return day.reviewer.team


@admin.register(DailyLimit)
class DailyLimitAdmin(WithFiles, Record):
    """Limits are added and never edited: the past refers to them."""

    resource_classes = [Limits]
    form = LimitForm
    autocomplete_fields = ["team", "reviewer"]

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("workforce.add_dailylimit")

    def save_model(self, request: HttpRequest, obj: DailyLimit, form: LimitForm, change: bool) -> None:
        made = form.set_limit(by=staff(request))
        obj.pk, obj.level = made.pk, made.level

    list_display = ["__str__", "level", "value", "from_day", "reason", "author", "created_at"]
    list_filter = ["level", "region", "team"]
    list_select_related = ["region", "team", "reviewer__user", "author"]
    search_fields = ["reason", "reviewer__user__username"]
    search_help_text = _("Reason, or the reviewer's sign-in")


@admin.register(ResidencyBasis)
class ResidencyBasisAdmin(Record):
    list_display = ["region", "country", "basis", "author", "starts_at", "ends_at"]
    list_filter = ["region", "country"]
    list_select_related = ["region", "author"]
    search_fields = ["basis", "country"]
    search_help_text = _("Basis or country")
