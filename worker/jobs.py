"""The jobs that RQ runs. Each is an edge: find the context, call one verb."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from moderation import reminders
from moderation.channels import Channel
from moderation.rows import each
from moderation.settings import Settings
from moderation.wiring import Adapters
from moderation.workflow.screening import Limits
from worker.channels import senders


@dataclass
class JobContext:
    """What a worker process prepared before its first job."""

    adapters: Adapters
    holder: str
    stopping: Callable[[], bool] = field(default=lambda: False)


_prepared: list[JobContext] = []
#: How long a screening job stays where there is nothing else to screen.
_ALONE_SECONDS = 5.0
#: Comments of a job's first batch, and the share of the time after which a worker is killed that the
#: next ones should take: a machine may become several times slower within a batch.
_FIRST_BATCH, _SHARE_OF_BATCH_SECONDS = 8, 0.1


def prepare(context: JobContext) -> None:
    """Hand the jobs of this process what they work with; called once, before workers are forked."""
    _prepared[:] = [context]


def screen_pending(shard: int) -> int:
    """Screen pending comments of *shard* for about a second; return the number of verdicts."""
    context = _prepared[0]
    return context.adapters.screen(
        shard,
        holder=context.holder,
        limits=_limits(context.adapters.settings),
        stopping=context.stopping,
    )


def _limits(settings: Settings) -> Limits:
    limits = Limits(
        first_batch=_FIRST_BATCH,
        batch_seconds=settings.batch_seconds * _SHARE_OF_BATCH_SECONDS,
        lease_ms=round(settings.lease_seconds * 1000),
        hurry_after_ms=round(settings.hurry_after * 1000),
    )
    if settings.shards > 1:  # a worker has to be free for the others soon
        return limits
    return replace(limits, budget_seconds=_ALONE_SECONDS, linger_seconds=_ALONE_SECONDS)


def purge() -> int:
    """Delete texts and verdicts whose retention is over, on every site; return how many comments changed."""
    return _prepared[0].adapters.purge()


def trim_events() -> int:
    """Drop events that are older than the stream's retention, on every site; return how many."""
    adapters = _prepared[0].adapters
    accounts, deliveries = adapters.accounts, adapters.deliveries
    return each(
        {site.id: site for site in accounts.sites()},
        lambda site: deliveries.trim(
            site.id, accounts.endpoints(site.id), now_ms=adapters.clock.now_ms()
        ),
        job="trim_events",
    )


def learn(site_id: str) -> bool:
    """Learn from the decisions on a site; return whether there was anything to learn."""
    context = _prepared[0]
    return context.adapters.learn(site_id, stopping=context.stopping) is not None


def learn_anew() -> int:
    """Have sites whose shared model has changed learn again; return how many."""
    adapters = _prepared[0].adapters
    return each(
        {site.id: site for site in adapters.accounts.sites()},
        lambda site: adapters.learn_anew(site.id),
        job="learn_anew",
    )


def clean_up() -> int:
    """Go on with the clean-ups of campaigns that are not done; return how many there were."""
    context = _prepared[0]
    return context.adapters.clean_up_rest(stopping=context.stopping)


def write_letters() -> int:
    """Write the letters about accounts that wait in the outbox; return how many were sent."""
    adapters = _prepared[0].adapters
    sender = senders(adapters.settings).get(Channel.MAIL)
    return adapters.write_letters(sender) if sender else 0


def erase() -> int:
    """Go on with the erasures of people that are not done; return how many there were."""
    context = _prepared[0]
    return context.adapters.erase_rest(stopping=context.stopping)


def remind() -> int:
    """Remind moderators who wish it of waiting comments; return to how many."""
    adapters = _prepared[0].adapters
    by_channel = senders(adapters.settings)
    if not by_channel:
        return 0
    return reminders.remind(
        accounts=adapters.accounts,
        comments=adapters.comments,
        notices=adapters.notices,
        senders=by_channel,
        clock=adapters.clock,
        url=adapters.settings.url,
        language=adapters.settings.language,
        links=adapters.mail_lines,
        tell_off=adapters.tell_off,
    )
