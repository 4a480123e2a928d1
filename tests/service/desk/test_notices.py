"""Notices: one's own wishes, and a private feed that can be taken back."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from moderation.channels import Channel
from moderation.comment import Post
from tests.service.desk.test_desk import sign_in, token
from tests.support.world import World

ATOM = "{http://www.w3.org/2005/Atom}"


def send(client, told: dict[str, str]) -> str:
    csrf = token(client.get("/desk/notices").text)
    return client.post(
        "/desk/notices", data={"csrf_token": csrf, **told}, follow_redirects=True
    ).text


def feed_of(client) -> str:
    page = send(client, {"act": "open"})
    return re.search(r"/desk/feed/[\w.-]+", page)[0]


def test_wishes_are_kept_and_a_wrong_address_is_refused(world: World):
    world.add_moderator("ada", sites=[world.site.id])
    client = sign_in(world, "ada")
    assert "Saved." in send(client, {"mail": "ada@mail.example", "hours": "4"})
    wish = world.adapters.notices.subscription("ADA")
    assert (wish.addresses, wish.hours) == ({Channel.MAIL: "ada@mail.example"}, 4)
    assert "That did not work" in send(client, {"mail": "nobody", "hours": "4"})
    assert world.adapters.notices.subscription("ada").addresses == {
        Channel.MAIL: "ada@mail.example"
    }


def test_a_feed_tells_what_waits_at_ones_own_sites_and_no_words(world: World):
    other = world.adapters.accounts.add_site("other", now_ms=1)
    world.add_moderator("ada", sites=[world.site.id])
    comment = world.comment("toxicity=0.6 secret <words>")
    world.comment("toxicity=0.6", site=other)
    path = feed_of(sign_in(world, "ada"))
    answer = world.client().get(path)
    assert answer.content_type.startswith("application/atom+xml")
    assert "secret" not in answer.text
    (entry,) = ET.fromstring(answer.text).iter(f"{ATOM}entry")
    assert entry.find(f"{ATOM}link").get("href").endswith(f"/desk/comments/{comment.id}")
    again = world.client().get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_a_control_character_in_a_title_leaves_the_feed_readable(world: World):
    world.add_moderator("ada", sites=[world.site.id])
    world.submit("toxicity=0.6", post=Post(title="a\x0b\x1b\ufffe & <b>"))
    world.screen()
    answer = world.client().get(feed_of(sign_in(world, "ada")))
    (entry,) = ET.fromstring(answer.text).iter(f"{ATOM}entry")
    assert entry.find(f"{ATOM}summary").text == "a\ufffd\ufffd\ufffd & <b>"


def test_a_feed_ends_with_a_new_address_with_its_owner_and_by_their_wish(world: World):
    world.add_moderator("ada", sites=[world.site.id])
    client = sign_in(world, "ada")
    first = feed_of(client)
    second = feed_of(client)
    assert world.client().get(first).status_code == 404
    assert world.client().get(second).status_code == 200
    send(client, {"act": "close"})
    assert world.client().get(second).status_code == 404
    for made_up in ("x", "YWRh.x", "%ff.x"):
        assert world.client().get(f"/desk/feed/{made_up}").status_code == 404
