"""What the work's room refuses."""

from config.errors import BadInput, Gone, NotFound, Refusal


class StaleToken(Refusal):
    """This lease was granted with another token; nothing was changed."""

    code = "stale-token"


class NotAReviewer(Refusal):
    """This is for reviewers."""

    code = "permission-denied"
    status = 403


class Paused(Refusal):
    """You or your team are paused, so no work is handed out."""

    code = "paused"
    status = 409


class LeaseReturned(Gone):
    """This lease was given back."""

    code = "lease-returned"


class LeaseRecalled(Gone):
    """This lease was taken back by an ops manager."""

    code = "lease-recalled"


class LeaseFlagged(Gone):
    """You flagged this clip, so nothing more is asked of you."""

    code = "lease-flagged"


class ClipQuarantined(Gone):
    """This clip was taken away from everybody until somebody has decided about it."""

    code = "clip-quarantined"


class ConsentWithdrawn(Gone):
    """Its owner took back the consent, so nobody may look at this clip any more."""

    code = "consent-withdrawn"


class ClipForgotten(Gone):
    """This clip's time here was over; it is being purged."""

    code = "clip-purged"


class ConsentExpired(Gone):
    """Its owner's consent is over, so nobody may look at this clip now."""

    code = "consent-expired"


class ExportWithdrawn(Gone):
    """An owner no longer agrees that their clip is in this export; ask for a new one, without it."""

    code = "export-withdrawn"


class NothingToRequeue(Refusal):
    """This task is not waiting for a decision and nobody holds it."""

    code = "nothing-to-requeue"


class ClipTakenAway(Refusal):
    """This task's clip may not be shown now."""

    code = "clip-taken-away"


class LeaseLapsed(Gone):
    """This lease ran out of time; its seat has gone back to the queue."""

    code = "lease-lapsed"


class AlreadySubmitted(Refusal):
    """This lease's annotation has been submitted and cannot be given back."""

    code = "already-submitted"


class MediaLinkOver(Gone):
    """This link lived as long as its lease, and the lease is over."""

    code = "media-link-over"


class MediaLinkExpired(Gone):
    """This link's minutes are over; get or renew the lease, whose reply has fresh ones."""

    code = "media-link-expired"


class AnswerNotInSchema(BadInput):
    """The answer does not fit the project's label schema."""

    code = "answer-not-in-schema"


class ExportNotReady(Refusal):
    """The export is still being written, or failed; its state says which."""

    code = "export-not-ready"


class NoAnnotationYet(NotFound):
    """Nothing has been submitted under this lease."""


class AmendWindowOver(Refusal):
    """This answer can no longer be amended."""

    code = "amend-window-over"


class VersionMissing(BadInput):
    """Say which version you amend: If-Match with the ETag you were given."""

    code = "if-match-required"
    status = 428


class VersionMismatch(Refusal):
    """This answer was amended meanwhile; look at it again."""

    code = "version-mismatch"
    status = 412


class UnknownCategory(BadInput):
    """No project names this category."""

    code = "unknown-category"


class DayNotContestable(BadInput):
    """This day is too far away to be contested."""

    code = "day-not-contestable"


class ContestOpen(Refusal):
    """You contested this day already; staff have not answered yet."""

    code = "contest-open"


class ContestAnswered(Refusal):
    """This contest was answered."""

    code = "contest-answered"


class NothingToPlan(Refusal):
    """Nothing that was chosen waits for somebody: it is labelled, begun, or may not be shown."""

    code = "nothing-to-plan"


class TooMuchToPlan(BadInput):
    """This is too much for one plan by hand; choose less."""

    code = "too-much-to-plan"


class UnknownProject(BadInput):
    """There is no such project."""

    code = "unknown-project"


class ProjectPaused(Refusal):
    """This project is paused, so nothing of it is handed out."""

    code = "project-paused"


class UnknownTeam(BadInput):
    """There is no such team among those of the project."""

    code = "unknown-team"


class TeamWithoutPeople(BadInput):
    """Nobody works in this team."""

    code = "team-without-people"


class DueInPast(BadInput):
    """This due time is over."""

    code = "due-in-past"


class PlannerBusy(Refusal):
    """Another plan is being applied; try again in a moment."""

    code = "planner-busy"


class PlanBegun(Refusal):
    """Somebody has begun what this plan moved, so it can no longer be undone."""

    code = "plan-begun"


class PlanOver(Refusal):
    """This plan was undone already, or was made by itself: only plans by hand are undone."""

    code = "plan-over"


class BulkOver(Refusal):
    """All its rows were done already; there is nothing left to cancel."""

    code = "bulk-over"


class ViewTooLong(BadInput):
    """A view needs a name of 1 to 60 characters, and filters that fit into an address."""

    code = "view-too-long"


class NameTaken(Refusal):
    """You have a view of this list with that name already."""

    code = "name-taken"


class ScenarioWrong(BadInput):
    """This scenario cannot be simulated as it is."""

    code = "scenario-wrong"


class NotScratch(Refusal):
    """A simulation runs in a database of its own only, which it makes and drops."""

    code = "not-a-scratch-database"


class NoAddress(Refusal):
    """Your sign-in has no e-mail address to send it to; whoever keeps sign-ins can add one."""

    code = "no-address"
    status = 409
