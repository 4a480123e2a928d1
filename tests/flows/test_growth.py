"""One machine is not the end: shards over a Cluster, and workers on other hosts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from moderation import workflow
from moderation.comment import Decision, Status
from moderation.store import keys
from tests.support.cluster import cluster
from tests.support.valkey import serving
from tests.support.world import World, make_world

SHARDS = 6


@pytest.fixture(scope="module")
def ports() -> Iterator[list[int]]:
    with cluster() as found:
        yield found


@pytest.fixture
def clustered(ports: list[int], tmp_path: Path) -> Iterator[World]:
    """A Winnow whose comments lie in a Cluster and whose jobs on a node of their own."""
    for port in ports:
        with redis.Redis(port=port) as client:
            client.flushall()
    with serving() as jobs:
        yield make_world(
            f"redis://127.0.0.1:{ports[0]}", tmp_path,
            cluster=True, shards=SHARDS, jobs_url=jobs.url,
        )  # fmt: skip


def screen_all(world: World) -> int:
    adapters = world.adapters
    return sum(
        workflow.screen(
            shard, holder="test:1", comments=adapters.comments, accounts=adapters.accounts,
            model=world.model, signature=lambda text: hash(text) & (2**64 - 1),
            jobs=adapters.jobs, clock=adapters.clock, meter=adapters.metrics,
            limits=workflow.ScreenLimits(linger_seconds=0),
        )
        for shard in adapters.comments.shards
    )  # fmt: skip


def test_sites_spread_over_a_cluster_and_each_comment_goes_its_whole_way(
    clustered: World, ports: list[int]
):
    """Accepted, judged, decided, undone, told, found, erased: in whichever shard a site lies."""
    adapters = clustered.adapters
    sites = [adapters.accounts.add_site(f"site {n}", now_ms=1) for n in range(2 * SHARDS)]
    assert len({adapters.comments.shard_of_site(site.id) for site in sites}) == SHARDS
    for site in sites:
        clustered.submit("fine", "toxicity=0.6", "spam=0.95", site=site)
    assert adapters.comments.counts()[Status.PENDING] == 6 * SHARDS
    assert screen_all(clustered) == 6 * SHARDS
    assert adapters.comments.counts() == {
        **dict.fromkeys(map(str, Status), 0),
        "approved": 2 * SHARDS, "flagged": 2 * SHARDS, "spam": 2 * SHARDS,
    }  # fmt: skip
    for site in sites:
        (held,) = adapters.comments.queue(site.id).items
        decided = workflow.review(
            held.id, Decision.APPROVE, by="ada", comments=adapters.comments,
            clock=adapters.clock, hold_seconds=0,
        )  # fmt: skip
        adapters.comments.release(
            adapters.comments.shard_of_site(site.id), now_ms=adapters.clock.now_ms() + 1
        )
        told = [event.type for event in adapters.comments.events(site.id)]
        assert told.count("comment.approved") == 2
        adapters.comments.erase(decided.id, by="ada", now_ms=adapters.clock.now_ms())
        assert len(adapters.comments.recent(site.id).items) == 3
    held_by = [sum(1 for _ in redis.Redis(port=port).scan_iter("{w:*")) for port in ports]
    assert all(held_by), "every node has some of it"


def test_the_whole_application_runs_on_a_cluster(clustered: World):
    """The API, the desk and the doors, as on one node."""
    accepted = clustered.ask(
        "POST", "/v1/comments", {"content": "toxicity=0.6", "external_id": "1"}
    )
    assert accepted.status_code == 202
    screen_all(clustered)
    path = f"/v1/comments/{accepted.json['id']}"
    assert clustered.ask("GET", path).json["status"] == "flagged"
    assert clustered.ask("POST", f"{path}/decision", {"decision": "approve"}).status_code == 200
    assert clustered.ask("POST", f"{path}/undo").status_code == 200
    assert clustered.ask("DELETE", path).status_code in {200, 204}
    assert clustered.client().get("/metrics").status_code == 200


def test_what_belongs_to_a_shard_lies_in_one_slot():
    for kind in keys.KINDS:
        assert kind(3, "a", "b").startswith("{w:3}:")
