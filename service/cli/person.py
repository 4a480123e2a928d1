"""``winnow person``: shows, treats, exports and erases the people who comment."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click

from moderation.comment import from_ms, rfc3339
from moderation.errors import InvalidInput
from moderation.treatment import Subject, SubjectKind, Treatment
from moderation.wiring import Adapters
from moderation.workflow.people import MAX_DAYS
from service.cli.base import (
    answer,
    as_json,
    confirm,
    dumped,
    operator,
    plain,
    storage,
    yes_option,
)
from service.shapes import comment_shape, person_shape, receipt_shape

#: Comments of a person that are counted at a site, at most.
_MOST = 1_000_000
_SITES = click.option(
    "--site", "sites", multiple=True, help="Only at this site; at every site if not given."
)


def _whom(*, all_kinds: bool = True) -> Callable[[Any], Any]:
    """Add the options that name a person; exactly one of them must be given."""
    named = [
        click.option("--email", default="", help="By e-mail, which anybody can type."),
        click.option("--user", default="", help="By the blog's own id of a user."),
        click.option("--address", default="", help="By IP address."),
    ]
    if all_kinds:
        named += [
            click.option("--network", default="", help="By network, such as 192.0.2.0/24."),
            click.option("--domain", default="", help="By a domain that comments name."),
        ]

    def decorate(command: Any) -> Any:
        for option in reversed(named):
            command = option(command)
        return command

    return decorate


def _subject(named: dict[str, str]) -> Subject:
    given = [(kind, value) for kind in SubjectKind if (value := named.get(kind, ""))]
    if len(given) != 1:
        raise InvalidInput(f"name one of {', '.join(f'--{kind}' for kind in named)}")
    return Subject.read(*given[0])


def _ids(adapters: Adapters, sites: tuple[str, ...]) -> dict[str, str]:
    """Return the names of the sites that are meant, by id."""
    named = [adapters.accounts.site(one) for one in sites] or adapters.accounts.sites()
    return {site.id: site.name for site in named}


@click.group()
def person() -> None:
    """Find, treat, export and erase authors, addresses, networks and domains."""


@person.command()
@_whom()
@_SITES
@as_json
def show(sites: tuple[str, ...], *, as_json: bool, **named: str) -> None:
    """Show the data on a person at each site: comments by status, treatment and note.

    Example: ./winnow person show --email lisa@example.org
    """
    subject = _subject(named)
    with storage() as adapters:
        names = _ids(adapters, sites)
        found = adapters.look_up(list(names), subject, most=_MOST)
    if not found and not as_json:
        click.echo("Nothing is kept.", err=True)
    for one in found:
        counts = {str(status): number for status, number in one.comments.items() if number}
        noted = person_shape(one.person) if one.person else None
        record = {"site": names[one.site_id], "comments": counts, "noted": noted}
        lines = [
            f"{names[one.site_id]}: "
            + (
                ", ".join(f"{number} {status}" for status, number in counts.items())
                or "no comments"
            )
            + ("" if one.whole else ", or more")
            + ("" if one.sure else " (counted without reading them: they may be fewer)")
        ]
        if one.person and one.person.treatment:
            until = f" until {rfc3339(from_ms(one.person.until))}" if one.person.until else ""
            lines.append(f"  {one.person.treatment}{until}")
        if one.person and one.person.note:
            lines.append(f"  note: {plain(one.person.note)}")
        answer(record, as_json=as_json, text="\n".join(lines))


@person.command()
@click.argument("treatment", type=click.Choice([*(one.value for one in Treatment), "none"]))
@_whom()
@click.option("--site", required=True, help="The site that treats them so.")
@click.option(
    "--days", type=click.IntRange(1, MAX_DAYS), help="Days for which it holds; else for good."
)
@click.option("--note", default="", help="A note for other moderators.")
@as_json
def treat(
    treatment: str, site: str, days: int | None, note: str, *, as_json: bool, **named: str
) -> None:
    """Block, hold or trust a person's comments from now on; `none` ends the treatment.

    Blocked comments are rejected, held ones wait for a moderator; who is trusted passes unless the
    model is sure or a list objects.

    Example: ./winnow person treat hold --network 192.0.2.0/24 --site blog --days 7
    """
    subject = _subject(named)
    with storage() as adapters:
        owner = adapters.accounts.site(site)
        wanted = None if treatment == "none" else Treatment(treatment)
        done = adapters.treat(owner.id, subject, wanted, note=note, days=days, by=operator())
    answer(person_shape(done), as_json=as_json, text=f"{plain(subject.value)}: {treatment}")


@person.command()
@_whom()
@_SITES
def export(sites: tuple[str, ...], **named: str) -> None:
    """Print all data on a person, one JSON object a line.

    Example: ./winnow person export --email lisa@example.org > lisa.jsonl
    """
    subject = _subject(named)
    with storage() as adapters:
        names = _ids(adapters, sites)
        for site_id in names:
            if noted := adapters.comments.person(site_id, subject):
                click.echo(dumped({"person": person_shape(noted)}))
        for comment in adapters.export_person(list(names), subject):
            shape = comment_shape(comment)
            del shape["links"]  # a terminal has no address to link to
            click.echo(dumped({"comment": shape}))


@person.command()
@_whom(all_kinds=False)
@_SITES
@yes_option
@as_json
def erase(sites: tuple[str, ...], *, yes: bool, as_json: bool, **named: str) -> None:
    """Erase every comment of a person and what was noted, for good, and print the receipt.

    The receipt has numbers and times and no word of theirs. Blogs get an event for each comment.

    Example: ./winnow person erase --email lisa@example.org
    """
    subject = _subject(named)
    with storage() as adapters:
        names = _ids(adapters, sites)
        kept = adapters.look_up(list(names), subject, most=_MOST)
        number = sum(one.total for one in kept)
        or_more = "" if all(one.whole for one in kept) else " or more"
        confirm(f"Erase {number}{or_more} comments at {len(kept)} sites for good?", yes=yes)
        one = adapters.erase_person(list(names), subject, by=operator())
        while one.goes_on:
            click.echo(f"{one.comments} erased so far", err=True)
            before, one = one, adapters.step_erasure(one.id)
            if one == before:  # a worker goes on with it
                time.sleep(1)
        receipt = one.receipt
    earlier = (
        f"\nThe same person was erased before, at {rfc3339(from_ms(receipt.erased_before))}."
        if receipt.erased_before is not None
        else ""
    )
    nothing = "" if receipt.comments or receipt.records else "There was nothing to erase.\n"
    text = (
        f"{nothing}Erased: {receipt.comments} comments and {receipt.records} notes or treatments, "
        f"at {receipt.sites} sites.\n{rfc3339(from_ms(receipt.at))}  receipt {receipt.id}{earlier}"
    )
    answer(receipt_shape(receipt), as_json=as_json, text=text)
