"""The second factor: set up, asked for at a sign-in, and taken off for who lost it."""

from __future__ import annotations

from dataclasses import replace

from moderation.actor import Actor
from moderation.audit import AuditLine
from moderation.errors import InvalidInput, NotFound
from moderation.factors import Factors, new_recovery_codes, plain, step_of
from moderation.ports import Clock
from moderation.store.accounts import Accounts


def add_app(
    name: str, secret: str, code: str, *, by: Actor, accounts: Accounts, clock: Clock
) -> list[str]:
    """Have codes of an app asked for from now on, in place of another app's; return recovery codes.

    They are shown this once, and end the ones before. Raises InvalidInput unless *code* is of *secret*.
    """
    now = clock.now_ms()
    step = step_of(secret, plain(code), now_ms=now, after=0)
    if step is None:
        raise InvalidInput("that is not the code that the app shows now", field="code")
    codes = new_recovery_codes()
    digests = _digests(codes, accounts)
    accounts.change_factors(
        name,
        lambda has: replace(has, secret=secret, last_step=step, recovery=digests),
        line=AuditLine(now, by, "factor.app", name),
    )
    return codes


def renew_codes(name: str, *, by: Actor, accounts: Accounts, clock: Clock) -> list[str]:
    """Return new recovery codes, which end the ones before. Raises NotFound without a second factor."""
    codes = new_recovery_codes()
    digests = _digests(codes, accounts)

    def renewed(has: Factors) -> Factors:
        if not has:
            raise NotFound("there is no second factor to recover")
        return replace(has, recovery=digests)

    line = AuditLine(clock.now_ms(), by, "factor.codes", name)
    accounts.change_factors(name, renewed, line=line)
    return codes


def check_code(name: str, code: str, *, by: Actor, accounts: Accounts, clock: Clock) -> None:
    """Use up a code of the app or a recovery code. Raises NotFound for a wrong, old or used one."""
    now, typed = clock.now_ms(), plain(code)
    digest = _digest(typed, accounts)

    def by_app(has: Factors) -> Factors:
        step = step_of(has.secret, typed, now_ms=now, after=has.last_step) if has.secret else None
        if step is None:
            raise NotFound("wrong code")
        return replace(has, last_step=step)

    def by_recovery(has: Factors) -> Factors:
        if digest not in has.recovery:
            raise NotFound("wrong code")
        return replace(has, recovery=tuple(one for one in has.recovery if one != digest))

    if digest in accounts.factors(name).recovery:
        line = AuditLine(now, by, "factor.recovered", name)
        accounts.change_factors(name, by_recovery, line=line)
    else:
        accounts.change_factors(name, by_app)


def take_off(name: str, *, by: Actor, accounts: Accounts, clock: Clock) -> bool:
    """Let a password be enough again; tell whether it was not. Raises NotFound for whom there is not."""
    name = accounts.moderator(name).name
    if not accounts.has_factors(name):
        return False
    line = AuditLine(clock.now_ms(), by, "factor.off", name)
    accounts.change_factors(name, lambda _: Factors(), line=line)
    return True


def _digests(codes: list[str], accounts: Accounts) -> tuple[str, ...]:
    return tuple(_digest(plain(code), accounts) for code in codes)


def _digest(code: str, accounts: Accounts) -> str:
    return accounts.vault.digest(f"recovery {code}")
