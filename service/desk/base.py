"""What the desk's pages share: who is signed in, CSRF, sites, and how text is shown."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlsplit

import regex
from flask import Blueprint, abort, current_app, flash, g, redirect, request, session, url_for
from flask_wtf.csrf import CSRFError, CSRFProtect, validate_csrf
from markupsafe import Markup
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response
from wtforms.validators import ValidationError

from moderation import texts
from moderation.actor import Actor, moderator
from moderation.comment import Comment, Status
from moderation.errors import InvalidInput, NotFound, WinnowError
from moderation.moderators import Moderator, Role
from moderation.site import Site
from moderation.store.accounts.desk import Desk
from service.bodies import at_the_gate, check_fields, limit_of, vouched
from service.context import winnow
from service.desk.pages import page
from service.desk.words import _, ngettext, who
from service.problems import problem_of_bug, problem_of_http

bp = Blueprint(
    "desk",
    __name__,
    url_prefix="/desk",
    template_folder="templates",
    static_folder="static",
)
csrf = CSRFProtect()

DESK = "winnow_desk"
#: Longest part of a field's name that an error message repeats, in characters.
_LONGEST_NAME = 50
#: Invisible characters that are shown as they are: line ends, tabs, and the joiner of emoji.
_PLAIN = frozenset("\n\t\u200d")
_PLAIN_TO_SPACES = dict.fromkeys(map(ord, _PLAIN), " ")
#: What stands on one letter beyond eight marks. A taller stack is painted over the lines around it; no spelling has one.
_STACK = regex.compile(r"[\p{Mn}\p{Me}]{8}\K[\p{Mn}\p{Me}]+")


class NoSites(Exception):
    """Raised when there is no site that the signed-in moderator may see."""


#: Pages that a link in a letter leads to.
_LINKED = ("invitation", "reset", "address", "act")
#: Pages that anybody may open.
_OPEN = frozenset(
    f"desk.{name}" for name in ("sign_in", "second", "static", "feed", "lost_password", *_LINKED)
)
#: Pages whose URL is a secret: they send no Referer, and search engines may not index them.
_SECRET = frozenset(f"desk.{name}" for name in _LINKED)
#: The only pages open to a moderator who must set up a second factor first.
_UNSECURED = frozenset(
    f"desk.{name}"
    for name in (
        "account", "begin_app", "confirm_app", "renew_codes", "password", "sign_in", "sign_out",
        "second", *_LINKED,
    )
)  # fmt: skip
#: The only pages open to a moderator who must first change a password that somebody else chose.
_UNCHANGED = frozenset({"desk.password", "desk.sign_out", "desk.sign_in", *_SECRET})


def desk() -> Desk:
    """Return the desk's own store."""
    return cast(Desk, current_app.extensions[DESK])


def me() -> Moderator:
    """Return the moderator who is signed in."""
    return cast(Moderator, g.moderator)


def myself() -> Actor:
    """Return the moderator who is signed in as the actor of histories and the audit trail."""
    return moderator(me().name)


def root() -> Response:
    """Redirect / to the desk."""
    return redirect(url_for("desk.queue"))


@bp.before_request
def _identify() -> Response | None:
    """Refuse requests without a session, and forms without a valid CSRF token."""
    if request.endpoint == "desk.static":
        return None
    g.moderator = _signed_in()
    if g.moderator is None and request.endpoint not in _OPEN:
        following = request.full_path if request.method == "GET" else None
        return redirect(url_for("desk.sign_in", next=following))
    if g.moderator:
        vouched()
    if at_the_gate():
        return None
    if request.method not in {"GET", "HEAD", "OPTIONS"}:
        request.max_form_memory_size = limit_of(request.endpoint)
        check_fields()
        if request.endpoint in _SECRET:
            _own_form()
        else:
            csrf.protect()
    for name, value in (*request.args.items(multi=True), *request.form.items(multi=True)):
        texts.check(value, field=name[:_LONGEST_NAME])
    if g.moderator and g.moderator.must_change_password and request.endpoint not in _UNCHANGED:
        return redirect(url_for("desk.password"))
    if g.moderator and request.endpoint not in _UNSECURED and _needs_second(g.moderator):
        flash(_("Set up a second factor first: this Winnow wants one."), "problem")
        return redirect(url_for("desk.account"))
    return None


def _needs_second(person: Moderator) -> bool:
    """Tell whether a moderator must set up a second factor before using the desk."""
    context = winnow()
    match context.settings.second_factor:
        case "everyone":
            wanted = True
        case "admins":
            wanted = person.role is Role.ADMIN
        case _:
            wanted = False
    return wanted and not context.accounts.has_factors(person.name)


@bp.after_request
def _private(response: Response) -> Response:
    """Forbid caches to store pages: they hold comments."""
    if request.endpoint != "desk.static":
        response.headers["Cache-Control"] = "private, no-store"
        response.vary.add("Accept-Language")
    if request.endpoint in _SECRET:
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _own_form() -> None:
    """Check a form's CSRF token alone, without the Referer: browsers send none from these pages."""
    try:
        validate_csrf(request.form.get("csrf_token"))
    except ValidationError as problem:
        raise CSRFError(str(problem)) from None


def _signed_in() -> Moderator | None:
    token = session.get("token")
    if not token:
        return None
    context = winnow()
    try:
        name, epoch = desk().session(token, now_ms=context.clock.now_ms())
        person, now = context.accounts.present(name)
        if now != epoch:
            raise NotFound("the session was revoked")
        return person
    except NotFound:
        session.clear()
        return None


@bp.errorhandler(WinnowError)
def _refused(error: WinnowError) -> Any:
    status = 409
    if isinstance(error, NotFound):
        status = 404
    if isinstance(error, InvalidInput):
        status = 422
    if getattr(error, "retry_after", None) is not None:
        status = 503
    return page("problem.html", title=_("That did not work"), detail=str(error)), status


@bp.errorhandler(CSRFError)
def _forged(_error: CSRFError) -> Any:
    detail = _("This form is too old or did not come from here. Go back, reload, and try again.")
    return page("problem.html", title=_("Please try again"), detail=detail), 400


def lost(error: HTTPException) -> Any:
    """Answer 404 and 405 with a page for browsers, and with a problem document for other clients."""
    if not request.path.startswith(f"{bp.url_prefix}/"):
        return problem_of_http(error)
    detail = _("There is no such page. What was linked here may be gone.")
    return (
        page("problem.html", title=_("Not found"), detail=detail),
        error.code or 404,
        _kept(error),
    )


@bp.errorhandler(HTTPException)
def _declined(error: HTTPException) -> Any:
    """Return the page for an HTTP error that Flask raised."""
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error
    detail = _("Winnow could not use what this page sent (error %(number)s).", number=error.code)
    return (
        page("problem.html", title=_("That did not work"), detail=detail),
        error.code,
        _kept(error),
    )


def _kept(error: HTTPException) -> list[tuple[str, str]]:
    """Return the headers of *error* that its page has, too."""
    return [(k, v) for k, v in error.get_headers() if k in {"Allow", "Retry-After"}]


@bp.errorhandler(Exception)
def _bug(error: Exception) -> Any:
    """Return the page for a bug of ours, without details."""
    answer = problem_of_bug(error)
    detail = _("Something went wrong on our side; it was logged. Nothing more is known here.")
    return page("problem.html", title=_("That did not work"), detail=detail), answer.status_code


@bp.errorhandler(403)
def _forbidden(_error: Exception) -> Any:
    detail = _("Only an administrator may do this.")
    return page("problem.html", title=_("Not allowed"), detail=detail), 403


def administrator() -> None:
    """Answer 403 unless the moderator is an admin."""
    if me().role is not Role.ADMIN:
        abort(403)


def my_sites() -> list[Site]:
    """Return the sites that the moderator may see."""
    return [site for site in winnow().accounts.sites() if me().sees(site.id)]


def my_site(id_or_name: str) -> Site:
    """Return a site that the moderator may see. Raises NotFound for any other."""
    site = winnow().accounts.site(id_or_name)
    if not me().sees(site.id):
        raise NotFound(_("there is no site %(name)s", name=repr(id_or_name[:100])))
    return site


def asked_site() -> Site:
    """Return the site that the URL names, else the site with most flagged comments. Raises NoSites."""
    if named := request.args.get("site"):
        return my_site(named)
    sites = my_sites()
    if not sites:
        raise NoSites
    comments = winnow().comments
    return max(sites, key=lambda site: comments.counts(site.id)[Status.FLAGGED])


def my_comment(comment_id: str) -> Comment:
    """Return a comment that the moderator may see. Raises NotFound for any other."""
    comment = winnow().comments.get(comment_id)
    if not me().sees(comment.site_id):
        raise NotFound(_("there is no comment %(id)s", id=comment_id[:64]))
    return comment


def digest_of(values: Mapping[str, Any]) -> str:
    """Return a digest of settings that changes when they change.

    A form sends it back, so that a save is refused where somebody else saved in between.
    """
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:32]


def changed_meanwhile(subject: str, action: str) -> str:
    """Return a sentence on who changed a site, endpoint or moderator since its form was rendered."""
    latest = winnow().accounts.audit(about=subject, action=action, limit=1)
    name = who(latest[0].by) if latest else _("Somebody")
    return _("%(name)s changed these settings meanwhile.", name=name)


def shown(text: str) -> Markup:
    """Return *text* escaped, with invisible characters replaced by their names.

    Bidirectional controls, zero-width and control characters could make a text look like another
    one; a moderator sees them by name. Of more than eight marks on one letter the number of the rest is shown.
    """
    text = str(text)  # of markup, too, each letter is escaped
    pieces, end = [], 0
    for stack in _STACK.finditer(text):
        rest = Markup('<span class="unseen">+{}</span>').format(len(stack[0]))
        pieces += [_visible(text[end : stack.start()]), rest]
        end = stack.end()
    return Markup("").join([*pieces, _visible(text[end:])])


def _visible(text: str) -> Markup:
    if text.translate(_PLAIN_TO_SPACES).isprintable():  # letter by letter takes five times as long
        return Markup.escape(text)
    pieces = []
    for letter in text:
        if letter in _PLAIN or unicodedata.category(letter) not in {"Cc", "Cf", "Co", "Cs", "Cn"}:
            pieces.append(Markup.escape(letter))
        else:
            name = unicodedata.name(letter, f"U+{ord(letter):04X}").lower()
            mark = Markup('<span class="unseen" title="{}">{:04X}</span>')
            pieces.append(mark.format(name, ord(letter)))
    return Markup("").join(pieces)


def cut(text: str, longest: int) -> str:
    """Return *text* with *longest* characters at most, the last an ellipsis where some are missing."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def in_words(value: object) -> str:
    """Return a setting's value in words, for people."""
    match value:
        case None:
            return _("none")
        case bool():
            return _("yes") if value else _("no")
        case list() | tuple():
            return ", ".join(map(str, value)) or _("nothing")
        case _:
            return str(value) if value != "" else _("nothing")


def blog_link(address: str, blog: str) -> str:
    """Return *address* if the desk may link to it, else "".

    The blog vouches for the address of its posts; where a site has an address, only pages of that
    host are linked.
    """
    try:
        target, home = urlsplit(address), urlsplit(blog)
    except ValueError:
        return ""
    if target.scheme not in {"http", "https"} or not target.hostname or target.username:
        return ""
    same = not home.hostname or target.hostname.removeprefix("www.") == home.hostname.removeprefix(
        "www."
    )
    return address if same else ""


def when(at: datetime) -> Markup:
    """Return a time as HTML: relative for people, exact in its title."""
    seconds = max(0, (datetime.now(UTC) - at).total_seconds())
    if days := int(seconds // 86_400):
        age = ngettext("%(number)s d ago", "%(number)s d ago", days, number=days)
    elif hours := int(seconds // 3600):
        age = ngettext("%(number)s h ago", "%(number)s h ago", hours, number=hours)
    elif minutes := int(seconds // 60):
        age = ngettext("%(number)s min ago", "%(number)s min ago", minutes, number=minutes)
    else:
        age = _("just now")
    exact = at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), exact, age)
