"""``winnow key``: the keys by which sites use the API and the doors."""

from __future__ import annotations

import click

from moderation.credentials import KeyKind
from moderation.site import MAX_DAYS
from service.cli.base import answer, answer_all, as_json, operator, plain, storage
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
@click.option(
    "--days",
    type=click.IntRange(1, MAX_DAYS),
    help="Days until it expires; left out, it works until it is revoked.",
)
@click.option("--name", default="", help="What it is for, such as the blog that holds it.")
@as_json
def add(site: str, kind: str, days: int | None, name: str, *, as_json: bool) -> None:
    """Make another key for a site; it is shown this once.

    Example: ./winnow key add blog --kind door --days 90
    """
    with storage() as adapters:
        owner, now = adapters.accounts.site(site), adapters.clock.now_ms()
        expires_at = now + days * 86_400_000 if days else None
        made, text = adapters.accounts.add_key(
            owner.id, KeyKind(kind), expires_at=expires_at, name=name, by=operator(), now_ms=now
        )
    expires = key_shape(made)["expires_at"]
    record = {"id": made.id, "key": text, "kind": made.kind, "expires_at": expires}
    lines = [f"key      {text}", f"id       {made.id}", f"kind     {made.kind}"]
    if expires:
        lines.append(f"expires  {expires}")
    answer(record, as_json=as_json, text="\n".join(lines))


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
        columns={
            "id": str,
            "kind": str,
            "hint": str,
            "name": plain,
            "created_at": str,
            "expires_at": lambda at: at or "never",
            "last_used_at": lambda at: at or "never",
        },
        nothing="This site has no key; `./winnow key add SITE` makes one.",
    )


@key.command()
@click.argument("key_id", metavar="ID")
def revoke(key_id: str) -> None:
    """Revoke a key; it stops working within 3 seconds.

    Example: ./winnow key revoke 019ab3f0-1c2d-7000-8000-3f1d2c4b5a69
    """
    with storage() as adapters:
        adapters.accounts.revoke_key(key_id, by=operator(), now_ms=adapters.clock.now_ms())
