"""Deciding by a link in an e-mail: the page that it opens, and the one press."""

from __future__ import annotations

from typing import Any

from flask import g, request
from werkzeug.exceptions import TooManyRequests

from moderation import values
from moderation.comment import Comment, Decision
from moderation.errors import Conflict, NotFound
from moderation.lists import domains_in
from moderation.moderators import Moderator
from service.context import winnow
from service.desk import throttle
from service.desk.base import bp
from service.desk.pages import page
from service.desk.words import _

#: Characters of a text that the page shows.
_LONGEST = 5000
_MOST_VERSIONS = 2**53


@bp.route("/act/<token>", methods=["GET", "POST"])
def act(token: str) -> Any:
    """Show a comment and ask for one press; a GET decides nothing, since scanners open links."""
    context = winnow()
    g.moderator = None  # not the moderator of this browser's session: the link's owner acts
    try:
        throttle.spend_act()
        person, comment = context.opened_by_mail(token)
        if request.method != "POST":
            return _shown(person, comment)
        comment = context.decide_by_mail(
            token,
            Decision(request.form.get("decision", "")),
            version=values.whole_or(0, request.form.get("version", ""), most=_MOST_VERSIONS),
        )
    except TooManyRequests as refused:
        wait = str(refused.retry_after)
        detail = _("Too many attempts. Try again in %(number)s seconds.", number=wait)
        return _problem(detail), 429, {"Retry-After": wait}
    except NotFound:
        detail = _("This link is too old, or was revoked. Sign in at the desk to decide.")
        return _problem(detail), 404
    except ValueError:
        return _problem(_("Press one of the buttons.")), 400
    except Conflict:
        person, comment = context.opened_by_mail(token)
        return _shown(person, comment, changed=True), 409
    return _shown(person, comment)


def _shown(person: Moderator, comment: Comment, *, changed: bool = False) -> str:
    context = winnow()
    return page(
        "act.html",
        person=person,
        comment=comment,
        site=context.accounts.site(comment.site_id),
        waits=context.waits(comment),
        changed=changed,
        longest=_LONGEST,
        domains=sorted(domains_in(comment.content).hosts),
    )


def _problem(detail: str) -> str:
    return page("problem.html", title=_("That did not work"), detail=detail, here=True)
