"""What a moderator writes on a comment, without a browser."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from time import thread_time

import pytest

from moderation import ids
from moderation.comment import Comment, Decision
from moderation.endpoint import Endpoint
from moderation.events import EventType
from moderation.remarks import MOST_REPLIES
from service.desk.differences import differences
from tests.service.desk.test_desk import sign_in, token
from tests.support.actors import ADA
from tests.support.world import World


def allowed(world: World, **settings: object) -> None:
    changed = replace(world.site, **settings)
    now = world.adapters.clock.now_ms()
    world.adapters.accounts.save_site(changed, was=world.site, by=ADA, now_ms=now)
    world.site = changed


def page_of(world: World, comment: Comment, name: str = "mia"):
    client = sign_in(world, name)
    return client, client.get(f"/desk/comments/{comment.id}").text


def revise(world: World, comment: Comment, text: str, name: str = "mia", revision: int = 1):
    client, page = page_of(world, comment, name)
    form = {"csrf_token": token(page), "content": text, "revision": revision}
    return client.post(f"/desk/comments/{comment.id}/revise", data=form, follow_redirects=True)


def test_a_moderator_edits_a_text_and_sees_what_the_author_wrote(world: World):
    allowed(world, edits=True)
    world.add_moderator("mia", sites=[world.site.id])
    comment = world.comment("toxicity=0.6 call <b>555</b> now")
    answer = revise(world, comment, "toxicity=0.6 call\r\nnow")
    assert answer.status_code == 200
    assert world.adapters.comments.get(comment.id).content == "toxicity=0.6 call\nnow"
    page = answer.text
    assert "mia changed this text" in page
    assert "<del> &lt;b&gt;555&lt;/b&gt; </del><ins>\n</ins>" in page
    assert "mia changed the text" in page


def test_an_approved_edit_is_no_word_on_the_model_and_a_rejected_one_is(world: World):
    """On the Model page and in the overview: what was read is what the author wrote."""
    allowed(world, edits=True)
    world.add_moderator("mia", sites=[world.site.id])
    client = sign_in(world, "mia")
    for n, decision in enumerate((Decision.APPROVE, Decision.REJECT)):
        comment = world.comment(f"toxicity=0.6 number {n}")
        world.adapters.revise(comment.id, f"a kind word {n}", revision=1, by=ADA)
        world.adapters.review(comment.id, decision, by=ADA)
        page = client.get(f"/desk/model?site={world.site.id}").text
        assert ("decided on 1 comments" in page) is (decision is Decision.REJECT)
    assert "of 1 decisions on what it had held" in client.get("/desk/overview").text


def test_the_overview_shows_the_text_that_was_approved_and_of_others_the_authors(world: World):
    allowed(world, edits=True)
    world.add_moderator("mia", sites=[world.site.id])
    edited, plain = world.comment("toxicity=0.6 call 555"), world.comment("toxicity=0.6 hello")
    world.adapters.revise(edited.id, "call me", revision=1, by=ADA)
    for one in (edited, plain):
        world.adapters.review(one.id, Decision.APPROVE, by=ADA)
    page = sign_in(world, "mia").get("/desk/overview").text
    assert re.search(rf'approved</span> <a href="[^"]*{edited.id}">call me</a>', page)
    assert "call 555" not in page
    assert f'{plain.id}">toxicity=0.6 hello</a>' in page


def test_the_desk_offers_no_edit_where_the_site_does_not_have_it(world: World):
    world.add_moderator("mia", sites=[world.site.id])
    comment = world.comment("toxicity=0.6")
    assert "Edit the text" not in page_of(world, comment)[1]
    assert revise(world, comment, "nice").status_code == 409
    assert world.adapters.comments.get(comment.id).content == "toxicity=0.6"


def test_nobody_edits_the_comments_of_a_site_that_they_do_not_see(world: World):
    allowed(world, edits=True)
    other = world.adapters.accounts.add_site("other", now_ms=1)
    world.add_moderator("eve", sites=[other.id])
    world.add_moderator("mia", sites=[world.site.id])
    comment = world.comment("toxicity=0.6")
    page = page_of(world, comment, "mia")[1]
    client = sign_in(world, "eve")
    form = {"csrf_token": token(client.get("/desk/queue").text), "content": "x", "revision": 1}
    assert client.post(f"/desk/comments/{comment.id}/revise", data=form).status_code == 404
    assert "Edit the text" in page


def test_whoever_edits_what_was_edited_meanwhile_is_told(world: World):
    allowed(world, edits=True)
    world.add_moderator("mia", sites=[world.site.id])
    comment = world.comment("toxicity=0.6")
    revise(world, comment, "toxicity=0.6 one")
    answer = revise(world, comment, "toxicity=0.6 other")
    assert (answer.status_code, "changed meanwhile" in answer.text) == (409, True)


@pytest.mark.parametrize(
    "old, new, shown",
    [
        ("a b c", "a c", [("a ", ""), ("b ", "del"), ("c", "")]),
        ("a b", "a c", [("a ", ""), ("b", "del"), ("c", "ins")]),
        ("same", "same", [("same", "")]),
        ("a a a", "a a", [("a a", ""), (" a", "del")]),
        ("", "new", [("new", "ins")]),
    ],
)
def test_a_change_is_shown_word_by_word(old: str, new: str, shown: list[tuple[str, str]]):
    assert differences(old, new) == shown


@pytest.mark.parametrize("unit", ["a ", "ab cd ", "a\n", "x"])
def test_the_longest_texts_are_compared_in_no_time(unit: str):
    old = unit * (64 * 1024 // len(unit))
    new = "b " + old[::-1]
    began = thread_time()
    found = differences(old, new)
    assert thread_time() - began < 20
    assert "".join(text for text, kind in found if kind != "ins") == old
    assert "".join(text for text, kind in found if kind != "del") == new


def post(world: World, comment: Comment, what: str, name: str = "mia", **fields: object):
    client, page = page_of(world, comment, name)
    form = {"csrf_token": token(page), **fields}
    return client.post(f"/desk/comments/{comment.id}/{what}", data=form, follow_redirects=True)


def taking_replies(world: World) -> None:
    allowed(world, replies=True, saved_texts=("Thank you!", "Our rules: <be> kind."))
    hook = Endpoint("", world.site.id, "https://blog.example/hook", events=(EventType.REPLY,))
    world.adapters.add_endpoint(hook, by=ADA, admin=True)


def test_a_note_stands_beside_the_comment_with_its_writer(world: World):
    world.add_moderator("mia", sites=[world.site.id])
    comment = world.comment("toxicity=0.6")
    page = post(world, comment, "note", text="<b>she</b> is a regular").text
    assert "&lt;b&gt;she&lt;/b&gt; is a regular" in page
    assert "mia, <time" in page


def test_a_reply_to_a_held_comment_approves_it_and_is_shown_with_its_delivery(world: World):
    world.add_moderator("mia", sites=[world.site.id])
    taking_replies(world)
    comment = world.comment("toxicity=0.6")
    assert "Approve and reply" in page_of(world, comment)[1]
    page = post(world, comment, "reply", text="an <i>answer</i>", version=comment.version).text
    assert "Your reply is on its way" in page
    assert "an &lt;i&gt;answer&lt;/i&gt;" in page
    assert world.adapters.comments.get(comment.id).status == "approved"
    assert "· on its way." in page
    endpoints = world.adapters.accounts.endpoints(world.site.id)
    now = world.adapters.clock.now_ms()
    while world.adapters.deliveries.fan_out(world.site.id, endpoints, now_ms=now):
        pass
    assert "· not tried yet." in page_of(world, comment)[1]


def test_a_reply_that_is_refused_is_not_lost_and_approves_nothing(world: World):
    world.add_moderator("mia", sites=[world.site.id])
    taking_replies(world)
    comment = world.comment("toxicity=0.6")
    answer = post(world, comment, "reply", text="x" * 5001, version=comment.version)
    assert (answer.status_code, "x" * 5001 in answer.text) == (409, True)
    assert world.adapters.comments.get(comment.id).status == "flagged"
    stale = post(world, comment, "reply", text="my long answer", version=99)
    assert (stale.status_code, "my long answer" in stale.text) == (409, True)


def test_a_reply_over_the_bound_approves_nothing_and_one_sent_twice_is_one(world: World):
    world.add_moderator("mia", sites=[world.site.id])
    taking_replies(world)
    comment = world.comment("toxicity=0.6")
    approved = world.adapters.review(comment.id, Decision.APPROVE, by=ADA, hold_seconds=0)
    for number in range(MOST_REPLIES - 1):
        world.adapters.reply(comment.id, f"answer {number}", by=ADA)
    for _ in range(2):
        page = post(world, comment, "reply", text="the last", version=approved.version)
        assert "Your reply is on its way" in page.text
    lines = world.adapters.accounts.audit(action="comment.reply", limit=50)
    assert len(lines) == MOST_REPLIES, "a line for each reply, and none for its second sending"
    back = world.adapters.review(comment.id, Decision.REJECT, by=ADA, hold_seconds=0)
    answer = post(world, comment, "reply", text="one more", version=back.version)
    assert (answer.status_code, "20 replies at most" in answer.text) == (409, True)
    assert world.adapters.comments.get(comment.id).status == "rejected"


def test_a_reply_that_nobody_would_publish_approves_nothing(world: World):
    world.add_moderator("mia", sites=[world.site.id])
    comment = world.comment("toxicity=0.6")
    answer = post(world, comment, "reply", text="an answer", version=comment.version)
    assert (answer.status_code, "publishes no replies" in answer.text) == (409, True)
    assert world.adapters.comments.get(comment.id).status == "flagged"


def test_the_reply_box_is_shown_only_where_the_blog_publishes_replies(world: World):
    world.add_moderator("mia", sites=[world.site.id])
    comment = world.comment("nice")
    assert "Replies" not in page_of(world, comment)[1]
    allowed(world, replies=True)
    assert "Replies" not in page_of(world, comment)[1]
    taking_replies(world)
    page = page_of(world, comment)[1]
    assert "Our rules: &lt;be&gt; kind." in page
    assert ">Reply</button>" in page


def test_the_next_comment_is_of_the_queue_with_its_filters(world: World):
    world.add_moderator("mia", sites=[world.site.id])
    first, _other, last = (
        world.comment(f"{label} nr") for label in ("toxicity=0.6", "spam=0.6", "toxicity=0.55")
    )
    client = sign_in(world, "mia")
    client.get("/desk/queue?f=1&label=toxicity")
    page = client.get(f"/desk/comments/{first.id}").text
    form = {
        "csrf_token": token(page),
        "id": f"{first.id}:{first.version}",
        "decision": "approve",
        "next": unescape(
            re.search(r'name="next" value="(/desk/comments/[^"]+after[^"]+)"', page)[1]
        ),
    }
    page = client.post("/desk/decide", data=form, follow_redirects=True).text
    assert "Approved: 1 comment." in page
    (following,) = re.findall(r'rel="next" data-key="n j" href="([^"]+)"', page)
    assert client.get(unescape(following)).location == f"/desk/comments/{last.id}"
    page = client.get(f"/desk/comments/{last.id}").text
    (following,) = re.findall(r'rel="next" data-key="n j" href="([^"]+)"', page)
    answer = client.get(unescape(following), follow_redirects=True)
    assert "No other comment waits." in answer.text


def test_next_goes_through_comments_that_wait_without_deciding_and_begins_again(world: World):
    world.add_moderator("mia", sites=[world.site.id])
    for n in range(4):
        world.comment(f"toxicity=0.6 {n}")
    client, seen = sign_in(world, "mia"), []
    answer = client.get("/desk/next")
    for _ in range(5):
        seen.append(answer.location)
        page = client.get(answer.location).text
        answer = client.get(unescape(re.search(r'rel="next" [^>]*href="([^"]+)"', page)[1]))
    assert len(set(seen)) == 4
    assert seen[4] == seen[0]


def test_the_next_comment_is_never_of_a_site_that_one_does_not_see(world: World):
    hidden = world.adapters.accounts.add_site("hidden", now_ms=1)
    world.add_moderator("mia", sites=[world.site.id])
    (secret, _) = world.submit("toxicity=0.6 x", "toxicity=0.6", site=hidden)
    world.screen()
    mine = world.comment("toxicity=0.6")
    client = sign_in(world, "mia")
    for query in ("", f"?after=1.0_{ids.shorten(secret.id)}", f"?than={secret.id}"):
        assert client.get(f"/desk/next{query}").location == f"/desk/comments/{mine.id}"
    assert client.get("/desk/next?after=x").status_code == 422
