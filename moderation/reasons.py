"""Why the machine judged as it did: a code and its values, and one sentence for each code.

What is stored and sent is the code with the values; the sentence is made where somebody reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moderation.wording import Say, english, said

#: A probability is a float of 0 to 1, a count an int.
Value = str | int | float


@dataclass(frozen=True, slots=True)
class Reason:
    """A code of :data:`SENTENCES`, with a value for each place of its sentence."""

    code: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def __hash__(self) -> int:
        """Return a hash of both; a mapping has none of its own."""
        return hash((self.code, *self.values.items()))

    def to_dict(self) -> dict[str, Any]:
        """Return the reason as JSON shows it: code and values for programs, English for people."""
        return {"code": self.code, "values": dict(self.values), "text": sentence(self)}


#: What each code says. Labels have the code of their name.
SENTENCES: Mapping[str, str] = {
    # nothing was held
    "clean": said("no rule objected"),
    "staff": said("written by the blog's own staff"),
    # no score can speak for it
    "unscored": said("could not be scored; a person has to look at it"),
    "empty": said("nothing readable is left of the text"),
    # the site's lists
    "blocked_domain": said("links to the blocked domain %(domain)s"),
    "blocked_word": said("contains the blocked word “%(word)s”"),
    # labels: the score and the threshold that it reached
    "spam": said("spam %(score)s%%, from %(bar)s%%"),
    "toxicity": said("toxicity %(score)s%%, from %(bar)s%%"),
    "severe_toxicity": said("severe toxicity %(score)s%%, from %(bar)s%%"),
    "obscene": said("obscene %(score)s%%, from %(bar)s%%"),
    "threat": said("threat %(score)s%%, from %(bar)s%%"),
    "insult": said("insult %(score)s%%, from %(bar)s%%"),
    "identity_attack": said("identity attack %(score)s%%, from %(bar)s%%"),
    # what the site wants to see although no score objects
    "near_duplicate": said("%(number)s other author(s) sent nearly the same text lately"),
    "links": said("has %(number)s links, more than %(bar)s"),
    "unknown_language": said("is in a language that the model does not know"),
    "first_comment": said("is this author's first comment here"),
    "hold_all": said("the site holds every comment"),
}


def sentence(reason: Reason, say: Say = english) -> str:
    """Return what *reason* says, in the language that *say* speaks; probabilities as percentages."""
    values = {name: _shown(value) for name, value in reason.values.items()}
    return say(SENTENCES[reason.code], **values)


def _shown(value: Value) -> str:
    return f"{100 * value:.0f}" if isinstance(value, float) else str(value)
