"""Notes among moderators, and replies that the blog publishes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moderation.comment import Comment, Decision, Status
from moderation.endpoint import Endpoint
from moderation.errors import Conflict, IllegalMove, InvalidInput, UndoTooLate
from moderation.events import EventType
from moderation.remarks import LONGEST_NOTE, LONGEST_REPLY, MOST_NOTES, MOST_REPLIES
from tests.support.actors import ADA, EVE
from tests.support.stored import stored_anywhere
from tests.support.world import World


@pytest.fixture
def world(world: World) -> World:
    """A site that takes replies, and an endpoint that publishes them."""
    changed = replace(world.site, replies=True)
    now = world.adapters.clock.now_ms()
    world.adapters.accounts.save_site(changed, was=world.site, by=ADA, now_ms=now)
    world.site = changed
    hook = Endpoint("", world.site.id, "https://blog.example/hook", events=(EventType.REPLY,))
    world.adapters.add_endpoint(hook, by=ADA, admin=True)
    return world


def events_of(world: World) -> list[dict]:
    comments = world.adapters.comments
    return [
        one.payload(comments.get(one.subject_id), full=False, reply=comments.reply_of(one))
        for one in comments.events(world.site.id)
    ]


def approved(world: World, text: str = "a question") -> Comment:
    return world.comment(text)


def test_a_note_says_who_wrote_it_and_when_and_no_blog_hears_of_it(world: World):
    comment = world.comment("toxicity=0.6")
    world.adapters.note(comment.id, " she is a regular\r\nof ours ", by=ADA)
    world.adapters.note(comment.id, "she is", by=EVE)
    one, other = world.adapters.comments.remarks(comment.id).notes
    assert (one.number, one.text, one.by) == (1, "she is a regular\nof ours", ADA)
    assert (other.number, other.by) == (2, EVE)
    assert one.at <= other.at
    assert [one["type"] for one in events_of(world)] == ["comment.flagged"]
    assert world.adapters.comments.get(comment.id).version == comment.version


def test_a_reply_is_told_with_its_text_and_its_author(world: World):
    comment = approved(world)
    made = world.adapters.reply(comment.id, "an answer", by=ADA)
    assert made.number == 1
    event = events_of(world)[-1]
    assert event["type"] == "reply.requested"
    reply = event["data"]["reply"]
    assert (reply["id"], reply["text"]) == (f"{comment.id}-1", "an answer")
    assert reply["author"] == {"name": ADA.name}
    assert "sequence" not in event["data"]
    (kept,) = world.adapters.comments.remarks(comment.id).replies
    assert kept.cursor == world.adapters.comments.events(world.site.id)[-1].cursor
    (line,) = world.adapters.accounts.audit(action="comment")
    assert (line.action, line.detail) == ("comment.reply", {"site": world.site.id})


def test_each_reply_has_an_id_of_its_own(world: World):
    comment = approved(world)
    for n in range(2):
        world.adapters.reply(comment.id, f"answer {n}", by=ADA)
    events = world.adapters.comments.events(world.site.id)[1:]
    assert [one["data"]["reply"]["text"] for one in events_of(world)[1:]] == [
        "answer 0",
        "answer 1",
    ]
    assert len({one.id for one in events}) == 2


def test_a_form_that_is_sent_twice_writes_one_remark(world: World):
    comment, kept = approved(world), world.adapters.comments
    for _ in range(2):
        world.adapters.reply(comment.id, "an answer", by=ADA)
        world.adapters.note(comment.id, "a note", by=ADA)
    assert [
        len(one) for one in (kept.remarks(comment.id).replies, kept.remarks(comment.id).notes)
    ] == [1, 1]
    assert [one["type"] for one in events_of(world)].count("reply.requested") == 1
    later = world.adapters.clock.now_ms() + 60_001
    kept.reply(comment.id, "an answer", by=ADA, now_ms=later)
    world.adapters.reply(comment.id, "an answer", by=EVE)
    assert len(kept.remarks(comment.id).replies) == 3, "said again later, or by somebody else"


def test_a_reply_ends_the_undo_window_so_that_it_stands_under_something(world: World):
    comment = world.comment("toxicity=0.6 a question")
    world.adapters.review(comment.id, Decision.APPROVE, by=EVE, hold_seconds=100)
    world.adapters.reply(comment.id, "an answer", by=EVE)
    types = ["comment.flagged", "comment.approved", "reply.requested"]
    assert [one["type"] for one in events_of(world)] == types
    with pytest.raises(UndoTooLate):
        world.adapters.undo(comment.id, by=EVE)


@pytest.mark.parametrize("text", ["toxicity=0.6", "spam=0.95"])
def test_only_an_approved_comment_is_replied_to(world: World, text: str):
    comment = world.comment(text)
    with pytest.raises(IllegalMove, match="only an approved"):
        world.adapters.reply(comment.id, "an answer", by=ADA)
    assert world.adapters.comments.remarks(comment.id).replies == ()


def test_without_the_setting_or_an_endpoint_that_hears_it_there_is_no_reply(world: World):
    comment = approved(world)
    (hook,) = world.adapters.accounts.endpoints(world.site.id)
    deaf = replace(hook, events=(EventType.APPROVED,))
    world.adapters.change_endpoint(deaf, was=hook, by=ADA, admin=True)
    with pytest.raises(Conflict, match=r"reply\.requested"):
        world.adapters.reply(comment.id, "an answer", by=ADA)
    world.adapters.change_endpoint(hook, was=deaf, by=ADA, admin=True)
    world.adapters.reply(comment.id, "an answer", by=ADA)
    off = replace(world.site, replies=False)
    now = world.adapters.clock.now_ms()
    world.adapters.accounts.save_site(off, was=world.site, by=ADA, now_ms=now)
    with pytest.raises(Conflict, match="replies"):
        world.adapters.reply(comment.id, "another", by=ADA)


@pytest.mark.parametrize("verb, longest", [("note", LONGEST_NOTE), ("reply", LONGEST_REPLY)])
def test_a_remark_is_a_text_of_bounded_length(world: World, verb: str, longest: int):
    comment = approved(world)
    write = getattr(world.adapters, verb)
    for text in ("", " \r\n ", "x" * (longest + 1), "a\x00b", "\ud800"):
        with pytest.raises(InvalidInput) as refused:
            write(comment.id, text, by=ADA)
        assert refused.value.field == "text"
    assert write(comment.id, "é" * longest, by=ADA).text == "é" * longest


@pytest.mark.parametrize("verb, most", [("note", MOST_NOTES), ("reply", MOST_REPLIES)])
def test_a_comment_has_a_bounded_number_of_remarks(world: World, verb: str, most: int):
    comment = approved(world)
    write = getattr(world.adapters, verb)
    for n in range(most):
        write(comment.id, f"number {n}", by=ADA)
    with pytest.raises(Conflict, match="at most"):
        write(comment.id, "one more", by=ADA)


def test_remarks_go_with_the_text_and_with_an_erasure(world: World):
    comments = [approved(world, f"a question {n}") for n in range(2)]
    for comment in comments:
        world.adapters.note(comment.id, "my own note", by=ADA)
        world.adapters.reply(comment.id, "my own reply", by=ADA)
    world.adapters.erase(comments[0].id, by=ADA)
    assert world.adapters.comments.forget(comments[1], everything=False)
    for words in ("my own note", "my own reply"):
        assert stored_anywhere(world.adapters.redis, words) == []
    replies = [one for one in events_of(world) if one["type"] == "reply.requested"]
    assert len(replies) == 2
    assert not any("reply" in one["data"] for one in replies)
    for comment in comments:
        with pytest.raises(Exception, match=r"no longer kept|no comment"):
            world.adapters.note(comment.id, "late", by=ADA)


def test_an_edit_by_the_blog_leaves_what_moderators_wrote(world: World):
    comment = approved(world)
    world.adapters.note(comment.id, "a note", by=ADA)
    edited = replace(comment.draft, content="toxicity=0.6 another")
    world.adapters.edit(comment.id, edited, by=ADA)
    world.screen()
    assert world.adapters.comments.get(comment.id).status is Status.FLAGGED
    assert [one.text for one in world.adapters.comments.remarks(comment.id).notes] == ["a note"]
