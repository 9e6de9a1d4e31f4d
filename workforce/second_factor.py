"""Second factors of staff: codes of an app on their phone, and recovery codes for the day it is lost.

The devices are django-otp's. A key is shown once, when it is set up; of recovery codes only digests are kept.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

import django_otp
import qrcode
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import get_random_string, salted_hmac
from django_otp.models import Device, ThrottlingMixin
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from knox.models import get_token_model
from qrcode.image.svg import SvgPathImage

from config.errors import NotFound
from config.history import because, made_by
from workforce import signing_in
from workforce.errors import NotToYourself, SecondFactorStands, WrongCode

COUNT, LENGTH = 10, 10
# Without letters that are taken for others.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True)
class Factors:
    """What somebody has: since when an app, and how many recovery codes are left."""

    since: datetime | None
    left: int


def held_by(user: User) -> Factors:
    """What this person has set up."""
    app = _apps(user).first()
    codes = StaticDevice.objects.filter(user=user).first()
    return Factors(since=app.created_at if app else None, left=codes.token_set.count() if codes else 0)


def has(user: User) -> bool:
    """Whether this person has a second factor."""
    return _apps(user).exists()


def new_key() -> str:
    """A key for an app, not anybody's yet."""
    return str(TOTPDevice._meta.get_field("key").get_default())


def spelled(key: str) -> str:
    """The key as people type it into an app, in groups of four."""
    words = base64.b32encode(bytes.fromhex(key)).decode().rstrip("=")
    return " ".join(words[place : place + 4] for place in range(0, len(words), 4))


def picture(user: User, key: str) -> str:
    """The key as a QR code, as the URL of an image (SVG)."""
    drawn = BytesIO()
    qrcode.make(TOTPDevice(user=user, key=key).config_url, image_factory=SvgPathImage).save(drawn)
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn.getvalue()).decode()}"


def set_up(user: User, key: str, code: str) -> tuple[Device, list[str]]:
    """Give somebody the app that has this key and shows this code; returns the device and their recovery codes.

    Raises :class:`WrongCode`, and :class:`SecondFactorStands` if they have one: that one is used, or reset.
    """
    with transaction.atomic(), made_by(user, verb="set up second factor"):
        User.objects.select_for_update().get(pk=user.pk)
        if has(user):
            raise SecondFactorStands
        device = TOTPDevice.objects.create(user=user, name="app", key=key)
        if not device.verify_token(_plain(code)):
            raise WrongCode
        return device, renew_codes(user)


def renew_codes(user: User) -> list[str]:
    """New recovery codes; those before open nothing any more. They are told this once."""
    codes = [get_random_string(LENGTH, LETTERS) for _ in range(COUNT)]
    with transaction.atomic():
        StaticDevice.objects.filter(user=user).delete()
        device = StaticDevice.objects.create(user=user, name="recovery codes")
        device.token_set.bulk_create(device.token_set.model(device=device, token=_digest(user, code)) for code in codes)
    return [f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}" for code in codes]


def check(user: User, code: str, *, address: str, at: datetime) -> Device:
    """The device whose code this is; a code works once.

    Raises :class:`WrongCode`, and :class:`workforce.errors.TooManyTries` when too many were tried.
    """
    name = f"code of {user.get_username()}"
    signing_in.count_try(name, address, at=at)
    said = _plain(code)
    of_the_app = bool(re.fullmatch("[0-9]{6}", said))
    device = (_apps(user) if of_the_app else StaticDevice.objects.filter(user=user)).first()
    if device is None:
        raise WrongCode
    _check_waited(device)
    found = django_otp.verify_token(user, device.persistent_id, said if of_the_app else _digest(user, said))
    if found is None:
        raise WrongCode
    signing_in.forget_tries(name, address, at=at)
    return found


def give_up(user: User) -> None:
    """Take one's own away, to set another up."""
    with transaction.atomic(), made_by(user, verb="give up second factor"):
        _take(user)


def reset(who: User, *, by: User, reason: str) -> bool:
    """Take somebody's second factor away, who lost it; False when they have none. Their tokens end, too.

    Raises :class:`NotFound` for who is not an administrator, :class:`NotToYourself`,
    :class:`config.history.ReasonMissing`.
    """
    with because(by, reason, verb="reset second factor"), transaction.atomic():
        if not by.is_active or not by.is_superuser:
            raise NotFound
        if who.pk == by.pk:
            raise NotToYourself("Somebody else resets yours; while you have it, set up another yourself.")
        User.objects.select_for_update().get(pk=who.pk)
        found = has(who)
        _take(who)
        get_token_model().objects.filter(user_id=who.pk).delete()
    return found


def _take(user: User) -> None:
    TOTPDevice.objects.filter(user_id=user.pk).delete()
    StaticDevice.objects.filter(user_id=user.pk).delete()


def _apps(user: User) -> QuerySet[TOTPDevice]:
    return TOTPDevice.objects.filter(user_id=user.pk, confirmed=True)


def _check_waited(device: ThrottlingMixin) -> None:
    """After a wrong code the next one has to wait, each time twice as long. Raises :class:`WrongCode`."""
    allowed, why = device.verify_is_allowed()
    if not allowed:
        left = max(1, round((why["locked_until"] - timezone.now()).total_seconds()))
        raise WrongCode(f"Wait {left} seconds before you try another code.")


def _plain(code: str) -> str:
    return re.sub(r"[\s-]", "", code).lower()


def _digest(user: User, code: str) -> str:
    """What is kept of a recovery code: 64 bits, as long as the column takes."""
    return salted_hmac(f"recovery code of {user.pk}", code, algorithm="sha256").hexdigest()[:16]
