"""``winnow delivery``, and commands on an existing endpoint."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import click

from moderation.comment import to_ms
from moderation.delivery import Delivery, DeliveryState
from service.cli.base import answer, answer_all, as_json, operator, plain, storage
from service.cli.endpoint import endpoint
from service.shapes import delivery_shape


@endpoint.command()
@click.argument("endpoint_id", metavar="ID")
@as_json
def rotate(endpoint_id: str, *, as_json: bool) -> None:
    """Give an endpoint a new secret; the old one signs beside it for 24 hours.

    Example: ./winnow endpoint rotate 019ab3f0-1c2d-7000-8000-3f1d2c4b5a69
    """
    with storage() as adapters:
        secret = adapters.rotate_secret(endpoint_id, by=operator())
    answer({"id": endpoint_id, "secret": secret}, as_json=as_json, text=f"secret  {secret}")


@endpoint.command()
@click.argument("endpoint_id", metavar="ID")
def test(endpoint_id: str) -> None:
    """Send a test event to an endpoint; `delivery list` shows the result.

    Example: ./winnow endpoint test 019ab3f0-1c2d-7000-8000-3f1d2c4b5a69
    """
    with storage() as adapters:
        found = adapters.accounts.endpoint(endpoint_id)
        click.echo(adapters.deliveries.send_test(found, now_ms=adapters.clock.now_ms()))


@endpoint.command()
@click.argument("endpoint_id", metavar="ID")
def enable(endpoint_id: str) -> None:
    """Enable a disabled endpoint.

    Example: ./winnow endpoint enable 019ab3f0-1c2d-7000-8000-3f1d2c4b5a69
    """
    _switch(endpoint_id, enabled=True)


@endpoint.command()
@click.argument("endpoint_id", metavar="ID")
def disable(endpoint_id: str) -> None:
    """Disable an endpoint: nothing is sent until it is enabled again.

    Example: ./winnow endpoint disable 019ab3f0-1c2d-7000-8000-3f1d2c4b5a69
    """
    _switch(endpoint_id, enabled=False)


@click.group()
def delivery() -> None:
    """List deliveries to an endpoint, and send them again."""


@delivery.command(name="list")
@click.argument("endpoint_id", metavar="ENDPOINT")
@click.option(
    "--state", type=click.Choice([str(state) for state in DeliveryState]), help="Only these."
)
@click.option("--comment", "comment_id", help="Only of this comment.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@as_json
def list_(
    endpoint_id: str, *, state: str | None, comment_id: str | None, limit: int, as_json: bool
) -> None:
    """List an endpoint's deliveries, the newest first, with what was answered last.

    Example: ./winnow delivery list 019ab3f0-1c2d-7000-8000-3f1d2c4b5a69 --state failed
    """
    with storage() as adapters:
        found = adapters.deliveries.log(
            adapters.accounts.endpoint(endpoint_id),
            state=DeliveryState(state) if state else None,
            comment_id=comment_id,
            limit=limit,
        )
    answer_all(
        [delivery_shape(one) | {"last_answer": _last_answer(one)} for one in found],
        as_json=as_json,
        columns={
            "id": str,
            "type": str,
            "state": str,
            "attempts": lambda made: str(len(made)),
            "next_attempt_at": lambda at: at or "-",
            "last_answer": plain,
        },
        nothing="Nothing was delivered to this endpoint.",
    )


@delivery.command()
@click.argument("endpoint_id", metavar="ENDPOINT")
@click.argument("delivery_id", metavar="[ID]", required=False)
@click.option(
    "--failed-since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="All that failed since then (UTC).",
)
def redeliver(endpoint_id: str, delivery_id: str | None, *, failed_since: datetime | None) -> None:
    """Send a delivery again, or all that failed since a time.

    Example: ./winnow delivery redeliver 019ab3f0-1c2d-7000-8000-3f1d2c4b5a69 --failed-since 2026-11-22
    """
    if bool(delivery_id) == bool(failed_since):
        raise click.UsageError("name one delivery, or give --failed-since")
    with storage() as adapters:
        found, now = adapters.accounts.endpoint(endpoint_id), adapters.clock.now_ms()
        if failed_since is not None:
            since = to_ms(failed_since.replace(tzinfo=UTC))
            click.echo(adapters.deliveries.redeliver_failed(found, since_ms=since, now_ms=now))
        else:
            adapters.deliveries.redeliver(found, delivery_id or "", now_ms=now)
            click.echo(1)


def _last_answer(delivery: Delivery) -> str:
    """Return the result of the newest attempt in a few words."""
    if not delivery.attempts:
        return "-"
    last = delivery.attempts[-1]
    return str(last.get("error") or f"answered {last.get('status')}")


def _switch(endpoint_id: str, *, enabled: bool) -> None:
    with storage() as adapters:
        kept = adapters.accounts.endpoint(endpoint_id)
        adapters.change_endpoint(
            replace(kept, enabled=enabled), was=kept, by=operator(), admin=True
        )
