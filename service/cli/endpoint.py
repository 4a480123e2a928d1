"""``winnow endpoint``: the addresses that a site's webhooks are sent to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from moderation.addresses import check_url
from moderation.endpoint import Endpoint, EndpointKind
from moderation.errors import InvalidInput
from moderation.events import EventType
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
from service.shapes import endpoint_shape


@click.group()
def endpoint() -> None:
    """Add, list and remove the addresses that webhooks are sent to."""


@endpoint.command()
@click.argument("site")
@click.argument("url")
@click.option(
    "--event",
    "events",
    multiple=True,
    type=click.Choice([event.value for event in EventType]),
    default=[EventType.APPROVED.value],
    show_default=True,
    help="An event that is sent; may be given several times. Where an event was sent and no longer holds, that is sent, too.",
)
@click.option(
    "--allow-private",
    is_flag=True,
    help="Let the address lie in this machine or its private network.",
)
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in EndpointKind]),
    default=EndpointKind.WEBHOOK.value,
    show_default=True,
    help="akismet: URL is a WordPress's /wp-json/akismet/v1/webhook, which gets Akismet's own format.",
)
@click.option("--description", default="", help="What it is for.")
@as_json
def add(
    site: str,
    url: str,
    events: tuple[str, ...],
    *,
    allow_private: bool,
    kind: str,
    description: str,
    as_json: bool,
) -> None:
    """Send webhooks to URL; the secret that signs them is shown this once.

    Example: ./winnow endpoint add blog https://blog.example/hooks/winnow --event comment.approved
    """
    with storage() as adapters, _naming_the_option(url, allow_private=allow_private):
        made = adapters.add_endpoint(
            Endpoint(
                id="",
                site_id=adapters.accounts.site(site).id,
                url=url,
                events=tuple(dict.fromkeys(events)),
                allow_private=allow_private,
                kind=EndpointKind(kind),
                description=description[:200],
            ),
            by=operator(),
            admin=True,
        )
    record = {"id": made.id, "url": made.url, "secret": made.secrets[0].value}
    text = f"url     {made.url}\nid      {made.id}\nsecret  {record['secret']}"
    answer(record, as_json=as_json, text=text)


@endpoint.command(name="list")
@click.argument("site")
@as_json
def list_(site: str, *, as_json: bool) -> None:
    """List where a site's webhooks go.

    Example: ./winnow endpoint list blog
    """
    with storage() as adapters:
        found = [
            endpoint_shape(
                one, failing_since=adapters.deliveries.failing_since(one.site_id, one.id)
            )
            for one in adapters.accounts.endpoints(adapters.accounts.site(site).id)
        ]
    answer_all(
        found,
        as_json=as_json,
        columns={"id": str, "url": plain, "events": listed, "enabled": _yes_or_no},
        nothing="No webhooks are sent for this site; `./winnow endpoint add SITE URL` adds some.",
    )


@endpoint.command()
@click.argument("endpoint_id", metavar="ID")
@yes_option
def remove(endpoint_id: str, *, yes: bool) -> None:
    """Send no more webhooks to an endpoint; what was due to it is dropped.

    Example: ./winnow endpoint remove 019ab3f0-1c2d-7000-8000-3f1d2c4b5a69
    """
    with storage() as adapters:
        found = adapters.accounts.endpoint(endpoint_id)
        confirm(f"Send no more webhooks to {plain(found.url)}?", yes=yes)
        adapters.accounts.remove_endpoint(
            endpoint_id, by=operator(), now_ms=adapters.clock.now_ms()
        )


@contextmanager
def _naming_the_option(url: str, *, allow_private: bool) -> Iterator[None]:
    """Add a hint at --allow-private to an error that the option would avoid."""
    try:
        yield
    except InvalidInput as problem:
        if allow_private:
            raise
        try:
            check_url(url, allow_private=True)
        except InvalidInput:
            raise problem from None
        raise InvalidInput(
            f"{problem}; if the receiver is on this machine or its private network, add --allow-private"
        ) from None


def _yes_or_no(value: object) -> str:
    return "yes" if value else "no"
