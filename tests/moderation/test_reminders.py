"""Reminders go to whom wishes them, no more often than wished, and say no words unless they may."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from moderation import reminders
from moderation.channels import Channel, Gone, Refused
from moderation.errors import InvalidInput
from moderation.reminders import Subscription
from tests.support.actors import ADA
from tests.support.stored import stored_anywhere
from tests.support.world import World

HOUR, DAY = 3_600_000, 86_400_000
ADDRESS = "ada@mail.example"


@dataclass
class Post:
    problem: Exception | None = None
    sent: list[tuple[str, str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def send(self, to: str, subject: str, text: str, *, foot: str = "", key: str = "") -> None:
        self.keys.append(key)
        if self.problem:
            raise self.problem
        self.sent.append((to, subject, f"{text}\n{foot}"))


@dataclass
class At:
    now: int

    def now_ms(self) -> int:
        return self.now


def wish(world: World, name: str = "Ada", address: str = ADDRESS, **fields: Any) -> Subscription:
    fields = {"channel": Channel.MAIL, "minutes": 240} | fields
    made = Subscription(address=address, **fields)
    return world.adapters.notices.subscribe(name, made, now_ms=world.adapters.clock.now_ms())


def remind(world: World, post: Any, *, hours_later: float = 0, **more: Any) -> int:
    adapters = world.adapters
    return reminders.remind(
        accounts=adapters.accounts, comments=adapters.comments, notices=adapters.notices,
        senders=dict.fromkeys(Channel, post),
        clock=At(adapters.clock.now_ms() + round(hours_later * HOUR)),
        url="https://winnow.example", **more,
    )  # fmt: skip


def allow_quotes(world: World) -> None:
    accounts, site = world.adapters.accounts, world.site
    accounts.save_site(replace(site, quote_comments=True), was=site, by=ADA, now_ms=1)


@pytest.fixture
def ada(world: World) -> World:
    world.add_moderator("Ada", sites=[world.site.id])
    wish(world)
    return world


def test_who_wishes_it_hears_how_much_waits_and_where_and_no_words(ada: World):
    ada.submit("toxicity=0.6 secret words", "toxicity=0.7 more")
    ada.screen()
    post = Post()
    assert remind(ada, post) == 1
    ((to, subject, text),) = post.sent
    assert (to, subject) == (ADDRESS, "2 comments waiting for a moderator")
    assert "demo: 2, the oldest since" in text
    assert "https://winnow.example/desk/queue" in text
    assert "secret" not in text


def test_nobody_hears_sooner_than_they_wish_nor_of_an_empty_queue(ada: World):
    post = Post()
    assert remind(ada, post) == 0, "nothing waits"
    ada.comment("toxicity=0.6")
    assert remind(ada, post) == 1
    ada.comment("toxicity=0.6")
    assert remind(ada, post, hours_later=3.9) == 0
    assert remind(ada, post, hours_later=4.1) == 1
    assert "demo: 2, 1 of them new" in post.sent[-1][2]


def test_without_a_new_comment_a_message_comes_once_a_day(ada: World):
    ada.comment("toxicity=0.6")
    post = Post()
    assert [remind(ada, post, hours_later=hours) for hours in (0, 5, 23, 24.1)] == [1, 0, 0, 1]


def test_a_channel_tells_of_the_sites_that_it_names_and_of_no_other(world: World):
    accounts = world.adapters.accounts
    mine, other = (accounts.add_site(name, now_ms=1) for name in ("mine", "other"))
    world.add_moderator("Ada", sites=[mine.id])
    wish(world, sites=(mine.id, other.id))
    world.comment("toxicity=0.6", site=other)
    assert remind(world, Post()) == 0, "not one that they may not see"
    world.comment("toxicity=0.6", site=mine)
    post = Post()
    assert remind(world, post) == 1
    assert "mine: 1" in post.sent[0][2]
    assert "other" not in post.sent[0][2]


def test_of_all_of_ones_sites_also_later_ones_are_told_where_none_is_named(world: World):
    world.add_moderator("Ada", admin=True)
    wish(world)
    later = world.adapters.accounts.add_site("later", now_ms=1)
    world.comment("toxicity=0.6", site=later)
    post = Post()
    assert remind(world, post) == 1
    assert "later: 1" in post.sent[0][2]


def test_by_default_nobody_hears(ada: World):
    other = ada.adapters.accounts.add_site("other", now_ms=1)
    ada.add_moderator("eve", admin=True)
    ada.comment("toxicity=0.6", site=other)
    assert remind(ada, Post()) == 0


# -- quotes


def test_a_comment_is_quoted_only_where_its_site_allows_it_and_the_moderator_wants_it(world: World):
    world.add_moderator("Ada", sites=[world.site.id])
    world.add_moderator("Bob", sites=[world.site.id])
    wish(world, quotes=True)
    wish(world, "Bob", "bob@mail.example")
    world.comment("toxicity=0.6 words of a reader")
    post = Post()
    remind(world, post)
    assert all("reader" not in text for _, _, text in post.sent)
    allow_quotes(world)
    world.comment("toxicity=0.6 words of a reader")
    remind(world, post, hours_later=5)
    quoted = {to: "> toxicity=0.6 words of a reader" in text for to, _, text in post.sent[2:]}
    assert quoted == {ADDRESS: True, "bob@mail.example": False}


def test_of_many_new_comments_five_are_quoted_and_the_rest_counted(ada: World):
    allow_quotes(ada)
    wish(ada, quotes=True)
    for n in range(7):
        ada.comment(f"toxicity=0.6 number{n} " + "long " * 200)
    post = Post()
    remind(ada, post)
    text = post.sent[-1][2]
    assert [f"number{n}" in text for n in range(7)] == [False, False, True, True, True, True, True]
    assert "… and 2 new comments more." in text
    assert all(len(line) <= reminders.QUOTE + 2 for line in text.splitlines())


@pytest.mark.parametrize(
    "text, quoted",
    [
        ("a\n\n# b\r\nFrom: c", "> a # b From: c"),
        ("a\u202eb\u200bc\x07", "> a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c\N{REPLACEMENT CHARACTER}"),
    ],
)  # fmt: skip
def test_a_quote_is_one_line_without_what_nobody_sees(text: str, quoted: str):
    assert reminders.quote(text) == quoted


# -- hours


@pytest.mark.parametrize(
    "quiet, zone, at, heard",
    [
        ((22, 7), "UTC", "2026-01-10 23:00", False),
        ((22, 7), "UTC", "2026-01-10 06:00", False),
        ((22, 7), "UTC", "2026-01-10 07:00", True),
        ((1, 3), "UTC", "2026-01-10 02:00", False),
        ((4, 4), "UTC", "2026-01-10 04:00", True),
        ((22, 7), "Europe/Berlin", "2026-01-10 21:30", False),
        ((22, 7), "Europe/Berlin", "2026-07-10 05:30", True),
        ((22, 7), "Europe/Berlin", "2026-01-10 05:30", False),
        ((22, 7), "America/New_York", "2026-01-10 23:00", True),
    ],
)
def test_nobody_is_written_to_in_quiet_hours_of_their_own_clock(
    quiet: tuple[int, int], zone: str, at: str, heard: bool
):
    made = Subscription(channel=Channel.MAIL, address=ADDRESS, minutes=60, quiet=quiet, zone=zone)
    now = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert made.is_due(round(now.timestamp() * 1000)) is heard


def test_what_came_in_quiet_hours_is_in_the_message_after_them(world: World):
    world.add_moderator("Ada", sites=[world.site.id])
    hour = datetime.fromtimestamp(world.adapters.clock.now_ms() / 1000, UTC).hour
    wish(world, quiet=(hour, (hour + 2) % 24), minutes=60)
    for _ in range(3):
        world.comment("toxicity=0.6")
    post = Post()
    assert [remind(world, post, hours_later=hours) for hours in (0, 2)] == [0, 1]
    assert post.sent[0][1] == "3 comments waiting for a moderator"


def test_a_clock_that_was_set_back_keeps_no_reminder_for_the_time_that_it_was_ahead(ada: World):
    ada.comment("toxicity=0.6")
    post = Post()
    assert remind(ada, post, hours_later=24 * 400) == 1
    ada.comment("toxicity=0.6 another")
    assert remind(ada, post) == 1
    assert post.sent[1][1] == "2 comments waiting for a moderator"
    assert len(set(post.keys)) == 2, "no service takes it for the message before"
    post.problem = OSError("no answer")
    assert remind(ada, post, hours_later=24 * 400) == 0
    post.problem = None
    assert remind(ada, post, hours_later=48) == 1


# -- failures


def test_a_channel_that_fails_is_left_alone_for_longer_each_time_and_says_why(ada: World):
    ada.comment("toxicity=0.6")
    post = Post(OSError("answered 503 Service Unavailable"))
    tries = [remind(ada, post, hours_later=n / 12) for n in range(12)]
    assert tries == [0] * 12
    assert len(post.keys) == 3, "at once, after 10 minutes, after 20 more"
    (kept,) = ada.adapters.notices.subscriptions("Ada")
    assert (kept.failures, kept.error) == (3, "answered 503 Service Unavailable")
    assert ada.adapters.notices.has_trouble("Ada")
    assert len(set(post.keys)) == 1, "one key for one message, so that it does not arrive twice"
    post.problem = None
    assert remind(ada, post, hours_later=2) == 1
    (kept,) = ada.adapters.notices.subscriptions("Ada")
    assert (kept.failures, kept.error, kept.off) == (0, "", False)
    assert not ada.adapters.notices.has_trouble("Ada")


def test_a_channel_that_fails_for_five_days_is_switched_off_and_the_trail_says_so(ada: World):
    ada.comment("toxicity=0.6")
    post = Post(OSError("answered 404 Not Found"))
    for hours in range(24 * 7):
        remind(ada, post, hours_later=hours)
    (kept,) = ada.adapters.notices.subscriptions("Ada")
    assert kept.off
    tried = len(post.keys)
    (line,) = ada.adapters.accounts.audit(action="notice")
    assert (line.subject, line.detail, line.by.name) == ("Ada", {"channel": "mail"}, "reminders")
    assert remind(ada, post, hours_later=24 * 9) == 0
    assert len(post.keys) == tried
    ada.adapters.notices.subscribe("Ada", kept, now_ms=1)  # saving it switches it on
    assert remind(ada, Post(), hours_later=24 * 9) == 1


def test_one_that_is_refused_for_some_hours_is_switched_off_and_its_owner_hears_of_it_once(
    ada: World,
):
    ada.comment("toxicity=0.6")
    post, heard = Post(Refused("answered 403 Forbidden")), []
    for n in range(12 * 24):  # every five minutes, as the schedule has it
        remind(ada, post, hours_later=n / 12, tell_off=lambda person, _: heard.append(person.name))
    (kept,) = ada.adapters.notices.subscriptions("Ada")
    assert (kept.off, len(post.keys), heard) == (True, 5, ["Ada"])


def test_refusals_between_failures_of_the_network_switch_nothing_off(ada: World):
    ada.comment("toxicity=0.6")
    post = Post()
    for n in range(24 * 4):
        now_refused = len(post.keys) % 4
        post.problem = Refused("answered 404 Not Found") if now_refused else OSError("no answer")
        remind(ada, post, hours_later=n)
    assert len(post.keys) > 8
    (kept,) = ada.adapters.notices.subscriptions("Ada")
    assert not kept.off


def test_one_that_is_gone_for_good_is_switched_off_at_once(ada: World):
    ada.comment("toxicity=0.6")
    remind(ada, Post(Gone("answered 410 Gone")))
    assert ada.adapters.notices.subscriptions("Ada")[0].off


def test_a_failure_of_what_was_changed_meanwhile_is_not_held_against_what_is_there_now(ada: World):
    ada.comment("toxicity=0.6")
    notices = ada.adapters.notices
    (before,) = notices.subscriptions("Ada")

    class Meanwhile(Post):
        def send(self, to: str, subject: str, text: str, *, foot: str = "", key: str = "") -> None:
            notices.subscribe("Ada", replace(before, address="new@mail.example"), now_ms=1)
            raise OSError("answered 404 Not Found")

    assert remind(ada, Meanwhile()) == 0
    (kept,) = notices.subscriptions("Ada")
    assert (kept.address, kept.failures) == ("new@mail.example", 0)


def test_two_channels_of_a_kind_are_both_used_at_once(ada: World):
    wish(ada, address="second@mail.example")
    ada.comment("toxicity=0.6")
    post = Post()
    remind(ada, post)
    assert sorted(to for to, _, _ in post.sent) == [ADDRESS, "second@mail.example"]


def test_a_test_is_sent_whatever_waits_and_whatever_hour_it_is(ada: World):
    notices = ada.adapters.notices
    (kept,) = notices.subscriptions("Ada")
    notices.ask_test("Ada", kept.id)
    post = Post()
    assert remind(ada, post) == 1
    assert "this message is a test" in post.sent[0][2]
    assert remind(ada, post) == 0, "once"


def test_one_moderators_address_keeps_nobody_elses_message_back(ada: World):
    for name in ("Aaron", "Zoe"):
        ada.add_moderator(name, sites=[ada.site.id])
        wish(ada, name, f"{name.lower()}@mail.example")
    ada.comment("toxicity=0.6")

    class Picky(Post):
        def send(self, to: str, subject: str, text: str, *, foot: str = "", key: str = "") -> None:
            if to.startswith("aaron"):
                raise IndexError
            super().send(to, subject, text)

    post = Picky()
    assert remind(ada, post) == 2
    assert [to for to, _, _ in post.sent] == [ADDRESS, "zoe@mail.example"]
    assert ada.adapters.notices.subscriptions("Aaron")[0].error == "it failed (IndexError)"


# -- what is kept


@pytest.mark.parametrize(
    "email, kept",
    [
        ("ada@mailhost", "ada@mailhost"),
        ("ada@MAIL.example", "ada@mail.example"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
    ],
)
def test_an_address_is_kept_as_a_mail_server_takes_it(world: World, email: str, kept: str):
    wish(world, "ada", email)
    assert [one.address for one in world.adapters.notices.subscriptions("ada")] == [kept]


@pytest.mark.parametrize(
    "email",
    [
        "a@[",
        "a@[127.0.0.1",
        "a@b\x00.example",
        "ä@b.example",
        "a@\ud800.example",
        "nobody",
        "a@b,c@d",
        "a@b\r\nBcc: c@d",
        '"x"@y',
        "@b",
        "a" * 255,
    ],
)
def test_an_address_is_one_bare_address(world: World, email: str):
    with pytest.raises(InvalidInput):
        wish(world, "ada", email)


@pytest.mark.parametrize(
    "fields, named",
    [
        ({"minutes": 3}, "minutes"),
        ({"quiet": (24, 1)}, "quiet"),
        ({"zone": "Middle/Earth"}, "zone"),
        ({"zone": "../../etc/passwd"}, "zone"),
        ({"sites": tuple(map(str, range(501)))}, "sites"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_by_its_name(world: World, fields: Any, named: str):
    with pytest.raises(InvalidInput) as refused:
        wish(world, **fields)
    assert refused.value.field == named


def test_a_moderator_has_ten_channels_at_most(world: World):
    for n in range(reminders.MOST):
        wish(world, address=f"ada{n}@mail.example")
    with pytest.raises(InvalidInput):
        wish(world)


def test_an_address_is_sealed_since_it_may_hold_a_token(world: World):
    for channel, address in (
        (Channel.SLACK, "https://hooks.slack.com/services/T0/B0/tokentoken"),
        (Channel.MATRIX, "https://matrix.example !room:matrix.example tokentoken"),
    ):
        made = wish(world, address=address, channel=channel)
        assert made.address == address
        assert "tokentoken" not in channel.shown(address)
    assert stored_anywhere(world.adapters.redis, "tokentoken") == []


def test_whoever_has_the_name_of_one_who_was_removed_inherits_no_channel(ada: World):
    accounts = ada.adapters.accounts
    accounts.remove_moderator("Ada", by=ADA, now_ms=1)
    ada.add_moderator("ada", admin=True)
    assert ada.adapters.notices.subscriptions("ada") == []
