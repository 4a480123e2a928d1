"""Reminders: only who wishes it, only when due, only while something waits, and no comment's words."""

from __future__ import annotations

import pytest

from moderation import reminders
from moderation.channels import Channel
from moderation.errors import InvalidInput
from moderation.reminders import Subscription
from tests.support.stored import stored_anywhere
from tests.support.world import World

HOUR = 3_600_000


class Post:
    """Keeps what was sent; refuses if told to."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.sent: list[tuple[str, str, str]] = []

    def send(self, to: str, subject: str, text: str) -> None:
        if self.refuses:
            raise OSError("no")
        self.sent.append((to, subject, text))


class At:
    def __init__(self, now: int) -> None:
        self.now = now

    def now_ms(self) -> int:
        return self.now


def remind(world: World, post: Post, hours_later: float = 0) -> int:
    adapters = world.adapters
    return reminders.remind(
        accounts=adapters.accounts, comments=adapters.comments, notices=adapters.notices,
        senders={Channel.MAIL: post}, clock=At(adapters.clock.now_ms() + round(hours_later * HOUR)),
        url="https://winnow.example",
    )  # fmt: skip


@pytest.fixture
def ada(world: World) -> World:
    world.add_moderator("Ada", sites=[world.site.id])
    world.adapters.notices.subscribe("Ada", {Channel.MAIL: "ada@mail.example"}, 4)
    return world


def test_who_wishes_it_hears_how_much_waits_and_where_and_no_words(ada: World):
    ada.submit("toxicity=0.6 secret words", "toxicity=0.7 more")
    ada.screen()
    post = Post()
    assert remind(ada, post) == 1
    ((to, subject, text),) = post.sent
    assert (to, subject) == ("ada@mail.example", "2 comments waiting for a moderator")
    assert "demo: 2, the oldest since" in text
    assert "https://winnow.example/desk/queue" in text
    assert "secret" not in text


def test_nobody_hears_sooner_than_they_wish_nor_of_an_empty_queue(ada: World):
    post = Post()
    assert remind(ada, post) == 0, "nothing waits"
    ada.comment("toxicity=0.6")
    assert remind(ada, post) == 1
    assert remind(ada, post, hours_later=3.9) == 0
    assert remind(ada, post, hours_later=4.1) == 1


@pytest.mark.parametrize(
    "email, kept",
    [
        ("ada@mailhost", "ada@mailhost"),
        ("ada@MAIL.example", "ada@mail.example"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
    ],
)
def test_an_address_is_kept_as_a_mail_server_takes_it(world: World, email: str, kept: str):
    world.adapters.notices.subscribe("ada", {Channel.MAIL: email}, 24)
    assert world.adapters.notices.subscription("ada").addresses == {Channel.MAIL: kept}


def test_of_other_sites_and_by_default_nobody_hears(ada: World):
    other = ada.adapters.accounts.add_site("other", now_ms=1)
    ada.add_moderator("eve", admin=True)
    ada.comment("toxicity=0.6", site=other)
    assert remind(ada, Post()) == 0


def test_what_could_not_be_sent_is_tried_again(ada: World):
    ada.comment("toxicity=0.6")
    assert remind(ada, Post(refuses=True)) == 0
    assert remind(ada, Post()) == 1


def test_one_moderators_address_keeps_nobody_elses_mail_back(ada: World):
    """An address stored before addresses were checked may be one that no message can be sent to."""
    ada.add_moderator("Aaron", sites=[ada.site.id])
    ada.add_moderator("Zoe", sites=[ada.site.id])
    notices = ada.adapters.notices
    notices.subscribe("Aaron", {Channel.MAIL: "aaron@mail.example"}, 4)
    notices.subscribe("Zoe", {Channel.MAIL: "zoe@mail.example"}, 4)
    ada.comment("toxicity=0.6")

    class Picky(Post):
        def send(self, to: str, subject: str, text: str) -> None:
            if to.startswith("aaron"):
                raise IndexError
            super().send(to, subject, text)

    post = Picky()
    assert remind(ada, post) == 2
    assert [to for to, _, _ in post.sent] == ["ada@mail.example", "zoe@mail.example"]


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
        world.adapters.notices.subscribe("ada", {Channel.MAIL: email}, 24)
    with pytest.raises(InvalidInput):
        world.adapters.notices.subscribe("ada", {Channel.MAIL: "ada@mail.example"}, 3)


@pytest.mark.parametrize(
    "quiet, hour, heard",
    [
        ((22, 7), 23, False),
        ((22, 7), 6, False),
        ((22, 7), 7, True),
        ((1, 3), 2, False),
        ((4, 4), 4, True),
    ],
)
def test_nobody_is_written_to_in_quiet_hours(quiet: tuple[int, int], hour: int, heard: bool):
    wish = Subscription({Channel.MAIL: "ada@mail.example"}, hours=1, quiet=quiet)
    assert bool(wish.due((24 * 20_000 + hour) * 3_600_000)) is heard


def test_an_address_is_sealed_since_it_may_hold_a_token(world: World):
    told = {Channel.SLACK: "https://hooks.slack.com/services/T0/B0/tokentoken"}
    world.adapters.notices.subscribe("ada", told, 4)
    assert world.adapters.notices.subscription("ada").addresses == told
    assert stored_anywhere(world.adapters.redis, "tokentoken") == []
