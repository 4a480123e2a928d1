"""JSON documents as far as they can be read: what is broken costs an item, never the rest."""

from __future__ import annotations

import io
import json
import time
import tracemalloc

import pytest

from moderation.errors import InvalidInput
from service.importers import Unusable
from service.importers.json_items import MAX_ITEM, items

PLACES = {("comments", "*"), ("db", "*", "data", "users", "*")}


def read(content: str | bytes):
    raw = content.encode() if isinstance(content, str) else content
    return list(items(io.BytesIO(raw), PLACES, kind="export"))


def document(*comments: str) -> str:
    items = ",\n".join(comments)
    return (
        f'{{"version": 1, "other": {{"comments": [{{"n": 0}}]}},\n"comments": [{items}], "x": [1]}}'
    )


def numbers(content: str | bytes) -> list[object]:
    return [one.reason if isinstance(one, Unusable) else one.value["n"] for one in read(content)]


def test_items_come_from_their_places_only_with_their_lines():
    first, second = read(document('{"n": 1}', '{"n": 2, "x": {"comments": [{"n": 3}]}}'))
    assert [(one.path, one.value["n"], one.line) for one in (first, second)] == [
        (("comments", "*"), 1, 2), (("comments", "*"), 2, 3),
    ]  # fmt: skip
    (user,) = read('{"db": [{"meta": {}, "data": {"posts": [{"n": 1}], "users": [{"n": 2}]}}]}')
    assert (user.path[-2], user.value) == ("users", {"n": 2})


@pytest.mark.parametrize("written", ['{"n": 2, "t": "a\x08b"}', r'{"n": 2, "t": "a\ud800b"}'])
def test_an_odd_character_costs_that_character(written: str):
    odd = read(document('{"n": 1}', written))[1]
    assert (odd.value["n"], odd.lost) == (2, 1)


@pytest.mark.parametrize(
    "broken",
    [
        '{"n": 2,, }',
        '{"n": }',
        '{"n": "a" b"}',
        '{"n": 2, "x": [}',
        '{"n" 2}',
        "{n: 2}",
        '{"n": 1e}',
    ],
)
def test_a_broken_item_costs_itself_and_is_named_with_its_line(broken: str):
    found = read(document('{"n": 1}', broken, '{"n": 3}', '{"n": 4}'))
    bad = [one for one in found if isinstance(one, Unusable)]
    assert [one.line for one in bad] == [3]
    assert [one.value["n"] for one in found if not isinstance(one, Unusable)] == [1, 3, 4]


def test_a_file_that_is_cut_off_costs_what_is_cut():
    whole = document('{"n": 1}', '{"n": 2}')
    assert numbers(whole[: whole.index("2}")]) == [1, "it is no JSON, or cut off"]
    assert numbers(whole[: whole.index(',\n{"n": 2')]) == [
        1, "the file is cut off: what follows is missing",
    ]  # fmt: skip


def test_an_item_that_is_too_long_is_named():
    long = json.dumps({"n": 2, "t": "x" * MAX_ITEM})
    assert numbers(document('{"n": 1}', long, '{"n": 3}')) == [1, "it is no JSON, or cut off", 3]


@pytest.mark.parametrize("content", ["", "x", "[1]", "<rss/>", '"comments"'])
def test_what_is_no_such_document_is_refused_in_a_sentence(content: str):
    with pytest.raises(InvalidInput, match="this is no export"):
        read(content)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_fault(encoding: str):
    assert numbers(document('{"n": "é"}').encode(encoding)) == ["é"]


@pytest.mark.parametrize(
    "piece", ['{"n":1},', '"', "[", "{", "}", ",", '{"a":"', "x", "\\", '{"comments":[', "  "]
)
def test_a_document_of_any_size_is_read_in_bounded_memory_and_time(piece: str):
    content = io.BytesIO(('{"comments": [' + piece * (40_000 // len(piece))).encode())
    tracemalloc.start()
    begun = time.process_time()
    for _ in items(content, PLACES, kind="export"):
        pass
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20_000_000
    assert time.process_time() - begun < 30
