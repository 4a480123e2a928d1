"""Endpoints that sites' events are sent to."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

from moderation import ids
from moderation.actor import Actor
from moderation.audit import AuditLine
from moderation.changes import difference
from moderation.endpoint import MAX_ENDPOINTS, Endpoint, EndpointKind, Secret
from moderation.errors import InvalidInput, NotFound
from moderation.signing import new_secret
from moderation.store import keys
from moderation.store.accounts.base import as_json, changed_meanwhile, cut, detail
from moderation.store.accounts.trail import Trail, line_of

_G = keys.GLOBAL


class Endpoints(Trail):
    """Endpoints; their secrets and headers are sealed."""

    def add_endpoint(self, endpoint: Endpoint, *, by: Actor, now_ms: int) -> Endpoint:
        """Keep a new endpoint, with an id and, unless it brings one, a fresh secret.

        Raises InvalidInput when the site has MAX_ENDPOINTS, and NotFound.
        """
        if self._redis.scard(keys.SITE_ENDPOINTS(_G, endpoint.site_id)) >= MAX_ENDPOINTS:
            raise InvalidInput(f"a site has {MAX_ENDPOINTS} endpoints at most", field="site")
        kept = replace(
            endpoint,
            id=ids.new_id(now_ms),
            created_at=now_ms,
            secrets=endpoint.secrets or (Secret(new_secret()),),
        )
        failed = self._change(
            [[keys.SITES(_G), kept.site_id, "*"]],
            [
                ["HSET", keys.ENDPOINTS(_G), kept.id, self._sealed(kept)],
                ["SADD", keys.SITE_ENDPOINTS(_G, kept.site_id), kept.id],
                line_of(AuditLine(now_ms, by, "endpoint.add", kept.id, {"site": kept.site_id})),
            ],
        )
        if failed:
            raise NotFound(f"there is no site {cut(kept.site_id)}", kind="site")
        return kept

    def save_endpoint(
        self, endpoint: Endpoint, *, was: Endpoint, by: Actor, now_ms: int, reverts: str = ""
    ) -> None:
        """Replace an endpoint's settings. Raises NotFound, and Conflict if it is not as it *was*."""
        after = self._sealed(endpoint)
        while True:
            before = self._redis.hget(keys.ENDPOINTS(_G), endpoint.id)
            if before is None:
                raise NotFound(f"there is no endpoint {cut(endpoint.id)}", kind="endpoint")
            kept = self._unsealed(before)
            if kept != was:
                raise changed_meanwhile("the endpoint")
            old, new = asdict(kept), asdict(endpoint)
            for record in (old, new):
                del record["failing_since"]  # written by the deliverer, no setting
            changes = difference(old, new, secret={"secrets", "headers"})
            record = {"site": endpoint.site_id} | detail(changes, reverts)
            failed = self._change(
                [[keys.ENDPOINTS(_G), endpoint.id, before.decode(), after]],
                [
                    ["HSET", keys.ENDPOINTS(_G), endpoint.id, after],
                    line_of(AuditLine(now_ms, by, "endpoint.save", endpoint.id, record)),
                ],
            )
            if not failed:
                return

    def endpoint(self, endpoint_id: str) -> Endpoint:
        """Return an endpoint with its secrets in clear. Raises NotFound."""
        stored = self._redis.hget(keys.ENDPOINTS(_G), endpoint_id)
        if stored is None:
            raise NotFound(f"there is no endpoint {cut(endpoint_id)}", kind="endpoint")
        return self._unsealed(stored)

    def endpoints(self, site_id: str) -> list[Endpoint]:
        """Return a site's endpoints, the oldest first."""
        known = self._redis.smembers(keys.SITE_ENDPOINTS(_G, site_id))
        stored = self._redis.hmget(keys.ENDPOINTS(_G), list(known)) if known else []
        found = (self._unsealed(one) for one in stored if one is not None)
        return sorted(found, key=lambda endpoint: endpoint.id)

    def remove_endpoint(self, endpoint_id: str, *, by: Actor, now_ms: int) -> None:
        """Forget an endpoint and its due deliveries. Raises NotFound."""
        endpoint = self.endpoint(endpoint_id)
        self._change(
            [],
            [
                ["HDEL", keys.ENDPOINTS(_G), endpoint_id],
                ["SREM", keys.SITE_ENDPOINTS(_G, endpoint.site_id), endpoint_id],
                line_of(
                    AuditLine(
                        now_ms, by, "endpoint.remove", endpoint_id, {"site": endpoint.site_id}
                    )
                ),
            ],
        )

    def _sealed(self, endpoint: Endpoint) -> str:
        """Return an endpoint as it is stored: what a thief could use is encrypted."""
        record = asdict(endpoint)
        hidden = as_json({"secrets": record.pop("secrets"), "headers": dict(record.pop("headers"))})
        return as_json(
            {**record, "sealed": self.vault.seal(hidden, about=f"endpoint {endpoint.id}")}
        )

    def _unsealed(self, stored: bytes) -> Endpoint:
        record = json.loads(stored)
        hidden = self.vault.unseal(record.pop("sealed"), about=f"endpoint {record['id']}")
        opened = json.loads(hidden)
        return Endpoint(
            **{
                **record,
                "events": tuple(record["events"]),
                "kind": EndpointKind(record["kind"]),
                "headers": opened["headers"],
                "secrets": tuple(Secret(**secret) for secret in opened["secrets"]),
            }
        )
