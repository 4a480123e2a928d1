"""A search of a site's comments, and the entries by which each comment is found. Pure.

The index of the store answers by hashes of four bytes, and not at all for what stands in very many
comments; :meth:`Query.fits` reads the comments that it names.
"""

from __future__ import annotations

import ipaddress
import itertools
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from moderation import ids, normal
from moderation.comment import Comment, Draft, Status
from moderation.errors import InvalidInput
from moderation.identity import address, address_form, email_form
from moderation.lists import DomainList, Domains, domains_in, host_form, is_domain
from moderation.values import split_url

#: Distinct words of a comment that it is found by, the first ones.
MOST_WORDS = 1000
#: Characters of a query, and words of one.
LONGEST, MOST_SOUGHT = 200, 20
#: Two texts say nearly the same if they share this part of all their distinct words.
NEARLY = 0.7
#: Entries by which nearly the same texts are looked for, and the part of them that a comment has at least.
_TELLING, _ENOUGH = 10, 0.5
_ROUNDING = 1e-9
#: Labels of a host name, from its end, by which a comment that mentions it is found.
_MOST_LABELS = 5
#: Statuses that a comment can be found by; a tombstone cannot be found.
LIVING = tuple(status for status in Status if status is not Status.ERASED)
#: Prefix lengths of the networks that a comment is found by.
_NETWORK = {4: 24, 6: 64}

_QUOTED = re.compile(r'"([^"]*)"|(\S+)')


@dataclass(frozen=True, slots=True)
class Query:
    """What a moderator or a blog looks for; whatever is empty is not asked for.

    ``authors``: e-mails, addresses, networks or user ids, of which the comment has to have one.
    """

    phrases: tuple[tuple[str, ...], ...] = ()
    domains: tuple[str, ...] = ()
    id: str = ""
    emails: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    user_ids: tuple[str, ...] = ()
    name: tuple[str, ...] = ()
    post: str = ""
    statuses: tuple[Status, ...] = LIVING
    #: Unix ms: only what came before then.
    before: int | None = None
    #: The distinct words of a text that a comment has to say nearly (:data:`NEARLY`).
    like: frozenset[str] = frozenset()
    #: Entries of which a comment has to have *enough* to be read and compared.
    some: tuple[bytes, ...] = ()
    enough: int = 0

    def __bool__(self) -> bool:
        """Whether anything but statuses and a time is asked for."""
        return self != Query(statuses=self.statuses, before=self.before)

    @property
    def by_author(self) -> bool:
        """Whether the author has to be known by e-mail, address or user id."""
        return bool(self.emails or self.addresses or self.user_ids)

    @property
    def is_by_index(self) -> bool:
        """Whether what the index names is what is sought, as far as its entries lead somewhere."""
        return not (self.id or self.name or self.like or self.before is not None) and all(
            len(phrase) == 1 and _of_words(phrase) for phrase in self.phrases
        )

    def entries(self) -> list[bytes]:
        """Return the entries of words that a comment has to be found by."""
        found = [one for phrase in self.phrases for one in _of_words(phrase)]
        found += _of_words(self.name)
        found += [_entry("d", domain) for domain in self.domains]
        found += [_of_post(self.post)] if self.post else []
        return list(dict.fromkeys(found))[:MOST_SOUGHT]

    def of_networks(self) -> list[bytes]:
        """Return the entries of the networks of which a comment has to be from one."""
        return [_entry("i", network) for network in self.networks]

    def fits(self, comment: Comment, former: Sequence[Draft] = ()) -> bool:
        """Tell whether *comment* is what was asked for; *former* revisions are asked for their author alone."""
        draft = comment.draft
        if self.id and comment.id != self.id:
            return False
        if comment.status not in self.statuses:
            return False
        if self.before is not None and ids.made_ms(ids.shorten(comment.id)) >= self.before:
            return False
        return any(map(self.fits_author, (draft, *former))) and self._fits_text(draft)

    def _fits_text(self, draft: Draft) -> bool:
        if self.phrases:
            text = f" {' '.join(_words(draft))} "
            if not all(f" {' '.join(phrase)} " in text for phrase in self.phrases):
                return False
        if self.domains:
            words = _domains(draft)
            if not all(DomainList([domain]).all_in(words) for domain in self.domains):
                return False
        if self.like:
            spoken = frozenset(_spoken(normal.normal(draft.content)))
            if len(self.like & spoken) < NEARLY * len(self.like | spoken):
                return False
        return not self.post or self.post in _posts(draft)

    def fits_author(self, draft: Draft) -> bool:
        """Tell whether the author of *draft* is one who was asked for."""
        author = draft.author
        if self.name:
            name = f" {' '.join(normal.words(normal.normal(author.name)))} "
            if f" {' '.join(self.name)} " not in name:
                return False
        if not (self.by_author or self.networks):
            return True
        at = address(author.ip) if author.ip else None
        return (
            bool(author.email and email_form(author.email) in self.emails)
            or bool(author.ip and address_form(author.ip) in self.addresses)
            or bool(author.id and author.id in self.user_ids)
            or any(at in ipaddress.ip_network(one) for one in self.networks if at is not None)
        )


def query(
    text: str = "",
    *,
    author: str = "",
    post: str = "",
    statuses: Sequence[Status] = LIVING,
    before: int | None = None,
) -> Query:
    """Return the query that people write: words, "phrases", domains, e-mails, addresses, an id.

    *author* is a name, an e-mail, an address, a network or ``id:`` and the blog's own id of a user;
    *post* the URL or the title. Raises InvalidInput that names the field.
    """
    _bounded(text, "q")
    _bounded(author, "author")
    phrases: list[tuple[str, ...]] = []
    domains: list[str] = []
    found: dict[str, tuple[str, ...]] = {}
    known = ""
    for quoted, bare in _QUOTED.findall(text):
        if bare and (canonical := ids.canonical(bare)):
            known = canonical
        elif bare and (who := _author(bare)):
            found |= who
        elif bare and "." in bare and is_domain(bare.removeprefix("https://").strip("/")):
            domains.append(host_form(bare.removeprefix("https://").strip("/.").lower()))
        else:
            phrases += _phrases(quoted or bare, whole=bool(quoted))
    if author:
        who = _author(author)
        if who:
            found |= who
        elif author.startswith("id:"):
            found["user_ids"] = (author[3:].strip(),)
        else:
            found["name"] = tuple(normal.words(normal.normal(author)))
    if len(phrases) > MOST_SOUGHT:
        raise InvalidInput(f"a search has {MOST_SOUGHT} words at most", field="q")
    sought = Query(
        tuple(phrases), tuple(domains), known,
        post=post_form(post) if post else "", statuses=tuple(statuses), before=before,
    )  # fmt: skip
    return replace(sought, **found)  # type: ignore[arg-type]  # each is a tuple of texts


def words_of(draft: Draft) -> list[bytes]:
    """Return the entries that *draft* is found by, four bytes each; see :meth:`Query.entries`."""
    found = dict.fromkeys(_of_words(_words(draft), most=MOST_WORDS))
    for host in sorted(_domains(draft).mentioned)[:MOST_WORDS]:
        labels = host.split(".")[-_MOST_LABELS:]
        found |= dict.fromkeys(_entry("d", ".".join(labels[at:])) for at in range(len(labels) - 1))
    found |= dict.fromkeys(_of_post(form) for form in _posts(draft))
    network = network_of(draft.author.ip)
    if network:
        found[_entry("i", network)] = None
    return list(found)


def of_author(*, email: str = "", ip: str = "", user_id: str = "") -> Query:
    """Return the query for an author by any of these."""
    return Query(
        emails=(email_form(email),) if email else (),
        addresses=(address_form(ip),) if ip else (),
        user_ids=(user_id,) if user_id else (),
    )


def of_domain(domain: str, statuses: Sequence[Status] = LIVING) -> Query:
    """Return the query for what names a domain or one below it; a very long one goes by its last labels."""
    labels = host_form(domain.lower().strip(".")).split(".")[-_MOST_LABELS:]
    return Query(domains=(".".join(labels),), statuses=tuple(statuses))


def like(text: str) -> Query:
    """Return the query for nearly the same text: its longest words lead there, for they are the rarest.

    What is nearly the same lacks few of all words, so that of a short text most of those have to be in it.
    """
    spoken = _spoken(normal.normal(text))
    spaced = sorted({word for word in spoken if len(word) > 1}, key=lambda word: (-len(word), word))
    entries = [_entry("w", word) for word in spaced[:_TELLING]] or _of_words(spoken)[:_TELLING]
    enough = max(1, int(_ENOUGH * len(entries)))
    if spaced:
        lacking = int((1 - NEARLY) * len(set(spoken)) + _ROUNDING)
        enough = max(enough, len(entries) - lacking)
    return Query(like=frozenset(spoken), some=tuple(entries), enough=enough)


def network_of(ip: str) -> str:
    """Return the network, a /24 or of IPv6 a /64, that an address lies in; nothing for no address."""
    at = address(ip) if ip else None
    return str(ipaddress.ip_network((at, _NETWORK[at.version]), strict=False)) if at else ""


def post_form(url: str) -> str:
    """Return the one form of a post's URL or title: a URL without scheme, www., query and fragment."""
    parts = split_url(url.strip()) if "://" in url else None
    if parts is not None and parts.hostname:
        host = parts.hostname.removeprefix("www.")
        return f"{host}{parts.path.rstrip('/')}"
    return " ".join(normal.words(normal.normal(url)))


def _posts(draft: Draft) -> list[str]:
    return [post_form(one) for one in (draft.post.url, draft.post.title) if one]


def _of_post(form: str) -> bytes:
    return _entry("p", form)


def _author(text: str) -> dict[str, tuple[str, ...]] | None:
    """Return what an author is known by, if *text* is an e-mail, an address or a network."""
    if "@" in text and " " not in text.strip():
        return {"emails": (email_form(text),)}
    if "/" in text:
        try:
            network = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError:
            return None
        length = _NETWORK[network.version]
        if network.prefixlen != length:
            raise InvalidInput(
                f"a network is a /{length} here, such as {network_of(str(network[0]))}",
                field="author",
            )
        return {"networks": (str(network),)}
    # "2001" and "1.5" are no addresses that people mean.
    if text.count(".") == 3 or ":" in text:
        return {"addresses": (address_form(text),)} if address(text) else None
    return None


def _bounded(text: str, name: str) -> None:
    if len(text) > LONGEST:
        raise InvalidInput(f"{name} has at most {LONGEST} characters", field=name)


def _phrases(text: str, *, whole: bool) -> list[tuple[str, ...]]:
    """Return a phrase, or each word on its own; signs of unspaced scripts stay together."""
    words = _spoken(normal.normal(text))
    if whole:
        return [tuple(words)] if words else []
    return [tuple(run) for run in _runs(words)]


def _runs(words: Sequence[str]) -> Iterator[list[str]]:
    """Yield words one by one, and neighbouring signs of scripts without spaces as one run."""
    run: list[str] = []
    for word in words:
        if len(word) == 1 and normal.unspaced(word):
            run.append(word)
            continue
        if run:
            yield run
            run = []
        yield [word]
    if run:
        yield run


def _spoken(form: str) -> list[str]:
    """Return the words of a text in normal form; those that are only signs are left out."""
    return [word for word in normal.words(form) if word[0].isalnum() or word[-1].isalnum()]


def _words(draft: Draft) -> list[str]:
    words = _spoken(normal.normal(draft.content))
    return [*words, *_spoken(normal.normal(draft.author.name))] if draft.author.name else words


def _of_words(words: Sequence[str], most: int = MOST_WORDS) -> list[bytes]:
    """Return the entries of words; of a run of signs without spaces, those of each two neighbours."""
    found: dict[bytes, None] = {}
    for run in _runs(words):
        if len(run) == 1 and not (len(run[0]) == 1 and normal.unspaced(run[0])):
            found[_entry("w", run[0])] = None
        else:
            found |= dict.fromkeys(_entry("w", a + b) for a, b in itertools.pairwise(run))
        if len(found) >= most:
            break
    return list(found)[:most]


def _domains(draft: Draft) -> Domains:
    return domains_in(draft.content, draft.author.name, draft.author.url, draft.author.email)


#: Checksum of what stands before the form of each kind of entry. That of an entry takes as long as a look into a
#: cache, which took 20 MB in each process.
_KINDS = {kind: zlib.crc32(f"{kind}:".encode()) for kind in "wdip"}


def _entry(kind: str, form: str) -> bytes:
    return zlib.crc32(form.encode("utf-8", "surrogatepass"), _KINDS[kind]).to_bytes(4, "big")
