"""Mail is handed to a real SMTP server, encrypted where a password goes with it."""

from __future__ import annotations

import smtplib

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


def test_a_password_is_not_sent_unencrypted(box: tuple[Box, int]):
    _, port = box
    mailer = SmtpMailer(f"smtp://user:secret@127.0.0.1:{port}", "winnow@blog.example")
    with pytest.raises(smtplib.SMTPNotSupportedError):
        mailer.send("ada@mail.example", "x", "y")


def test_a_server_that_is_away_is_an_os_error():
    mailer = SmtpMailer(f"smtp://127.0.0.1:{free_port()}", "winnow@blog.example")
    with pytest.raises(OSError, match="refused"):
        mailer.send("ada@mail.example", "x", "y")
