"""Deciding by a link in an e-mail: signed, for one comment and one moderator, with an end.

A link is the right to press one button. Opening it changes nothing, since mail scanners open links.
It ends with its time, with its moderator's sessions and e-mail address, when they revoke their links, and
when they see the comment's site no more; what can be done by it is looked up at each press.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from itsdangerous import BadSignature, URLSafeSerializer

from moderation import ids
from moderation.actor import moderator_by
from moderation.comment import Comment, Decision, Status
from moderation.errors import Conflict, NotFound
from moderation.moderators import Moderator
from moderation.ports import Clock
from moderation.records import Order
from moderation.store.accounts import Accounts
from moderation.store.comments import Comments
from moderation.wording import ENGLISH, speaker
from moderation.workflow.review import review

#: Reason that a history has for a decision by such a link.
VIA = "mail"
_DAY_MS = 86_400_000
_LONGEST = 4000
#: Links in one e-mail.
_MOST_LINKS = 20


def make(
    comment_id: str, person: Moderator, *, days: float, accounts: Accounts, clock: Clock
) -> str:
    """Return the token of a link by which *person* may decide a comment for some *days*."""
    until = clock.now_ms() + round(days * _DAY_MS)
    epoch = accounts.link_epoch(person.name)
    return str(_signer(accounts).dumps([ids.shorten(comment_id), person.name, epoch, until]))


def lines(
    person: Moderator,
    address: str,
    *,
    since_ms: int,
    sites: Sequence[str] = (),
    days: float,
    url: str,
    language: str = ENGLISH,
    accounts: Accounts,
    comments: Comments,
    clock: Clock,
) -> str:
    """Return the part of an e-mail to *address* that has the links, for what waits since *since_ms*.

    One link for each comment, 20 in all, of those *sites*, or all, that allow it; empty unless the
    address is the confirmed one of *person*. It says nothing of what readers wrote.
    """
    if not person.email or address.casefold() != person.email.casefold():
        return ""
    found: list[str] = []
    for site in accounts.sites():
        chosen = site.mail_links and person.sees(site.id) and (not sites or site.id in sites)
        room = _MOST_LINKS - len(found)
        if not chosen or not room:
            continue
        for comment in comments.queue(site.id, order=Order.NEWEST, limit=room).items:
            moved = comment.updated_at or comment.created_at
            if moved.timestamp() * 1000 <= since_ms:
                break
            token = make(comment.id, person, days=days, accounts=accounts, clock=clock)
            found.append(f"  {site.name}, {moved:%Y-%m-%d %H:%M} UTC\n  {url}/desk/act/{token}")
    if not found:
        return ""
    head = speaker(person.language or language).gettext(
        "Or decide without signing in. Each link shows one comment and asks for one press:"
    )
    return "\n\n".join([head, *found])


def opened(
    token: str, *, accounts: Accounts, comments: Comments, clock: Clock
) -> tuple[Moderator, Comment]:
    """Return whose link this is, and the comment. Raises NotFound when it is good no more."""
    gone = NotFound("this link is worth nothing any more")
    try:
        if len(token) > _LONGEST:
            raise gone
        short, name, epoch, until = _signer(accounts).loads(token)
    except (BadSignature, TypeError, ValueError):
        raise gone from None
    person = accounts.moderator(name)
    if until <= clock.now_ms() or person.disabled or accounts.link_epoch(name) != epoch:
        raise gone
    comment = comments.get(ids.lengthen(short))
    site = accounts.site(comment.site_id)
    if not (site.mail_links and person.sees(site.id)):
        raise gone
    return person, comment


def waits(comment: Comment) -> bool:
    """Tell whether a comment waits for a decision."""
    return comment.status is Status.FLAGGED or comment.spot_check


def decide(
    token: str,
    decision: Decision,
    *,
    version: int,
    accounts: Accounts,
    comments: Comments,
    clock: Clock,
    hold_seconds: float,
) -> Comment:
    """Write the decision of whose link this is, on what they saw.

    Raises NotFound when the link is good no more, Conflict when the comment waits no more, and
    StaleVersion when it is not at *version*.
    """
    person, comment = opened(token, accounts=accounts, comments=comments, clock=clock)
    if not waits(comment):
        raise Conflict("the comment waits no more")
    return review(
        comment.id,
        decision,
        by=moderator_by(person.name, VIA),
        version=version,
        comments=comments,
        clock=clock,
        hold_seconds=hold_seconds,
    )


def _signer(accounts: Accounts) -> URLSafeSerializer:
    key = accounts.vault.derive("mail links")
    return URLSafeSerializer(key, signer_kwargs={"digest_method": hashlib.sha256})
