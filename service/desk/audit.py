"""The audit trail: who changed what, the old values, and reverting a change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, request, url_for

from moderation.audit import AuditLine
from service.context import winnow
from service.desk.base import administrator, bp, my_sites, myself
from service.desk.pages import page
from service.desk.words import _, later

PAGE = 50
#: Latest sign-ins shown among the changes; the filter shows all of them.
SIGN_INS = 10
#: Names of the audited actions for people; an action without a row is shown by its own name.
DEEDS = {
    "sign-in": later("signed in"),
    "session.end": later("ended a session of"),
    "feed.end": later("ended the feed of"),
    "site.add": later("added the site"),
    "clean_up.begin": later("began to clean up a campaign"),
    "person.treat": later("changed how an author is treated"),
    "comment.reply": later("replied to the comment"),
    "comment.revise": later("changed the text of the comment"),
    "person.erase_begin": later("began to erase what is kept of somebody"),
    "person.erase": later("erased what was kept of somebody"),
    "site.save": later("changed the site"),
    "site.remove": later("removed the site"),
    "learning.rollback": later("rolled back what was learned for"),
    "learning.resume": later("let learn again"),
    "learning.leave_out": later("left a person out of what is learned for"),
    "learning.take_in": later("took a person in again for"),
    "key.add": later("made a key"),
    "key.revoke": later("revoked a key"),
    "token.add": later("made a token"),
    "token.revoke": later("revoked a token"),
    "door.secret": later("set a door’s secret for"),
    "endpoint.add": later("added the endpoint"),
    "endpoint.save": later("changed the endpoint"),
    "endpoint.remove": later("removed the endpoint"),
    "moderator.add": later("added"),
    "moderator.save": later("changed"),
    "moderator.remove": later("removed"),
    "moderator.password": later("set a new password for"),
    "moderator.email": later("changed the e-mail address of"),
    "factor.app": later("set up an app as second factor of"),
    "factor.codes": later("made new recovery codes of"),
    "factor.recovered": later("used a recovery code of"),
    "factor.off": later("took off the second factor of"),
    "links.revoke": later("revoked the links in e-mails of"),
    "moderator.link": later("made a link for a new password of"),
    "notice.off": later("switched off a channel, failing for days, of"),
}
#: The subject by which the filter shows sign-ins alone.
SIGN_IN = "sign-in"
KINDS = (
    "site", "comment", "learning", "key", "door", "endpoint", "moderator", "factor", "notice", "token",
)  # fmt: skip


@bp.get("/audit")
def audit() -> Any:
    """Show the audit trail and sign-ins, filtered as the query asks."""
    administrator()
    sites = my_sites()
    asked = {name: request.args.get(name, "")[:100] for name in ("about", "by", "action")}
    lines = winnow().accounts.audit(
        limit=PAGE + 1,
        before=request.args.get("before", ""),
        without="" if asked["action"] == SIGN_IN else SIGN_IN,
        **asked,
    )
    return page(
        "audit.html",
        site=next((one for one in sites if one.id == asked["about"]), None)
        or (sites[0] if sites else None),
        sites=sites,
        lines=lines[:PAGE],
        next=lines[PAGE - 1].id if len(lines) > PAGE else None,
        names=_names(lines),
        kinds=KINDS,
        deeds=DEEDS,
        asked=asked,
        sign_ins=winnow().accounts.audit(limit=SIGN_INS, action=SIGN_IN),
        refused=winnow().accounts.refused_sign_ins(),
    )


@bp.post("/audit/<line_id>/revert")
def revert(line_id: str) -> Any:
    """Revert a change of settings, unless the settings have changed since."""
    administrator()
    context = winnow()
    context.revert(line_id, by=myself())
    flash(_("Reverted. This is a change, too: it can be reverted in its turn."))
    return redirect(url_for("desk.audit"))


def _names(lines: Sequence[AuditLine]) -> dict[str, str]:
    """Return the names of the sites and endpoints that *lines* are about, by id."""
    accounts = winnow().accounts
    names = {site.id: site.name for site in accounts.sites()}
    wanted = {str(line.detail.get("site")) for line in lines if line.action.startswith("endpoint.")}
    for site_id in wanted & names.keys():
        names |= {endpoint.id: endpoint.url for endpoint in accounts.endpoints(site_id)}
    return names
