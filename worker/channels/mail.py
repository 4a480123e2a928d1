"""Sends e-mail by SMTP."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from moderation.channels import fitted
from moderation.settings import Settings

_TIMEOUT_SECONDS = 15.0
#: Characters of a text.
_LONGEST = 65_536
_PORTS = {"smtp": 587, "smtps": 465}


def sender(settings: Settings) -> SmtpMailer:
    """Return what sends by the mail server of *settings*."""
    return SmtpMailer(settings.smtp_url, settings.mail_from)


class SmtpMailer:
    """Hands messages to the server of a URL: ``smtp://user:password@host:587`` or ``smtps://...``.

    With ``smtp`` the connection is encrypted if the server offers it, and a password is never sent
    without; with ``smtps`` it is encrypted from the start.
    """

    def __init__(self, url: str, sender: str) -> None:
        """Send as *sender*."""
        self._url = urlsplit(url)
        self._sender = sender

    def send(self, to: str, subject: str, text: str, *, foot: str = "", key: str = "") -> None:
        """Hand a message to the mail server. Raises OSError when it takes none."""
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = to
        message["Subject"] = subject
        message["Date"] = formatdate()
        domain = self._sender.rpartition("@")[2].rstrip(">") or "winnow"
        message["Message-ID"] = f"<{key}@{domain}>" if key else make_msgid(domain=domain)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(fitted(text, foot, _LONGEST))
        host, port = self._url.hostname or "localhost", self._url.port or _PORTS[self._url.scheme]
        context = ssl.create_default_context()
        with (
            smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_SECONDS, context=context)
            if self._url.scheme == "smtps"
            else smtplib.SMTP(host, port, timeout=_TIMEOUT_SECONDS)
        ) as server:
            server.ehlo()
            if self._url.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            elif self._url.scheme == "smtp" and self._url.username:
                raise smtplib.SMTPNotSupportedError(
                    "the server offers no encryption for a password"
                )
            if self._url.username:
                server.login(unquote(self._url.username), unquote(self._url.password or ""))
            server.send_message(message)
