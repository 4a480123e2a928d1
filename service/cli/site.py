"""``winnow site``: the blogs that Winnow moderates for."""

from __future__ import annotations

from dataclasses import replace
from typing import TextIO

import click

from moderation.comment import Status
from moderation.lists import disallowed
from moderation.site import Door, KeyKind
from moderation.store.comments import Comments
from service.cli.context import (
    answer,
    answer_all,
    as_json,
    confirm,
    dumped,
    operator,
    plain,
    storage,
    yes_option,
)
from service.shapes import site_shape


@click.group()
def site() -> None:
    """Add, list and remove sites. A site is named by its id or its name."""


@site.command()
@click.argument("name")
@click.option("--url", default="", help="Where the site's readers find it.")
@as_json
def add(name: str, url: str, *, as_json: bool) -> None:
    """Make a site and an API key for it; the key is shown this once.

    Example: ./winnow site add blog --url https://blog.example
    """
    with storage() as adapters:
        now = adapters.clock.now_ms()
        made = adapters.accounts.add_site(name, url, by=operator(), now_ms=now)
        _, text = adapters.accounts.add_key(made.id, KeyKind.API, by=operator(), now_ms=now)
    told = {"id": made.id, "name": made.name, "key": text}
    answer(told, as_json=as_json, text=f"site  {made.name}\nid    {made.id}\nkey   {text}")


@site.command(name="list")
@as_json
def list_(*, as_json: bool) -> None:
    """List every site.

    Example: ./winnow site list
    """
    with storage() as adapters:
        records = [
            {"id": one.id, "name": one.name, "url": one.url, **_waiting(adapters.comments, one.id)}
            for one in adapters.accounts.sites()
        ]
    answer_all(
        records,
        as_json=as_json,
        columns={"id": str, "name": plain, "flagged": str, "pending": str, "url": plain},
        nothing="There is no site yet; `./winnow site add NAME` makes one.",
    )


@site.command()
@click.argument("site")
@as_json
def show(site: str, *, as_json: bool) -> None:
    """Show a site with its policy and how many comments stand where.

    Example: ./winnow site show blog
    """
    with storage() as adapters:
        found = adapters.accounts.site(site)
        told = site_shape(found) | {"counts": adapters.comments.counts(found.id)}
    lines = [f"{name:<13} {_cell(value)}" for name, value in told.items()]
    answer(told, as_json=as_json, text="\n".join(lines))


@site.command(name="import-list")
@click.argument("site")
@click.argument("file", type=click.File(encoding="utf-8", errors="replace"))
@click.option("--inside-words", is_flag=True, help="Match inside of words, as WordPress does.")
@click.option("--dry-run", is_flag=True, help="Say what would be added, and add nothing.")
def import_list(site: str, file: TextIO, *, inside_words: bool, dry_run: bool) -> None:
    """Add WordPress's list of disallowed comment keys to a site's blocked words and domains.

    FILE has one entry a line; "-" reads standard input.

    Example: wp option get disallowed_keys | ./winnow site import-list blog -
    """
    told = disallowed(file.read(), inside_words=inside_words)
    with storage() as adapters:
        was = adapters.accounts.site(site)
        policy = was.policy
        changed = replace(
            policy,
            blocked_words=tuple(dict.fromkeys((*policy.blocked_words, *told.words))),
            blocked_domains=tuple(dict.fromkeys((*policy.blocked_domains, *told.domains))),
        )
        changed.check()
        words = len(changed.blocked_words) - len(policy.blocked_words)
        domains = len(changed.blocked_domains) - len(policy.blocked_domains)
        if not dry_run and changed != policy:
            now = adapters.clock.now_ms()
            adapters.accounts.save_site(
                replace(was, policy=changed), was=was, by=operator(), now_ms=now
            )
    click.echo(f"{'would add' if dry_run else 'added'} {words} words and {domains} domains")
    for line in told.refused:
        click.echo(f"line {line} is too long for an entry", err=True)


@site.command()
@click.argument("site")
@yes_option
def remove(site: str, *, yes: bool) -> None:
    """Remove a site with its keys, endpoints and comments.

    Its keys are worthless at once; its comments are purged within a day.

    Example: ./winnow site remove blog
    """
    with storage() as adapters:
        found = adapters.accounts.site(site)
        confirm(f"Remove the site {found.name} and all of its comments for good?", yes=yes)
        adapters.accounts.remove_site(found.id, by=operator(), now_ms=adapters.clock.now_ms())


def _waiting(comments: Comments, site_id: str) -> dict[str, int]:
    counts = comments.counts(site_id)
    return {status: counts.get(status, 0) for status in (Status.FLAGGED, Status.PENDING)}


def _cell(value: object) -> str:
    return plain(value if isinstance(value, str) else dumped(value))


@site.command(name="coral-secret")
@click.argument("site_name", metavar="SITE")
@click.password_option("--secret", prompt="Coral's signing secret", help="Better typed than given.")
def coral_secret(site_name: str, secret: str) -> None:
    """Open the door for Coral's external moderation phase, with the signing secret it shows.

    Example: ./winnow site coral-secret blog
    """
    with storage() as adapters:
        adapters.accounts.set_door_secret(
            adapters.accounts.site(site_name).id,
            Door.CORAL,
            secret,
            by=operator(),
            now_ms=adapters.clock.now_ms(),
        )
