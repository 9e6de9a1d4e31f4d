"""The footage: clips, what was made of them, and the consent under which anybody may look."""

from clips.models.access import GRANTED, STRANGERS, AccessEntry, AccessStream, Credentials, Under
from clips.models.cases import CASE_MOVES, Case, CaseKind, CaseState, Decision
from clips.models.clips import CLIP_MOVES, OWNER_KEY, Clip, ClipKind, ClipState, Source, queue_of
from clips.models.consents import (
    FOREVER,
    LOOKING,
    Channel,
    Closing,
    ConsentEvent,
    EventKind,
    Permit,
    Purpose,
)
from clips.models.disclosures import Disclosure, Point
from clips.models.events import DeviceEvent
from clips.models.faces import Addition, Faces, Need
from clips.models.holds import LegalHold
from clips.models.legal import LegalRequest, LegalRequestState
from clips.models.likeness import Likeness, Print, Verdict
from clips.models.purges import PURGE_MOVES, Purge, PurgedKey, PurgeReason, PurgeState
from clips.models.renditions import SHOWN, Rendition, RenditionKind
from clips.models.requests import REQUEST_MOVES, Law, Outcome, OwnerRequest, RequestKind, RequestState
from clips.models.retention import RetentionRule, Since
from clips.models.viewings import Viewing, ViewingPurpose

__all__ = [
    "CASE_MOVES",
    "CLIP_MOVES",
    "FOREVER",
    "GRANTED",
    "LOOKING",
    "OWNER_KEY",
    "PURGE_MOVES",
    "REQUEST_MOVES",
    "SHOWN",
    "STRANGERS",
    "AccessEntry",
    "AccessStream",
    "Addition",
    "Case",
    "CaseKind",
    "CaseState",
    "Channel",
    "Clip",
    "ClipKind",
    "ClipState",
    "Closing",
    "ConsentEvent",
    "Credentials",
    "Decision",
    "DeviceEvent",
    "Disclosure",
    "EventKind",
    "Faces",
    "Law",
    "LegalHold",
    "LegalRequest",
    "LegalRequestState",
    "Likeness",
    "Need",
    "Outcome",
    "OwnerRequest",
    "Permit",
    "Point",
    "Print",
    "Purge",
    "PurgeReason",
    "PurgeState",
    "PurgedKey",
    "Purpose",
    "Rendition",
    "RenditionKind",
    "RequestKind",
    "RequestState",
    "RetentionRule",
    "Since",
    "Source",
    "Under",
    "Verdict",
    "Viewing",
    "ViewingPurpose",
    "queue_of",
]
