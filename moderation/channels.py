"""The channels by which a moderator is told that comments wait, and what an address of each is."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol, Self

from email_validator import EmailNotValidError, validate_email

from moderation.errors import InvalidInput
from moderation.settings import Settings
from moderation.wording import said


def _mail_address(text: str) -> str:
    """Return *text* as a mail server takes it. A host of one's own network is as good as any."""
    try:
        sound = validate_email(
            text, check_deliverability=False, allow_smtputf8=False, globally_deliverable=False
        )
    except (EmailNotValidError, ValueError) as problem:
        raise InvalidInput(f"that is no e-mail address: {problem}") from None
    return sound.ascii_email or sound.normalized


class Channel(StrEnum):
    """A way to tell a moderator; worker/channels has a file of each name, which sends."""

    MAIL = "mail", said("E-mail address"), "smtp_url", _mail_address

    #: What the desk asks for.
    label: str
    #: The setting (:class:`~moderation.settings.Settings`) without which nothing can be sent.
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
        return bool(getattr(settings, self.needs))


class Sender(Protocol):
    """Sends by one channel."""

    def send(self, to: str, subject: str, text: str) -> None:
        """Hand a message over. Raises OSError when nobody takes it."""
        ...
