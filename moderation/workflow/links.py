"""One-time links that let a moderator in, and the letters that carry them. Opening a link changes nothing."""

from __future__ import annotations

from moderation import letters
from moderation.actor import Actor, moderator_by
from moderation.channels import Channel, Sender
from moderation.dispatch import LETTERS, Jobs
from moderation.errors import InvalidInput, NotFound
from moderation.moderators import Moderator
from moderation.ports import Clock
from moderation.reminders import Subscription
from moderation.rows import each
from moderation.store.accounts import Accounts, fold
from moderation.store.accounts.links import Kind, OneTimeLink, OneTimeLinks, Outbox, Purpose, Wanted
from moderation.wording import ENGLISH, speaker

#: Accounts with one address that get a letter.
_MOST_NAMESAKES = 5
#: How long a letter is tried that no mail server takes, in ms.
_PATIENCE_MS = 3_600_000


def make_link(
    purpose: Purpose, name: str, *, accounts: Accounts, links: OneTimeLinks, says: str = ""
) -> str:
    """Return the token of a link for a moderator. Raises NotFound.

    It ends with their sessions, with their address, and when they revoke their links.
    """
    name = accounts.moderator(name).name
    return links.make(purpose, OneTimeLink(name, accounts.link_epoch(name), says))


def follow_link(
    purpose: Purpose, token: str, *, accounts: Accounts, links: OneTimeLinks, take: bool = False
) -> tuple[Moderator, OneTimeLink]:
    """Return whose link this is, and the link; *take* it to use it up.

    Raises NotFound when it was used or is too old, and when its owner is disabled, is gone, or has
    had another password or address since.
    """
    link = links.take(purpose, token) if take else links.read(purpose, token)
    person = accounts.moderator(link.name)
    if person.disabled or accounts.link_epoch(person.name) != link.epoch:
        raise NotFound("this link was used, or is too old")
    return person, link


def choose_password(
    purpose: Purpose,
    token: str,
    password: str,
    *,
    accounts: Accounts,
    links: OneTimeLinks,
    outbox: Outbox,
    jobs: Jobs,
    clock: Clock,
) -> Moderator:
    """Set the password that somebody chose by a link; every session of theirs ends.

    Raises NotFound, and InvalidInput for no password, which leaves the link as it is.
    """
    if not password:
        raise InvalidInput("a password has 1 to 1000 characters", field="password")
    person, link = follow_link(purpose, token, accounts=accounts, links=links, take=True)
    now = clock.now_ms()
    accounts.set_password(person.name, password, by=moderator_by(person.name, purpose), now_ms=now)
    if link.says:
        _write(Wanted(Kind.CHANGED, person.name, now, link.says), outbox=outbox, jobs=jobs)
    return person


def ask_reset(who: str, *, outbox: Outbox, jobs: Jobs, clock: Clock) -> None:
    """Send a link to the moderator of that name or address; whether anybody has is found out later.

    So the answer and the time that it takes are the same for everybody.
    """
    _write(Wanted(Kind.RESET, who, clock.now_ms()), outbox=outbox, jobs=jobs)


def ask_address(name: str, address: str, *, outbox: Outbox, jobs: Jobs, clock: Clock) -> None:
    """Have a link sent to *address* by which it becomes the moderator's. Raises InvalidInput."""
    sound = Channel.MAIL.address(address)
    _write(Wanted(Kind.CONFIRM, name, clock.now_ms(), sound), outbox=outbox, jobs=jobs)


def confirm_address(
    token: str, *, accounts: Accounts, links: OneTimeLinks, outbox: Outbox, jobs: Jobs, clock: Clock
) -> Moderator:
    """Make the address of a link its owner's, and tell the one before; return the moderator."""
    person, link = follow_link(Purpose.ADDRESS, token, accounts=accounts, links=links, take=True)
    by = moderator_by(person.name, Purpose.ADDRESS)
    set_address(
        person.name, link.says, by=by, accounts=accounts, outbox=outbox, jobs=jobs, clock=clock
    )
    return person


def set_address(
    name: str,
    address: str,
    *,
    by: Actor,
    accounts: Accounts,
    outbox: Outbox,
    jobs: Jobs,
    clock: Clock,
) -> None:
    """Give a moderator an address, "" for none, and tell the one before. Raises InvalidInput."""
    now = clock.now_ms()
    was = accounts.set_email(name, address, by=by, now_ms=now)
    if was.email and was.email != address:
        _write(Wanted(Kind.MOVED, was.name, now, was.email), outbox=outbox, jobs=jobs)


def tell_off(
    person: Moderator, wish: Subscription, *, outbox: Outbox, jobs: Jobs, clock: Clock
) -> None:
    """Have a moderator be written to that a channel of theirs was switched off, unless it is that very address."""
    address = wish.address if wish.channel is Channel.MAIL else ""
    if person.email and person.email.casefold() != address.casefold():
        _write(Wanted(Kind.SILENT, person.name, clock.now_ms()), outbox=outbox, jobs=jobs)


def invite(name: str, *, outbox: Outbox, jobs: Jobs, clock: Clock) -> None:
    """Have an invitation sent to a moderator's address."""
    _write(Wanted(Kind.INVITE, name, clock.now_ms()), outbox=outbox, jobs=jobs)


def _write(wanted: Wanted, *, outbox: Outbox, jobs: Jobs) -> None:
    outbox.put(wanted)
    jobs.enqueue(LETTERS)


def write_letters(
    *,
    accounts: Accounts,
    links: OneTimeLinks,
    outbox: Outbox,
    sender: Sender,
    clock: Clock,
    url: str,
    language: str = ENGLISH,
) -> int:
    """Write what waits in the outbox; return how many letters were sent.

    Each in its reader's language, or in *language* where that is not known.
    What no mail server takes is tried again for an hour.
    """
    sent, failed = 0, []
    while (wanted := outbox.take()) is not None:
        letters_by_name = {
            f"{wanted.kind} to {person.name}": (address, letter)
            for person, address, letter in _addressed(wanted, accounts, links, url, language)
        }

        def send(one: tuple[str, letters.Letter]) -> int:
            address, letter = one
            sender.send(address, *letter)
            return 1

        went = each(letters_by_name, send, job="write_letters")
        sent += went
        if went < len(letters_by_name) and clock.now_ms() - wanted.asked_at < _PATIENCE_MS:
            failed.append(wanted)
    for wanted in failed:
        outbox.put(wanted)
    return sent


def _addressed(
    wanted: Wanted, accounts: Accounts, links: OneTimeLinks, url: str, language: str
) -> list[tuple[Moderator, str, letters.Letter]]:
    """Return to whom a letter goes, to which address, and what it says: to nobody, one, or namesakes."""
    if wanted.kind is Kind.RESET:
        return [
            (person, person.email, letters.reset(person.name, f"{url}/desk/reset/{token}", words))
            for person in _known_as(wanted.who, accounts)
            for words in [speaker(person.language or language)]
            for token in [
                make_link(
                    Purpose.RESET, person.name, accounts=accounts, links=links, says=person.email
                )
            ]
        ]
    try:
        person = accounts.moderator(wanted.who)
    except NotFound:
        return []
    words = speaker(person.language or language)
    match wanted.kind:
        case Kind.CONFIRM:
            token = make_link(
                Purpose.ADDRESS, person.name, accounts=accounts, links=links, says=wanted.address
            )
            letter = letters.confirm(person.name, f"{url}/desk/address/{token}", words)
        case Kind.INVITE:
            token = make_link(Purpose.INVITATION, person.name, accounts=accounts, links=links)
            letter = letters.invite(person.name, f"{url}/desk/invitation/{token}", words)
        case Kind.CHANGED:
            letter = letters.changed(person.name, url, words)
        case Kind.SILENT:
            letter = letters.silent(person.name, url, words)
        case _:
            letter = letters.moved(person.name, url, words)
    address = wanted.address or person.email
    return [(person, address, letter)] if address else []


def _known_as(who: str, accounts: Accounts) -> list[Moderator]:
    """Return the moderators with that name or address who can be written to and may sign in."""
    try:
        address = Channel.MAIL.address(who.strip()).casefold()
    except InvalidInput:
        address = ""
    return [
        person
        for person in accounts.moderators()
        if person.email
        and not person.disabled
        and (fold(person.name) == fold(who.strip()) or person.email.casefold() == address)
    ][:_MOST_NAMESAKES]
