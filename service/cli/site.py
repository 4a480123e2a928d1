"""``winnow site``: the blogs that Winnow moderates for."""

from __future__ import annotations

from dataclasses import MISSING, replace
from itertools import zip_longest
from typing import Any, TextIO

import click

from moderation.comment import Status
from moderation.credentials import KeyKind
from moderation.fields import Lines, Setting
from moderation.lists import disallowed
from moderation.site import SETTINGS, Door, changed_site, value_at
from moderation.store.comments import Comments
from service.cli.base import (
    NO_SITE,
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


@click.group(invoke_without_command=True)
@click.pass_context
def site(context: click.Context) -> None:
    """Add, list and remove sites. A site is named by its id or its name.

    Without a verb the sites are listed.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_, as_json=False)


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
    record = {"id": made.id, "name": made.name, "key": text}
    answer(record, as_json=as_json, text=f"site  {made.name}\nid    {made.id}\nkey   {text}")


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
        nothing=NO_SITE,
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
        record = site_shape(found) | {"counts": adapters.comments.counts(found.id)}
    lines = [f"{name:<13} {_cell(value)}" for name, value in record.items()]
    answer(record, as_json=as_json, text="\n".join(lines))


@site.command(name="set")
@click.argument("site")
@click.argument("changes", nargs=-1, metavar="NAME=VALUE...")
@click.option("--markdown", is_flag=True, help="Print docs/reference/site-settings.md.")
def set_(site: str, changes: tuple[str, ...], *, markdown: bool) -> None:
    """Change settings of a site; without any, list them with what they are now.

    A value takes the place of the old one. It is written as the list shows it: yes or no, labels
    as spam=0.7,insult=0.9, and words and domains one a line, such as those of a file.

    Example: ./winnow site set blog policy.hold_links_over=3 policy.blocked_words="$(cat words)"
    """
    if markdown:
        click.echo(page(), nl=False)
        return
    with storage() as adapters:
        was = adapters.accounts.site(site)
        if not changes:
            values = was.to_dict()
            for name, one in SETTINGS.items():
                written = _written(one, value_at(values, name)) or [""]
                for label, line in zip_longest([name], written, fillvalue=""):
                    click.echo(f"{label:<29} {plain(line)}".rstrip())
                click.echo(f"{'':<29} {one.text}")
            return
        changed = changed_site(was, [change.partition("=")[::2] for change in changes])
        now = adapters.clock.now_ms()
        if changed != was:
            adapters.accounts.save_site(changed, was=was, by=operator(), now_ms=now)
    click.echo("saved" if changed != was else "nothing was different")


def _written(one: Setting, value: Any) -> list[str]:
    """Return *value* in the notation that `site set` takes."""
    match value:
        case None:
            return []
        case bool():
            return ["yes" if value else "no"]
        case list() | tuple() if isinstance(one.kind, Lines):
            return list(value)
        case list() | tuple():
            return [",".join(value)]
        case dict():
            return [",".join(f"{name}={number}" for name, number in value.items())]
        case _:
            return [str(value)]


HEADING = """# A site's settings

Each can be set at the desk under *Settings*, in the API by `PATCH /v1/sites/<id>`, and by
`./winnow site set SITE NAME=VALUE`, whose values are written as this table says.

`./winnow site set SITE --markdown` wrote this page.

| Setting | Takes | Default | What it does |
| --- | --- | --- | --- |
"""


def page() -> str:
    """Return docs/reference/site-settings.md."""
    rows = [
        f"| `{name}` | {one.kind.takes()} | {_default(one.default)} "
        f"| {one.text.replace('|', chr(92) + '|').replace('*', chr(92) + '*')} |\n"
        for name, one in SETTINGS.items()
    ]
    return HEADING + "".join(rows)


def _default(value: object) -> str:
    match value:
        case _ if value is MISSING:
            return ""
        case str() | int():
            return f"`{_cell(value)}`" if value != "" else ""
        case tuple():
            return ", ".join(f"`{one}`" for one in value)
        case dict():
            return f"`{','.join(f'{name}={one}' for name, one in value.items())}`" if value else ""
        case _:
            return ""


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
    entries = disallowed(file.read(), inside_words=inside_words)
    with storage() as adapters:
        was = adapters.accounts.site(site)
        policy = was.policy
        changed = replace(
            policy,
            blocked_words=tuple(dict.fromkeys((*policy.blocked_words, *entries.words))),
            blocked_domains=tuple(dict.fromkeys((*policy.blocked_domains, *entries.domains))),
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
    for line in entries.refused:
        click.echo(f"line {line} is too long for an entry", err=True)


@site.command()
@click.argument("site")
@yes_option
def remove(site: str, *, yes: bool) -> None:
    """Remove a site with its keys, endpoints and comments.

    Its keys stop working within 3 seconds; its comments are deleted within a day.

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
