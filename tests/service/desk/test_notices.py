"""Notices: one's own wishes, and a private feed that can be taken back."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

from moderation.channels import Channel, Gone
from moderation.comment import Post
from moderation.reminders import failed
from tests.service.desk.test_desk import sign_in, token
from tests.support.world import World

QUIET = {"quiet_from": "22", "quiet_to": "7", "zone": "Europe/Berlin"}
MAIL = {"channel": "mail", "address": "ada@mail.example", "minutes": "60"}
ATOM = "{http://www.w3.org/2005/Atom}"


def send(client, fields: dict[str, Any]) -> str:
    csrf = token(client.get("/desk/notices").text)
    return client.post(
        "/desk/notices", data={"csrf_token": csrf, **fields}, follow_redirects=True
    ).text


def feed_of(client) -> str:
    page = send(client, {"act": "open"})
    return re.search(r"/desk/feed/[\w.-]+", page)[0]


def test_wishes_are_kept_and_a_wrong_address_is_refused(world: World):
    world.add_moderator("ada", sites=[world.site.id])
    client, notices = sign_in(world, "ada"), world.adapters.notices
    fields = {"channel": "mail", "address": "ada@mail.example", "minutes": "240", **QUIET}
    assert "Saved." in send(client, fields)
    (wish,) = notices.subscriptions("ADA")
    assert (wish.channel, wish.address, wish.minutes) == (Channel.MAIL, "ada@mail.example", 240)
    assert (wish.quiet, wish.zone, wish.quotes) == ((22, 7), "Europe/Berlin", False)
    page = send(client, fields | {"address": "nobody <x>"})
    assert "Nothing was saved" in page
    assert "nobody &lt;x&gt;" in page, "what was typed is there still"
    assert notices.subscriptions("ada") == [wish]


def test_a_wish_is_changed_and_its_address_stays_unless_another_is_typed(world: World):
    world.add_moderator("ada", sites=[world.site.id])
    client, notices = sign_in(world, "ada"), world.adapters.notices
    secret = "https://hooks.slack.com/services/T0/B0/tokentoken"
    send(client, {"channel": "slack", "address": secret, "minutes": "60"})
    (wish,) = notices.subscriptions("ada")
    page = client.get("/desk/notices").text
    assert "tokentoken" not in page
    assert "hooks.slack.com…oken" in page
    send(client, {"id": wish.id, "minutes": "10", "quotes": "y"})
    (wish,) = notices.subscriptions("ada")
    assert (wish.address, wish.minutes, wish.quotes) == (secret, 10, True)
    send(client, {"act": "remove", "id": wish.id})
    assert notices.subscriptions("ada") == []


def test_only_ones_own_sites_can_be_named_and_only_ones_own_wishes_changed(world: World):
    accounts, notices = world.adapters.accounts, world.adapters.notices
    mine, other = (accounts.add_site(name, now_ms=1) for name in ("mine", "other"))
    world.add_moderator("ada", sites=[mine.id])
    world.add_moderator("bob", sites=[mine.id])
    client = sign_in(world, "ada")
    send(client, {**MAIL, "site": [mine.id, other.id]})
    (wish,) = notices.subscriptions("ada")
    assert wish.sites == (mine.id,)
    page = send(sign_in(world, "bob"), {**MAIL, "id": wish.id, "address": "bob@mail.example"})
    assert "There is no such" in page or "there is no such" in page
    assert notices.subscriptions("ada") == [wish]


def test_why_a_channel_fails_stands_at_the_desk_and_every_page_says_that_one_does(world: World):
    world.add_moderator("ada", sites=[world.site.id])
    client, notices = sign_in(world, "ada"), world.adapters.notices
    send(client, MAIL)
    assert "One of your channels fails." not in client.get("/desk/queue").text
    (wish,) = notices.subscriptions("ada")
    now = world.adapters.clock.now_ms()
    notices.failed("ada", failed(wish, OSError("answered <404>"), now_ms=now))
    assert "One of your channels fails." in client.get("/desk/queue").text
    page = client.get("/desk/notices").text
    assert "answered &lt;404&gt;" in page
    assert "It is tried again after" in page
    notices.failed("ada", failed(wish, Gone("answered 410 Gone"), now_ms=now))
    assert "switched off" in client.get("/desk/notices").text
    send(client, {"id": wish.id, "minutes": "60"})
    assert not notices.subscriptions("ada")[0].off
    assert "One of your channels fails." not in client.get("/desk/queue").text


def test_a_test_is_asked_for_by_a_button(world: World):
    world.add_moderator("ada", sites=[world.site.id])
    client, notices = sign_in(world, "ada"), world.adapters.notices
    send(client, MAIL)
    (wish,) = notices.subscriptions("ada")
    assert "A message is on its way" in send(client, {"act": "test", "id": wish.id})
    assert notices.subscriptions("ada")[0].tested


def test_no_mailbox_is_flooded_with_tests(world: World):
    """The address of a channel may be anybody's, and nobody has confirmed it."""
    world.add_moderator("ada", sites=[world.site.id])
    client, notices = sign_in(world, "ada"), world.adapters.notices
    send(client, MAIL | QUIET)
    (wish,) = notices.subscriptions("ada")
    said = [send(client, {"act": "test", "id": wish.id}) for _ in range(21)]
    assert all("on its way" in page for page in said[:20])
    assert "Too many attempts" in said[20]


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
