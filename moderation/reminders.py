"""Telling moderators that comments wait: whom, when, and in what words. No comment's text leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from moderation.channels import Channel, Sender
from moderation.comment import Status, from_ms
from moderation.moderators import Moderator
from moderation.ports import Clock
from moderation.records import Order
from moderation.rows import each
from moderation.store.accounts import Accounts
from moderation.store.comments import Comments

#: Hours between two messages that a moderator may choose from.
INTERVALS = (1, 4, 12, 24, 168)
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Subscription:
    """A moderator's wish to hear: the address of each channel that they chose, and how often."""

    addresses: Mapping[Channel, str] = field(default_factory=dict)
    hours: int = 24
    #: The hours of a day, UTC, from and to which nothing is sent; the same twice: none.
    quiet: tuple[int, int] = (0, 0)
    #: When each channel was last used, in Unix ms.
    sent_ms: Mapping[Channel, int] = field(default_factory=dict)
    #: Whether they have a private feed.
    has_feed: bool = False

    def due(self, now_ms: int) -> list[Channel]:
        """Return the channels whose last message is long enough ago; none in quiet hours."""
        hour, (begin, end) = now_ms // _HOUR_MS % 24, self.quiet
        if begin <= hour < end or (end < begin and (hour >= begin or hour < end)):
            return []
        return [
            channel
            for channel in self.addresses
            if now_ms - self.sent_ms.get(channel, 0) >= self.hours * _HOUR_MS
        ]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits at one site: how many, and since when (Unix ms)."""

    site: str
    count: int
    oldest_ms: int


class Wishes(Protocol):
    """Keeps the wishes."""

    def subscription(self, name: str) -> Subscription:
        """Return a moderator's wishes."""
        ...

    def sent(self, name: str, channel: Channel, *, now_ms: int) -> None:
        """Note when a moderator was last written to by *channel*."""
        ...


class MailLinks(Protocol):
    """Gives the part of an e-mail with links that decide what waits since a time; "" for none."""

    def __call__(self, person: Moderator, address: str, *, since_ms: int) -> str:
        """Return it for an e-mail to *address*."""
        ...


def remind(
    *,
    accounts: Accounts,
    comments: Comments,
    notices: Wishes,
    senders: Mapping[Channel, Sender],
    clock: Clock,
    url: str,
    links: MailLinks | None = None,
) -> int:
    """Write to each moderator who wishes it, is due, and has comments waiting; return to how many.

    *links* gives the part of an e-mail with links that decide. A message that could not be sent is tried again the next time, and keeps nobody else's back, nor
    one of another channel.
    """
    now = clock.now_ms()

    def write_to(moderator: Moderator) -> int:
        wish = notices.subscription(moderator.name)
        due = {one: senders[one] for one in wish.due(now) if one in senders}
        if moderator.disabled or not due:
            return 0
        waiting = waiting_for(moderator, accounts=accounts, comments=comments)
        if not waiting:
            return 0

        def write_by(channel: Channel) -> int:
            subject, text = letter(waiting, url=url)
            address, since_ms = wish.addresses[channel], wish.sent_ms.get(channel, 0)
            if links and channel is Channel.MAIL:
                deciding = links(moderator, address, since_ms=since_ms)
                text = "\n\n".join(filter(None, [text, deciding]))
            due[channel].send(address, subject, text)
            notices.sent(moderator.name, channel, now_ms=now)
            return 1

        by_channel = {f"{moderator.name} by {one}": one for one in due}
        return min(1, each(by_channel, write_by, job="remind"))

    return each({one.name: one for one in accounts.moderators()}, write_to, job="remind")


def waiting_for(moderator: Moderator, *, accounts: Accounts, comments: Comments) -> list[Waiting]:
    """Return the sites of a moderator where comments wait."""
    found = []
    for site in accounts.sites():
        if not moderator.sees(site.id):
            continue
        count = comments.counts(site.id)[Status.FLAGGED]
        oldest = comments.queue(site.id, order=Order.OLDEST, limit=1).items if count else ()
        if oldest:
            moved = oldest[0].updated_at or oldest[0].created_at
            found.append(Waiting(site.name, count, round(moved.timestamp() * 1000)))
    return found


def letter(waiting: Sequence[Waiting], *, url: str) -> tuple[str, str]:
    """Return the subject and text of a reminder: counts and a link to the desk, nothing that acts."""
    total = sum(one.count for one in waiting)
    subject = f"{total} comment{'' if total == 1 else 's'} waiting for a moderator"
    lines = [
        f"  {one.site}: {one.count}, the oldest since {from_ms(one.oldest_ms):%Y-%m-%d %H:%M} UTC"
        for one in waiting
    ]
    return subject, "\n".join(
        [
            "These comments wait for a decision:",
            "",
            *lines,
            "",
            f"Decide on them at {url}/desk/queue",
            "",
            f"You asked for this message; change or stop it at {url}/desk/notices",
        ]
    )
