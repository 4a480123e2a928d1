"""Sites, keys and endpoints."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from moderation.comment import to_ms
from moderation.delivery import DeliveryState
from moderation.endpoint import Endpoint
from moderation.errors import InvalidInput, NotFound
from moderation.fields import settings_of
from moderation.policy import Policy
from moderation.site import Retention, Site
from moderation.workflow.judging import defaults_of
from service.api import schemas
from service.api.base import (
    LIMIT,
    MAX_PAGE,
    SITE,
    actor,
    administrator,
    api,
    asked_site,
    asking,
    number,
    text,
)
from service.api.describe import Parameter, read
from service.auth import refuse
from service.context import winnow
from service.shapes import delivery_shape, endpoint_shape, key_shape, site_shape


@api.route("GET", "/sites", tag="Sites", answers={200: schemas.SitesOut})
def list_sites() -> Any:
    """List the sites: with a token all of them, with a key its own."""
    own = asking().site
    sites = winnow().accounts.sites() if own is None else [own]
    return {"items": [site_shape(site) for site in sites]}


@api.route(
    "POST",
    "/sites",
    tag="Sites",
    body=schemas.SiteIn,
    answers={201: schemas.SiteOut},
    problems=(409,),
    admin=True,
)
def add_site() -> Any:
    """Add a site. Administrators only."""
    administrator()
    body, context = read(schemas.SiteIn), winnow()
    site = context.accounts.add_site(body.name, body.url, by=actor(), now_ms=context.clock.now_ms())
    return site_shape(site), 201


@api.route("GET", "/sites/<site_id>", tag="Sites", answers={200: schemas.SiteOut})
def get_site(site_id: str) -> Any:
    """Get a site with its policy."""
    return site_shape(own_site(site_id))


@api.route(
    "PATCH",
    "/sites/<site_id>",
    tag="Sites",
    body=schemas.SiteChange,
    answers={200: schemas.SiteOut},
    problems=(409,),
    admin=True,
)
def change_site(site_id: str) -> Any:
    """Change a site's name, address, policy, retention or doors. Administrators only."""
    administrator()
    site, body, context = own_site(site_id), read(schemas.SiteChange), winnow()
    changed = replace(site, **_given(body, Site))
    if body.policy:
        changed = replace(changed, policy=_policy(site.policy, body.policy))
    if body.retention:
        changed = replace(changed, retention=_retention(site.retention, body.retention))
    if body.policy and context.model is not None:
        changed.policy.thresholds(defaults_of(context.model)).check()
    context.accounts.save_site(changed, was=site, by=actor(), now_ms=context.clock.now_ms())
    return site_shape(changed)


@api.route("DELETE", "/sites/<site_id>", tag="Sites", answers={204: None}, admin=True)
def remove_site(site_id: str) -> Any:
    """Remove a site with its keys, endpoints and comments. Administrators only."""
    administrator()
    site, context = own_site(site_id), winnow()
    context.accounts.remove_site(site.id, by=actor(), now_ms=context.clock.now_ms())
    return "", 204


@api.route(
    "GET", "/keys", tag="Keys", answers={200: schemas.KeysOut}, query=(SITE,), problems=(422,)
)
def list_keys() -> Any:
    """List a site's keys, without the keys themselves."""
    site = asked_site()
    return {"items": [key_shape(key) for key in winnow().accounts.keys(site.id)]}


@api.route(
    "POST",
    "/keys",
    tag="Keys",
    body=schemas.KeyIn,
    answers={201: schemas.NewKeyOut},
    query=(SITE,),
    problems=(422,),
    admin=True,
)
def add_key() -> Any:
    """Make a key for a site; `key` is shown only now. Administrators only."""
    administrator()
    site, body, context = asked_site(), read(schemas.KeyIn), winnow()
    key, shown = context.accounts.add_key(
        site.id,
        body.kind,
        expires_at=to_ms(body.expires_at) if body.expires_at else None,
        name=body.name,
        by=actor(),
        now_ms=context.clock.now_ms(),
    )
    return key_shape(key) | {"key": shown}, 201


@api.route("DELETE", "/keys/<key_id>", tag="Keys", answers={204: None}, admin=True)
def revoke_key(key_id: str) -> Any:
    """Revoke a key; it is worthless within seconds. Administrators only."""
    administrator()
    context = winnow()
    context.accounts.revoke_key(key_id, by=actor(), now_ms=context.clock.now_ms())
    return "", 204


@api.route(
    "GET",
    "/endpoints",
    tag="Webhooks",
    answers={200: schemas.EndpointsOut},
    query=(SITE,),
    problems=(422,),
)
def list_endpoints() -> Any:
    """List a site's endpoints, without their secrets."""
    site = asked_site()
    return {"items": [_shape(one) for one in winnow().accounts.endpoints(site.id)]}


@api.route(
    "POST",
    "/endpoints",
    tag="Webhooks",
    body=schemas.EndpointIn,
    answers={201: schemas.NewEndpointOut},
    query=(SITE,),
)
def add_endpoint() -> Any:
    """Add an endpoint; its signing `secret` is shown only now."""
    site, body, context = asked_site(), read(schemas.EndpointIn), winnow()
    _may_reach(body.allow_private)
    endpoint = context.add_endpoint(
        Endpoint(
            id="",
            site_id=site.id,
            url=body.url,
            events=tuple(body.events),
            description=body.description,
            enabled=body.enabled,
            allow_private=body.allow_private,
            full_payload=body.full_payload,
            kind=body.kind,
            headers=body.headers,
        ),
        by=actor(),
        admin=asking().is_admin,
    )
    return _shape(endpoint) | {"secret": endpoint.secrets[-1].value}, 201


@api.route("GET", "/endpoints/<endpoint_id>", tag="Webhooks", answers={200: schemas.EndpointOut})
def get_endpoint(endpoint_id: str) -> Any:
    """Get an endpoint."""
    return _shape(_own_endpoint(endpoint_id))


@api.route(
    "PATCH",
    "/endpoints/<endpoint_id>",
    tag="Webhooks",
    body=schemas.EndpointChange,
    answers={200: schemas.EndpointOut},
    problems=(409,),
)
def change_endpoint(endpoint_id: str) -> Any:
    """Change an endpoint; enabling it again forgets why it was disabled.

    With a site's key, a change of `url` or `headers` ends an administrator's `allow_private`.
    """
    endpoint, body = _own_endpoint(endpoint_id), read(schemas.EndpointChange)
    context = winnow()
    changes = {
        key: value
        for key, value in body.model_dump(exclude_unset=True).items()
        if value is not None
    }
    if changes.get("allow_private"):
        _may_reach(allow_private=True)
    if "events" in changes:
        changes["events"] = tuple(changes["events"])
    changed = context.change_endpoint(
        replace(endpoint, **changes), was=endpoint, by=actor(), admin=asking().is_admin
    )
    return _shape(changed)


@api.route("DELETE", "/endpoints/<endpoint_id>", tag="Webhooks", answers={204: None})
def remove_endpoint(endpoint_id: str) -> Any:
    """Remove an endpoint; what was due to it is dropped."""
    endpoint, context = _own_endpoint(endpoint_id), winnow()
    context.accounts.remove_endpoint(endpoint.id, by=actor(), now_ms=context.clock.now_ms())
    return "", 204


@api.route(
    "POST",
    "/endpoints/<endpoint_id>/rotate",
    tag="Webhooks",
    answers={200: schemas.SecretOut},
    problems=(409,),
)
def rotate_secret(endpoint_id: str) -> Any:
    """Give an endpoint a new secret; the old one signs beside it for 24 hours."""
    endpoint, context = _own_endpoint(endpoint_id), winnow()
    secret = context.rotate_secret(endpoint.id, by=actor())
    return {"id": endpoint.id, "secret": secret}


@api.route(
    "POST",
    "/endpoints/<endpoint_id>/test",
    tag="Webhooks",
    answers={202: schemas.SentOut},
)
def test_endpoint(endpoint_id: str) -> Any:
    """Send a `winnow.test` event to an endpoint by the ordinary way."""
    endpoint, context = _own_endpoint(endpoint_id), winnow()
    return {"id": context.deliveries.send_test(endpoint, now_ms=context.clock.now_ms())}, 202


@api.route(
    "GET",
    "/endpoints/<endpoint_id>/deliveries",
    tag="Webhooks",
    answers={200: schemas.DeliveriesOut},
    problems=(422,),
    query=(
        Parameter(
            "state",
            {"type": "string", "enum": [str(state) for state in DeliveryState]},
            "Only deliveries in this state.",
        ),
        Parameter("comment", {"type": "string", "maxLength": 64}, "Only of this comment."),
        LIMIT,
    ),
)
def list_deliveries(endpoint_id: str) -> Any:
    """List what was sent to an endpoint, the newest first, with every attempt."""
    endpoint, state = _own_endpoint(endpoint_id), text("state")
    if state is not None and state not in set(DeliveryState):
        raise InvalidInput(f"state is one of {', '.join(DeliveryState)}", field="state")
    found = winnow().deliveries.log(
        endpoint,
        state=DeliveryState(state) if state else None,
        comment_id=text("comment"),
        limit=number("limit", 50, MAX_PAGE),
    )
    return {"items": [delivery_shape(one) for one in found]}


@api.route(
    "POST",
    "/endpoints/<endpoint_id>/redeliver",
    tag="Webhooks",
    body=schemas.RedeliverIn,
    answers={200: schemas.Redelivered},
)
def redeliver(endpoint_id: str) -> Any:
    """Send a finished delivery again, or all that failed since a time."""
    endpoint, body, context = _own_endpoint(endpoint_id), read(schemas.RedeliverIn), winnow()
    now = context.clock.now_ms()
    if bool(body.delivery) == bool(body.failed_since):
        raise InvalidInput("say either delivery or failed_since", field="delivery")
    if body.failed_since:
        count = context.deliveries.redeliver_failed(
            endpoint, since_ms=to_ms(body.failed_since), now_ms=now
        )
        return {"redelivered": count}
    context.deliveries.redeliver(endpoint, body.delivery, now_ms=now)
    return {"redelivered": 1}


def own_site(site_id: str) -> Site:
    """Return a site that the caller may see, by id or name; answers 404 for any other."""
    own = asking().site
    if own is not None and site_id not in {own.id, own.name}:
        raise NotFound(f"there is no site {site_id[:100]!r}")
    return own or winnow().accounts.site(site_id)


def _own_endpoint(endpoint_id: str) -> Endpoint:
    endpoint = winnow().accounts.endpoint(endpoint_id)
    if not asking().may_see(endpoint.site_id):
        raise NotFound(f"there is no endpoint {endpoint_id[:64]!r}")
    return endpoint


def _may_reach(allow_private: bool) -> None:  # noqa: FBT001 - what is asked for
    if allow_private and not asking().is_admin:
        refuse(403, "forbidden", "only an administrator may allow private addresses")


def _policy(policy: Policy, body: schemas.PolicyIn) -> Policy:
    """Return *policy* with the given fields replaced."""
    return Policy.from_dict(policy.to_dict() | _given(body, Policy))


def _retention(retention: Retention, body: schemas.RetentionIn) -> Retention:
    given = _given(body, Retention)
    days = {**retention.text_days, **given.get("text_days", {})}
    return replace(retention, **given | {"text_days": days})


def _given(body: BaseModel, owner: type) -> dict[str, Any]:
    """Return the settings of *owner* that a body sets; null is a value where it means "off"."""
    given = body.model_dump(exclude_unset=True)
    return {
        one.name: one.kind.load(given[one.name])
        for one in settings_of(owner)
        if one.name in given and (given[one.name] is not None or one.default is None)
    }


def _shape(endpoint: Endpoint) -> dict[str, Any]:
    since = winnow().deliveries.failing_since(endpoint.site_id, endpoint.id)
    return endpoint_shape(endpoint, failing_since=since)
