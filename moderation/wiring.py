"""Adapters, built once per process and handed down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from redis import Redis

from moderation.dispatch import Jobs
from moderation.errors import BadSettings, NewerData, NoInstallation
from moderation.houses import Houses
from moderation.settings import Settings
from moderation.store import keys
from moderation.store.accounts import Accounts
from moderation.store.accounts.links import OneTimeLinks, Outbox
from moderation.store.accounts.notices import Notices
from moderation.store.client import UNNAMED, Client
from moderation.store.client import connect as connect_redis
from moderation.store.clock import RedisClock
from moderation.store.comments import Comments
from moderation.store.deliveries import Deliveries
from moderation.store.embedded import socket_url
from moderation.store.library import Library
from moderation.store.liveness import Liveness
from moderation.store.metrics import Metrics
from moderation.vault import Vault
from moderation.winnow import Winnow

#: Format of the stored data; newer data is refused.
DATA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Adapters(Winnow):
    """The verbs of an installation, and everything else that a process talks to the world through."""

    redis: Client
    deliveries: Deliveries
    notices: Notices
    liveness: Liveness
    vault: Vault


def connect(settings: Settings, *, fresh: bool = True) -> Adapters:
    """Return adapters for *settings*; nothing is contacted before it is used, save secret.key.

    It is made if it is missing and the installation may be a *fresh* one.
    """
    if settings.cluster and settings.wait_replicas:
        raise BadSettings(
            "WINNOW_WAIT_REPLICAS works with one node and its replicas, not a Cluster"
        )
    url = settings.redis_url or socket_url(settings.data_dir)
    store = connect_redis(url, cluster=settings.cluster)
    vault = Vault.open(settings, fresh=fresh)
    comments = Comments(
        store,
        pepper=vault.derive("authors"),
        shards=settings.shards,
        replicas=settings.wait_replicas,
    )
    return Adapters(
        settings=settings,
        redis=store,
        comments=comments,
        accounts=Accounts(store, vault, shards=settings.shards),
        deliveries=Deliveries(store, settings=settings, comments=comments),
        metrics=Metrics(store),
        notices=Notices(store, vault),
        links=OneTimeLinks(store),
        outbox=Outbox(store, vault),
        houses=Houses(comments),
        liveness=Liveness(store),
        jobs=Jobs(Redis.from_url(settings.jobs_url or url, **UNNAMED)),
        clock=RedisClock(store),
        vault=vault,
    )


def require(adapters: Adapters) -> None:
    """Raise NoInstallation unless Redis holds the data of a Winnow."""
    redis: Any = adapters.redis
    if redis.hget(keys.META(keys.GLOBAL), "version") is None:
        settings = adapters.settings
        where = "the Redis of WINNOW_REDIS_URL" if settings.redis_url else str(settings.data_dir)
        raise NoInstallation(
            f"{where} holds no Winnow: look at its address; `./winnow init` makes a new one"
        )


def prepare(adapters: Adapters) -> None:
    """Record what the data was made with, or hold this process against it; load the functions.

    That is the data version, the number of shards and the secret key. Raises NewerData,
    BadSettings or Conflict when the stored data is not for this Winnow or these settings. What is
    recorded is only read, so that a server whose memory is full stops no start and no diagnosis.
    """
    key = keys.META(keys.GLOBAL)
    shards = adapters.settings.shards
    redis: Any = adapters.redis
    if None in redis.hmget(key, "version", "shards"):
        redis.hsetnx(key, "version", DATA_VERSION)
        redis.hsetnx(key, "shards", shards)
    version, stored = map(int, redis.hmget(key, "version", "shards"))
    if version > DATA_VERSION:
        raise NewerData(
            f"the data is of version {version}, this Winnow knows {DATA_VERSION}: upgrade Winnow, or "
            "restore the backup from before the upgrade (docs/upgrade.md); nothing was changed"
        )
    if stored != shards:
        raise BadSettings(
            f"this data set was made with WINNOW_SHARDS={stored}, not {shards}; "
            f"set it to {stored} again, since shards cannot change"
        )
    adapters.accounts.check_secret()
    Library(adapters.redis).install()
