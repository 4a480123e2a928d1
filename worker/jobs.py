"""The jobs that RQ runs. Each is an edge: find the context, call one verb."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from moderation import reminders, workflow
from moderation.ports import Duplicates, Model
from moderation.rows import each
from moderation.settings import Settings
from moderation.site import Site
from moderation.wiring import Adapters
from worker.mail import SmtpMailer


@dataclass
class Context:
    """What a worker process prepared before its first job."""

    adapters: Adapters
    model: Callable[[], Model]
    duplicates: Duplicates
    holder: str
    stopping: Callable[[], bool] = field(default=lambda: False)


_prepared: list[Context] = []
#: How long a screening job stays where there is nothing else to screen.
_ALONE_SECONDS = 5.0


def prepare(context: Context) -> None:
    """Hand the jobs of this process what they work with; called once, by whoever forks workers."""
    _prepared[:] = [context]


def screen_pending(shard: int) -> int:
    """Screen what is pending in *shard* for about a second; return how many verdicts it gave."""
    context = _prepared[0]
    adapters = context.adapters
    return workflow.screen(
        shard,
        holder=context.holder,
        comments=adapters.comments,
        accounts=adapters.accounts,
        model=context.model(),
        duplicates=context.duplicates,
        jobs=adapters.jobs,
        clock=adapters.clock,
        meter=adapters.metrics,
        limits=_limits(adapters.settings),
        stopping=context.stopping,
    )


def _limits(settings: Settings) -> workflow.ScreenLimits:
    limits = workflow.ScreenLimits(
        lease_ms=round(settings.lease_seconds * 1000),
        hurry_after_ms=round(settings.hurry_after * 1000),
    )
    if settings.shards > 1:  # a worker has to be free for the others soon
        return limits
    return replace(limits, budget_seconds=_ALONE_SECONDS, linger_seconds=_ALONE_SECONDS)


def purge() -> int:
    """Let go of what every site's retention no longer covers; return how many comments changed."""
    adapters = _prepared[0].adapters
    accounts, comments, clock = adapters.accounts, adapters.comments, adapters.clock

    def purge_removed(site_id: str) -> int:
        removed = Site(site_id, "removed", retention=workflow.KEPT_OF_REMOVED)
        changed = workflow.purge(removed, comments=comments, clock=clock)
        if not comments.recent(site_id, limit=1).items:
            accounts.purged_site(site_id)
        return changed

    changed = each(
        {site.id: site for site in accounts.sites()},
        lambda site: workflow.purge(site, comments=comments, clock=clock),
        job="purge",
    )
    gone = {site_id: site_id for site_id in accounts.removed_sites()}
    return changed + each(gone, purge_removed, job="purge")


def trim_events() -> int:
    """Drop events that are older than is kept, of every site; return how many."""
    adapters = _prepared[0].adapters
    accounts, deliveries = adapters.accounts, adapters.deliveries
    return each(
        {site.id: site for site in accounts.sites()},
        lambda site: deliveries.trim(
            site.id, accounts.endpoints(site.id), now_ms=adapters.clock.now_ms()
        ),
        job="trim_events",
    )


def remind() -> int:
    """Write to moderators who wish to hear of what waits; return to how many."""
    adapters = _prepared[0].adapters
    settings = adapters.settings
    if not settings.smtp_url:
        return 0
    return reminders.remind(
        accounts=adapters.accounts,
        comments=adapters.comments,
        notices=adapters.notices,
        mailer=SmtpMailer(settings.smtp_url, settings.mail_from),
        clock=adapters.clock,
        url=settings.url,
    )
