"""The scheduled jobs: each serves every row, and one bad row stops no other."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace

import pytest

from moderation import dispatch, rows
from moderation.channels import Channel
from moderation.errors import StorageUnavailable
from moderation.reminders import Subscription
from moderation.store import keys
from moderation.store.keys import GLOBAL
from tests.support.actors import ADA
from tests.support.world import World
from worker import jobs
from worker.schedule import ALLOWED, SCHEDULE

DAY = 86_400_000


@dataclass
class Later:
    """A clock that stands still."""

    now: int

    def now_ms(self) -> int:
        return self.now


@pytest.fixture
def prepared(world: World) -> World:
    jobs.prepare(jobs.JobContext(world.adapters, "test:1"))
    return world


@pytest.mark.parametrize("job", [jobs.purge, jobs.trim_events])
def test_a_site_that_cannot_be_read_stops_no_job(prepared: World, job):
    """One that a newer Winnow wrote, say: it is passed over and named in the log."""
    prepared.adapters.redis.hset(keys.SITES(GLOBAL), "0", '{"doors": ["of the future"]}')
    assert job() == 0
    assert prepared.adapters.accounts.sites() == [prepared.site]


def test_an_endpoint_that_cannot_be_read_keeps_no_other_sites_events(prepared: World):
    accounts, redis = prepared.adapters.accounts, prepared.adapters.redis
    bad = accounts.add_site("bad", now_ms=1)
    redis.hset(keys.ENDPOINTS(GLOBAL), "e", '{"id": "e", "sealed": "nonsense"}')
    redis.sadd(keys.SITE_ENDPOINTS(GLOBAL, bad.id), "e")
    assert jobs.trim_events() == 0


def test_each_row_is_served_whatever_another_raises():
    def act(row: int) -> int:
        if row == 2:
            raise RuntimeError
        return row

    assert rows.each({"a": 1, "b": 2, "c": 3}, act, job="test") == 4


def test_without_storage_no_row_is_tried():
    tried = []

    def act(row: int) -> int:
        tried.append(row)
        raise StorageUnavailable

    with pytest.raises(StorageUnavailable):
        rows.each({"a": 1, "b": 2}, act, job="test")
    assert tried == [1]


# -- the jobs themselves


def test_every_dotted_path_names_a_job_and_every_job_has_one():
    """RQ finds a job by its path: one that is mistyped, or renamed, would fail in a worker alone."""
    named = {path: getattr(jobs, path.removeprefix("worker.jobs.")) for path in ALLOWED}
    assert {path: f"{job.__module__}.{job.__qualname__}" for path, job in named.items()} == {
        path: path for path in ALLOWED
    }
    written = {
        job
        for name, job in inspect.getmembers(jobs, inspect.isfunction)
        if job.__module__ == jobs.__name__ and not name.startswith("_")
    }
    assert written - set(named.values()) == {jobs.prepare}


def test_a_worker_runs_what_is_scheduled_or_asked_for_and_nothing_else():
    assert {one.path for one in SCHEDULE} | {*dispatch.ASKED_FOR} == ALLOWED
    assert all(one.every_seconds >= 60 for one in SCHEDULE)


def test_what_is_pending_is_screened(prepared: World):
    settings = replace(prepared.adapters.settings, shards=2)  # where a job lingers for 0.1 s only
    jobs.prepare(jobs.JobContext(replace(prepared.adapters, settings=settings), "test:1"))
    good, bad = prepared.submit("hello", "spam=0.95")
    assert jobs.screen_pending(0) == 2
    comments = prepared.adapters.comments
    assert (comments.get(good.id).status, comments.get(bad.id).status) == ("approved", "spam")
    assert jobs.screen_pending(0) == 0


def test_a_job_that_is_to_stop_gives_back_what_it_has_not_judged(prepared: World):
    jobs.prepare(jobs.JobContext(prepared.adapters, "test:1", stopping=lambda: True))
    one, two = prepared.submit("this breaks the model", "so does this: breaks the model")
    assert jobs.screen_pending(0) == 0
    assert {prepared.adapters.comments.get(x.id).status for x in (one, two)} == {"pending"}
    assert prepared.screen() == 2


def test_what_no_retention_covers_is_purged_and_a_removed_site_forgotten(prepared: World):
    accounts, comments = prepared.adapters.accounts, prepared.adapters.comments
    kept = prepared.comment("hello")
    gone = accounts.add_site("gone", now_ms=1)
    lost = prepared.comment("hello there", site=gone)
    accounts.remove_site(gone.id, by=ADA, now_ms=1)
    later = Later(prepared.adapters.clock.now_ms() + DAY)
    jobs.prepare(jobs.JobContext(replace(prepared.adapters, clock=later), "test:1"))
    assert jobs.purge() == 1
    assert comments.get(kept.id).content == "hello"
    assert comments.get_many([lost.id]) == []
    assert accounts.removed_sites() == []


def test_events_that_are_older_than_is_kept_are_trimmed(prepared: World):
    prepared.comment("hello")
    assert jobs.trim_events() == 0
    later = Later(prepared.adapters.clock.now_ms() + 8 * DAY)
    jobs.prepare(jobs.JobContext(replace(prepared.adapters, clock=later), "test:1"))
    assert jobs.trim_events() == 1


def test_moderators_are_written_to_where_mail_is_set_up_and_nowhere_else(prepared: World, box):
    kept, port = box
    prepared.add_moderator("Ada", sites=[prepared.site.id])
    wish = Subscription(channel=Channel.MAIL, address="ada@mail.example")
    prepared.adapters.notices.subscribe("Ada", wish, now_ms=1)
    prepared.comment("toxicity=0.6")
    assert jobs.remind() == 0
    settings = replace(
        prepared.adapters.settings, smtp_url=f"smtp://127.0.0.1:{port}", mail_from="w@blog.example"
    )
    jobs.prepare(jobs.JobContext(replace(prepared.adapters, settings=settings), "test:1"))
    assert jobs.remind() == 1
    assert [one.rcpt_tos for one in kept.messages] == [["ada@mail.example"]]
