"""Which rows about the work somebody with a scope may find: those of their teams, and of no clip that is quarantined
unless they are cleared for it."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q

from annotations.models import (
    ActiveSpan,
    AmendedAnswer,
    Annotation,
    BulkRun,
    Export,
    Flag,
    Lane,
    LateAnswer,
    Lease,
    Plan,
    PlanLine,
    Project,
    SavedView,
    Task,
    TimeContest,
    Timesheet,
)
from clips.queries import listed_to
from clips.scopes import not_sensitive
from config.scope import ReachesFurther, Scope, rule, scope_of


@rule(Task)
def _tasks(user: User, scope: Scope) -> Q:
    return scope.of("team") & listed_to(user, "clip")


@rule(Lane)
def _lanes(user: User, scope: Scope) -> Q:
    return scope.of("team")


def _under(user: User, scope: Scope, way: str) -> Q:
    """What a reviewer did on a task. Somebody who moved between regions is found with neither: a row names both."""
    return scope.of(f"{way}task__team") & scope.of(f"{way}reviewer__team") & listed_to(user, f"{way}task__clip")


@rule(Lease)
@rule(Annotation)
def _leases(user: User, scope: Scope) -> Q:
    return _under(user, scope, "")


@rule(LateAnswer)
def _late_answers(user: User, scope: Scope) -> Q:
    return _under(user, scope, "lease__")


@rule(AmendedAnswer)
def _amended_answers(user: User, scope: Scope) -> Q:
    return _under(user, scope, "annotation__")


@rule(Flag)
def _flags(user: User, scope: Scope) -> Q:
    of_teams = scope.of("lease__task__team") & scope.of("lease__reviewer__team")
    return of_teams & not_sensitive(user, "case__clip")


@rule(Project)
def _projects(user: User, scope: Scope) -> Q:
    """Projects on which a team of theirs works."""
    if scope.everywhere:
        return Q()
    return Q(pk__in=Project.teams.through.objects.filter(scope.of("team")).values("project"))


@rule(ActiveSpan)
@rule(TimeContest)
@rule(Timesheet)
def _time(user: User, scope: Scope) -> Q:
    return scope.of("reviewer__team")


@rule(PlanLine)
def _plan_lines(user: User, scope: Scope) -> Q:
    """What goes from a team of theirs, or from nobody, to a team of theirs, or to nobody."""
    if scope.everywhere:
        return Q()
    theirs = Q(from_team=None) | scope.of("from_team"), Q(to_team=None) | scope.of("to_team")
    return theirs[0] & theirs[1] & (scope.at("region") | scope.of("from_team") | scope.of("to_team"))


@rule(Plan)
def _plans(user: User, scope: Scope) -> Q:
    """Plans of which they may find a line."""
    if scope.everywhere:
        return Q()
    return Q(Exists(PlanLine.objects.filter(_plan_lines(user, scope), plan=OuterRef("pk"))))


def is_whole_plan(user: User, plan: Plan) -> bool:
    """Whether nothing in a plan is others' work."""
    scope = scope_of(user)
    return scope.everywhere or not plan.lines.exclude(_plan_lines(user, scope)).exists()


UNTOLD = "nobody of your teams has room for it, and why others have none is for them to say"


def told(user: User, line: PlanLine) -> str:
    """Why nobody was found, as this person may read it: it names all teams of the project."""
    return line.why if not line.why or is_whole(user, line.project) else UNTOLD


def regions_of(user: User) -> list[str]:
    """Of which regions an export that this user asks for holds clips: machines are given all, staff their own. Empty:
    all. Raises :class:`ReachesFurther` for staff who have no region whole."""
    scope = scope_of(user)
    if not user.is_staff or scope.everywhere:
        return []
    if not scope.regions:
        raise ReachesFurther
    return sorted(scope.regions)


def is_whole(user: User, project: Project) -> bool:
    """Whether all teams of a project are this person's: who changes it changes the work of all of them."""
    scope = scope_of(user)
    return scope.everywhere or not project.teams.exclude(scope.of("pk")).exists()


def check_whole(user: User, project: Project) -> None:
    """Raises :class:`config.scope.ReachesFurther` if others' teams work on the project, too."""
    if not is_whole(user, project):
        raise ReachesFurther


@rule(BulkRun)
def _bulk_runs(user: User, scope: Scope) -> Q:
    """One's own; of all others those alone find them who find all rows anyway."""
    return Q() if scope.everywhere else Q(by=user)


@rule(SavedView)
def _saved_views(user: User, scope: Scope) -> Q:
    """One's own; and what was shared by somebody who finds no more than one finds oneself, or that names no row."""
    if scope.everywhere:
        return Q(user=user) | Q(is_shared=True)
    mine = sorted([*scope.regions, *(f"team {number}" for number in scope.teams)])
    told = ~Q(reach=[]) & Q(reach__contained_by=mine) | Q(reach=[], names_rows=False)
    return Q(user=user) | Q(is_shared=True) & told


@rule(Export)
def _exports(user: User, scope: Scope) -> Q:
    """Exports that hold clips of these regions and no others."""
    if scope.everywhere:
        return Q()
    return ~Q(regions=[]) & Q(regions__contained_by=sorted(scope.regions))
