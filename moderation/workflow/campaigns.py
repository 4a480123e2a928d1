"""Campaigns: preview the comments that share a trait, decide on all in bounded steps, undo that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from moderation import ids
from moderation.actor import Actor
from moderation.audit import AuditLine
from moderation.campaign import REACHED, CleanUp, CleanUpState, Preview, Trait, same_text
from moderation.comment import Comment, Decision, Status
from moderation.dispatch import Jobs
from moderation.errors import Conflict, NotFound, UndoTooLate, WinnowError
from moderation.ports import Clock
from moderation.records import Found, Tally
from moderation.search import LIVING, Query
from moderation.store.accounts import Accounts
from moderation.store.comments import Comments
from moderation.workflow.people import sought
from moderation.workflow.review import review, undo

#: Comments of one step.
STEP = 100
_EXAMPLES = 10
#: Comments that one request counts by reading each, and that a preview counts in all.
_READ_AND_COUNTED, COUNTED = 100, 1000
#: Steps of the index that a preview's examples take, about: a call or two of some 3 ms of the server each.
_STEPS = 10_000


def query_of(trait: Trait, comment: Comment | None) -> Query:
    """Return the query for what shares *trait* with *comment*, which a text needs."""
    if trait.subject is not None:
        return sought(trait.subject)
    if comment is None or not comment.content:
        raise NotFound("that comment has no text any more")
    return same_text(comment)


def preview(
    site_id: str, trait: Trait, comment: Comment | None, *, comments: Comments, clock: Clock
) -> Preview:
    """Return how many comments share a trait, by status, and the latest of them.

    No more are counted than share it. Where the index cannot tell, such as of nearly the same texts, only the
    latest are counted, and :func:`count_on` goes on. At most about a thousand are counted.
    """
    query, now = query_of(trait, comment), clock.now_ms()
    found = comments.search(site_id, query, now_ms=now, limit=_EXAMPLES, steps=_STEPS)
    if found.next is not None and query.is_by_index:
        tally = comments.tally(site_id, query, now_ms=now)
        if tally.sure:
            whole = tally.whole and not found.behind
            return Preview(replace(tally, whole=whole), found.items)
    return _counted(found, dict.fromkeys(LIVING, 0))


def count_on(
    site_id: str,
    trait: Trait,
    comment: Comment | None,
    *,
    counts: Mapping[Status, int],
    cursor: str,
    comments: Comments,
    clock: Clock,
) -> Preview:
    """Return a preview that counts up to a hundred comments more than the one with these *counts*."""
    query, now = query_of(trait, comment), clock.now_ms()
    found = comments.search(site_id, query, now_ms=now, cursor=cursor, limit=_READ_AND_COUNTED)
    return _counted(found, counts)


def _counted(found: Found, counts: Mapping[Status, int]) -> Preview:
    more = Counter(one.status for one in found.items)
    counted: dict[Status, int] = {one: counts.get(one, 0) + more[one] for one in LIVING}
    tally = Tally(counted, whole=found.next is None and not found.behind)
    return Preview(tally, found.items, found.next if tally.total < COUNTED else None)


def clean_up(
    site_id: str,
    trait: Trait,
    comment_id: str,
    decision: Decision,
    *,
    statuses: Sequence[Status] = REACHED,
    by: Actor,
    comments: Comments,
    accounts: Accounts,
    clock: Clock,
) -> CleanUp:
    """Begin to decide on all that shares a trait; :func:`step` does it. Raises Conflict for too many."""
    now = clock.now_ms()
    reached = tuple(one for one in statuses if one is not decision.status)
    begun = CleanUp(
        ids.new_id(now, comments.shard_of_site(site_id)),
        site_id, comment_id, trait, decision, reached, by, now,
    )  # fmt: skip
    comments.begin_clean_up(begun)
    detail = {"site": site_id, "kind": trait.kind, "decision": decision}
    accounts.note(AuditLine(now, by, "clean_up.begin", begun.id, detail))
    return begun


def step(
    clean_up_id: str, *, comments: Comments, jobs: Jobs, clock: Clock, hold_seconds: float
) -> CleanUp:
    """Decide on up to 100 comments more, or take up to 100 back; return how far it is.

    A repeat goes on where it was cut off: comments that are decided are not found again. One
    process at a time works on a clean-up; to another it is returned as it is.
    """
    with comments.cleaning(clean_up_id) as mine:
        one = comments.clean_up(clean_up_id)
        if not mine or not one.goes_on:
            return one
        if one.state is CleanUpState.UNDOING:
            one = _take_back(one, comments=comments, jobs=jobs, clock=clock)
        else:
            one = _decide(one, comments=comments, clock=clock, hold_seconds=hold_seconds)
        one = replace(one, stepped_at=clock.now_ms())
        comments.save_clean_up(one)
        return one


def begin_undo(clean_up_id: str, *, comments: Comments) -> CleanUp:
    """Have a clean-up taken back by steps. Raises Conflict when it was already."""
    with comments.cleaning(clean_up_id) as mine:
        one = comments.clean_up(clean_up_id)
        if not mine or one.state in {CleanUpState.UNDOING, CleanUpState.UNDONE}:
            raise Conflict("this clean-up is at work or was taken back; try again in a moment")
        one = replace(one, state=CleanUpState.UNDOING)
        comments.save_clean_up(one)
        return one


def _decide(one: CleanUp, *, comments: Comments, clock: Clock, hold_seconds: float) -> CleanUp:
    origin: Comment | None = None
    with suppress(NotFound):
        origin = comments.get(one.comment_id) if one.comment_id else None
    query = replace(query_of(one.trait, origin), statuses=one.statuses)
    found = comments.search(
        one.site_id, query, now_ms=clock.now_ms(), cursor=one.cursor or None, limit=STEP
    )
    comments.note_cleaned(one.id, [(each.id, each.status) for each in found.items])
    decided = kept = 0
    for comment in found.items:
        try:
            review(
                comment.id, one.decision, by=one.by, reason="campaign", version=comment.version,
                comments=comments, clock=clock, hold_seconds=hold_seconds,
            )  # fmt: skip
            decided += 1
        except WinnowError:  # somebody else decided it or it was erased meanwhile: that stands
            kept += 1
    return replace(
        one,
        state=CleanUpState.RUNNING if found.next else CleanUpState.DONE,
        cursor=found.next or "",
        decided=one.decided + decided,
        kept=one.kept + kept,
    )


def _take_back(one: CleanUp, *, comments: Comments, jobs: Jobs, clock: Clock) -> CleanUp:
    lines = comments.cleaned(one.id, limit=STEP)
    known = {each.id: each for each in comments.get_many([comment_id for comment_id, _ in lines])}
    undone = kept = 0
    for comment_id, before in lines:
        comment = known.get(comment_id)
        if comment is None or not _is_of(one, comment, before):
            continue  # it was never decided by this clean-up, or by somebody else since
        try:
            undo(comment_id, by=one.by, comments=comments, jobs=jobs, clock=clock)
            undone += 1
        except UndoTooLate:
            if before is Status.APPROVED:  # the blog has had an event: it gets another
                review(
                    comment_id, Decision.APPROVE, by=one.by, reason="undo", comments=comments,
                    clock=clock, hold_seconds=0,
                )  # fmt: skip
                undone += 1
            else:
                kept += 1
        except WinnowError:
            kept += 1
    comments.drop_cleaned(one.id, len(lines))
    return replace(
        one,
        state=CleanUpState.UNDOING if len(lines) == STEP else CleanUpState.UNDONE,
        undone=one.undone + undone,
        kept=one.kept + kept,
    )


def _is_of(one: CleanUp, comment: Comment, before: Status) -> bool:
    """Tell whether the last word on a comment is this clean-up's, which found it *before*.

    Another of the same person's may have come since: on an edited text, say, that was held.
    """
    last = comment.last_move
    return (
        last is not None
        and last.reason == "campaign"
        and last.by == one.by
        and last.old is before
        and comment.status is one.decision.status
    )
