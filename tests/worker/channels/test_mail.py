"""Mail is handed to a real SMTP server, encrypted where a password goes with it."""

from __future__ import annotations

import smtplib
from email import message_from_bytes, policy

import pytest

from tests.support.service import free_port
from tests.worker.conftest import Box
from worker.channels.mail import SmtpMailer


def test_a_message_arrives_as_it_was_written(box: tuple[Box, int]):
    kept, port = box
    mailer = SmtpMailer(f"smtp://127.0.0.1:{port}", "winnow@blog.example")
    mailer.send("ada@mail.example", "2 comments waiting", "Look at https://winnow.example\nGrüße")
    (envelope,) = kept.messages
    assert (envelope.mail_from, envelope.rcpt_tos) == ("winnow@blog.example", ["ada@mail.example"])
    text = envelope.content.decode()
    assert "Subject: 2 comments waiting" in text
    assert "Auto-Submitted: auto-generated" in text


def test_a_long_text_is_cut_and_its_links_stay_and_a_key_names_the_message(box: tuple[Box, int]):
    kept, port = box
    mailer = SmtpMailer(f"smtp://127.0.0.1:{port}", "Winnow <winnow@blog.example>")
    mailer.send("ada@mail.example", "x", "word " * 50_000, foot="https://winnow.example", key="k-1")
    message = message_from_bytes(kept.messages[0].content, policy=policy.default)
    assert message["Message-ID"] == "<k-1@blog.example>"
    text = message.get_content()
    assert len(text) < 66_000
    assert text.rstrip().endswith("https://winnow.example")


def test_a_password_is_not_sent_unencrypted(box: tuple[Box, int]):
    _, port = box
    mailer = SmtpMailer(f"smtp://user:secret@127.0.0.1:{port}", "winnow@blog.example")
    with pytest.raises(smtplib.SMTPNotSupportedError):
        mailer.send("ada@mail.example", "x", "y")


def test_a_server_that_is_away_is_an_os_error():
    mailer = SmtpMailer(f"smtp://127.0.0.1:{free_port()}", "winnow@blog.example")
    with pytest.raises(OSError, match="refused"):
        mailer.send("ada@mail.example", "x", "y")
