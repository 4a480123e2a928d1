"""What the API's views share: the catalogue, who calls, cursors and pages."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from flask import Blueprint, current_app, g, request

from moderation import texts, values
from moderation.actor import Actor
from moderation.comment import Comment
from moderation.errors import InvalidInput, NotFound
from moderation.site import Site
from service.api.describe import Catalogue, Parameter
from service.auth import Caller, Callers, caller, refuse
from service.bodies import vouched
from service.context import winnow
from service.limits import Limiter
from service.problems import raise_failed

bp = Blueprint("api", __name__, url_prefix="/v1")
api = Catalogue(bp)

LIMITER = "winnow_limiter"
CALLERS = "winnow_callers"
MAX_PAGE = 200
MAX_CURSOR = 100

LIMIT = Parameter(
    "limit", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 50}, "Items at most."
)
CURSOR = Parameter(
    "cursor", {"type": "string", "maxLength": MAX_CURSOR}, "The `next` of the page before."
)
SITE = Parameter(
    "site",
    {"type": "string", "maxLength": 100},
    "With an administrator's token: the site, by id or name. A site's key needs none.",
)


@bp.before_request
def _identify() -> None:
    """Every route of the API needs a key or a token; there is no other way in."""
    raise_failed()  # first: where storage does not answer, to look the key up again takes as long once more
    g.caller = caller(cast(Callers, current_app.extensions[CALLERS]))
    vouched()


def asking() -> Caller:
    """Return who sent this request."""
    return cast(Caller, g.caller)


def asked_site() -> Site:
    """Return the site that this request is about: the key's own, or the one the token names."""
    own = asking().site
    named = request.args.get("site", "")
    if own is None:
        if not named:
            raise InvalidInput("name the site: ?site=<id or name>", field="site")
        return winnow().accounts.site(named)
    if named and named not in {own.id, own.name}:
        raise NotFound(f"there is no site {named[:100]!r}")
    return own


def administrator() -> None:
    """Answer 403 unless the caller is an administrator."""
    if not asking().is_admin:
        refuse(403, "forbidden", "this takes an administrator's token (`./winnow token add`)")


def own_comment(comment_id: str) -> Comment:
    """Return a comment that the caller may see; answers 404 for another site's."""
    comment = winnow().comments.get(comment_id)
    if not asking().may_see(comment.site_id):
        raise NotFound(f"there is no comment {comment_id[:64]}")
    return comment


def spend(cost: int = 1) -> None:
    """Count *cost* comments against the site's rate; answers 429 when that is too much."""
    site = asking().site
    if site is not None:
        cast(Limiter, current_app.extensions[LIMITER]).spend(site.id, cost)


def number(name: str, default: int, most: int, least: int = 1) -> int:
    """Return a whole number of the query."""
    text = request.args.get(name)
    if text is None:
        return default
    return values.whole(text, field=name, least=least, most=most)


def text(name: str, longest: int = MAX_CURSOR) -> str | None:
    """Return a text of the query, None when it is not there."""
    given = request.args.get(name)
    if given is not None and len(given) > longest:
        raise InvalidInput(f"{name} has at most {longest} characters", field=name)
    texts.check(given or "", field=name)
    return given or None


def actor(named: str = "") -> Actor:
    """Return who acts, for the record: the caller's key or token, and whom the caller names."""
    return replace(asking().actor, name=named)
