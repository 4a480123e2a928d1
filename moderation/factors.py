"""Second factors of a sign-in: codes of an app (TOTP, RFC 6238), and recovery codes. Pure."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

import pyotp

#: Seconds for which an app shows a code.
STEP_SECONDS = 30
#: Codes of this many steps before and after now are taken, since clocks differ.
WINDOW = 1
RECOVERY_CODES = 10
#: Without letters and digits that look alike.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 3, 4
_DIGITS = 6
ISSUER = "Winnow"
#: Characters of a name in a QR code, which would else be too fine to be read.
_NAME = 30


@dataclass(frozen=True, slots=True)
class Factors:
    """What a moderator has beside their password; nothing of it: the password is enough."""

    #: The secret that an app and Winnow share; "": none.
    secret: str = ""
    #: The step whose code was taken last; it and earlier ones are taken no more.
    last_step: int = 0
    #: Digests of the recovery codes that were not used yet.
    recovery: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is asked for beside the password."""
        return bool(self.secret)


def new_secret() -> str:
    """Return a secret of 160 bits as apps take it."""
    return pyotp.random_base32()


def app_link(secret: str, name: str, host: str) -> str:
    """Return the ``otpauth://`` link of a QR code: for moderator *name* at *host*."""
    shown = f"{name[:_NAME]}@{host}"
    return pyotp.TOTP(secret).provisioning_uri(name=shown, issuer_name=ISSUER)


def step_of(secret: str, code: str, *, now_ms: int, after: int) -> int | None:
    """Return the step, later than *after*, whose code this is now; None for a wrong or used one."""
    if len(code) != _DIGITS or not code.isascii():
        return None
    app = pyotp.TOTP(secret, interval=STEP_SECONDS)
    now = now_ms // 1000 // STEP_SECONDS
    fitting = None
    for step in range(now - WINDOW, now + WINDOW + 1):
        if hmac.compare_digest(app.generate_otp(step), code) and step > after:
            fitting = step
    return fitting


def new_recovery_codes() -> list[str]:
    """Return codes of 59 bits, each good for one sign-in without the app."""
    return ["-".join(_group() for _ in range(_GROUPS)) for _ in range(RECOVERY_CODES)]


def plain(code: str) -> str:
    """Return a code as it is compared: without spaces, hyphens and capitals."""
    return "".join(letter for letter in code.casefold() if letter.isalnum())[:100]


def _group() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP))
