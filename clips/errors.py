"""What the footage room says no to, by name.

Most are refusals of what somebody sent: they carry a stable code and are the sender's to mend. ``PreparationFailed`` is
ours: the file was accepted and the rendering went wrong.
"""

from __future__ import annotations

from config.errors import BadInput, Gone, Refusal


class EmptyFile(BadInput):
    """The file has no bytes in it."""

    code = "empty-file"


class UnsupportedExtension(BadInput):
    """Files with this name ending are not taken."""

    code = "unsupported-extension"
    status = 415


class ExtensionMismatch(BadInput):
    """The file's name says one format and its bytes another."""

    code = "extension-mismatch"


class NotAVideo(BadInput):
    """The file is neither a video nor a recording in a format we know."""

    code = "not-a-video"
    status = 415


class NoVideoStream(BadInput):
    """There is no picture in this file."""

    code = "no-video-stream"
    status = 415


class NoSound(BadInput):
    """There is neither a picture nor a sound in this file."""

    code = "no-sound"
    status = 415


class CodecNotAllowed(BadInput):
    """The picture or the sound is in a coding that is not taken."""

    code = "codec-not-allowed"
    status = 415


class Truncated(BadInput):
    """The file stops before its own end; send it again, whole."""

    code = "truncated"


class Encrypted(BadInput):
    """The file is encrypted, and its key was not sent with it."""

    code = "encrypted"


class Unreadable(BadInput):
    """The file could not be read as a video or a recording."""

    code = "unreadable"


class ClipTooLarge(BadInput):
    """The file has more bytes than a clip may have."""

    code = "clip-too-large"
    status = 413


class ClipTooLong(BadInput):
    """The clip lasts longer than a clip may last."""

    code = "clip-too-long"
    status = 413


class TooManyPixels(BadInput):
    """The picture is larger than a clip's may be."""

    code = "too-many-pixels"
    status = 413


class TooManyStreams(BadInput):
    """The file holds more tracks than a clip may hold."""

    code = "too-many-streams"


class TooManyChapters(BadInput):
    """The file is cut into more chapters than a clip may have."""

    code = "too-many-chapters"


class RateTooHigh(BadInput):
    """The file has more pictures, or finer sound, in a second than a clip may have."""

    code = "rate-too-high"
    status = 413


class PreparationFailed(Exception):
    """An accepted clip could not be rendered.

    Not a refusal: nobody is waiting for an HTTP answer. ``reason`` is one sentence for the person who looks after the
    clip, without paths or anything else that belongs to the machine.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class ConsentMissing(BadInput):
    """No clip is taken in without its owner's consent."""

    code = "consent-missing"


class ConsentMalformed(BadInput):
    """The consent is not the JSON object that it must be."""

    code = "consent-malformed"


class ConsentLacksHumanReview(BadInput):
    """The owner agreed neither to human review nor to troubleshooting, so nobody may look: the clip is not wanted."""

    code = "consent-lacks-human-review"


class UnknownDisclosure(BadInput):
    """No disclosure of that version had been published for that region when consent was given."""

    code = "unknown-disclosure"


class ConsentExpired(BadInput):
    """This consent expired before it came to us, or before it was given."""

    code = "consent-expired"


class ClipWithheld(Gone):
    """This clip is never shown again, whatever is agreed to; send it anew with this consent."""

    code = "clip-withheld"


class DisclosureIncomplete(BadInput):
    """A disclosure says that people look, in which countries, why, how long clips are kept and how to stop it."""

    code = "disclosure-incomplete"


class UnknownRegion(BadInput):
    """There is no such region here."""

    code = "unknown-region"


class EventMalformed(BadInput):
    """The device's event is not the JSON object that it must be."""

    code = "event-malformed"


class UploadInProgress(Refusal):
    """These bytes are being received from this owner right now; ask again a little later."""

    code = "upload-in-progress"


class ConsentTakenBack(Gone):
    """The owner took back the consent for this clip; a later one is needed to send it again."""

    code = "consent-withdrawn"


class ClipPurged(Gone):
    """This clip was purged; it is taken in again only under a consent that was given since."""

    code = "clip-purged"


class NoDirectUpload(Refusal):
    """This region's storage takes no uploads of its own; send the file to POST /api/v1/clips."""

    code = "no-direct-upload"


class UploadNotThere(Refusal):
    """The file has not arrived in the storage; send it to the link that registering it gave."""

    code = "upload-not-there"


class UploadDiffers(Refusal):
    """What lies in the storage is not the file that was registered; it was taken away, send the right one."""

    code = "upload-differs"
    status = 422


class StorageAway(Refusal):
    """The storage cannot be reached right now; nothing was kept."""

    code = "storage-unavailable"
    status = 503


class StorageDiffers(StorageAway):
    """The storage gave other bytes than those that were put there."""


class CaseDecided(Refusal):
    """This case was decided already."""

    code = "case-decided"


class DecisionDoesNotFit(Refusal):
    """A case of this kind cannot end so."""

    code = "decision-does-not-fit"
    status = 422


class NotForYou(Refusal):
    """Cases of sensitive footage are decided by staff who are cleared for it."""

    code = "permission-denied"
    status = 403


class SameBytes(Refusal):
    """These two are the same file of the same owner, byte for byte; only one of them is labelled."""

    code = "same-bytes"


class NotYoursToSee(Refusal):
    """This footage is for people who are cleared for it, or its owner does not agree that people look."""

    code = "permission-denied"
    status = 403


class ViewingTooLong(BadInput):
    """A viewing lasts some minutes."""

    code = "viewing-too-long"


class CaseNotOpen(Refusal):
    """There is no open case of this number about this clip."""

    code = "case-not-open"


class MarkAway(Refusal):
    """The picture could not be marked for you just now, and is not shown without."""

    code = "mark-unavailable"
    status = 503


class LedgerLineUnreadable(BadInput):
    """This is no line of the ledger of purges."""

    code = "ledger-line-unreadable"


class HoldOver(Refusal):
    """A hold ends in the future; one that has ended stays over, place another."""

    code = "hold-over"


class HoldTooLate(Refusal):
    """A hold is only ever made longer; to end it sooner, lift it."""

    code = "hold-not-longer"


class RequestClosed(Refusal):
    """This request was closed already."""

    code = "request-closed"


class RequestExtended(Refusal):
    """A request is extended once, and before it is due."""

    code = "request-not-extendable"


class NotAnErasure(Refusal):
    """Only a request for erasure is carried out so."""

    code = "not-an-erasure"


class StillHeld(Refusal):
    """Erasure was begun and is not done: the request closes itself when nothing is left."""

    code = "erasure-under-way"


class LegalRequestDecided(Refusal):
    """This legal request was decided already, or is over."""

    code = "legal-request-decided"


class NeedsAnother(Refusal):
    """Two people decide, and neither is who entered it: this must be somebody else."""

    code = "needs-another-person"
    status = 403


class ViewerUnknown(BadInput):
    """Those who may be shown the clips are active members of staff."""

    code = "viewer-unknown"
