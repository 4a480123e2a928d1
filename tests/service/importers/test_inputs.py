"""docs/inputs.md: trackbacks, reactions, edits, deleted parents and threads out of order."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from service.importers import Taken, Unusable
from service.importers.formats import READERS

TABLE = (Path(__file__).parents[3] / "docs" / "inputs.md").read_text(encoding="utf-8")


def wordpress(*comments: str) -> list[Taken | Unusable]:
    items = "".join(f"<wp:comment>{one}</wp:comment>" for one in comments)
    content = f"<rss><channel><item><title>T</title>{items}</item></channel></rss>"
    return list(READERS["wordpress"](io.BytesIO(content.encode())))


def comment(own_id: int, text: str = "x", kind: str = "comment", parent: int = 0) -> str:
    return (
        f"<wp:comment_id>{own_id}</wp:comment_id><wp:comment_content>{text}</wp:comment_content>"
        f"<wp:comment_type>{kind}</wp:comment_type><wp:comment_parent>{parent}</wp:comment_parent>"
        "<wp:comment_approved>1</wp:comment_approved>"
        "<wp:comment_date_gmt>2024-05-01 10:30:00</wp:comment_date_gmt>"
    )


@pytest.mark.parametrize("kind", ["trackback", "pingback", "note", "order_note"])
def test_what_no_reader_wrote_is_listed_and_is_no_refusal(kind: str):
    (found,) = wordpress(comment(1, kind=kind))
    assert isinstance(found, Unusable)
    assert found.by_rule
    assert kind in TABLE.lower()


@pytest.mark.parametrize("kind", ["", "comment", "review"])
def test_what_a_reader_wrote_is_taken(kind: str):
    (found,) = wordpress(comment(1, kind=kind))
    assert isinstance(found, Taken)


def test_an_emoji_alone_is_a_comment():
    (found,) = wordpress(comment(1, "👍"))
    assert found.past.draft.content == "👍"


def test_answers_are_taken_before_and_without_what_they_answer():
    found = wordpress(comment(2, parent=1), comment(1), comment(3, parent=99))
    assert [one.past.draft.parent for one in found] == ["1", "", "99"]


def test_a_comment_without_a_time_gets_its_posts():
    content = (
        "<rss><channel><item><wp:post_date_gmt>2024-05-01 10:30:00</wp:post_date_gmt><wp:comment>"
        "<wp:comment_id>1</wp:comment_id><wp:comment_content>x</wp:comment_content>"
        "<wp:comment_date_gmt>0000-00-00 00:00:00</wp:comment_date_gmt></wp:comment>"
        "</item></channel></rss>"
    )
    (found,) = READERS["wordpress"](io.BytesIO(content.encode()))
    assert found.past.decision is None, "without a status it waits"
    assert len(found.lost) == 2


def test_what_is_too_long_of_author_or_post_costs_no_comment():
    item = comment(1) + f"<wp:comment_author>{'x' * 900}</wp:comment_author>"
    item += f"<wp:comment_author_url>https://a.example/{'x' * 9000}</wp:comment_author_url>"
    (found,) = wordpress(item)
    assert found.past.draft.author.name == "x" * 200
    assert found.past.draft.author.url == ""
    assert found.lost == ("author.name is too long: cut", "author.url is too long: left out")
