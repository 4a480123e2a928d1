"""WordPress's own export (WXR): posts with their comments.

The export leaves out spam. What it calls a comment may be a pingback, a trackback or a plugin's own
note; only what readers wrote is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import BinaryIO

from service.importers import Found, Unusable, characters_lost, checked
from service.importers.html import said
from service.importers.xml import DOUBTFUL, Node, Record, records

_COMMENT = ("rss", "channel", "item", "comment")
_FIELDS = frozenset({"language", "link", "title", "post_date_gmt", "pubDate"})

STATUSES = {
    "1": "approved",
    "approve": "approved",
    "0": "pending",
    "hold": "pending",
    "spam": "spam",
    "trash": "rejected",
}
#: What readers wrote; a WooCommerce review is one, too.
TYPES = frozenset({"", "comment", "review"})
_TIME = re.compile(r"(?!0000)\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def read(file: BinaryIO) -> Iterator[Found]:
    """Yield the comments of each post."""
    found = records(file, {_COMMENT}, kind="WordPress export (WXR)", fields=_FIELDS)
    for number, record in enumerate(found, 1):
        if isinstance(record, Unusable):
            yield Unusable(
                record.where or f"comment number {number} of the file", record.reason, record.line
            )
        else:
            yield _found(number, record)


def _found(number: int, record: Record) -> Found:
    comment, post, line = record.node, record.within["item"], record.line
    own_id = comment.text("comment_id")
    where = f"comment {own_id[:40]}" if own_id else f"comment number {number} of the file"
    kind, status = comment.text("comment_type"), comment.text("comment_approved")
    if kind not in TYPES:
        return Unusable(where, f"a {kind[:40]}, not a reader's comment", line, by_rule=True)
    if status == "post-trashed":
        return Unusable(
            where, "its post is in the trash: nobody decided on the comment itself", line,
            by_rule=True,
        )  # fmt: skip
    if status and status not in STATUSES:
        return Unusable(where, f"its status {status[:40]!r} is none of {', '.join(STATUSES)}", line)
    parent = comment.text("comment_parent")
    at, lost = _time(comment, post)
    if not status:
        lost = (*lost, "it has no status: it waits for a moderator")
    if record.doubtful:
        lost, status = (*lost, DOUBTFUL), "0"
    return checked(
        where,
        {
            "external_id": own_id,
            "content": said(comment.text("comment_content")),
            "author": {
                "name": comment.text("comment_author"),
                "email": comment.text("comment_author_email"),
                "url": comment.text("comment_author_url"),
                "ip": comment.text("comment_author_IP"),
            },
            "post": {
                "url": post.text("link"),
                "title": post.text("title"),
                "language": record.within["channel"].text("language"),
            },
            "parent": "" if parent == "0" else parent,
            "created_at": at,
            "status": STATUSES.get(status, "pending"),
        },
        line=line,
        lost=(*characters_lost(record.lost), *lost),
    )


def _time(comment: Node, post: Node) -> tuple[str, tuple[str, ...]]:
    """Return the comment's time, the blog's local time or its post's where there is no other."""
    for known in (comment.text("comment_date_gmt"), comment.text("comment_date")):
        if _TIME.fullmatch(known):
            return f"{known.replace(' ', 'T')}Z", ()
    lost = ("it has no time: its post's is taken",)
    known = post.text("post_date_gmt")
    if _TIME.fullmatch(known):
        return f"{known.replace(' ', 'T')}Z", lost
    try:
        return parsedate_to_datetime(post.text("pubDate")).isoformat(), lost
    except ValueError:
        return comment.text("comment_date_gmt"), ()
