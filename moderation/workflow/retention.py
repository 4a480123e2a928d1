"""Retention: let go of texts, and later of whole comments, when their time is over."""

from __future__ import annotations

from moderation.comment import Status, to_ms
from moderation.ports import Clock
from moderation.rows import each
from moderation.site import Retention, Site
from moderation.store.accounts import Accounts
from moderation.store.comments import Comments

_DAY_MS = 86_400_000
#: Comments of a site that are added to the index in one round, at most.
_INDEXED = 200_000
#: And the seconds that this may take.
_INDEXED_SECONDS = 600.0

#: Retention of a site that was removed: nothing is kept.
_NOTHING = Retention(
    text_days=dict.fromkeys(("approved", "rejected", "spam", "flagged"), 0), verdict_days=0
)


def purge(*, accounts: Accounts, comments: Comments, clock: Clock) -> int:
    """Let go of what every site's retention no longer covers; return how many comments changed.

    What came in one by one and is not found by its words yet, is from then on. Of a removed site nothing is kept; once its last comment is gone, it is forgotten itself.
    """

    def purge_removed(site_id: str) -> int:
        removed = Site(site_id, "removed", retention=_NOTHING)
        changed = purge_site(removed, comments=comments, clock=clock)
        if not comments.recent(site_id, limit=1).items:
            comments.forget_learning(site_id)
            comments.forget_people(site_id)
            accounts.purged_site(site_id)
        return changed

    def look_after(site: Site) -> int:
        comments.index(site.id, most=_INDEXED, seconds=_INDEXED_SECONDS)
        comments.forget_people(site.id, now_ms=clock.now_ms())
        return purge_site(site, comments=comments, clock=clock)

    changed = each({site.id: site for site in accounts.sites()}, look_after, job="purge")
    gone = {site_id: site_id for site_id in accounts.removed_sites()}
    return changed + each(gone, purge_removed, job="purge")


def purge_site(site: Site, *, comments: Comments, clock: Clock) -> int:
    """Let go of texts, and later of whole comments, that *site* keeps no longer.

    A flagged comment is kept whole for as long as the site says, since someone still has to read
    it; a pending one is never touched. A comment is looked at once a day. Returns how many changed.
    """
    now, changed = clock.now_ms(), 0
    texts = {
        Status(status): now - days * _DAY_MS for status, days in site.retention.text_days.items()
    }
    verdicts = now - site.retention.verdict_days * _DAY_MS
    soonest = max([verdicts, *texts.values()])
    for comment in comments.aged(site.id, before_ms=soonest, now_ms=now):
        moved_at = to_ms(comment.updated_at or comment.created_at)
        if moved_at < verdicts:
            changed += comments.forget(comment, everything=True)
        elif not comment.text_expired and moved_at < texts.get(comment.status, 0):
            changed += comments.forget(comment, everything=False)
    return changed
