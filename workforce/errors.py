"""What the people's room refuses."""

from config.errors import Refusal


class QuotaExhausted(Refusal):
    """The day's quota is used up or held."""

    code = "quota-exhausted"
    status = 429


class OffShift(Refusal):
    """Your team keeps its hours, and these are not yours."""

    code = "off-shift"
    status = 409


class NotASignIn(Refusal):
    """The user name or the password is not right."""

    code = "sign-in-failed"
    status = 401


class SkipsExhausted(Refusal):
    """All of the day's skips are used."""

    code = "skips-exhausted"
    status = 429


class PausedByOps(Refusal):
    """Your team's lead or an ops manager paused you; they can end it."""

    code = "paused-by-ops"


class TooManyTries(Refusal):
    """Somebody tried to sign in too often; wait a little."""

    code = "too-many-requests"
    status = 429


class NotToYourself(Refusal):
    """Nobody gives or takes a role or a scope of their own; ask somebody who stands higher."""

    code = "not-to-yourself"
    status = 403


class MoreThanYouHave(Refusal):
    """Nobody gives or takes what they do not have themselves."""

    code = "more-than-you-have"
    status = 403


class StandsAlone(Refusal):
    """An auditor has no other role: who does the work does not audit it."""

    code = "role-stands-alone"


class NotForStaff(Refusal):
    """This is a reviewer's sign-in; staff have one of their own."""

    code = "reviewer-sign-in"


class NoPlaceYet(Refusal):
    """Give them a region or a team first: a role without one would put them out of your sight."""

    code = "no-place-yet"


class WrongCode(Refusal):
    """This code is not right, or it was used already: wait for the next one."""

    code = "second-factor-wrong"
    status = 401


class SecondFactorStands(Refusal):
    """There is a second factor already; give a code of it, or let an administrator reset it."""

    code = "second-factor-stands"
