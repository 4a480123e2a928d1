"""A site, its settings and its doors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Self

from moderation.errors import InvalidInput
from moderation.fields import (
    Choices,
    Flag,
    Line,
    Lines,
    Numbers,
    Setting,
    Whole,
    check_settings,
    load_settings,
    setting,
    settings_of,
)
from moderation.policy import Policy
from moderation.wording import said

#: A hundred years: longer than any retention needs, and still a date.
MAX_DAYS = 36_500
#: Texts that a site saves for its moderators, and characters of each, at most.
MOST_SAVED, LONGEST_SAVED = 50, 1000


class Door(StrEnum):
    """A drop-in façade that a site may switch on; service/doors has a file of each name."""

    AKISMET = "akismet", said("Akismet: WordPress and whatever else speaks Akismet")
    PERSPECTIVE = "perspective", said("Perspective: clients of Google’s comment analyzer")
    OPENAI = "openai", said("OpenAI: clients of its moderation endpoint")
    CHAT = "chat", said("Chat: comment systems that ask a language model about spam")
    MATRIX = "matrix", said("Matrix: Synapse with the module synapse-http-antispam")
    CORAL = "coral", said("Coral: its external moderation phase, with the signing secret it shows")

    #: What the desk calls it.
    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        """Make a member of a row."""
        member = str.__new__(cls, value)
        member._value_, member.label = value, label
        return member


@dataclass(frozen=True, slots=True)
class Retention:
    """Days for which a settled comment's text, and then its bare verdict, are kept."""

    text_days: Mapping[str, int] = setting(
        Numbers(
            ("approved", "flagged", "rejected", "spam"),
            0,
            MAX_DAYS,
            whole=True,
            fault=f"days are between 0 and {MAX_DAYS}",
        ),
        lambda: {"approved": 90, "rejected": 30, "spam": 15, "flagged": 365},
        said("Days that texts are kept"),
        said("Counted from the moment at which a comment got its status."),
    )
    verdict_days: int = setting(
        Whole(0, MAX_DAYS),
        400,
        said("All the rest of a comment"),
        said("Then nothing of the comment is left, whatever is said above."),
    )

    def check(self) -> None:
        """Raise InvalidInput that names the first setting that cannot be."""
        check_settings(self)


def _check_saved(lines: Sequence[str]) -> None:
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_SAVED:
            raise InvalidInput(f"line {number} has more than {LONGEST_SAVED:,} characters")


@dataclass(frozen=True, slots=True)
class Site:
    """A blog that sends its comments; the tenant."""

    id: str
    name: str = setting(Line(100, required=True), MISSING, said("Name"))
    url: str = setting(
        Line(2000), "", said("Address"), said("Where its readers find it: https://…")
    )
    created_at: int = 0
    policy: Policy = field(default_factory=Policy)
    retention: Retention = field(default_factory=Retention)
    doors: tuple[Door, ...] = setting(
        Choices({door: door.label for door in Door}),
        (Door.AKISMET, Door.PERSPECTIVE, Door.OPENAI, Door.CHAT),
        said("Open to this site"),
    )
    record_doors: bool = setting(
        Flag(),
        False,  # noqa: FBT003 - the default
        said("Also record what Perspective’s and OpenAI’s clients have scored"),
        said(
            "They only ask for scores. Recorded, their comments show up here and count as comments."
        ),
    )
    quote_comments: bool = setting(
        Flag(),
        False,  # noqa: FBT003 - the default
        said("Comment text in notifications"),
        said(
            "Moderators may then have the beginning of new comments sent to them by e-mail, chat or "
            "webhook: it leaves this machine."
        ),
    )

    edits: bool = setting(
        Flag(),
        False,  # noqa: FBT003 - the default
        said("Moderators may edit comments"),
        said(
            "Only for a blog that shows the text that Winnow sends it, as our WordPress plugin does: "
            "one that publishes its own copy would show what a moderator took out."
        ),
    )
    replies: bool = setting(
        Flag(),
        False,  # noqa: FBT003 - the default
        said("Moderators may reply as the site’s owner"),
        said(
            "The blog publishes their replies under the comment. It needs an endpoint that hears "
            "reply.requested, as our WordPress plugin’s does."
        ),
    )
    saved_texts: tuple[str, ...] = setting(
        Lines(MOST_SAVED, LONGEST_SAVED, readable=_check_saved, rows=4),
        (),
        said("Saved texts"),
        said("One a line. Moderators put them into a reply or a note with two clicks."),
    )
    mail_links: bool = setting(
        Flag(),
        False,  # noqa: FBT003 - the default
        said("Links in e-mails by which moderators decide"),
        said(
            "Notifications then carry a link for each new comment, to the confirmed address of a "
            "moderator: it shows the comment and takes one press, without signing in. Anyone who reads that "
            "mailbox can decide."
        ),
    )

    def check(self) -> None:
        """Raise InvalidInput that names the first setting that cannot be."""
        check_settings(self)
        for name, part in (("policy", self.policy), ("retention", self.retention)):
            try:
                part.check()
            except InvalidInput as problem:
                raise InvalidInput(str(problem), field=f"{name}.{problem.field}") from None

    def to_dict(self) -> dict[str, Any]:
        """Return the site as JSON keeps and shows it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Rebuild what :meth:`to_dict` gave."""
        return cls(
            id=stored["id"],
            created_at=stored.get("created_at", 0),
            policy=Policy.from_dict(stored.get("policy", {})),
            retention=Retention(**load_settings(Retention, stored.get("retention", {}))),
            **load_settings(cls, stored),
        )


#: Each setting of a site by its dotted name, as the audit trail and ``winnow site set`` name it.
SETTINGS: Mapping[str, Setting] = {
    prefix + one.name: one
    for owner, prefix in ((Site, ""), (Policy, "policy."), (Retention, "retention."))
    for one in settings_of(owner)
}


def value_at(values: Any, name: str) -> Any:
    """Return the value of the dotted *name* in a site as JSON shows it."""
    for part in name.split("."):
        values = values[part]
    return values


def changed_site(site: Site, typed: Sequence[tuple[str, str]]) -> Site:
    """Return *site* with each named setting as a person typed it. Raises InvalidInput that names it."""
    for name, text in typed:
        if name not in SETTINGS:
            near = get_close_matches(name[:100], SETTINGS, n=1) or [
                one for one in SETTINGS if one.rpartition(".")[2] == name
            ]
            meant = f"; did you mean {' or '.join(near)}?" if near else ""
            raise InvalidInput(f"there is no setting {name[:100]!r}{meant}", field=name[:100])
        try:
            value = SETTINGS[name].kind.parse(text)
        except InvalidInput as problem:
            raise InvalidInput(f"{name}: {problem}", field=name) from None
        part, _, last = name.rpartition(".")
        if part == "retention" and isinstance(value, Mapping):  # no other place has the rest
            value = {**site.retention.text_days, **value}
        changes = {last: value}
        site = replace(site, **{part: replace(getattr(site, part), **changes)} if part else changes)
    site.check()
    return site
