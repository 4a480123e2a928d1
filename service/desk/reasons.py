"""Why a comment was held or decided, in the reader's language.

The policy and the model say why in English sentences, which are kept with the comment as they were
said; here they are known again when they are shown.
"""

from __future__ import annotations

import re

from service.desk.words import WORDS, _, word


def said(text: str) -> str:
    """Return *text* as it is; the name marks it for `make words`."""
    return text


#: What is said in the same words each time.
FIXED = {
    # by the policy
    said("written by the blog's own staff"),
    said("could not be scored; a person has to look at it"),
    said("nothing readable is left of the text"),
    said("is in a language that the model does not know"),
    said("is this author's first comment here"),
    said("the site holds every comment"),
    said("no rule objected"),
    # by the model
    said("has a link"),
    said("has many links"),
    said("links to several different domains"),
    said("hides a link behind a shortener"),
    said("is mostly links"),
    said("shows another address than its link goes to"),
    said("has links in HTML"),
    said("has links in forum markup"),
    said("ends with a link"),
    said("names a web address without a link"),
    said("links to a bare IP address"),
    said("links to a long, hyphenated or cheap domain"),
    said("gives an e-mail address"),
    said("gives a telephone number"),
    said("asks to be contacted by a messenger"),
    said("speaks of sums of money"),
    said("repeats itself"),
    said("is in capital letters"),
    said("is full of exclamation marks"),
    said("is full of digits"),
    said("is mostly in letters other than Latin ones"),
    said("contains invisible characters"),
    said("mixes alphabets within words"),
    said("is full of pictograms"),
    said("is very short"),
    said("its length"),
    said("is short and says nothing particular"),
    said("its author's name reads like a search term"),
    said("its author's name is a web address"),
    said("its author's name is the text of a link"),
    said("its author's e-mail domain is a throw-away one"),
    said("links to its author's own web address"),
    said("its author's web address is long, hyphenated or cheap"),
    said("its author's web address is a page deep inside a site"),
    said("is a trackback or pingback of another page"),
    said("contains text that readers can't see"),
    said("contains a link that readers can't see"),
    said("links to a well-known place, and nowhere else"),
    said("filled in a field that people don't see"),
    said("was sent within three seconds"),
    said("was sent in nearly the same words by others"),
}
#: What is said with a value in it.
FILLED = (
    # by the policy
    said("%(label)s %(score)s%%, from %(bar)s%%"),
    said("links to the blocked domain %(domain)s"),
    said("contains the blocked word “%(word)s”"),
    said("%(number)s other author(s) sent nearly the same text lately"),
    said("has %(number)s links, more than %(bar)s"),
    # by the model
    said("says “%(word)s”"),
)


def _form(sentence: str) -> re.Pattern[str]:
    """Return what finds the values that *sentence* was filled with."""
    pieces = re.split(r"%\((\w+)\)s", sentence)
    for at, piece in enumerate(pieces):
        pieces[at] = f"(?P<{piece}>.+)" if at % 2 else re.escape(piece.replace("%%", "%"))
    return re.compile("".join(pieces), re.DOTALL)


FORMS = {sentence: _form(sentence) for sentence in FILLED}


def because(reason: str) -> str:
    """Return why something was decided; *reason* as it is if those are a person's own words."""
    if reason in FIXED:
        return _(reason)
    for sentence, form in FORMS.items():
        if found := form.fullmatch(reason):
            values = found.groupdict()
            if "label" in values:
                values["label"] = word(values["label"].replace(" ", "_"))
            return _(sentence, **values)
    return word(reason) if reason in WORDS else reason
