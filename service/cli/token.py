"""``winnow token``: the tokens by which administrators use the API."""

from __future__ import annotations

import click

from service.cli.base import answer, answer_all, as_json, operator, plain, storage
from service.shapes import token_shape


@click.group()
def token() -> None:
    """Make, list and revoke administrators' tokens for the API."""


@token.command()
@click.argument("name", default="admin")
@as_json
def add(name: str, *, as_json: bool) -> None:
    """Make a token that may administer every site through the API; it is shown this once.

    Example: ./winnow token add deploy-script
    """
    with storage() as adapters:
        made, text = adapters.accounts.add_token(
            name, by=operator(), now_ms=adapters.clock.now_ms()
        )
    record = {"id": made.id, "name": made.name, "token": text}
    answer(record, as_json=as_json, text=f"token  {text}\nid     {made.id}\nname   {made.name}")


@token.command(name="list")
@as_json
def list_(*, as_json: bool) -> None:
    """List the tokens; of each only the last characters are known.

    Example: ./winnow token list
    """
    with storage() as adapters:
        records = [token_shape(one) for one in adapters.accounts.tokens()]
    answer_all(
        records,
        as_json=as_json,
        columns={"id": str, "name": plain, "hint": str, "created_at": str},
        nothing="There is no token; `./winnow token add NAME` makes one.",
    )


@token.command()
@click.argument("token_id", metavar="ID")
def revoke(token_id: str) -> None:
    """Revoke a token; it stops working within 3 seconds.

    Example: ./winnow token revoke 019ab3f0-1c2d-7000-8000-3f1d2c4b5a69
    """
    with storage() as adapters:
        adapters.accounts.revoke_token(token_id, by=operator(), now_ms=adapters.clock.now_ms())
