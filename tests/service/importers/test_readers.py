"""Each export is read to its end, and whatever is not kept says why."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from moderation.comment import Author, Decision, Draft, Post, from_ms
from moderation.errors import InvalidInput
from service.importers import Unusable, disqus, jsonl, wordpress

HERE = Path(__file__).parent


def read(reader, content: bytes | str | None = None, *, name: str = ""):
    raw = (HERE / name).read_bytes() if name else content
    found = list(reader(io.BytesIO(raw.encode() if isinstance(raw, str) else raw)))
    kept = {one[1].draft.external_id: one[1] for one in found if not isinstance(one, Unusable)}
    return kept, {one.where: one.reason for one in found if isinstance(one, Unusable)}


def test_wordpress_comments_come_with_author_post_parent_time_and_decision():
    kept, _ = read(wordpress.read, name="wordpress.xml")
    assert list(kept) == ["11", "12", "14", "15"]
    assert kept["11"].draft == Draft(
        content="Mine came up <em>early</em> this year.",
        external_id="11",
        author=Author("Grace", "grace@mail.example", "https://grace.example/", "198.51.100.7"),
        post=Post("https://garden.example/beans/", "Beans & peas", language="en-GB"),
    )
    assert from_ms(kept["11"].created_ms) == datetime(2024, 5, 1, 10, 30, tzinfo=UTC)
    assert kept["12"].draft.parent == "11"
    assert from_ms(kept["12"].created_ms).day == 2, "local time where there is no other"
    assert [one.decision for one in kept.values()] == [
        Decision.APPROVE, None, Decision.SPAM, Decision.REJECT,
    ]  # fmt: skip


def test_what_is_no_readers_comment_in_wordpress_is_named_with_its_reason():
    _, left = read(wordpress.read, name="wordpress.xml")
    assert left == {
        "comment 13": "a pingback, not a reader's comment",
        "comment 16": "content: String should have at least 1 character",
        "comment 17": "its post is in the trash: nobody decided on the comment itself",
        "comment number 8 of the file": (
            "its status 'maybe' is none of 1, approve, 0, hold, spam, trash"
        ),
    }


def test_disqus_posts_come_without_markup_but_with_where_their_links_lead():
    kept, left = read(disqus.read, name="disqus.xml")
    assert kept["201"].draft.content == (
        "Mine came up early & well.\n"
        "See my notes (https://grace.example/peas) and https://b.example/."
    )
    assert kept["201"].draft.post == Post("https://garden.example/beans/", "Beans & peas")
    assert (kept["202"].decision, kept["202"].draft.parent) == (Decision.SPAM, "201")
    assert left == {"post 203": "deleted, and the export does not say by whom"}


def test_a_disqus_post_whose_thread_is_missing_or_comes_later_is_taken():
    kept, _ = read(disqus.read, name="disqus.xml")
    assert kept["204"].draft.post == Post(), "its thread is not in the file"
    whole = (HERE / "disqus.xml").read_text()
    thread = whole[whole.index("<thread dsq") : whole.index("<post dsq")]
    later = whole.replace(thread, "").replace("</disqus>", f"{thread}</disqus>")
    kept, _ = read(disqus.read, later)
    assert kept["201"].draft.post == Post("https://garden.example/beans/", "Beans & peas")


LINE = {
    "external_id": "42",
    "content": "First, as ever.",
    "author": {"name": "Ada", "email": "ada@mail.example"},
    "post": {"url": "https://garden.example/beans/", "title": "Beans"},
    "parent": "41",
    "created_at": "2024-05-01T12:30:00+02:00",
    "status": "rejected",
}


def test_a_json_line_has_the_apis_own_fields():
    kept, left = read(jsonl.read, json.dumps(LINE) + "\n\n")
    assert not left
    past = kept["42"]
    assert (past.decision, past.draft.parent) == (Decision.REJECT, "41")
    assert from_ms(past.created_ms) == datetime(2024, 5, 1, 10, 30, tzinfo=UTC)
    assert past.draft.author == Author("Ada", "ada@mail.example")


def test_the_guides_line_is_taken():
    guide = (HERE.parents[2] / "docs" / "import.md").read_text(encoding="utf-8")
    kept, left = read(jsonl.read, guide.split("```json\n")[1].split("```")[0])
    assert (list(kept), left) == (["42"], {})


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"external_id": None}, "external_id: Input should be a valid string"),
        ({"external_id": ""}, "external_id: must not be empty"),
        ({"status": "ok"}, "status: Input should be "),
        ({"created_at": "2024-05-01T12:30:00"}, "created_at: Input should have timezone info"),
        ({"created_at": "1969-05-01T12:30:00Z"}, "created_at: lies before 1970"),
        ({"content": "x" * 70_000}, "content: String should have at most"),
        ({"author": {"nick": "Ada"}}, "author.nick: there is no such field"),
        ({"karma": 3}, "karma: there is no such field"),
    ],
)
def test_a_json_line_that_the_api_would_refuse_is_not_taken(change, reason: str):
    _, left = read(jsonl.read, json.dumps({**LINE, **change}))
    assert left["line 1"].startswith(reason)


@pytest.mark.parametrize("line", ["nonsense", "[1]", "\xff", "[" * 100_000, "x" * 600_000])
def test_a_line_that_is_no_json_object_does_not_end_the_reading(line: str):
    content = f"{line}\n{json.dumps(LINE)}\n".encode("latin-1")
    kept, left = read(jsonl.read, content)
    assert list(kept) == ["42"]
    assert list(left) == ["line 1"]


BOMB = '<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
FETCH = '<!DOCTYPE rss SYSTEM "file:///etc/passwd">'


@pytest.mark.parametrize("declared", [BOMB, FETCH])
@pytest.mark.parametrize("reader, root", [(wordpress.read, "rss"), (disqus.read, "disqus")])
def test_xml_with_entities_or_a_document_type_is_refused(declared: str, reader, root: str):
    with pytest.raises(InvalidInput, match="document type or entities"):
        read(reader, f"{declared}<{root}><channel>&b;</channel></{root}>")


def test_what_is_something_else_says_what_was_expected():
    with pytest.raises(InvalidInput, match=r"no WordPress export .* begins with <html>"):
        read(wordpress.read, "<html><body/></html>")
    with pytest.raises(InvalidInput, match="no Disqus export"):
        read(disqus.read, name="wordpress.xml")
    with pytest.raises(InvalidInput, match="no well-formed XML"):
        read(disqus.read, "PK\x03\x04")


def test_what_stands_before_broken_xml_is_read():
    whole = (HERE / "wordpress.xml").read_bytes()
    found = wordpress.read(io.BytesIO(whole[: whole.index(b"<title>Leeks")]))
    assert [next(found)[0] for _ in range(2)] == ["comment 11", "comment 12"]
    *_, cut = found
    assert (cut.where, cut.line) == ("end of the file", 58)
