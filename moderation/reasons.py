"""Why the machine judged as it did: a code and its values, and one sentence for each code.

Stored and sent are the code and the values; the sentence is made where somebody reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moderation.scores import Label
from moderation.wording import Say, english, said

#: A probability is a float of 0 to 1, a count an int.
Value = str | int | float


@dataclass(frozen=True, slots=True)
class Reason:
    """A code of :data:`SENTENCES`, with a value for each place of its sentence."""

    code: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def __hash__(self) -> int:
        """Return a hash of both; a mapping has no hash."""
        return hash((self.code, *self.values.items()))

    @property
    def comments(self) -> tuple[str, ...]:
        """The ids of the comments that it speaks of."""
        return tuple(str(self.values.get("ids", "")).split())

    def to_dict(self) -> dict[str, Any]:
        """Return the reason as JSON shows it: code and values for programs, English for people."""
        return {"code": self.code, "values": dict(self.values), "text": sentence(self)}


#: Each code: its sentence, and what a list of reasons calls it. A label has the code of its name.
_ROWS: Mapping[str, tuple[str, str]] = {
    # nothing was held
    "clean": (said("no rule objected"), said("nothing objected")),
    "staff": (said("written by the blog's own staff"), said("the blog’s own staff")),
    # no score can decide it
    "unscored": (said("could not be scored; a person has to look at it"), said("unscored")),
    "empty": (said("nothing readable is left of the text"), said("empty")),
    # the site's lists
    "blocked_domain": (said("links to the blocked domain %(domain)s"), said("blocked domain")),
    "blocked_word": (said("contains the blocked word “%(word)s”"), said("blocked word")),
    # what moderators said of an author, an address or a domain
    "author_blocked": (
        said("its author, address or domain is blocked by a moderator"),
        said("author blocked"),
    ),
    "author_held": (
        said("a moderator wants to see everything from this author, address or domain"),
        said("author held"),
    ),
    "author_trusted": (
        said("a moderator trusts this author, and the model is not sure against it"),
        said("author trusted"),
    ),
    # labels: the score and the threshold that it reached
    **{label.value: (said("%(label)s %(score)s%%, from %(bar)s%%"), label.word) for label in Label},
    # an addition to labels
    "disputed": (
        said("high enough to reject, but its single words do not show it"),
        said("readings disagree"),
    ),
    # what the site wants to see although no score objects
    "near_duplicate": (
        said("%(number)s other author(s) sent nearly the same text lately"),
        said("near duplicate"),
    ),
    "links": (said("has %(number)s links, more than %(bar)s"), said("links")),
    "partly_read": (
        said("is too long to be read whole: only its beginning and its end were"),
        said("not read whole"),
    ),
    "unknown_language": (
        said("is in a language that the model does not know"),
        said("unknown language"),
    ),
    "first_comment": (said("is this author's first comment here"), said("first comment")),
    "hold_all": (said("the site holds every comment"), said("hold all")),
    # what the site's own head moved: decided comments that it is like, named by "ids"
    "like_spam": (
        said("like %(number)s comment(s) that you marked as spam"),
        said("like spam of before"),
    ),
    "like_reject": (
        said("like %(number)s comment(s) that you rejected"),
        said("like what you rejected"),
    ),
    "like_approve": (
        said("like %(number)s comment(s) that you approved"),
        said("like what you approved"),
    ),
    # what chance picked, whatever the machine thought of it
    "second_look": (said("a person is to look at it"), said("to be looked at")),
}

_LABELS = frozenset(map(str, Label))

#: What each code says, and what it is called.
SENTENCES: Mapping[str, str] = {code: sentence for code, (sentence, _) in _ROWS.items()}
NAMES: Mapping[str, str] = {code: name for code, (_, name) in _ROWS.items()}


def sentence(reason: Reason, say: Say = english) -> str:
    """Return what *reason* says, in the language that *say* speaks; probabilities as percentages."""
    values = {name: _shown(value) for name, value in reason.values.items()}
    if reason.code in _LABELS:
        values["label"] = say(NAMES[reason.code])
    return say(SENTENCES[reason.code], **values)


def _shown(value: Value) -> str:
    return f"{100 * value:.0f}" if isinstance(value, float) else str(value)
