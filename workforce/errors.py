"""What the people's room refuses."""

from config.errors import Refusal


class QuotaExhausted(Refusal):
    """The day's quota is used up or held."""

    code = "quota-exhausted"
    status = 429


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
