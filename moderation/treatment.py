"""People, addresses, networks and domains that a site blocks, holds or trusts. Pure.

An e-mail can be typed by anybody; the blog's own id of a user, who signed in there, cannot.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from moderation import texts
from moderation.actor import Actor, ActorKind
from moderation.comment import Draft, Status
from moderation.errors import InvalidInput
from moderation.identity import address, address_form, email_form
from moderation.lists import domains_in, host_form, is_domain

MAX_NOTE = 2000
#: Bytes of the longest value, an e-mail's.
MAX_VALUE = 320
#: Treated subjects of one site.
MAX_PEOPLE = 50_000
#: The shortest prefixes of networks that may be treated: a shorter one is a good part of the net.
_SHORTEST = {4: 8, 6: 16}
_IPV6_SUBSCRIBER = 64
_MOST_HOSTS = 50


class SubjectKind(StrEnum):
    """What somebody is known by."""

    USER = "user"
    EMAIL = "email"
    ADDRESS = "address"
    NETWORK = "network"
    DOMAIN = "domain"


class Treatment(StrEnum):
    """How a site treats comments of a subject; the strictest of several counts, in this order."""

    BLOCK = "block"
    HOLD = "hold"
    TRUST = "trust"


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody or something that comments come from: of a kind, in the one form of its value."""

    kind: SubjectKind
    value: str

    @property
    def key(self) -> str:
        """The name under which it is stored."""
        return f"{self.kind}:{self.value}"

    @classmethod
    def of(cls, key: str) -> Self:
        """Rebuild what :attr:`key` named."""
        kind, _, value = key.partition(":")
        return cls(SubjectKind(kind), value)

    @classmethod
    def read(cls, kind: str, value: str) -> Self:
        """Return what a person wrote. Raises InvalidInput that names the field."""
        if kind not in set(SubjectKind):
            raise InvalidInput(f"kind is one of {', '.join(SubjectKind)}", field="kind")
        texts.check(value, field="value")
        if not value.strip() or len(value) > MAX_VALUE:
            raise InvalidInput(f"a value has 1 to {MAX_VALUE} characters", field="value")
        return cls(SubjectKind(kind), _READ[SubjectKind(kind)](value.strip()))


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """What a moderator noted of a subject, and how it is treated until then (Unix ms)."""

    subject: Subject
    treatment: Treatment | None = None
    until: int | None = None
    note: str = ""
    by: Actor = Actor(ActorKind.OPERATOR)  # noqa: RUF009 - it is frozen
    at: int = 0

    def counts(self, now_ms: int) -> bool:
        """Tell whether the treatment applies now."""
        return self.treatment is not None and (self.until is None or self.until > now_ms)

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON keeps it, without its subject."""
        stored = asdict(self)
        del stored["subject"]
        return stored

    @classmethod
    def from_dict(cls, subject: Subject, stored: Mapping[str, Any]) -> Self:
        """Rebuild what :meth:`to_dict` gave."""
        by = Actor(ActorKind(stored["by"]["kind"]), stored["by"]["name"], stored["by"]["via"])
        treatment = Treatment(stored["treatment"]) if stored["treatment"] else None
        return cls(subject, treatment, stored["until"], stored["note"], by, stored["at"])


@dataclass(frozen=True, slots=True)
class Dossier:
    """What a site keeps of a subject: its comments by status, and its record.

    Not ``whole`` where only the latest were counted; not ``sure`` where some that were counted may not be theirs,
    since what stands in very many comments leads to none.
    """

    site_id: str
    comments: Mapping[Status, int]
    person: PersonRecord | None
    whole: bool = True
    sure: bool = True

    @property
    def total(self) -> int:
        """How many comments in all."""
        return sum(self.comments.values())


@dataclass(frozen=True, slots=True)
class Receipt:
    """Result of erasing somebody: numbers and times, no word of theirs.

    ``whom`` is their keyed hash: a holder of the installation's secret who asks for the same
    e-mail, address or id again can tell that it was them.
    """

    id: str
    at: int
    whom: str
    sites: int
    comments: int
    records: int
    by_status: Mapping[str, int]
    #: Whether all of it is erased; if not, a worker goes on.
    done: bool = True
    #: When the last erasure of the same person before this one was done, in Unix ms, as far as the
    #: audit trail goes back.
    erased_before: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the receipt as JSON shows it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure of all that is kept of a person, and how far it is. Repeating a step loses no count.

    ``site_ids`` are gone through in order; ``at_site`` is the place of the one that is at work.
    """

    id: str
    by: Actor
    begun_at: int
    whom: str
    site_ids: tuple[str, ...]
    #: Whom it erases; None once it is done, when nothing of them is kept here, either.
    subject: Subject | None
    at_site: int = 0
    #: Whether anything was found at the site that is at work.
    found_here: bool = False
    #: Comments that are being erased, each with the status that it had.
    in_hand: tuple[tuple[str, str], ...] = ()
    sites: int = 0
    records: int = 0
    by_status: Mapping[str, int] = field(default_factory=dict)
    done_at: int = 0
    #: When the last one of the same person was done, in Unix ms.
    erased_before: int | None = None

    @property
    def goes_on(self) -> bool:
        """Whether there is more to do."""
        return not self.done_at

    @property
    def comments(self) -> int:
        """How many comments were erased so far."""
        return sum(self.by_status.values())

    @property
    def receipt(self) -> Receipt:
        """Receipt so far; complete once the erasure is done."""
        at = self.done_at or self.begun_at
        return Receipt(
            self.id, at, self.whom, self.sites, self.comments, self.records, dict(self.by_status),
            done=not self.goes_on, erased_before=self.erased_before,
        )  # fmt: skip


def subjects_of(draft: Draft) -> list[Subject]:
    """Return all that the author of *draft* and what it links to may be treated as."""
    author, found = draft.author, []
    if author.id:
        found.append(Subject(SubjectKind.USER, author.id))
    if author.email:
        found.append(Subject(SubjectKind.EMAIL, email_form(author.email)))
    at = address(author.ip) if author.ip else None
    if at is not None:
        found.append(Subject(SubjectKind.ADDRESS, str(at)))
        found += [
            Subject(SubjectKind.NETWORK, str(ipaddress.ip_network((at, length), strict=False)))
            for length in range(
                _SHORTEST[at.version], (_IPV6_SUBSCRIBER if at.version == 6 else 31) + 1
            )
        ]
    hosts = domains_in(draft.content, author.name, author.url, author.email)
    domains = {
        ".".join(labels[at:])
        for host in sorted(hosts.mentioned)[:_MOST_HOSTS]
        for labels in [host.split(".")[-5:]]
        for at in range(len(labels) - 1)
    }
    return found + [Subject(SubjectKind.DOMAIN, domain) for domain in sorted(domains)]


def strictest(people: Iterable[PersonRecord], now_ms: int) -> PersonRecord | None:
    """Return the record that counts: that of a signed-in user first, else the strictest."""
    known = [person for person in people if person.counts(now_ms)]
    order = list(Treatment)
    return min(
        known,
        key=lambda one: (one.subject.kind is not SubjectKind.USER, order.index(one.treatment)),  # type: ignore[arg-type]
        default=None,
    )


def _email(value: str) -> str:
    if "@" not in value:
        raise InvalidInput("that is no e-mail address", field="value")
    return email_form(value)


def _address(value: str) -> str:
    if address(value) is None:
        raise InvalidInput("that is no IP address", field="value")
    return address_form(value)


def _network(value: str) -> str:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise InvalidInput("that is no network, such as 192.0.2.0/24", field="value") from None
    longest = _IPV6_SUBSCRIBER if network.version == 6 else 31
    if not _SHORTEST[network.version] <= network.prefixlen <= longest:
        raise InvalidInput(
            f"a network is a /{_SHORTEST[network.version]} to a /{longest}", field="value"
        )
    return str(network)


def _domain(value: str) -> str:
    host = value.lower().removeprefix("https://").removeprefix("http://").partition("/")[0]
    if "." not in host or not is_domain(host):
        raise InvalidInput("that is no domain, such as example.org", field="value")
    return host_form(host.strip("."))


_READ: Mapping[SubjectKind, Callable[[str], str]] = {
    SubjectKind.USER: str,
    SubjectKind.EMAIL: _email,
    SubjectKind.ADDRESS: _address,
    SubjectKind.NETWORK: _network,
    SubjectKind.DOMAIN: _domain,
}
