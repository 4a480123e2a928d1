"""The Redis client: what a server that restarts at a bad moment does to its callers."""

from __future__ import annotations

from typing import Any

import pytest

from moderation.errors import StorageUnavailable
from moderation.store.client import Client


class Forgetful(Client):
    """Its server loses a script right after it was loaded, *times* times."""

    times = 0

    def script_load(self, script: Any) -> Any:
        sha = super().script_load(script)
        if self.times:
            self.times -= 1
            self.script_flush()
        return sha


@pytest.fixture
def forgetful(redis_url: str) -> Forgetful:
    client: Forgetful = Forgetful.from_url(redis_url)
    client.script_flush()
    return client


def test_a_script_is_loaded_again_when_the_server_lost_it_before_its_call(forgetful: Forgetful):
    forgetful.times = 1
    assert forgetful.register_script("return tonumber(ARGV[1])")(args=[7]) == 7


def test_a_server_that_loses_everything_all_the_time_is_as_good_as_away(forgetful: Forgetful):
    forgetful.times = 100
    with pytest.raises(StorageUnavailable):
        forgetful.register_script("return 7")()


def test_a_pipeline_whose_script_was_lost_says_that_redis_was_away(forgetful: Forgetful):
    script = forgetful.register_script("return 7")
    pipeline = forgetful.pipeline(transaction=False)
    pipeline.evalsha(script.sha, 0)
    with pytest.raises(StorageUnavailable):
        pipeline.execute()
