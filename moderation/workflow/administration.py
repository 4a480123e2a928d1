"""Administration: endpoints, moderators, and taking back a change of settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from moderation import texts
from moderation.actor import Actor
from moderation.addresses import check_headers, check_url
from moderation.audit import AuditLine
from moderation.changes import taken_back
from moderation.endpoint import Endpoint, EndpointKind, Secret
from moderation.errors import Conflict
from moderation.moderators import Moderator, Role
from moderation.ports import Clock
from moderation.signing import new_secret
from moderation.site import Site
from moderation.store.accounts import Accounts
from moderation.vault import new_password

#: How long an endpoint's old secret signs beside the new one.
_DAY_MS = 86_400_000
#: Old secrets that sign beside the new one, the latest: each adds to the header of every webhook.
_OLD_SECRETS = 4


def add_endpoint(
    endpoint: Endpoint, *, by: Actor, admin: bool, accounts: Accounts, clock: Clock
) -> Endpoint:
    """Have a site's events sent to a new endpoint; it comes back with its id and its secret.

    Private addresses are allowed by an administrator (*admin*) only. Raises InvalidInput.
    """
    endpoint = _as_allowed(endpoint, admin=admin)
    _check_endpoint(endpoint)
    return accounts.add_endpoint(endpoint, by=by, now_ms=clock.now_ms())


def change_endpoint(
    endpoint: Endpoint,
    *,
    was: Endpoint,
    by: Actor,
    admin: bool,
    accounts: Accounts,
    clock: Clock,
    reverts: str = "",
) -> Endpoint:
    """Change an endpoint from what it *was*; return it as it is now.

    One that is enabled forgets why it ever was not. Leave to reach private addresses was given for
    one URL and its headers: when somebody who is no administrator (*admin*) changes either, it
    ends. Raises NotFound, InvalidInput, and Conflict if the endpoint changed meanwhile.
    """
    if endpoint.enabled:
        endpoint = replace(endpoint, disabled_reason="", failing_since=None)
    endpoint = _as_allowed(endpoint, was, admin=admin)
    _check_endpoint(endpoint)
    accounts.save_endpoint(endpoint, was=was, by=by, now_ms=clock.now_ms(), reverts=reverts)
    return endpoint


def _as_allowed(endpoint: Endpoint, was: Endpoint | None = None, *, admin: bool) -> Endpoint:
    """Return *endpoint* without leave to reach private addresses, unless an admin gave it for this."""
    granted = was is not None and was.allow_private
    moved = was is None or (endpoint.url, endpoint.headers) != (was.url, was.headers)
    if endpoint.allow_private and not admin and (moved or not granted):
        return replace(endpoint, allow_private=False)
    return endpoint


def _check_endpoint(endpoint: Endpoint) -> None:
    texts.check(endpoint.description, field="description")
    check_url(endpoint.url, allow_private=endpoint.allow_private)
    check_headers(endpoint.headers)


def rotate_secret(endpoint_id: str, *, by: Actor, accounts: Accounts, clock: Clock) -> str:
    """Give an endpoint a new secret and return it; the latest four before sign beside it for 24 hours."""
    endpoint, now = accounts.endpoint(endpoint_id), clock.now_ms()
    kept = [
        replace(secret, expires_at=secret.expires_at or now + _DAY_MS)
        for secret in endpoint.secrets
        if secret.expires_at is None or secret.expires_at > now
    ]
    fresh = Secret(new_secret())
    changed = replace(endpoint, secrets=(*kept[-_OLD_SECRETS:], fresh))
    accounts.save_endpoint(changed, was=endpoint, by=by, now_ms=now)
    return fresh.value


def add_moderator(
    name: str,
    *,
    role: Role,
    sites: Sequence[str],
    by: Actor,
    accounts: Accounts,
    clock: Clock,
    email: str = "",
) -> tuple[Moderator, str]:
    """Make a moderator, with a password to be shown once and changed at the first sign-in."""
    password = new_password()
    made = accounts.add_moderator(
        name,
        password,
        role=role,
        sites=sites,
        must_change=True,
        email=email,
        by=by,
        now_ms=clock.now_ms(),
    )
    return made, password


def reset_password(name: str, *, by: Actor, accounts: Accounts, clock: Clock) -> str:
    """Give a moderator a password to be shown once and changed; their sessions end."""
    password = new_password()
    accounts.set_password(name, password, by=by, must_change=True, now_ms=clock.now_ms())
    return password


def revert(line_id: str, *, by: Actor, accounts: Accounts, clock: Clock) -> AuditLine:
    """Take back a change of settings by a new change, and return the reverted line of the trail.

    For administrators. All of it or nothing: raises Conflict when one of its settings has changed
    since, and when it was no change that can be taken back; NotFound when what it changed is gone.
    """
    line, now = accounts.audit_line(line_id), clock.now_ms()
    if not line.revertible:
        raise Conflict("this is no change of settings that can be taken back")
    match line.action:
        case "site.save":
            site = accounts.site(line.subject)
            back = Site.from_dict(taken_back(site.to_dict(), line.changes))
            accounts.save_site(back, was=site, by=by, now_ms=now, reverts=line.id)
        case "moderator.save":
            moderator = accounts.moderator(line.subject)
            restored = taken_back(asdict(moderator), line.changes)
            person = replace(
                moderator,
                role=Role(restored["role"]),
                sites=tuple(restored["sites"]),
                disabled=restored["disabled"],
            )
            accounts.save_moderator(person, was=moderator, by=by, now_ms=now, reverts=line.id)
        case _:
            endpoint = accounts.endpoint(line.subject)
            restored = taken_back(asdict(endpoint), line.changes)
            changed = {name: restored[name] for name in line.changes}
            if "events" in changed:
                changed["events"] = tuple(changed["events"])
            if "kind" in changed:
                changed["kind"] = EndpointKind(changed["kind"])
            change_endpoint(
                replace(endpoint, **changed),
                was=endpoint,
                by=by,
                admin=True,
                accounts=accounts,
                clock=clock,
                reverts=line.id,
            )
    return line
