"""What the product needs of the world: contracts, each with its one implementation elsewhere.

Times are Unix milliseconds. Every call that reaches Redis raises StorageUnavailable when it cannot
do its work, and then nothing was changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from moderation.actor import OPERATOR, Actor
from moderation.changes import Change, can_be_taken_back
from moderation.comment import Comment, Decision, Draft, Status
from moderation.events import Event
from moderation.scores import Scores
from moderation.site import Door, Endpoint, Key, KeyKind, Moderator, Role, Site, Token
from moderation.verdict import Verdict


class Clock(Protocol):
    """Tells the time."""

    def now_ms(self) -> int:
        """Return the time; in production Redis TIME, so that all hosts agree."""
        ...


@dataclass(frozen=True, slots=True)
class Sample:
    """What a model may know of one comment (models.scorer.Item has the same attributes)."""

    content: str
    author_name: str = ""
    author_email: str = ""
    author_url: str = ""
    user_agent: str = ""
    post_url: str = ""
    post_title: str = ""
    language: str = ""
    honeypot: bool = False
    seconds_to_submit: float | None = None
    near_duplicates: int = 0


class Model(Protocol):
    """A trained model; models.scorer.Scorer is the one implementation."""

    version: str
    thresholds: Mapping[str, Mapping[str, float]]

    def score(self, items: Sequence[Any]) -> Sequence[Any]:
        """Return one object for each Sample, with labels, language, known_language and empty."""
        ...


class Jobs(Protocol):
    """Wakes workers. Losing a wake-up is no error: the watchdog wakes again."""

    def wake(self, shard: int) -> None:
        """Ask for one screening job for *shard*."""
        ...


class Meter(Protocol):
    """Counts what is done."""

    def screened(self, screened: Sequence[Screened], seconds: float) -> None:
        """Count a batch's verdicts and how long it took."""
        ...


class Outcome(StrEnum):
    """How a draft fared on its way in."""

    NEW = "new"
    SAME = "same"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of one draft: its comment's id and status, and whether it is a repeat."""

    id: str
    status: Status
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Near:
    """How many other authors sent nearly the same lately, and the ids of some of it, the latest first."""

    count: int = 0
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """A pending comment on lease, with the facts of its site that rules and model ask for."""

    comment: Comment
    first_comment: bool = False
    near: Near = Near()


@dataclass(frozen=True, slots=True)
class Batch:
    """Comments on lease to one worker. ``token`` names the lease.

    ``wake``: there are others, and the caller is to wake a worker for them.
    """

    token: str
    items: tuple[Taken, ...]
    wake: bool = False
    suspect: bool = False


@dataclass(frozen=True, slots=True)
class Screened:
    """What the machine made of one comment; ``signature`` is its SimHash, 0 for none."""

    comment: Comment
    scores: Scores | None
    verdict: Verdict
    status: Status
    priority: float = 0.0
    signature: int = 0


@dataclass(frozen=True, slots=True)
class Past:
    """A comment from before Winnow and what its blog decided; None: nobody has decided yet."""

    draft: Draft
    created_ms: int
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of comments and the cursor of the next one, None at the end."""

    items: tuple[Comment, ...]
    next: str | None


class Order(StrEnum):
    """How a queue is read."""

    PRIORITY = "priority"
    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True)
class KeptDecision:
    """A moderator's decision with what it was decided on, kept to learn from later."""

    comment_id: str
    revision: int
    decision: Decision
    by: Actor
    at: int
    reason: str = ""
    note: str = ""
    draft: Draft | None = None
    scores: Scores | None = None
    verdict: Verdict | None = None
    undone: bool = False


class Duplicates(Protocol):
    """Tells which texts say nearly the same."""

    def signatures(self, contents: Sequence[str]) -> Sequence[int]:
        """Return for each text a number of 64 bits, 0 for one too short to compare."""
        ...

    def others(
        self, seen: bytes, batch: Sequence[tuple[int, int, bytes]]
    ) -> Sequence[tuple[int, Sequence[bytes]]]:
        """Return for each of *batch* how many other authors sent nearly the same, and some of it.

        *batch* has signatures, numbers for their authors, and the texts' ids as sixteen bytes; *seen*
        the same of earlier texts, one after the other: 8, 8 and 16 bytes, big-endian. What is named of
        what they sent are such ids, the latest first.
        """
        ...


class Comments(Protocol):
    """Every comment and where it stands; the protocol of design section 4."""

    def accept(
        self, site_id: str, drafts: Sequence[Draft], *, backlog: int, now_ms: int
    ) -> tuple[list[Accepted], bool]:
        """Store *drafts* as pending, all or none, and tell whether a worker should be woken.

        A draft whose external id is known is SAME (same content) or CONFLICT (other content) and
        stores nothing. Raises Busy or SiteBusy when the backlog is over its cap.
        """
        ...

    def shard_of_site(self, site_id: str) -> int:
        """Return the shard in which a site lives. Raises NotFound for what is no id."""
        ...

    def record(
        self,
        site_id: str,
        draft: Draft,
        screened: Screened,
        *,
        via: str,
        now_ms: int,
        announce: bool = True,
        repeat_ms: int | None = None,
    ) -> Accepted:
        """Store what was judged at the door *via*, settled or flagged; its event if *announce*.

        A draft whose external id came before, within *repeat_ms* (None: ever), is the same comment.
        """
        ...

    def remember(self, site_id: str, past: Past, screened: Screened, *, now_ms: int) -> Accepted:
        """Store a comment from before Winnow under its own time, and what was decided on it.

        Nobody is told. A draft whose external id is known is SAME or CONFLICT and stores nothing.
        """
        ...

    def edit(
        self, comment_id: str, draft: Draft, *, by: Actor, now_ms: int
    ) -> tuple[Comment, bool]:
        """Make *draft* the next revision, pending; tell whether to wake a worker."""
        ...

    def erase(self, comment_id: str, *, by: Actor, now_ms: int) -> None:
        """Leave a tombstone: id, site, digest, time. Erasing twice is no error."""
        ...

    def take(
        self, shard: int, holder: str, *, size: int, lease_ms: int, now_ms: int
    ) -> Batch | None:
        """Lease up to *size* pending comments to *holder*, in turn from each site; None if none."""
        ...

    def commit(self, shard: int, token: str, screened: Sequence[Screened], *, now_ms: int) -> int:
        """Write verdicts, once; return how many were written (0 when the lease is gone).

        Comments of the lease that *screened* leaves out, and newer revisions, go back to their list.
        """
        ...

    def reclaim(
        self, shard: int, *, holder: str | None = None, lease_ms: int | None = None, now_ms: int
    ) -> list[str]:
        """Take back expired leases, or with *holder* those of a worker that died.

        With *lease_ms*, what a lease lasts, also those that end later than any can: the clock was
        set back. Returns the ids quarantined by this: suspects that have killed their third worker.
        """
        ...

    def overdue(self, shard: int, *, started_before_ms: int, lease_ms: int) -> list[str]:
        """Return the holders of leases taken before then, for the supervisor to kill."""
        ...

    def has_work(self, shard: int) -> bool:
        """Tell whether comments of *shard* wait for a worker."""
        ...

    def claim_wake(self, shard: int) -> bool:
        """Tell whether the caller is the one to enqueue a screening job now."""
        ...

    def listen(self, shard: int, *, seconds: float) -> bool:
        """Wait until comments of *shard* come, or for so long; tell whether they did.

        Meanwhile they wake no other worker.
        """
        ...

    def woken(self, shard: int) -> None:
        """Let the next comment wake a worker again: called first thing by a screening job."""
        ...

    def signatures(self, site_ids: Iterable[str]) -> dict[str, bytes]:
        """Return for each site its recent texts' signatures with their authors' numbers, packed."""
        ...

    def author_number(self, draft: Draft) -> int:
        """Return a keyed hash by which authors are told apart among near-duplicates."""
        ...

    def forget(self, comment: Comment, *, everything: bool) -> bool:
        """Let go of a comment's text, or of all of it; False when it has changed meanwhile."""
        ...

    def aged(self, site_id: str, *, before_ms: int, now_ms: int) -> Iterator[Comment]:
        """Yield a site's comments that were accepted before the UTC day of then, the oldest first.

        Each day's are yielded once in some twenty hours.
        """
        ...

    @property
    def shards(self) -> range:
        """Every shard of this data set."""
        ...

    def shard_of(self, comment_id: str) -> int:
        """Return the shard that a comment's id carries. Raises NotFound for what is no id."""
        ...

    def decide(
        self,
        comment_id: str,
        decision: Decision,
        *,
        by: Actor,
        reason: str,
        note: str,
        version: int | None,
        hold_ms: int,
        now_ms: int,
    ) -> Comment:
        """Write a moderator's decision, its event held for *hold_ms*; keep what it was decided on.

        Raises NotFound, StaleVersion (when *version* is given and not current), IllegalMove.
        """
        ...

    def undo(self, comment_id: str, *, by: Actor, now_ms: int) -> Comment:
        """Take back the last decision while its event is held. Raises UndoTooLate."""
        ...

    def release(self, shard: int, *, hold_ms: int | None = None, now_ms: int) -> int:
        """Move held events whose window has closed to their site's stream; return how many.

        With *hold_ms*, the longest window, also those that close later than any can: the clock was
        set back.
        """
        ...

    def retry(self, comment_id: str, *, by: Actor, now_ms: int) -> Comment:
        """Make a flagged comment pending again, its deaths forgotten."""
        ...

    def get(self, comment_id: str) -> Comment:
        """Return a comment. Raises NotFound."""
        ...

    def get_many(self, ids: Sequence[str]) -> list[Comment]:
        """Return those of *ids* that exist, in order."""
        ...

    def find(self, site_id: str, external_id: str) -> Comment:
        """Return the comment that the blog knows as *external_id*. Raises NotFound."""
        ...

    def queue(
        self,
        site_id: str,
        *,
        order: Order = Order.PRIORITY,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Return a page of a site's flagged comments."""
        ...

    def recent(self, site_id: str, *, cursor: str | None = None, limit: int = 50) -> Page:
        """Return a page of a site's comments of every status, the newest first."""
        ...

    def by_author(
        self,
        site_id: str,
        *,
        now_ms: int,
        email: str = "",
        ip: str = "",
        limit: int = 1000,
        before: str | None = None,
    ) -> list[Comment]:
        """Return a site's comments by whoever used that e-mail or address, the newest first.

        With *before*, a comment's id, those older than it.
        """
        ...

    def decisions(self, site_id: str, *, limit: int = 1000) -> list[KeptDecision]:
        """Return a site's kept decisions, the newest first."""
        ...

    def counts(self, site_id: str | None = None) -> dict[str, int]:
        """Return how many comments stand in each status, of one site or of all."""
        ...

    def accepted(self) -> int:
        """Return how many comments were accepted since this data set was made."""
        ...

    def daily(self, site_id: str, days: Sequence[str]) -> dict[str, dict[str, int]]:
        """Return the counters of each UTC day (YYYY-MM-DD).

        They are accepted, allow, flag, reject (verdicts) and decided:<decision>.
        """
        ...

    def oldest_pending_ms(self) -> int | None:
        """Return when the oldest pending comment was accepted, None when none is pending."""
        ...

    def events(self, site_id: str, *, after: str = "0", limit: int = 100) -> list[Event]:
        """Return the events of a site's stream after a cursor. Raises CursorExpired."""
        ...


@dataclass(frozen=True, slots=True)
class AuditLine:
    """Who changed what in the administration, and when."""

    at: int
    by: Actor
    action: str
    subject: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    #: Where it stands on the trail; given by the store.
    id: str = field(default="", compare=False)

    @property
    def changes(self) -> Mapping[str, Change]:
        """The settings that changed, with what they were and became."""
        found = self.detail.get("changes", {})
        return found if isinstance(found, Mapping) else {}

    @property
    def revertible(self) -> bool:
        """Whether this was a change of settings that can be taken back."""
        return self.action in REVERTIBLE and can_be_taken_back(self.changes)


#: Changes of settings. What makes or ends a thing, or touches a secret, is no such change.
REVERTIBLE = frozenset({"site.save", "moderator.save", "endpoint.save"})


class Accounts(Protocol):
    """Sites and whoever may speak for them. Names are unique; secrets are shown once."""

    def check_secret(self) -> None:
        """Record which secret key this data is sealed with. Raises Conflict when it is another."""
        ...

    def add_site(self, name: str, url: str = "", *, now_ms: int, by: Actor = OPERATOR) -> Site:
        """Make a site in the emptiest shard. Raises Conflict when the name is taken."""
        ...

    def save_site(
        self, site: Site, *, was: Site, by: Actor, now_ms: int, reverts: str = ""
    ) -> None:
        """Replace a site's settings, on the audit trail with what they were.

        *reverts* names the line of the trail that this takes back. Raises NotFound, InvalidInput,
        and Conflict when the name is taken or the site is not as it *was* any more.
        """
        ...

    def remove_site(self, site_id: str, *, by: Actor, now_ms: int) -> None:
        """Forget a site, its keys and endpoints; its comments are purged by the worker."""
        ...

    def removed_sites(self) -> list[str]:
        """Return the ids of removed sites whose comments are still to be purged."""
        ...

    def purged_site(self, site_id: str) -> None:
        """Note that nothing of a removed site is left."""
        ...

    def site(self, id_or_name: str) -> Site:
        """Return a site by id or name. Raises NotFound."""
        ...

    def sites(self) -> list[Site]:
        """Return every site by name."""
        ...

    def add_key(
        self,
        site_id: str,
        kind: KeyKind,
        *,
        now_ms: int,
        expires_at: int | None = None,
        by: Actor = OPERATOR,
    ) -> tuple[Key, str]:
        """Make a key; the second value is the key itself (door keys: 12 lower-case hex digits).

        It works until *expires_at*, None for ever. Raises InvalidInput when that is not to come.
        """
        ...

    def key(self, text: str, *, now_ms: int) -> Key:
        """Return the key whose text this is, unless revoked or expired. Raises NotFound."""
        ...

    def keys(self, site_id: str) -> list[Key]:
        """Return a site's keys, the newest first."""
        ...

    def door_key_text(self, site_id: str, *, now_ms: int) -> str | None:
        """Return a valid door key in clear, for WordPress's call-back; None if there is none."""
        ...

    def set_door_secret(
        self, site_id: str, door: Door, secret: str, *, by: Actor, now_ms: int
    ) -> None:
        """Keep the secret with which a door's client signs, and switch the door on."""
        ...

    def door_secret(self, site_id: str, door: Door) -> str:
        """Return the secret with which a door's client signs. Raises NotFound."""
        ...

    def revoke_key(self, key_id: str, *, by: Actor, now_ms: int) -> None:
        """Make a key worthless at once. Raises NotFound."""
        ...

    def add_token(self, name: str, *, now_ms: int, by: Actor = OPERATOR) -> tuple[Token, str]:
        """Make an administrator's token; the second value is the token itself."""
        ...

    def token(self, text: str) -> Token:
        """Return the token whose text this is. Raises NotFound."""
        ...

    def tokens(self) -> list[Token]:
        """Return every token."""
        ...

    def revoke_token(self, token_id: str, *, by: Actor, now_ms: int) -> None:
        """Make a token worthless at once. Raises NotFound."""
        ...

    def add_moderator(
        self,
        name: str,
        password: str,
        *,
        role: Role,
        sites: Sequence[str],
        now_ms: int,
        must_change: bool = False,
        by: Actor = OPERATOR,
    ) -> Moderator:
        """Make a moderator. Raises Conflict when the name is taken."""
        ...

    def save_moderator(
        self, moderator: Moderator, *, was: Moderator, by: Actor, now_ms: int, reverts: str = ""
    ) -> None:
        """Replace a moderator's role, sites, and whether they may sign in at all.

        Ends the sessions of one who may not. Raises NotFound, and Conflict when no administrator
        would be left or the moderator is not as they *were* any more.
        """
        ...

    def set_password(
        self, name: str, password: str, *, by: Actor, now_ms: int, must_change: bool = False
    ) -> None:
        """Replace a password and end that moderator's sessions. Raises NotFound."""
        ...

    def check_password(self, name: str, password: str) -> Moderator:
        """Return the moderator whose name and password these are, unless disabled.

        Raises NotFound otherwise.
        """
        ...

    def moderator(self, name: str) -> Moderator:
        """Return a moderator. Raises NotFound."""
        ...

    def moderators(self) -> list[Moderator]:
        """Return every moderator by name."""
        ...

    def remove_moderator(self, name: str, *, by: Actor, now_ms: int) -> None:
        """Forget a moderator and end their sessions. Raises NotFound."""
        ...

    def session_epoch(self, name: str) -> int:
        """Return a number that changes whenever that moderator's sessions end."""
        ...

    def add_endpoint(self, endpoint: Endpoint, *, by: Actor, now_ms: int) -> Endpoint:
        """Keep a new endpoint, with an id and, unless it brings one, a fresh secret."""
        ...

    def save_endpoint(
        self, endpoint: Endpoint, *, was: Endpoint, by: Actor, now_ms: int, reverts: str = ""
    ) -> None:
        """Replace an endpoint's settings. Raises NotFound, and Conflict if it is not as it *was*."""
        ...

    def endpoint(self, endpoint_id: str) -> Endpoint:
        """Return an endpoint with its secrets in clear. Raises NotFound."""
        ...

    def endpoints(self, site_id: str) -> list[Endpoint]:
        """Return a site's endpoints, the oldest first."""
        ...

    def remove_endpoint(self, endpoint_id: str, *, by: Actor, now_ms: int) -> None:
        """Forget an endpoint; what was due to it is dropped. Raises NotFound."""
        ...

    def note(self, line: AuditLine) -> None:
        """Put a line on the audit trail."""
        ...

    def audit(
        self, *, limit: int = 200, before: str = "", about: str = "", by: str = "", action: str = ""
    ) -> list[AuditLine]:
        """Return the audit trail, the newest first: of the lines older than the line *before*.

        Of those only lines *about* an id (a site's with what belongs to it), *by* somebody, or of
        an *action* or a kind of action (``key`` for ``key.add``).
        """
        ...

    def audit_line(self, line_id: str) -> AuditLine:
        """Return one line of the trail. Raises NotFound."""
        ...
