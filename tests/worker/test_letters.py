"""Letters about accounts, and links that decide, by a real mail server; from the job to the desk."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from moderation import dispatch
from moderation.channels import Channel
from moderation.reminders import Subscription
from tests.service.desk.test_act import press
from tests.service.desk.test_recovery import NEW, choose
from tests.service.desk.test_words import sign_in
from tests.support.actors import ADA
from tests.support.world import World, make_world
from tests.worker.conftest import Box
from worker import jobs
from worker.schedule import ALLOWED

URL = "https://winnow.example"


@pytest.fixture
def mailed(redis_url: str, tmp_path: Path, box: tuple[Box, int]) -> tuple[World, Box]:
    kept, port = box
    world = make_world(redis_url, tmp_path, smtp_url=f"smtp://127.0.0.1:{port}", public_url=URL)
    world.add_moderator("ada", sites=[world.site.id])
    world.adapters.accounts.set_email("ada", "ada@mail.example", by=ADA, now_ms=1)
    jobs.prepare(jobs.JobContext(world.adapters, "test:1"))
    return world, kept


def link_in(box: Box, page: str) -> str:
    """Return the path of the one link to *page* in the one letter that came."""
    (envelope,) = box.messages
    assert envelope.rcpt_tos == ["ada@mail.example"]
    text = message_from_bytes(envelope.content, policy=policy.default).get_content()
    (path,) = re.findall(rf"{URL}(/desk/{page}/\S+)", text)
    return path


def test_a_link_for_a_new_password_arrives_and_works(mailed: tuple[World, Box]):
    world, box = mailed
    assert dispatch.LETTERS in ALLOWED
    world.adapters.ask_reset("ada")
    assert jobs.write_letters() == 1
    assert choose(world.client(), link_in(box, "reset")).status_code == 302
    assert world.adapters.accounts.check_password("ada", NEW).name == "ada"


def test_a_link_that_decides_arrives_with_the_reminder_and_works(mailed: tuple[World, Box]):
    """A link of more than a line of mail survives the way."""
    world, box = mailed
    site = world.adapters.accounts.site(world.site.id)
    changed = replace(site, mail_links=True)
    world.adapters.accounts.save_site(changed, was=site, by=ADA, now_ms=1)
    comment = world.comment("toxicity=0.6 held")
    subscribe(world)
    assert jobs.remind() == 1
    press(world.client(), link_in(box, "act"), "spam")
    assert world.adapters.comments.get(comment.id).status == "spam"


def subscribe(world: World) -> None:
    wish = Subscription(channel=Channel.MAIL, address="ada@mail.example")
    world.adapters.notices.subscribe("ada", wish, now_ms=1)


def test_the_owner_of_a_channel_that_was_switched_off_is_written_to_but_not_by_that_channel(
    mailed: tuple[World, Box],
):
    world, box = mailed
    person = world.adapters.accounts.moderator("ada")
    world.adapters.tell_off(person, Subscription(channel=Channel.MAIL, address="Ada@mail.example"))
    assert jobs.write_letters() == 0
    world.adapters.tell_off(
        person, Subscription(channel=Channel.NTFY, address="https://n.example/a")
    )
    assert jobs.write_letters() == 1
    (envelope,) = box.messages
    letter = message_from_bytes(envelope.content, policy=policy.default)
    assert letter["Subject"] == "A channel for your reminders was switched off"
    assert f"{URL}/desk/notices" in letter.get_content()


def letter_in(box: Box) -> str:
    """Return the subject and the text of the letter that came last."""
    message = message_from_bytes(box.messages[-1].content, policy=policy.default)
    return f"{message['Subject']}\n{message.get_content()}"


def test_letters_are_in_the_language_of_the_browser_that_their_reader_signed_in_with(
    mailed: tuple[World, Box],
):
    world, box = mailed
    site = world.adapters.accounts.site(world.site.id)
    changed = replace(site, mail_links=True)
    world.adapters.accounts.save_site(changed, was=site, by=ADA, now_ms=1)
    subscribe(world)
    world.comment("toxicity=0.6 held")
    sign_in(world, "de-AT,en;q=0.5")
    world.adapters.ask_reset("ada")
    assert jobs.write_letters() == 1
    assert "Ein neues Passwort wählen\nJemand hat ein neues Passwort für" in letter_in(box)
    assert jobs.remind() == 1
    letter = letter_in(box)
    for words in (
        "1 Kommentar wartet auf einen Moderator",
        "demo: 1, der älteste seit",
        "Oder entscheiden Sie ohne Anmeldung.",
        "ändern oder abbestellen",
    ):
        assert words in letter
    sign_in(world, "en-GB")
    world.adapters.ask_reset("ada")
    assert jobs.write_letters() == 1
    assert "Choose a new password" in letter_in(box)


def test_who_has_not_signed_in_yet_is_written_to_in_the_installations_language(
    redis_url: str, tmp_path: Path, box: tuple[Box, int]
):
    kept, port = box
    world = make_world(
        redis_url, tmp_path, smtp_url=f"smtp://127.0.0.1:{port}", public_url=URL, language="de"
    )
    world.add_moderator("mia")
    world.adapters.accounts.set_email("mia", "mia@mail.example", by=ADA, now_ms=1)
    jobs.prepare(jobs.JobContext(world.adapters, "test:1"))
    world.adapters.invite("mia")
    assert jobs.write_letters() == 1
    assert "Eine Einladung, Kommentare zu moderieren" in letter_in(kept)
