"""``winnow key``: what sites speak to Winnow with."""

from __future__ import annotations

import click

from moderation.site import KeyKind
from service.cli.context import answer, answer_all, as_json, storage, whoever
from service.shapes import key_shape


@click.group()
def key() -> None:
    """Make, list and revoke the keys of a site."""


@key.command()
@click.argument("site")
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in KeyKind]),
    default=KeyKind.API.value,
    show_default=True,
    help="api opens the native API; door opens the drop-in doors (Akismet and others) alone.",
)
@as_json
def add(site: str, kind: str, *, as_json: bool) -> None:
    """Make another key for a site; it is shown this once.

    Example: ./winnow key add blog --kind door
    """
    with storage() as adapters:
        owner = adapters.accounts.site(site)
        made, text = adapters.accounts.add_key(
            owner.id, KeyKind(kind), now_ms=adapters.clock.now_ms()
        )
    told = {"id": made.id, "key": text, "kind": made.kind}
    answer(told, as_json=as_json, text=f"key   {text}\nid    {made.id}\nkind  {made.kind}")


@key.command(name="list")
@click.argument("site")
@as_json
def list_(site: str, *, as_json: bool) -> None:
    """List a site's keys; the keys themselves are not kept, only their last characters.

    Example: ./winnow key list blog
    """
    with storage() as adapters:
        records = [key_shape(k) for k in adapters.accounts.keys(adapters.accounts.site(site).id)]
    answer_all(
        records,
        as_json=as_json,
        columns={"id": str, "kind": str, "hint": str, "created_at": str},
        nothing="This site has no key; `./winnow key add SITE` makes one.",
    )


@key.command()
@click.argument("key_id", metavar="ID")
def revoke(key_id: str) -> None:
    """Make a key worthless at once.

    Example: ./winnow key revoke 019ab3f0-1c2d-7000-8000-3f1d2c4b5a69
    """
    with storage() as adapters:
        adapters.accounts.revoke_key(key_id, by=whoever(), now_ms=adapters.clock.now_ms())
