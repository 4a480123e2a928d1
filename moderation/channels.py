"""The channels that tell a moderator that comments wait, and what an address of each is."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol, Self

from email_validator import EmailNotValidError, validate_email

from moderation.addresses import check_url
from moderation.errors import InvalidInput
from moderation.settings import Settings
from moderation.wording import said

_TELEGRAM = re.compile(r"[0-9]{3,20}:[A-Za-z0-9_-]{20,100}/(?:-?[0-9]{1,20}|@[A-Za-z0-9_]{3,64})")
_NTFY = re.compile(r"https://[^/]+/[A-Za-z0-9_-]{1,64}")


def _mail_address(text: str) -> str:
    """Return *text* as a mail server takes it. A host of one's own network is as good as any."""
    try:
        sound = validate_email(
            text, check_deliverability=False, allow_smtputf8=False, globally_deliverable=False
        )
    except (EmailNotValidError, ValueError) as problem:
        raise InvalidInput(f"that is no e-mail address: {problem}") from None
    return sound.ascii_email or sound.normalized


def _url_at(*hosts: str, path: str = "/") -> Callable[[str], str]:
    """Return a reader of https URLs below *path* of one of *hosts*; of any public host without any."""

    def read(text: str) -> str:
        target = check_url(text)
        if target.scheme != "https":
            raise InvalidInput("the address begins with https://")
        if hosts and (target.host not in hosts or not target.path.startswith(path)):
            raise InvalidInput(f"the address begins with https://{hosts[0]}{path}")
        return text

    return read


def _telegram_chat(text: str) -> str:
    if not _TELEGRAM.fullmatch(text):
        raise InvalidInput(
            "write the bot's token, a slash and the chat's id: 123456:ABC-def/-100123"
        )
    return text


def _ntfy_topic(text: str) -> str:
    _url_at()(text)
    if not _NTFY.fullmatch(text):
        raise InvalidInput("the address is a server and a topic, such as https://ntfy.sh/my-topic")
    return text


class Channel(StrEnum):
    """A way to tell a moderator; worker/channels has a file of each name, which sends."""

    MAIL = "mail", said("E-mail address"), "smtp_url", _mail_address
    SLACK = "slack", said("Slack webhook"), "", _url_at("hooks.slack.com", path="/services/")
    DISCORD = (
        "discord",
        said("Discord webhook"),
        "",
        _url_at("discord.com", "discordapp.com", path="/api/webhooks/"),
    )
    TELEGRAM = "telegram", said("Telegram: bot token/chat id"), "", _telegram_chat
    NTFY = "ntfy", said("ntfy topic"), "", _ntfy_topic
    WEBHOOK = "webhook", said("Another webhook"), "", _url_at()

    #: What the desk asks for.
    label: str
    #: The setting (:class:`~moderation.settings.Settings`) without which nothing can be sent; "": none.
    needs: str
    #: Returns the address that a text is, or raises InvalidInput.
    parse: Callable[[str], str]

    def __new__(
        cls, value: str, label: str = "", needs: str = "", parse: Callable[[str], str] = str
    ) -> Self:
        """Make a member of a row."""
        member = str.__new__(cls, value)
        member._value_, member.label, member.needs, member.parse = value, label, needs, parse
        return member

    def address(self, text: str) -> str:
        """Return the address that *text* is. Raises InvalidInput that names this channel."""
        try:
            return self.parse(text)
        except InvalidInput as problem:
            raise InvalidInput(str(problem), field=self) from None

    def can_send(self, settings: Settings) -> bool:
        """Tell whether this installation is set up to send by this channel."""
        return not self.needs or bool(getattr(settings, self.needs))


class Sender(Protocol):
    """Sends by one channel."""

    def send(self, to: str, subject: str, text: str) -> None:
        """Hand a message over. Raises OSError when nobody takes it."""
        ...
