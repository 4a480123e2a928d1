"""Rate limits of sign-ins, codes and reset links, by address and by name.

A browser that a moderator signed in by has a cookie that says so, and counts by itself: however many
strangers try that moderator's name, from whatever address, its owner is never kept out. Everybody
else counts by address (an IPv6 /64 is one) and, from addresses that the moderator never signed in
from, by name as well, so that many addresses together guess no faster.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import cast

from flask import Flask, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from limits import RateLimitItem, parse
from werkzeug.wrappers import Response

from moderation.store.accounts import fold
from moderation.store.accounts.desk import KNOWN_SECONDS
from service.clients import network_of
from service.context import WebContext, winnow
from service.desk.base import desk
from service.limits import Limiter

_LIMITER, _BY_NAME = "winnow_sign_in_limiter", "winnow_sign_in_limiter_by_name"
#: Codes that may be tried for a moderator whose password was given: a chance of 1 in 10,000 a day. And
#: of all their passwords of a day, since a stranger who reads their mailbox may choose one after another.
_CODE_RATE, _CODES_A_DAY_RATE, _CODES_OF_ALL_RATE = "5/5 minutes", "30/day", "90/day"
#: Pages of links in e-mails that one network opens, and presses on them.
_ACT_RATE, _ACTS = "60/minute", "winnow_act_limiter"
_CODES, _CODES_A_DAY = "winnow_code_limiter", "winnow_code_limiter_a_day"
_CODES_OF_ALL = "winnow_code_limiter_of_all_passwords"
_RESETS, _ALL_RESETS = "winnow_reset_limiter", "winnow_reset_limiter_of_all"
#: Links for a new password that one network asks for, that are asked for one name or address, and
#: that everybody asks for together.
_RESET_RATE, _ALL_RESETS_RATE = "5/hour", "120/hour"
#: Messages that one moderator has sent to try a channel, whose address may be anybody's.
_TEST_RATE, _TESTS = "20/hour", "winnow_test_limiter"
COOKIE = "winnow_known"
#: Limit on tries of one name from all unknown addresses together, as a multiple of one address's.
_STRANGERS = 6


def serve(app: Flask, context: WebContext) -> None:
    """Give *app* the limits of WINNOW_LOGIN_RATE."""
    rate = context.settings.login_rate
    app.extensions[_LIMITER] = Limiter.of(rate, context.redis)
    app.extensions[_BY_NAME] = Limiter.of(_times(parse(rate)), context.redis)
    app.extensions[_CODES] = Limiter.of(_CODE_RATE, context.redis)
    app.extensions[_CODES_A_DAY] = Limiter.of(_CODES_A_DAY_RATE, context.redis)
    app.extensions[_CODES_OF_ALL] = Limiter.of(_CODES_OF_ALL_RATE, context.redis)
    app.extensions[_ACTS] = Limiter.of(_ACT_RATE, context.redis)
    app.extensions[_TESTS] = Limiter.of(_TEST_RATE, context.redis)
    app.extensions[_RESETS] = Limiter.of(_RESET_RATE, context.redis)
    app.extensions[_ALL_RESETS] = Limiter.of(_ALL_RESETS_RATE, context.redis)


def spend_sign_in(name: str) -> None:
    """Count a try to sign in as *name*. Raises TooManyRequests."""
    browser = _known_browser(name)
    if browser:
        _limiter(_LIMITER).spend(f"browser:{browser}")
        return
    _limiter(_LIMITER).spend(f"address:{_network()}")
    if not desk().knows(name, _network_digest()):
        _limiter(_BY_NAME).spend(f"name:{_short(fold(name))}")


def spend_password(name: str) -> None:
    """Count a try of one's own password at the form that changes it. Raises TooManyRequests."""
    _limiter(_LIMITER).spend(f"password:{_short(fold(name))}")


def spend_act() -> None:
    """Count a page of a link in an e-mail that is asked for. Raises TooManyRequests."""
    _limiter(_ACTS).spend(f"act:{_network()}")


def spend_code(name: str) -> None:
    """Count a code that is tried for a moderator. Raises TooManyRequests.

    A new password resets the count, three times a day.
    """
    for one, who in _counted(name):
        _limiter(one).spend(who)


def forgive_codes(name: str) -> None:
    """Forget the wrong codes that came before the right one."""
    for one, who in _counted(name):
        _limiter(one).forgive(who)


def _counted(name: str) -> tuple[tuple[str, str], ...]:
    """Return by which limits a moderator's codes are counted, and under which name."""
    own, of_all = _codes_of(name), f"codes:{_short(fold(name))}"
    return ((_CODES, own), (_CODES_A_DAY, own), (_CODES_OF_ALL, of_all))


def _codes_of(name: str) -> str:
    return f"code:{winnow().accounts.session_epoch(name)}:{_short(fold(name))}"


def spend_reset(who: str) -> None:
    """Count a request for a reset link, for a known or unknown name. Raises TooManyRequests."""
    _limiter(_RESETS).spend(f"reset-from:{_network()}")
    _limiter(_RESETS).spend(f"reset-of:{_short(fold(who.strip()))}")
    _limiter(_ALL_RESETS).spend("reset")


def spend_letter(name: str) -> None:
    """Count a letter that *name* has sent to an address of their choice. Raises TooManyRequests."""
    _limiter(_RESETS).spend(f"letter:{_short(fold(name))}")


def spend_test(name: str) -> None:
    """Count a message that *name* has sent to try a channel. Raises TooManyRequests."""
    _limiter(_TESTS).spend(f"test:{_short(fold(name))}")


def remember(name: str, answer: Response, *, now_ms: int) -> None:
    """Know this browser and this network again at the next sign-in of moderator *name*."""
    desk().know(name, _network_digest(), now_ms=now_ms)
    epoch = winnow().accounts.session_epoch(name)
    answer.set_cookie(
        COOKIE,
        _serializer().dumps([fold(name), epoch, secrets.token_urlsafe(9)]),
        max_age=KNOWN_SECONDS,
        path="/desk/sign-in",
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
        httponly=True,
        samesite="Lax",
    )


def _known_browser(name: str) -> str:
    """Return the id in this browser's cookie if *name* signed in by it before, else nothing."""
    try:
        cookie = _serializer().loads(request.cookies.get(COOKIE, ""), max_age=KNOWN_SECONDS)
        known, epoch, browser = cookie
    except (BadSignature, TypeError, ValueError):
        return ""
    same = known == fold(name) and epoch == winnow().accounts.session_epoch(name)
    return str(browser) if same else ""


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(winnow().vault.derive("browsers"))


def _network() -> str:
    return network_of(request.remote_addr or "")


def _network_digest() -> str:
    return winnow().vault.digest(f"network {_network()}")


def _limiter(name: str) -> Limiter:
    return cast(Limiter, current_app.extensions[name])


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _times(item: RateLimitItem) -> str:
    return f"{item.amount * _STRANGERS}/{item.multiples} {item.GRANULARITY.name}"
