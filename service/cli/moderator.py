"""``winnow moderator``: who may sign in at the desk."""

from __future__ import annotations

import click

from moderation.audit import AuditLine
from moderation.moderators import Role
from moderation.store.accounts.links import Purpose
from service.cli.base import (
    answer,
    answer_all,
    as_json,
    confirm,
    listed,
    operator,
    plain,
    storage,
    yes_option,
)
from service.shapes import moderator_shape


@click.group()
def moderator() -> None:
    """Add, list, reset and remove the people who moderate."""


@moderator.command()
@click.argument("name")
@click.option("--site", "sites", multiple=True, help="A site whose comments they see. Repeatable.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.MODERATOR.value,
    show_default=True,
    help="An admin sees every site and administers all of them.",
)
@as_json
def add(name: str, sites: tuple[str, ...], role: str, *, as_json: bool) -> None:
    """Add a moderator; the password is made up, shown this once, and changed at the first sign-in.

    Example: ./winnow moderator add ada --site blog
    """
    with storage() as adapters:
        made, password = adapters.add_moderator(name, role=Role(role), sites=sites, by=operator())
    if made.role is Role.MODERATOR and not made.sites:
        click.echo(f"{made.name} sees no site yet; name one by --site, or --role admin.", err=True)
    _tell_password(made.name, password, as_json=as_json)


@moderator.command(name="list")
@as_json
def list_(*, as_json: bool) -> None:
    """List the moderators and what they see.

    Example: ./winnow moderator list
    """
    with storage() as adapters:
        names = {site.id: site.name for site in adapters.accounts.sites()}
        records = [moderator_shape(one) for one in adapters.accounts.moderators()]
    for record in records:
        record["sites"] = [names.get(site_id, site_id) for site_id in record["sites"]]
    answer_all(
        records,
        as_json=as_json,
        columns={
            "name": plain,
            "role": str,
            "sites": listed,
            "disabled": lambda value: "yes" if value else "no",
            "created_at": str,
        },
        nothing="There is no moderator; `./winnow moderator add NAME` adds one.",
    )


@moderator.command()
@click.argument("name")
@as_json
def reset(name: str, *, as_json: bool) -> None:
    """Give a moderator a new password and end their sessions.

    Example: ./winnow moderator reset ada
    """
    with storage() as adapters:
        password = adapters.reset_password(name, by=operator())
        name = adapters.accounts.moderator(name).name
    _tell_password(name, password, as_json=as_json)


@moderator.command(name="reset-link")
@click.argument("name")
@as_json
def reset_link(name: str, *, as_json: bool) -> None:
    """Make a link by which a moderator chooses a new password, once, within an hour.

    For where no e-mail is sent. Nothing changes until the link is used.

    Example: ./winnow moderator reset-link ada
    """
    with storage() as adapters:
        name = adapters.accounts.moderator(name).name
        token = adapters.make_link(Purpose.RESET, name)
        line = AuditLine(adapters.clock.now_ms(), operator(), "moderator.link", name)
        adapters.accounts.note(line)
        link = f"{adapters.settings.url}/desk/reset/{token}"
    answer({"name": name, "link": link}, as_json=as_json, text=link)


@moderator.command()
@click.argument("name")
@click.argument("address", default="")
def email(name: str, address: str) -> None:
    """Say to which e-mail address a moderator's links are sent; without ADDRESS to none.

    Example: ./winnow moderator email ada ada@mail.example
    """
    with storage() as adapters:
        adapters.set_address(adapters.accounts.moderator(name).name, address, by=operator())


@moderator.command(name="second-factor-off")
@click.argument("name")
@yes_option
def second_factor_off(name: str, *, yes: bool) -> None:
    """Let a moderator who lost their second factor sign in by the password alone.

    Example: ./winnow moderator second-factor-off ada
    """
    with storage() as adapters:
        found = adapters.accounts.moderator(name)
        confirm(f"Take off the second factor of {found.name}?", yes=yes)
        if not adapters.take_off_factor(found.name, by=operator()):
            click.echo(f"{found.name} has no second factor.", err=True)


@moderator.command()
@click.argument("name")
@yes_option
def remove(name: str, *, yes: bool) -> None:
    """Remove a moderator and end their sessions; what they decided stays.

    Example: ./winnow moderator remove ada
    """
    with storage() as adapters:
        found = adapters.accounts.moderator(name)
        confirm(f"Remove the moderator {found.name}?", yes=yes)
        adapters.accounts.remove_moderator(
            found.name, by=operator(), now_ms=adapters.clock.now_ms()
        )


def _tell_password(name: str, password: str, *, as_json: bool) -> None:
    record = {"name": name, "password": password}
    answer(record, as_json=as_json, text=f"name      {name}\npassword  {password}")
