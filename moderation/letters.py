"""What letters about an account say. Their links are built from WINNOW_PUBLIC_URL alone."""

from __future__ import annotations

#: Subject and text.
Letter = tuple[str, str]


def reset(name: str, link: str) -> Letter:
    """Return the letter with a link for a new password."""
    return "Choose a new password", (
        f"Somebody asked for a new password for the moderator {name}.\n\n"
        f"If it was you, choose one here within an hour. The link works once:\n\n{link}\n\n"
        "If it was not you, do nothing: the password stays as it is.\n"
    )


def confirm(name: str, link: str) -> Letter:
    """Return the letter with a link that confirms an address."""
    return "Confirm this e-mail address", (
        f"The moderator {name} gave this as their e-mail address.\n\n"
        f"If that is you, confirm it here within a day:\n\n{link}\n\n"
        "If it is not you, do nothing: the address is not used.\n"
    )


def invite(name: str, link: str) -> Letter:
    """Return an invitation."""
    return "An invitation to moderate comments", (
        f"You are invited to moderate comments, under the name {name}.\n\n"
        f"Choose a password here within three days. The link works once:\n\n{link}\n"
    )


def changed(name: str, url: str) -> Letter:
    """Return word that a password was changed by a link."""
    return "Your password was changed", (
        f"The password of the moderator {name} was changed by a link sent to this address, and every "
        f"session of theirs has ended.\n\nIf that was not you, tell an administrator of {url}.\n"
    )


def silent(name: str, url: str) -> Letter:
    """Return word that a channel for reminders was switched off."""
    return "A channel for your reminders was switched off", (
        f"The moderator {name} has a channel that tells of waiting comments. It failed again and again, and was "
        f"switched off.\n\nWhich one, and why, is at {url}/desk/notices; saving it there switches it on again.\n"
    )


def moved(name: str, url: str) -> Letter:
    """Return word to an address that it is no longer the account's."""
    return "Your e-mail address was changed", (
        f"The moderator {name} has another e-mail address from now on; this one is no longer used.\n\n"
        f"If that was not you, tell an administrator of {url}.\n"
    )
