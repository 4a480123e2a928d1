"""Telling moderators that comments wait: whom, when, by which channel, and in what words.

What waits is counted when a message is written, so that nothing that came in quiet hours, within the
interval or while a channel failed is left out of the next one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from functools import cache
from typing import Protocol
from zoneinfo import ZoneInfo, available_timezones

from moderation.actor import Actor, ActorKind
from moderation.audit import AuditLine
from moderation.channels import Channel, Gone, Refused, Sender
from moderation.comment import Comment, Status, from_ms
from moderation.errors import InvalidInput
from moderation.moderators import Moderator
from moderation.ports import Clock
from moderation.records import Order
from moderation.rows import each
from moderation.site import Site
from moderation.store.accounts import Accounts
from moderation.store.comments import Comments
from moderation.wording import ENGLISH, Speaker, speaker

#: Minutes between two messages that a moderator may choose from.
INTERVALS = (10, 60, 240, 720, 1440, 10_080)
#: Channels of one moderator.
MOST = 10
#: Sites that one channel names.
MOST_SITES = 500
UTC = "UTC"
_MINUTE_MS, _DAY_MS = 60_000, 86_400_000
#: How long a channel may fail before it is switched off.
OFF_AFTER_MS = 5 * _DAY_MS
#: Refusals in a row after which it is: the last comes some two and a half hours after the first.
OFF_AFTER_REFUSALS = 5
#: The pause after a failure, doubled with each, up to the last.
_FIRST_PAUSE_MS, _LAST_PAUSE_MS = 10 * _MINUTE_MS, _DAY_MS
#: Without a new comment, a message comes once a day at most.
_REPEATED_MS = _DAY_MS
#: Comments that one message quotes, and characters of each.
QUOTED, QUOTE = 5, 500
#: The actor that switches off a failing channel.
REMINDERS = Actor(ActorKind.SCHEDULE, "reminders")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A moderator's wish to hear by one channel: where, of which sites, how often, and when not."""

    channel: Channel
    address: str
    id: str = ""
    #: None named: all of theirs, also those to come.
    sites: tuple[str, ...] = ()
    minutes: int = 1440
    #: The hours of a day from and to which nothing is sent; the same twice: none.
    quiet: tuple[int, int] = (0, 0)
    zone: str = UTC
    #: Whether new comments are quoted, where their site allows it.
    quotes: bool = False
    #: When it was last used, in Unix ms.
    sent_ms: int = 0
    failures: int = 0
    failing_since_ms: int = 0
    next_try_ms: int = 0
    error: str = ""
    #: How often in a row the service refused a message for what only a person can change.
    refusals: int = 0
    #: Whether it was switched off: it failed for days, or was refused some times.
    off: bool = False
    #: Whether a message was asked for, to try it.
    tested: bool = False

    def check(self) -> None:
        """Raise InvalidInput that names what cannot be."""
        if self.minutes not in INTERVALS:
            raise InvalidInput("choose one of the intervals", field="minutes")
        if not all(0 <= hour < 24 for hour in self.quiet):
            raise InvalidInput("an hour is 0 to 23", field="quiet")
        if self.zone not in zones():
            raise InvalidInput("that is no time zone; write Europe/Berlin or UTC", field="zone")
        if len(self.sites) > MOST_SITES:
            raise InvalidInput(f"name {MOST_SITES} sites at most, or none for all", field="sites")

    @property
    def tz(self) -> tzinfo:
        """The time zone in which quiet hours are set and shown."""
        return ZoneInfo(self.zone if self.zone in zones() else UTC)

    def is_quiet(self, now_ms: int) -> bool:
        """Tell whether it is one of the hours in which nothing is sent."""
        hour, (begin, end) = datetime.fromtimestamp(now_ms / 1000, self.tz).hour, self.quiet
        return begin <= hour < end or (end < begin and (hour >= begin or hour < end))

    def is_due(self, now_ms: int) -> bool:
        """Tell whether a message may be sent: the last one, or failure, is long enough ago."""
        if self.tested:
            return True
        return not (
            self.off
            # A time that lies further ahead is of a clock that was set back since.
            or now_ms < self.next_try_ms <= now_ms + _LAST_PAUSE_MS
            or now_ms - self.sent_by(now_ms) < self.minutes * _MINUTE_MS
            or self.is_quiet(now_ms)
        )

    def sent_by(self, now_ms: int) -> int:
        """Return when it was last used; 0, as if never, where that lies ahead: the clock was set back since."""
        return self.sent_ms if self.sent_ms <= now_ms else 0


@cache
def zones() -> frozenset[str]:
    """Return the names of the time zones that this machine knows."""
    return frozenset({UTC, *available_timezones()})


def pause_ms(failures: int) -> int:
    """Return how long a channel is left alone after a number of failures in a row."""
    return min(_FIRST_PAUSE_MS << min(failures - 1, 20), _LAST_PAUSE_MS)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits at one site: how many, how many of them are new, and since when (Unix ms)."""

    site: str
    count: int
    fresh: int
    oldest_ms: int
    #: Of the new ones that may be quoted, the latest.
    quoted: tuple[Comment, ...] = ()


class Wishes(Protocol):
    """Keeps the wishes."""

    def subscriptions(self, name: str) -> list[Subscription]:
        """Return a moderator's wishes."""
        ...

    def sent(self, name: str, wish: Subscription, *, now_ms: int) -> None:
        """Note that a message was sent."""
        ...

    def failed(self, name: str, wish: Subscription) -> None:
        """Record that a channel failed."""
        ...


class MailLinks(Protocol):
    """Gives the part of an e-mail with links that decide what waits since a time; "" for none."""

    def __call__(
        self, person: Moderator, address: str, *, since_ms: int, sites: Sequence[str] = ()
    ) -> str:
        """Return it for an e-mail to *address*, of those *sites*, or all."""
        ...


@dataclass(frozen=True, slots=True)
class Letter:
    """One message: *foot* has the links and is never cut."""

    subject: str
    text: str
    foot: str = field(default="", kw_only=True)


def remind(
    *,
    accounts: Accounts,
    comments: Comments,
    notices: Wishes,
    senders: Mapping[Channel, Sender],
    clock: Clock,
    url: str,
    language: str = ENGLISH,
    links: MailLinks | None = None,
    tell_off: Callable[[Moderator, Subscription], None] = lambda _person, _wish: None,
) -> int:
    """Write to each moderator who wishes it, is due, and has comments waiting; return to how many.

    Each message is in its reader's language, or in *language* where that is not known.
    *links* gives the part of an e-mail with links that decide. A channel that fails keeps back nobody else and no other
    channel. It is tried again after a pause, longer each time. After five days, or five refusals in a row, it is
    switched off, which the audit trail says, and *tell_off* is called.
    """
    now = clock.now_ms()
    sites = accounts.sites()

    def write_to(moderator: Moderator) -> int:
        if moderator.disabled:
            return 0
        due = {
            f"{moderator.name} by {wish.channel} {wish.id}": wish
            for wish in notices.subscriptions(moderator.name)
            if wish.channel in senders and wish.is_due(now)
        }
        return min(1, each(due, lambda wish: write_by(moderator, wish), job="remind"))

    def write_by(moderator: Moderator, kept: Subscription) -> int:
        wish = replace(kept, sent_ms=kept.sent_by(now))
        mine = [
            site
            for site in sites
            if moderator.sees(site.id) and (not wish.sites or site.id in wish.sites)
        ]
        waiting = waiting_at(mine, wish, comments=comments)
        worth = any(one.fresh for one in waiting) or now - wish.sent_ms >= _REPEATED_MS
        if not wish.tested and not (waiting and worth):
            return 0
        words = speaker(moderator.language or language)
        written = letter(waiting, wish, url=url, words=words)
        deciding = ""
        if links and wish.channel is Channel.MAIL:
            deciding = links(moderator, wish.address, since_ms=wish.sent_ms, sites=wish.sites)
        try:
            senders[wish.channel].send(
                wish.address,
                written.subject,
                "\n\n".join(filter(None, [written.text, deciding])),
                foot=written.foot,
                key=f"{wish.id}-{kept.sent_ms}-{'test' if wish.tested else 'due'}",
            )
        except Exception as problem:
            after = failed(kept, problem, now_ms=now)
            notices.failed(moderator.name, after)
            if after.off and not wish.off:
                detail = {"channel": str(wish.channel)}
                accounts.note(AuditLine(now, REMINDERS, "notice.off", moderator.name, detail))
                tell_off(moderator, wish)
            raise
        notices.sent(moderator.name, kept, now_ms=now)
        return 1

    return each({one.name: one for one in accounts.moderators()}, write_to, job="remind")


def failed(wish: Subscription, problem: Exception, *, now_ms: int) -> Subscription:
    """Return a channel after one more failure: when it is tried next, or that it is off."""
    failures, since = wish.failures + 1, wish.failing_since_ms or now_ms
    refusals = wish.refusals + 1 if isinstance(problem, Refused) else 0
    lasts = now_ms - since >= OFF_AFTER_MS or refusals >= OFF_AFTER_REFUSALS
    return replace(
        wish,
        failures=failures,
        failing_since_ms=since,
        next_try_ms=now_ms + pause_ms(failures),
        error=_in_words(problem),
        refusals=refusals,
        off=wish.off or isinstance(problem, Gone) or lasts,
        tested=False,
    )


def _in_words(problem: Exception) -> str:
    said = str(problem) if isinstance(problem, OSError) else ""
    return _seen(said)[:300] or f"it failed ({type(problem).__name__})"


def waiting_at(sites: Sequence[Site], wish: Subscription, *, comments: Comments) -> list[Waiting]:
    """Return those of *sites* where comments wait."""
    found, room = [], QUOTED
    counts = comments.waiting([site.id for site in sites])
    for site in sites:
        if not counts[site.id]:
            continue
        oldest = comments.queue(site.id, order=Order.OLDEST, limit=1).items
        if not oldest:
            continue
        fresh = comments.waiting_since(site.id, wish.sent_ms)
        quoted: tuple[Comment, ...] = ()
        if wish.quotes and site.quote_comments and fresh and room:
            newest = comments.queue(site.id, order=Order.NEWEST, limit=min(fresh, room)).items
            quoted = tuple(one for one in newest if one.content and one.status is Status.FLAGGED)
            room -= len(quoted)
        moved = oldest[0].updated_at or oldest[0].created_at
        since = round(moved.timestamp() * 1000)
        found.append(
            Waiting(site.name, counts[site.id], min(fresh, counts[site.id]), since, quoted)
        )
    return found


def letter(waiting: Sequence[Waiting], wish: Subscription, *, url: str, words: Speaker) -> Letter:
    """Return a message: counts, links to the desk, and quotes where they are allowed; nothing that acts."""
    lines = [_line(one, wish, words) for one in waiting] or [
        words.gettext("nothing just now: this message is a test")
    ]
    quotes = [
        f"{_seen(one.site)}, {url}/desk/comments/{comment.id}\n{quote(comment.content)}"
        for one in waiting
        for comment in one.quoted
    ]
    rest = sum(one.fresh for one in waiting) - len(quotes)
    if quotes and rest > 0:
        quotes.append(
            words.ngettext("… and %(n)s new comment more.", "… and %(n)s new comments more.", rest)
        )
    head = words.gettext("These comments wait for a decision:")
    text = "\n".join([head, "", *[f"  {line}" for line in lines]])
    return Letter(
        words.ngettext(
            "%(n)s comment waiting for a moderator",
            "%(n)s comments waiting for a moderator",
            sum(one.count for one in waiting),
        ),
        "\n\n".join([text, *quotes]),
        foot="\n".join(
            [
                words.gettext("Decide on them at %(url)s", url=f"{url}/desk/queue"),
                words.gettext(
                    "You asked for this message; change or stop it at %(url)s",
                    url=f"{url}/desk/notices",
                ),
            ]
        ),
    )


def _line(one: Waiting, wish: Subscription, words: Speaker) -> str:
    since = f"{from_ms(one.oldest_ms).astimezone(wish.tz):%Y-%m-%d %H:%M %Z}"
    if one.fresh and wish.sent_ms:
        return words.gettext(
            "%(site)s: %(number)s, %(new)s of them new, the oldest since %(time)s",
            site=_seen(one.site), number=one.count, new=one.fresh, time=since,
        )  # fmt: skip
    return words.gettext(
        "%(site)s: %(number)s, the oldest since %(time)s",
        site=_seen(one.site), number=one.count, time=since,
    )  # fmt: skip


def quote(text: str) -> str:
    """Return the beginning of a comment on one line, marked as somebody else's words."""
    line = _seen(" ".join(text.split()))
    return f"> {line if len(line) <= QUOTE else line[: QUOTE - 1].rstrip() + '…'}"


def _seen(text: str) -> str:
    """Return *text* with U+FFFD for what nobody sees and what turns the direction of reading."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co", "Cn"}
        else letter
        for letter in text
    )
