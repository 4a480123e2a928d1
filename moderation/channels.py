"""The channels that tell a moderator that comments wait, what an address of each is, and what fits into a message."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol, Self
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

from moderation.addresses import check_url
from moderation.errors import InvalidInput
from moderation.settings import Settings
from moderation.wording import said

_TELEGRAM = re.compile(r"[0-9]{3,20}:[A-Za-z0-9_-]{20,100}/(?:-?[0-9]{1,20}|@[A-Za-z0-9_]{3,64})")
#: A homeserver, the id of a room (from version 12 of rooms on without a server), an access token.
_MATRIX = re.compile(r"(https://\S{1,500}) (![!-~]{1,255}) ([!-~]{8,1000})")
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


def _matrix_room(text: str) -> str:
    found = _MATRIX.fullmatch(" ".join(text.split()))
    if found is None:
        raise InvalidInput(
            "write the homeserver, the room's id and an access token with spaces between: "
            "https://matrix.example.org !room:example.org syt_abc"
        )
    server, room, token = found.groups()
    if check_url(server).path.rstrip("/"):
        raise InvalidInput("the homeserver is an address without a path")
    return f"{server.rstrip('/')} {room} {token}"


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
    MATRIX = "matrix", said("Matrix: homeserver, room id and access token"), "", _matrix_room
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

    def shown(self, address: str) -> str:
        """Return what may be shown of an address: of all but e-mail no token, and of that no more than its end."""
        if self is Channel.MAIL:
            return address
        host = urlsplit(address.partition(" ")[0]).hostname if "://" in address else ""
        return f"{host}…{address[-4:]}" if host else f"…{address[-4:]}"

    def can_send(self, settings: Settings) -> bool:
        """Tell whether this installation is set up to send by this channel."""
        return not self.needs or bool(getattr(settings, self.needs))


class Refused(OSError):
    """Raised when a service refuses a message until somebody changes the address, its token or a right."""


class Gone(Refused):
    """Raised when nobody will take a message at an address any more."""


class Sender(Protocol):
    """Sends by one channel."""

    def send(self, to: str, subject: str, text: str, *, foot: str = "", key: str = "") -> None:
        """Hand a message over. *text* is cut to what the channel takes, *subject* and *foot* are not.

        A message sent twice under one *key*, since the answer was lost, arrives once where the channel
        can do that. Raises OSError when nobody takes it, :class:`Refused` when nobody will unless a person
        changes something, and :class:`Gone` when nobody ever will.
        """
        ...


def fitted(text: str, foot: str, most: int, size: Callable[[str], int] = len) -> str:
    """Return *text* and *foot*, the first cut at a word so that both are of *most* at most by *size*."""
    tail = f"\n\n{foot}" if foot else ""
    if size(text + tail) <= most:
        return text + tail
    room = most - size(f"\n…{tail}")
    low, high = 0, min(len(text), max(0, room))
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(text[:middle]) <= room else (low, middle - 1)
    begin = text[:low]
    whole = max(begin.rfind(" "), begin.rfind("\n"))
    return f"{begin[:whole] if whole > low // 2 else begin}\n…{tail}"
