"""WordPress's own export (WXR): posts with their comments.

The export leaves out spam. What it calls a comment may be a pingback, a trackback or a plugin's own
note; only what readers wrote is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element

from service.importers import Found, Unusable, checked
from service.importers.trees import records, text

_CHANNEL = ("rss", "channel")
_ITEM = (*_CHANNEL, "item")
_COMMENT = (*_ITEM, "comment")
_LANGUAGE = (*_CHANNEL, "language")

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
_NO_TIME = "0000-00-00 00:00:00"


def read(file: BinaryIO) -> Iterator[Found]:
    """Yield the comments of each post."""
    language, number = "", 0
    for parent, element in records(
        file, {_LANGUAGE, _ITEM, _COMMENT}, kind="WordPress export (WXR)"
    ):
        match element.tag.rpartition("}")[2]:
            case "language":
                language = (element.text or "").strip()
            case "comment":
                number += 1
                yield _found(number, element, parent, language)


def _found(number: int, comment: Element, post: Element, language: str) -> Found:
    own_id = text(comment, "comment_id")
    where = f"comment {own_id}" if own_id else f"comment number {number} of the file"
    kind, status = text(comment, "comment_type"), text(comment, "comment_approved")
    if kind not in TYPES:
        return Unusable(where, f"a {kind[:40]}, not a reader's comment")
    if status == "post-trashed":
        return Unusable(where, "its post is in the trash: nobody decided on the comment itself")
    if status not in STATUSES:
        return Unusable(where, f"its status {status[:40]!r} is none of {', '.join(STATUSES)}")
    parent = text(comment, "comment_parent")
    return checked(
        where,
        {
            "external_id": own_id,
            "content": text(comment, "comment_content"),
            "author": {
                "name": text(comment, "comment_author"),
                "email": text(comment, "comment_author_email"),
                "url": text(comment, "comment_author_url"),
                "ip": text(comment, "comment_author_IP"),
            },
            "post": {
                "url": text(post, "link"),
                "title": text(post, "title"),
                "language": language,
            },
            "parent": "" if parent == "0" else parent,
            "created_at": _time(comment),
            "status": STATUSES[status],
        },
    )


def _time(comment: Element) -> str:
    """Return the comment's time; the blog's local time only where it knows no other."""
    utc, its_own = text(comment, "comment_date_gmt"), text(comment, "comment_date")
    at = its_own if utc in {"", _NO_TIME} else utc
    return f"{at.replace(' ', 'T')}Z"
