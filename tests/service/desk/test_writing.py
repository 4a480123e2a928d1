"""What a moderator writes on a comment, without a browser."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic

import pytest

from moderation.comment import Comment
from service.desk.writing import differences
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
    told = {"csrf_token": token(page), "content": text, "revision": revision}
    return client.post(f"/desk/comments/{comment.id}/revise", data=told, follow_redirects=True)


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
    told = {"csrf_token": token(client.get("/desk/queue").text), "content": "x", "revision": 1}
    assert client.post(f"/desk/comments/{comment.id}/revise", data=told).status_code == 404
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
    began = monotonic()
    found = differences(old, new)
    assert monotonic() - began < 2
    assert "".join(text for text, kind in found if kind != "ins") == old
    assert "".join(text for text, kind in found if kind != "del") == new
