"""What letters about an account say. Their links are built from WINNOW_PUBLIC_URL alone."""

from __future__ import annotations

from moderation.wording import Speaker

#: Subject and text.
Letter = tuple[str, str]


def reset(name: str, link: str, words: Speaker) -> Letter:
    """Return the letter with a link for a new password."""
    return words.gettext("Choose a new password"), _text(
        words.gettext("Somebody asked for a new password for the moderator %(name)s.", name=name),
        words.gettext("If it was you, choose one here within an hour. The link works once:"),
        link,
        words.gettext("If it was not you, do nothing: the password stays as it is."),
    )


def confirm(name: str, link: str, words: Speaker) -> Letter:
    """Return the letter with a link that confirms an address."""
    return words.gettext("Confirm this e-mail address"), _text(
        words.gettext("The moderator %(name)s gave this as their e-mail address.", name=name),
        words.gettext("If that is you, confirm it here within a day:"),
        link,
        words.gettext("If it is not you, do nothing: the address is not used."),
    )


def invite(name: str, link: str, words: Speaker) -> Letter:
    """Return an invitation."""
    return words.gettext("An invitation to moderate comments"), _text(
        words.gettext("You are invited to moderate comments, under the name %(name)s.", name=name),
        words.gettext("Choose a password here within three days. The link works once:"),
        link,
    )


def changed(name: str, url: str, words: Speaker) -> Letter:
    """Return word that a password was changed by a link."""
    return words.gettext("Your password was changed"), _text(
        words.gettext(
            "The password of the moderator %(name)s was changed by a link sent to this address, and "
            "every session of theirs has ended.",
            name=name,
        ),
        words.gettext("If that was not you, tell an administrator of %(url)s.", url=url),
    )


def silent(name: str, url: str, words: Speaker) -> Letter:
    """Return word that a channel for reminders was switched off."""
    return words.gettext("A channel for your reminders was switched off"), _text(
        words.gettext(
            "The moderator %(name)s has a channel that tells of waiting comments. It failed again and "
            "again, and was switched off.",
            name=name,
        ),
        words.gettext(
            "Which one, and why, is at %(url)s; saving it there switches it on again.",
            url=f"{url}/desk/notices",
        ),
    )


def moved(name: str, url: str, words: Speaker) -> Letter:
    """Return word to an address that it is no longer the account's."""
    return words.gettext("Your e-mail address was changed"), _text(
        words.gettext(
            "The moderator %(name)s has another e-mail address from now on; this one is no longer "
            "used.",
            name=name,
        ),
        words.gettext("If that was not you, tell an administrator of %(url)s.", url=url),
    )


def _text(*paragraphs: str) -> str:
    return "\n\n".join(paragraphs) + "\n"
