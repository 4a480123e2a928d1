"""A new site, from its name to its first comment."""

from __future__ import annotations

from typing import Any

from flask import jsonify, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from moderation.comment import Comment, Status
from moderation.credentials import KeyKind
from moderation.errors import Conflict, InvalidInput
from moderation.moderators import Role
from moderation.site import Site
from service.context import winnow
from service.desk.base import NoSites, administrator, bp, me, my_site, my_sites, myself
from service.desk.pages import page
from service.desk.words import _, later
from service.first_comment import command


class NewSiteForm(FlaskForm):
    """What a site is called, and where its blog is."""

    name = StringField(later("Name"), [InputRequired(), Length(max=100)])
    url = StringField(later("Address of the blog"), [Length(max=2000)])


@bp.errorhandler(NoSites)
def _no_sites(_error: Exception) -> Any:
    """Show an administrator how to begin, and a moderator whom to ask."""
    if me().role is Role.ADMIN:
        return page("new_site.html", form=NewSiteForm(formdata=None), first=True)
    detail = _(
        "An administrator chooses the sites that you see, at the desk under Settings, Moderators."
    )
    return page("problem.html", title=_("No site is yours yet"), detail=detail, here=True)


@bp.route("/new-site", methods=["GET", "POST"])
def new_site() -> Any:
    """Make a site and its first key, which is shown this once."""
    administrator()
    form, context = NewSiteForm(), winnow()
    if not form.validate_on_submit():
        return page(
            "new_site.html", form=form, first=False, sites=my_sites()
        ), 422 if form.errors else 200
    now = context.clock.now_ms()
    try:
        site = context.accounts.add_site(
            (form.name.data or "").strip(), (form.url.data or "").strip(), by=myself(), now_ms=now
        )
    except (Conflict, InvalidInput) as refused:
        form.name.errors = [str(refused)]
        return page("new_site.html", form=form, first=False, sites=my_sites()), 422
    _key, text = context.accounts.add_key(site.id, KeyKind.API, by=myself(), now_ms=now)
    # Answered here and not after a redirect: the key must pass through no cookie and no address.
    return _first_steps(site, text)


@bp.get("/sites/<site_id>/start")
def start(site_id: str) -> Any:
    """Show the steps from a new site to its first comment, and which are done."""
    administrator()
    return _first_steps(my_site(site_id))


@bp.get("/sites/<site_id>/first")
def first(site_id: str) -> Response:
    """Tell the page of the first steps whether a comment has come in."""
    administrator()
    site = my_site(site_id)
    comment = first_comment(site)
    shown = None if comment is None else url_for("desk.comment", comment_id=comment.id)
    screened = comment is not None and comment.status is not Status.PENDING
    return jsonify({"comment": shown, "screened": screened})


def first_comment(site: Site) -> Comment | None:
    """Return the newest comment of a site, None before there is any."""
    return next(iter(winnow().comments.recent(site.id, limit=1).items), None)


def _first_steps(site: Site, key: str = "") -> str:
    context = winnow()
    return page(
        "first_steps.html",
        site=site,
        sites=my_sites(),
        key=key,
        command=command(context.settings.url, key or "wk_…"),
        keys=context.accounts.keys(site.id),
        comment=first_comment(site),
        colleagues=len(context.accounts.moderators()) - 1,
        endpoints=len(context.accounts.endpoints(site.id)),
    )
