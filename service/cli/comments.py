"""``winnow queue, comments, show, decide, undo, revise, note, reply, ...``: moderating from a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from moderation import values
from moderation.actor import who
from moderation.campaign import REACHED, traits_of
from moderation.comment import MAX_CONTENT_BYTES, Comment, Decision, Status, to_ms
from moderation.errors import InvalidInput
from moderation.reasons import sentence
from moderation.records import Order
from moderation.remarks import Remark, Remarks
from moderation.search import LIVING, query
from service.cli.base import (
    answer,
    as_json,
    confirm,
    dumped,
    operator,
    plain,
    site_or_only,
    storage,
    yes_option,
)
from service.shapes import comment_shape, remark_shape

comment_argument = click.argument("comment", metavar="COMMENT")
text_argument = click.argument("text", metavar="TEXT")


@click.command()
@click.argument("site", required=False)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option(
    "--order",
    type=click.Choice([order.value for order in Order]),
    default=Order.PRIORITY.value,
    show_default=True,
)
@as_json
def queue(site: str | None, limit: int, order: str, *, as_json: bool) -> None:
    """Show the comments of a site that wait for a moderator, the most pressing first.

    The only site need not be named.

    Example: ./winnow queue blog --limit 5
    """
    with storage() as adapters:
        owner = site_or_only(adapters, site)
        page = adapters.comments.queue(owner.id, order=Order(order), limit=limit)
    for comment in page.items:
        click.echo(dumped(_shape(comment)) if as_json else f"{_described(comment)}\n")
    if not page.items and not as_json:
        click.echo(f"Nothing waits at {owner.name}.", err=True)


@click.group()
def comments() -> None:
    """Search the comments of a site, in every status."""


@comments.command()
@click.argument("site")
@click.argument("words", nargs=-1)
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice([status.value for status in LIVING]),
    help="Only these; may be given several times.",
)
@click.option(
    "--author",
    default="",
    help="A name, an e-mail, an address, a network (/24, of IPv6 /64), or id: and the blog's id.",
)
@click.option("--post", default="", help="The post's URL or its title.")
@click.option("--before", default="", help="Only what came before that date or time, UTC.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--cursor", default="", help="Go on where a search stopped, as it says at its end.")
@as_json
def search(
    site: str,
    words: tuple[str, ...],
    statuses: tuple[str, ...],
    author: str,
    post: str,
    before: str,
    limit: int,
    cursor: str,
    *,
    as_json: bool,
) -> None:
    """Search all comments of a site, the latest first.

    WORDS are words and domains that a comment has, an author's e-mail or address, or a comment's
    id; it has to have all of them. A phrase stands in double quotes, within the shell's own.

    Example: ./winnow comments search blog cheap '"free trial"' --status approved
    """
    sought = query(
        " ".join(words),
        author=author,
        post=post,
        statuses=[Status(status) for status in statuses] or LIVING,
        before=to_ms(values.time(before, field="before")) if before else None,
    )
    with storage() as adapters:
        owner = adapters.accounts.site(site)
        found = adapters.comments.search(
            owner.id, sought, now_ms=adapters.clock.now_ms(), cursor=cursor or None, limit=limit
        )
    for comment in found.items:
        click.echo(dumped(_shape(comment)) if as_json else f"{_described(comment)}\n")
    if not found.items and not found.next:
        click.echo(f"Nothing is found at {owner.name}.", err=True)
    if found.next:
        click.echo(f"There may be more: go on with --cursor {found.next}", err=True)
    if found.behind:
        click.echo(f"The {found.behind} latest comments are not found by words yet.", err=True)


@comments.command("clean")
@comment_argument
@click.option("--domain", default="", help="All that name this domain, which the comment has to.")
@click.option("--text", is_flag=True, help="All that say nearly the same.")
@click.option("--email", is_flag=True, help="All by its author's e-mail.")
@click.option("--address", is_flag=True, help="All from its author's address.")
@click.option("--network", is_flag=True, help="All from the network of that address.")
@click.option("--user", is_flag=True, help="All by the blog's own id of its author.")
@click.option(
    "--decision",
    type=click.Choice([Decision.SPAM.value, Decision.REJECT.value]),
    default=Decision.SPAM.value,
    show_default=True,
)
@yes_option
@as_json
def clean(
    comment: str, domain: str, decision: str, *, yes: bool, as_json: bool, **traits: bool
) -> None:
    """Clean up a campaign: decide on all that shares a trait with COMMENT, published or not.

    Prints their number first, and asks. Webhooks are sent 30 seconds later; until then the desk's
    page, whose address is printed, can undo the decisions.

    Example: ./winnow comments clean 019ab3f0-1c2d-7000-8000-3f1d2c4b5a69 --text
    """
    kinds = [kind for kind, named in traits.items() if named] + (["domain"] if domain else [])
    if len(kinds) != 1:
        raise click.UsageError(
            "name one of --domain, --text, --email, --address, --network, --user"
        )
    with storage() as adapters:
        origin = adapters.comments.get(comment)
        wanted = [
            one
            for one in traits_of(origin)
            if one.kind == kinds[0] and (not domain or one.value == domain)
        ]
        if not wanted:
            raise click.ClickException("that comment has no such trait")
        preview = adapters.preview_clean_up(origin.site_id, wanted[0], origin)
        while preview.next is not None:
            preview = adapters.count_clean_up(
                origin.site_id,
                wanted[0],
                origin,
                counts=preview.tally.counts,
                cursor=preview.next,
            )
        number = sum(preview.tally.counts[status] for status in REACHED)
        or_more = "" if preview.tally.whole else " or more: all that share it"
        confirm(f"Decide {decision} on {number} comments{or_more}?", yes=yes)
        one = adapters.clean_up(
            origin.site_id, wanted[0], origin.id, Decision(decision), by=operator()
        )
        while one.goes_on:
            one = adapters.step_clean_up(one.id)
        url = f"{adapters.settings.url}/desk/campaign/{one.id}"
    answer(
        {"id": one.id, "decided": one.decided, "kept": one.kept, "desk": url},
        as_json=as_json,
        text=f"{one.decided} decided, {one.kept} left as they were\n{url}",
    )


@click.command()
@comment_argument
@as_json
def show(comment: str, *, as_json: bool) -> None:
    """Show a comment: its text, scores, reasons, history, notes and replies.

    Where a moderator changed its text, what its author wrote is shown, too: scores and reasons are
    of that.

    Example: ./winnow show 019ab3f0-1c2d-7000-8000-3f1d2c4b5a69
    """
    with storage() as adapters:
        found, remarks = adapters.comments.get(comment), adapters.comments.remarks(comment)
    shape = _shape(found) | {
        "notes": [remark_shape(one) for one in remarks.notes],
        "replies": [remark_shape(one) for one in remarks.replies],
    }
    lines = [_described(found, history=True), *_remarked(remarks)]
    answer(shape, as_json=as_json, text="\n".join(lines))


@click.command()
@comment_argument
@click.argument("decision", type=click.Choice([decision.value for decision in Decision]))
@click.option("--note", default="", help="A remark for other moderators, kept in the history.")
@as_json
def decide(comment: str, decision: str, note: str, *, as_json: bool) -> None:
    """Approve a comment, reject it or mark it as spam. Webhooks are sent a few seconds later.

    Example: ./winnow decide 019ab3f0-1c2d-7000-8000-3f1d2c4b5a69 approve --note "a regular"
    """
    with storage() as adapters:
        decided = adapters.review(comment, Decision(decision), by=operator(), note=note)
    _tell_status(decided, as_json=as_json)


@click.command()
@comment_argument
@as_json
def undo(comment: str, *, as_json: bool) -> None:
    """Undo a decision before its webhooks are sent: by default within 5 seconds, 30 in bulk.

    Example: ./winnow undo 019ab3f0-1c2d-7000-8000-3f1d2c4b5a69
    """
    with storage() as adapters:
        undone = adapters.undo(comment, by=operator())
    _tell_status(undone, as_json=as_json)


@click.command()
@comment_argument
@text_argument
@click.option(
    "--revision",
    type=click.IntRange(1, 2**31),
    help="Only if this is the revision of its text now, which `./winnow show` prints.",
)
@as_json
def revise(comment: str, text: str, revision: int | None, *, as_json: bool) -> None:
    """Put TEXT in the place of a held or an approved comment's text; its status stays.

    TEXT is of 64 KiB at most; - reads it from standard input. What the author wrote is kept beside
    it: scores, reasons and what is learned are of that. The site's setting `edits` has to be on.

    Example: ./winnow revise 019ab3f0-1c2d-7000-8000-3f1d2c4b5a69 "Call me." --revision 1
    """
    content = _given(text)
    with storage() as adapters:
        seen = revision or adapters.comments.get(comment).revision
        revised = adapters.revise(comment, content, revision=seen, by=operator())
    record = {"id": revised.id, "status": revised.status, "revision": revised.revision}
    shown = f"{revised.id}  {revised.status}, revision {revised.revision}"
    answer(record, as_json=as_json, text=shown)


@click.command()
@comment_argument
@text_argument
@as_json
def note(comment: str, text: str, *, as_json: bool) -> None:
    """Put a note beside a comment, for moderators alone; it goes with the comment's text.

    TEXT is of 2,000 characters at most; - reads it from standard input. A comment has 50 notes at
    most.

    Example: ./winnow note 019ab3f0-1c2d-7000-8000-3f1d2c4b5a69 "Asked the author by e-mail."
    """
    written = _given(text)
    with storage() as adapters:
        made = adapters.note(comment, written, by=operator())
    answer(remark_shape(made), as_json=as_json, text=f"note {made.number}")


@click.command()
@comment_argument
@text_argument
@as_json
def reply(comment: str, text: str, *, as_json: bool) -> None:
    """Have the blog publish a reply under an approved comment, as the site's owner.

    TEXT is of 5,000 characters at most; - reads it from standard input. A comment has 20 replies at
    most. The site's setting `replies` has to be on, and an endpoint to hear `reply.requested`. A
    decision on the comment cannot be undone any more.

    Example: ./winnow reply 019ab3f0-1c2d-7000-8000-3f1d2c4b5a69 "Thank you, it is mended."
    """
    written = _given(text)
    with storage() as adapters:
        made = adapters.reply(comment, written, by=operator())
    answer(remark_shape(made), as_json=as_json, text=f"reply {made.number}")


@click.command()
@comment_argument
@as_json
def retry(comment: str, *, as_json: bool) -> None:
    """Have a flagged comment screened again, such as one that could not be scored.

    Example: ./winnow retry 019ab3f0-1c2d-7000-8000-3f1d2c4b5a69
    """
    with storage() as adapters:
        pending = adapters.retry(comment, by=operator())
    _tell_status(pending, as_json=as_json)


@click.command()
@comment_argument
@yes_option
def erase(comment: str, *, yes: bool) -> None:
    """Delete a comment's text and author for good; its id and a digest stay as a tombstone.

    Example: ./winnow erase 019ab3f0-1c2d-7000-8000-3f1d2c4b5a69
    """
    with storage() as adapters:
        adapters.comments.get(comment)
        confirm("Forget the words and the author of this comment for good?", yes=yes)
        adapters.erase(comment, by=operator())


def _shape(comment: Comment) -> dict[str, object]:
    record = comment_shape(comment)
    del record["links"]  # a terminal has no address to link to
    return record


def _given(text: str) -> str:
    """Return the text of an argument, or for - that of standard input without its last line end.

    No more is read than a comment has. Raises InvalidInput.
    """
    if text != "-":
        return text
    read = sys.stdin.buffer.read(MAX_CONTENT_BYTES + 2)
    try:
        return read.decode().removesuffix("\n")
    except UnicodeDecodeError as problem:
        raise InvalidInput("standard input is no text in UTF-8", field="text") from problem


def _tell_status(comment: Comment, *, as_json: bool) -> None:
    record = {"id": comment.id, "status": comment.status, "version": comment.version}
    answer(record, as_json=as_json, text=f"{comment.id}  {comment.status}")


def _remarked(remarks: Remarks) -> list[str]:
    """Return notes and replies as lines for a terminal."""
    lines = []
    kinds: list[tuple[str, Sequence[Remark]]] = [
        ("note", remarks.notes),
        ("reply", remarks.replies),
    ]
    for kind, found in kinds:
        for one in found:
            lines.append(
                f"  {kind} {one.number} by {plain(who(one.by))}, {one.at:%Y-%m-%d %H:%M} UTC"
            )
            lines += [f"  | {line}" for line in plain(one.text).splitlines()]
    return lines


def _described(comment: Comment, *, history: bool = False) -> str:
    """Return a comment as text for a terminal."""
    draft = comment.draft
    author = plain(draft.author.name or "someone")
    post = plain(draft.post.title or draft.post.url or "a post")
    lines = [
        f"{comment.id}  {comment.status}",
        f"  by {author} on {post}, {comment.created_at:%Y-%m-%d %H:%M} UTC",
    ]
    lines += [f"  | {line}" for line in plain(draft.content).splitlines()]
    if comment.original is not None:
        by = f" by {plain(who(comment.revised.by))}" if comment.revised else ""
        lines.append(f"  changed{by}, revision {comment.revision}; its author wrote:")
        lines += [f"  > {line}" for line in plain(comment.original.content).splitlines()]
    if comment.verdict:
        reasons = "; ".join(sentence(reason) for reason in comment.verdict.reasons)
        lines.append(f"  {comment.verdict.action}: {plain(reasons)}")
    if comment.scores:
        scores = sorted(comment.scores.labels.items(), key=lambda pair: -pair[1])
        shown = ", ".join(f"{label} {score:.2f}" for label, score in scores)
        lines.append(f"  {shown} (model {comment.scores.model})")
    if history:
        lines += [
            f"  {step.at:%Y-%m-%d %H:%M:%S} {step.old} -> {step.new} by {plain(who(step.by))}"
            + (f": {plain(step.reason)}" if step.reason else "")
            + (f" ({plain(step.note)})" if step.note else "")
            for step in comment.history
        ]
    return "\n".join(lines)
