"""The work: projects ask, tasks wait, leases hold, annotations answer, exports carry away."""

from annotations.models.activity import ActiveClock, ActiveSpan, TimeContest, Timesheet
from annotations.models.answers import AmendedAnswer, Annotation, LateAnswer
from annotations.models.audits import AuditRun
from annotations.models.awaited import Awaited
from annotations.models.bulk import BULK_MOVES, BulkItem, BulkOutcome, BulkRun, BulkState
from annotations.models.exports import EXPORT_MOVES, FINISHED, Export, ExportLine, ExportState
from annotations.models.flags import Flag
from annotations.models.lanes import Bookmark, Head, Lane
from annotations.models.leases import LEASE_MOVES, Lease, LeaseState, RecallReason, SkipReason, TakeKey
from annotations.models.plans import PLAN_MOVES, Plan, PlanItem, PlanKind, PlanLine, PlanState
from annotations.models.projects import AsksLanguage, Project
from annotations.models.reports import (
    ISSUE_MOVES,
    Every,
    IssueState,
    Report,
    ReportIssue,
    ReportSubscription,
)
from annotations.models.tasks import TASK_MOVES, Task, TaskState
from annotations.models.views import SavedView

__all__ = [
    "BULK_MOVES",
    "EXPORT_MOVES",
    "FINISHED",
    "ISSUE_MOVES",
    "LEASE_MOVES",
    "PLAN_MOVES",
    "TASK_MOVES",
    "ActiveClock",
    "ActiveSpan",
    "AmendedAnswer",
    "Annotation",
    "AsksLanguage",
    "AuditRun",
    "Awaited",
    "Bookmark",
    "BulkItem",
    "BulkOutcome",
    "BulkRun",
    "BulkState",
    "Every",
    "Export",
    "ExportLine",
    "ExportState",
    "Flag",
    "Head",
    "IssueState",
    "Lane",
    "LateAnswer",
    "Lease",
    "LeaseState",
    "Plan",
    "PlanItem",
    "PlanKind",
    "PlanLine",
    "PlanState",
    "Project",
    "RecallReason",
    "Report",
    "ReportIssue",
    "ReportSubscription",
    "SavedView",
    "SkipReason",
    "TakeKey",
    "Task",
    "TaskState",
    "TimeContest",
    "Timesheet",
]
