"""Each format in small, with what becomes of each kind of record, and none brings a reader down."""

from __future__ import annotations

import io
import itertools
import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moderation.comment import Author, Decision, Post
from moderation.errors import InvalidInput
from service.importers import Taken, Unusable
from service.importers.formats import READERS

HERE = Path(__file__).parent
GUIDE = (HERE.parents[2] / "docs" / "import.md").read_text(encoding="utf-8")

REMARK = "\n".join(
    json.dumps(one)
    for one in (
        {"version": 1, "users": [{"id": "u1"}], "posts": []},
        {"id": "a1", "pid": "", "text": "<p>Mine <b>came</b></p>", "orig": "Mine **came**",
         "user": {"name": "Ada", "id": "u1", "ip": "293ec5", "admin": True}, "votes": {"u2": True},
         "locator": {"site": "s", "url": "https://g.example/beans/"}, "title": "Beans",
         "time": "2024-05-01T10:30:00-06:00", "edit": {"time": "2024-05-02T10:30:00Z"}},
        {"id": "a2", "pid": "a1", "text": "<p>So did mine</p>", "user": {"name": "Hedy"},
         "locator": {"url": "https://g.example/beans/"}, "time": "2024-05-01T10:31:00Z"},
        {"id": "a3", "pid": "", "text": "", "delete": True, "time": "2024-05-01T10:31:00Z"},
    )
).encode()  # fmt: skip

COMMENTO = json.dumps(
    {"version": 1,
     "comments": [
        {"commentHex": "c2", "domain": "g.example", "url": "/beans/", "commenterHex": "p1",
         "markdown": "So did mine", "parentHex": "c1", "state": "unapproved",
         "creationDate": "2024-05-01T10:31:00Z"},
        {"commentHex": "c1", "domain": "g.example", "url": "/beans/", "commenterHex": "anonymous",
         "markdown": "Mine came", "parentHex": "root", "score": 3, "state": "approved",
         "creationDate": "2024-05-01T10:30:00Z"},
        {"commentHex": "c3", "deleted": True}],
     "commenters": [{"commenterHex": "p1", "email": "hedy@mail.example", "name": "Hedy"}]}
).encode()  # fmt: skip

COMENTARIO = json.dumps(
    {"version": 3, "pages": [{"id": "g1", "path": "/", "title": "Home"}],
     "comments": [
        {"id": "d1", "pageId": "g1", "markdown": "Mine came", "isApproved": True, "userCreated": "p1",
         "url": "https://g.example/#comentario-d1", "createdTime": "2024-05-01T10:30:00Z"},
        {"id": "d2", "pageId": "g1", "html": "<p>Pills</p>", "isApproved": False, "parentId": "d1",
         "createdTime": "2024-05-01T10:31:00Z"},
        {"id": "d3", "isDeleted": True}],
     "commenters": [{"id": "p1", "email": "ada@mail.example", "name": "Ada", "isModerator": True}]}
).encode()  # fmt: skip

GHOST = json.dumps(
    {"db": [{"meta": {"version": "5.0"}, "data": {
        "comments": [
            {"id": "e1", "post_id": "o1", "member_id": "m1", "parent_id": None, "html": "<p>Mine</p>",
             "status": "published", "created_at": "2024-05-01 10:30:00"},
            {"id": "e2", "post_id": "o1", "parent_id": "e1", "html": "<p>Rude</p>", "status": "hidden",
             "created_at": "2024-05-01T10:30:00.000Z"},
            {"id": "e3", "html": "<p>x</p>", "status": "deleted"}],
        "comment_likes": [{"comment_id": "e1"}],
        "members": [{"id": "m1", "name": "Ada", "email": "ada@mail.example"}],
        "posts": [{"id": "o1", "title": "Beans", "slug": "beans", "html": "<p>How to</p>"}]}}]}
).encode()  # fmt: skip

SUBSTACK = json.dumps(
    {"comments": [
        {"id": 71, "body": "Mine came", "name": "Ada", "date": "2024-05-01T10:30:00.000Z",
         "reactions": {"❤": 3}, "children": [
            {"id": 72, "body": "So did mine", "name": "Hedy", "date": "2024-05-01T10:31:00.000Z",
             "children": []},
            {"id": 73, "body": None, "deleted": True, "children": []}]}]}
).encode()  # fmt: skip

BLOGGER = b"""<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns='http://www.w3.org/2005/Atom' xmlns:thr='http://purl.org/syndication/thread/1.0'>
<entry><id>tag:blogger.com,1999:blog-9.post-2</id><published>2024-05-01T10:30:00.000-07:00</published>
<category scheme='http://schemas.google.com/g/2005#kind' term='http://schemas.google.com/blogger/2008/kind#comment'/>
<title type='text'>Mine</title><content type='html'>Mine came&lt;br /&gt;early</content>
<author><name>Ada</name><uri>https://ada.example/</uri><email>noreply@blogger.com</email></author>
<thr:in-reply-to href='https://g.example/beans.html' ref='tag:blogger.com,1999:blog-9.post-1'/></entry>
<entry><id>tag:blogger.com,1999:blog-9.post-1</id>
<category scheme='http://schemas.google.com/g/2005#kind' term='http://schemas.google.com/blogger/2008/kind#post'/>
<title type='text'>Beans</title><link rel='alternate' href='https://g.example/beans.html'/></entry>
<entry><id>tag:blogger.com,1999:blog-9.post-3</id><blogger:type>COMMENT</blogger:type>
<blogger:status>SPAM</blogger:status><content type='html'>Pills</content>
<blogger:parent>tag:blogger.com,1999:blog-9.post-1</blogger:parent>
<blogger:inReplyTo>tag:blogger.com,1999:blog-9.post-2</blogger:inReplyTo>
<author><name>Pills</name></author><published>2024-05-02T10:30:00Z</published></entry>
<entry><id>tag:blogger.com,1999:blog-9.post-4</id><blogger:type>COMMENT</blogger:type>
<blogger:status>EMPTIED</blogger:status></entry></feed>"""

ISSO_JSON = json.dumps(
    [{"id": "/beans/", "title": "Beans", "comments": [
        {"id": 0, "author": "Ada", "email": "ada@mail.example", "website": "", "text": "Mine came",
         "remote_addr": "127.0.0.0", "created": "2024-05-01 10:30:00"}]}]
).encode()  # fmt: skip


def isso_database(path: Path) -> bytes:
    with sqlite3.connect(path) as database:
        database.executescript(
            """
            CREATE TABLE threads (id INTEGER PRIMARY KEY, uri VARCHAR(256) UNIQUE, title VARCHAR(256));
            CREATE TABLE comments (tid REFERENCES threads(id), id INTEGER PRIMARY KEY, parent INTEGER,
                created FLOAT NOT NULL, modified FLOAT, mode INTEGER, remote_addr VARCHAR,
                text VARCHAR NOT NULL, author VARCHAR, email VARCHAR, website VARCHAR,
                likes INTEGER DEFAULT 0, dislikes INTEGER DEFAULT 0, voters BLOB NOT NULL,
                notification INTEGER DEFAULT 0);
            INSERT INTO threads VALUES (1, '/beans/', 'Beans');
            INSERT INTO comments VALUES
                (1, 1, NULL, 1714559400.5, 1714559500, 1, '127.0.0.0', 'Mine came', 'Ada', NULL,
                 'https://ada.example/', 3, 0, '', 0),
                (1, 2, 1, 1714559500, NULL, 4, '', '', NULL, NULL, NULL, 0, 0, '', 0),
                (1, 3, 2, 1714559600, NULL, 2, '', 'So did mine', 'Hedy', NULL, NULL, 0, 0, '', 0);
            """
        )
    database.close()
    return path.read_bytes()


def read(kind: str, content: bytes) -> tuple[dict[str, Taken], dict[str, Unusable]]:
    found = list(READERS[kind](io.BytesIO(content)))
    kept = {one.past.draft.external_id: one for one in found if isinstance(one, Taken)}
    return kept, {one.where: one for one in found if isinstance(one, Unusable)}


def decisions(kept: dict[str, Taken]) -> dict[str, Decision | None]:
    return {own_id: one.past.decision for own_id, one in kept.items()}


APPROVE, REJECT, SPAM = Decision.APPROVE, Decision.REJECT, Decision.SPAM


def test_remark42_comments_come_as_their_authors_wrote_them_without_the_hashed_address():
    kept, left = read("remark42", REMARK)
    assert decisions(kept) == {"a1": APPROVE, "a2": APPROVE}
    draft = kept["a1"].past.draft
    assert (draft.content, draft.author) == ("Mine **came**", Author("Ada", role="admin"))
    assert draft.post == Post("https://g.example/beans/", "Beans")
    assert (kept["a2"].past.draft.content, kept["a2"].past.draft.parent) == ("So did mine", "a1")
    assert left["comment a3"].by_rule


def test_commento_comments_stand_before_their_authors():
    kept, left = read("commento", COMMENTO)
    assert decisions(kept) == {"c2": None, "c1": APPROVE}
    draft = kept["c2"].past.draft
    assert draft.author == Author("Hedy", "hedy@mail.example")
    assert (draft.post, draft.parent) == (Post("https://g.example/beans/"), "c1")
    assert left["comment c3"].by_rule


def test_comentario_comments_come_with_page_and_state():
    kept, left = read("comentario", COMENTARIO)
    assert decisions(kept) == {"d1": APPROVE, "d2": REJECT}
    assert kept["d1"].past.draft.post == Post("https://g.example/", "Home")
    assert kept["d1"].past.draft.author == Author("Ada", "ada@mail.example", role="moderator")
    assert left["comment d3"].by_rule


def test_ghost_comments_come_with_member_and_post():
    kept, left = read("ghost", GHOST)
    assert decisions(kept) == {"e1": APPROVE, "e2": REJECT}
    assert kept["e1"].past.draft.author == Author("Ada", "ada@mail.example")
    assert kept["e2"].past.draft.post == Post("beans", "Beans")
    assert left["comment e3"].by_rule
    listed = {"comments": [{"id": "e1", "html": "Mine", "created_at": "2024-05-01T10:30:00.000Z",
        "member": {"name": "Ada"}, "post": {"title": "Beans", "url": "https://g.example/beans/"},
        "replies": [{"id": "e2", "html": "So", "created_at": "2024-05-01T10:30:00.000Z"}]}]}  # fmt: skip
    kept, _ = read("ghost", json.dumps(listed).encode())
    assert kept["e1"].past.draft.post == Post("https://g.example/beans/", "Beans")
    assert kept["e2"].past.draft.parent == "e1"


def test_substack_answers_come_with_what_they_answer():
    kept, left = read("substack", SUBSTACK)
    assert decisions(kept) == {"71": APPROVE, "72": APPROVE}
    assert kept["72"].past.draft.parent == "71"
    assert left["comment 73"].by_rule


def test_blogger_comments_come_from_both_kinds_of_its_exports():
    kept, left = read("blogger", BLOGGER)
    first, second = (f"tag:blogger.com,1999:blog-9.post-{number}" for number in (2, 3))
    assert decisions(kept) == {first: APPROVE, second: SPAM}
    draft = kept[first].past.draft
    assert draft.content == "Mine came\nearly"
    assert (draft.author, draft.post) == (
        Author("Ada", url="https://ada.example/"), Post("https://g.example/beans.html", "Beans"),
    )  # fmt: skip
    assert kept[second].past.draft.parent == first
    assert left["comment tag:blogger.com,1999:blog-9.post-4"].by_rule


def test_isso_comments_come_from_its_database_and_its_json(tmp_path):
    kept, left = read("isso", isso_database(tmp_path / "isso.db"))
    assert decisions(kept) == {"1": APPROVE, "3": None}
    draft = kept["1"].past.draft
    assert draft.author == Author("Ada", url="https://ada.example/", ip="127.0.0.0")
    assert (draft.post, kept["3"].past.draft.parent) == (Post("/beans/", "Beans"), "2")
    assert left["comment 2"].by_rule
    kept, _ = read("isso", ISSO_JSON)
    assert decisions(kept) == {"/beans/#0": APPROVE}


def test_a_database_whose_comments_are_computed_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "view.db") as database:
        database.executescript(
            "CREATE TABLE threads (id, uri, title); CREATE VIEW comments AS SELECT 1 AS id;"
        )
    database.close()
    with pytest.raises(InvalidInput, match="no Isso database"):
        read("isso", (tmp_path / "view.db").read_bytes())


def test_a_database_with_comments_that_have_no_id_comes_to_an_end(tmp_path):
    """Behind one that has none there is always another: reading once went on for ever."""
    with sqlite3.connect(tmp_path / "made.db") as database:
        database.executescript(
            """
            CREATE TABLE threads (id, uri, title);
            CREATE TABLE comments (tid, id, parent, created, mode, remote_addr, text, author, email, website);
            INSERT INTO comments VALUES (1, NULL, NULL, 1714559400, 1, '', 'nameless', '', '', '');
            INSERT INTO comments VALUES (1, 7, NULL, 1714559400, 1, '', 'Mine came', '', '', '');
            """
        )
    database.close()
    found = READERS["isso"](io.BytesIO((tmp_path / "made.db").read_bytes()))
    assert [one.where for one in itertools.islice(found, 10)] == [
        "comments without an id",
        "comment 7",
    ]


@pytest.mark.parametrize("kind", sorted(set(READERS) - {"comentario"}))
def test_the_guide_has_a_section_on_each_format(kind: str):
    assert f"`{kind}`" in GUIDE


SAMPLES = {
    "wordpress": (HERE / "wordpress.xml").read_bytes(),
    "disqus": (HERE / "disqus.xml").read_bytes(),
    "blogger": BLOGGER,
    "isso": ISSO_JSON,
    "remark42": REMARK,
    "commento": COMMENTO,
    "comentario": COMENTARIO,
    "ghost": GHOST,
    "substack": SUBSTACK,
    "jsonl": b'{"external_id": "1", "content": "x", "status": "approved", "created_at": 5}\n[1]\n',
}


@st.composite
def mutated(draw: st.DrawFn, sample: bytes) -> bytes:
    """Draw a sample with parts cut, doubled, moved or replaced."""
    raw = bytearray(sample)
    for _ in range(draw(st.integers(0, 6))):
        begin = draw(st.integers(0, len(raw)))
        end = min(len(raw), begin + draw(st.integers(0, 60)))
        other = draw(st.integers(0, len(raw)))
        raw[begin:end] = draw(
            st.sampled_from(
                [b"", bytes(raw[other : other + 60]), b"<![CDATA[", b"]]>", b"&#xD800;", b"\x00",
                 b"\xff\xfe", b'"', b"}", b"null", b"1e999", b"-1", b"[[", b"\\ud800", b"<", b"</"]
            ) | st.binary(max_size=20)
        )  # fmt: skip
    return bytes(raw)


@pytest.mark.parametrize("kind", sorted(READERS))
def test_no_file_brings_a_reader_down(kind: str, tmp_path_factory):
    samples = [SAMPLES[kind]]
    if kind == "isso":
        samples.append(isso_database(tmp_path_factory.mktemp("isso") / "isso.db"))

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(samples).flatmap(mutated) | st.binary(max_size=200))
    def reads(content: bytes) -> None:
        try:
            for found in READERS[kind](io.BytesIO(content)):
                assert isinstance(found, Taken | Unusable)
        except InvalidInput:
            pass

    reads()
