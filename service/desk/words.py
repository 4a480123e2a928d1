"""The desk's translations: choice of language, and names for people of the program's codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import flask_babel
from babel import Locale, negotiate_locale
from babel.dates import format_timedelta
from flask import Flask, request

from moderation.actor import Actor
from moderation.actor import who as called
from moderation.comment import Decision
from moderation.reasons import NAMES
from moderation.site import SETTINGS
from moderation.wording import CATALOGS, ENGLISH, languages

#: Its text in the reader's language, with named values put in.
_: Callable[..., str] = flask_babel.gettext
#: The same by number: one text for one, another for more, and whatever else a language tells apart.
ngettext: Callable[..., str] = flask_babel.ngettext
#: The same for texts made before a request, such as a form's labels: a text that is looked up
#: when it is shown.
later: Callable[..., Any] = flask_babel.lazy_gettext


#: The language of the msgids, used where a browser asks for no language that is translated.
SOURCE = ENGLISH
SOURCE_LOCALE = Locale(SOURCE)


def init_app(app: Flask, translations: Path = CATALOGS) -> None:
    """Have *app* answer in the language that the browser prefers, of those in *translations*."""
    spoken = languages()

    def chosen() -> str:
        asked = [name.replace("-", "_") for name, weight in request.accept_languages if weight]
        # Not Werkzeug's best_match: for "de-AT,en;q=0.5" it finds English, as the exact one.
        return negotiate_locale(asked, spoken) or SOURCE

    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(translations)
    flask_babel.Babel(app, default_locale=SOURCE, locale_selector=chosen)
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.add_template_filter(flask_babel.format_date, "date")
    app.add_template_filter(flask_babel.format_decimal, "decimal")
    app.add_template_filter(decided, "decided")
    app.add_template_filter(lasted, "lasted")
    app.add_template_filter(who, "who")
    app.add_template_filter(word, "word")
    app.add_template_global(lang, "lang")
    app.add_template_global(policy_words, "policy_words")
    app.add_template_global(queue_words, "queue_words")


def language() -> str:
    """Return the page's language as its catalogue is named."""
    return str(flask_babel.get_locale() or SOURCE)


def lang() -> str:
    """Return the page's language as HTML names it."""
    return language().replace("_", "-")


def lasted(seconds: float) -> str:
    """Return a duration for people, to one unit."""
    duration = timedelta(seconds=round(seconds))
    return format_timedelta(duration, format="short", locale=flask_babel.get_locale() or SOURCE)


def who(actor: Actor) -> str:
    """Return the name of *actor* in the reader's language."""
    return called(actor, _)


def word(name: object) -> str:
    """Return the name for people of a label, status, setting or other code; *name* if it has none."""
    known = WORDS.get(str(name))
    return str(known) if known is not None else str(name).replace("_", " ")


#: Names for people of closed sets' values and of settings, where the same word fits in every place;
#: a word inside a sentence is translated with the whole sentence.
WORDS = {
    # labels, and why the policy held a comment or did not
    **{code: later(name) for code, name in NAMES.items()},
    # statuses
    "pending": later("pending"),
    "approved": later("approved"),
    "flagged": later("flagged"),
    "rejected": later("rejected"),
    "erased": later("erased"),
    # decisions and verdicts
    "approve": later("approve"),
    "reject": later("reject"),
    "allow": later("allow"),
    "flag": later("flag"),
    # why many comments were decided at once
    "campaign": later("cleaning up a campaign"),
    # kinds of subjects, and treatments
    "user": later("user id"),
    "email": later("e-mail"),
    "address": later("address"),
    "network": later("network"),
    "domain": later("domain"),
    "hold": later("always hold"),
    "trust": later("pass unless the model is sure"),
    "block": later("block"),
    # why a moderator decided
    "off-topic": later("off-topic"),
    "abusive": later("abusive"),
    "advertising": later("advertising"),
    "repeated": later("repeated"),
    "personal data": later("personal data"),
    "illegal": later("illegal"),
    # why else a status changes
    "edited": later("edited"),
    "revised": later("its text was changed"),
    "undo": later("taken back"),
    "retry": later("screened again"),
    "feedback": later("the blog’s feedback"),
    "import": later("import"),
    # orders of the queue
    "priority": later("priority"),
    "newest": later("newest"),
    "oldest": later("oldest"),
    # roles
    "moderator": later("moderator"),
    "admin": later("admin"),
    # where a delivery stands
    "due": later("due"),
    "delivered": later("delivered"),
    "failed": later("failed"),
    "dropped": later("dropped"),
    # what the audit trail is about
    "sign-in": later("sign-in"),
    "site": later("site"),
    "comment": later("comment"),
    "key": later("key"),
    "door": later("door"),
    "endpoint": later("endpoint"),
    "notice": later("notice"),
    "token": later("token"),
    "factor": later("second factor"),
    # settings, as the trail names them; those of a site bring their own words
    **{name.rpartition(".")[2]: later(one.label) for name, one in SETTINGS.items()},
    "hold-doubtful": later("hold-doubtful"),
    "hold-all": later("hold-all"),
    "shadow": later("shadow"),
    "kind": later("kind"),
    "hint": later("hint"),
    "role": later("role"),
    "sites": later("sites"),
    "disabled": later("disabled"),
    "enabled": later("enabled"),
    "events": later("events"),
    "description": later("description"),
    "revision": later("revision"),
    "full_payload": later("full payload"),
    "allow_private": later("allow private"),
    "expires_at": later("expires at"),
    "treatment": later("treatment"),
    "days": later("days"),
    "receipt": later("receipt"),
    "comments": later("comments"),
    "records": later("notes and treatments"),
    "decision": later("decision"),
}


def decided(decision: Decision, number: int, shown: object = None) -> str:
    """Return a sentence on a decision and its number of comments; *shown* replaces the number if given."""
    n = number if shown is None else shown
    match decision:
        case Decision.APPROVE:
            return ngettext("Approved: %(n)s comment.", "Approved: %(n)s comments.", number, n=n)
        case Decision.REJECT:
            return ngettext("Rejected: %(n)s comment.", "Rejected: %(n)s comments.", number, n=n)
        case Decision.SPAM:
            return ngettext(
                "Marked as spam: %(n)s comment.", "Marked as spam: %(n)s comments.", number, n=n
            )


def by_number(text: Callable[[int], str]) -> Mapping[str, str]:
    """Return the plural forms of *text*, by the name of the form.

    They are named as `Intl.PluralRules` of the browser names them, who then chooses.
    """
    form = (flask_babel.get_locale() or SOURCE_LOCALE).plural_form
    forms: dict[str, str] = {}
    for number in range(1, 102):
        forms.setdefault(form(number), text(number))
    return {"other": text(100), **forms}


def queue_words() -> Mapping[str, object]:
    """Return the words that the queue's script shows; it puts numbers and names for {}."""
    return {
        "undo": _("Undo"),
        "seconds": _("%(number)s s", number="{}"),
        "selected": _("Selected:"),
        "this_one": _("This one:"),
        "some_selected": by_number(
            lambda number: ngettext("%(n)s selected:", "%(n)s selected:", number, n="{}")
        ),
        "choose": _("Choose a comment first: press j, or tick its box."),
        "decided": {one: by_number(partial(decided, one, shown="{}")) for one in Decision},
        "became": {
            Decision.APPROVE: _("Approved"),
            Decision.REJECT: _("Rejected"),
            Decision.SPAM: _("Spam"),
        },
        "undone": by_number(
            lambda number: ngettext(
                "Undone: %(n)s decision.", "Undone: %(n)s decisions.", number, n="{}"
            )
        ),
        "more_to_undo": by_number(
            lambda number: ngettext("and %(n)s before it", "and %(n)s before it", number, n="{}")
        ),
        "nothing_to_undo": _("There is nothing to undo any more."),
        "waiting": _("%(number)s waiting", number="{}"),
        "on_it": _("%(name)s is on it", name="{}"),
        "became_by": _("%(status)s by %(name)s", status="{status}", name="{name}"),
        "others_decided": by_number(
            lambda number: ngettext(
                "Somebody else decided a comment.",
                "Somebody else decided %(n)s comments.",
                number,
                n="{}",
            )
        ),
    }


def policy_words() -> Mapping[str, str]:
    """Return the words that the policy's sliders show; their script puts a value for {}."""
    return {
        "slider": _("%(name)s, slider", name="{}"),
        "own": _("Model’s own"),
        "own_for": _("Model’s own for %(label)s", label="{}"),
        "never": _("never"),
        "is_own": _("%(value)s, the model’s own", value="{}"),
    }
