"""The function library: on the server before it is needed, and again when the server lost it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from moderation import ids
from moderation.errors import StorageUnavailable
from moderation.store import library
from moderation.store.client import Client
from moderation.store.library import Library, text

LUA = Path(library.__file__).parent / "lua"


class Forgetful(Client):
    """Its server loses the library right after it was loaded, *times* times."""

    times = 0

    def function_load(self, code: Any, replace: Any = False) -> Any:
        answer = super().function_load(code, replace=replace)
        if self.times:
            self.times -= 1
            self.execute_command("FUNCTION", "FLUSH")
        return answer


@pytest.fixture
def forgetful(redis_url: str) -> Forgetful:
    client: Forgetful = Forgetful.from_url(redis_url)
    client.execute_command("FUNCTION", "FLUSH")
    return client


def find(library: Library) -> Any:
    return library("find", 0, ids.shorten(ids.new_id(1)), "externals", b"12345678")


def test_a_server_without_the_library_is_given_it_and_the_call_is_repeated(forgetful: Forgetful):
    forgetful.times = 1
    assert find(Library(forgetful)) == [b""]


def test_a_server_that_loses_everything_all_the_time_is_as_good_as_away(forgetful: Forgetful):
    forgetful.times = 100
    with pytest.raises(StorageUnavailable):
        find(Library(forgetful))


def test_a_confirmed_call_finds_its_function_again_too(forgetful: Forgetful):
    forgetful.times = 1
    call = Library(forgetful)
    arguments = ("find", 0, ids.shorten(ids.new_id(1)), "externals", b"12345678")
    assert call.confirmed(*arguments, replicas=0, within_ms=10) == [b""]


def test_another_release_runs_beside_this_one_and_its_library_goes_when_it_is_gone(
    redis_url: str,
):
    client = Client.from_url(redis_url)
    ours, theirs = Library(client), Library(client, text() + "\n-- of another release\n")
    for call in (ours, theirs, ours, theirs):
        assert find(call) == [b""]
    assert len(client.function_list("winnow_*")) == 2
    ours.install()
    assert [one[1].decode() for one in client.function_list("winnow_*")] == [ours.name]


def test_each_function_is_headed_by_keys_arguments_result_and_why_it_is_atomic():
    for file in LUA.glob("*.lua"):
        text = file.read_text(encoding="utf-8")
        for head, name in re.findall(r"((?:^-- .*\n)*)^register\('(\w+)'", text, re.MULTILINE):
            for word in (
                f"-- {name.upper()}: ",
                "KEYS: tag. ARGV: ",
                "Returns ",
                "Atomic so that ",
            ):
                assert word in head, (file.name, name, word)


def test_every_lua_file_is_in_the_library():
    assert {file.stem for file in LUA.glob("*.lua")} == {"base", *library._FILES}
