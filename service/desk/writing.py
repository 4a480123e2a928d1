"""Editing a comment's text, with what changed marked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from flask import flash, redirect, request, url_for

from moderation import values
from moderation.comment import Comment, Status
from moderation.site import Site
from service.context import winnow
from service.desk.base import bp, my_comment, myself
from service.desk.words import _

_WORD = re.compile(r"\s+|[^\s]+")
#: Longest changed passage that is compared word by word, in words; a longer one is shown as a whole.
_COMPARED = 300


@bp.post("/comments/<comment_id>/revise")
def revise(comment_id: str) -> Any:
    """Change a comment's text."""
    before = my_comment(comment_id)
    winnow().revise(
        comment_id,
        _as_written(request.form.get("content", ""), before),
        revision=values.whole(request.form.get("revision", ""), field="revision", most=2**53),
        by=myself(),
    )
    flash(_("The text was changed. What the author wrote is kept beside it."))
    return redirect(url_for("desk.comment", comment_id=comment_id))


def may_be_edited(site: Site, comment: Comment) -> bool:
    """Tell whether the comment's page offers to edit its text."""
    return bool(
        site.edits
        and comment.status in {Status.FLAGGED, Status.APPROVED}
        and comment.undo_until is None
        and comment.content
    )


def differences(old: str, new: str) -> list[tuple[str, str]]:
    """Return two texts as one: passages, each with "" (in both), "del" (in the old) or "ins".

    Word by word in up to 300 words; a longer passage that changed is shown as a whole.
    """
    before, after = _WORD.findall(old), _WORD.findall(new)
    start = _shared(before, after)
    end = _shared(before[start:][::-1], after[start:][::-1])
    middle = before[start : len(before) - end], after[start : len(after) - end]
    found = [("", before[:start]), *_compared(*middle), ("", before[len(before) - end :])]
    return [("".join(words), kind) for kind, words in found if words]


def _shared(one: list[str], other: list[str]) -> int:
    """Return how many words two texts begin with alike."""
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )


def _compared(before: list[str], after: list[str]) -> Iterator[tuple[str, list[str]]]:
    if max(len(before), len(after)) > _COMPARED:
        yield "del", before
        yield "ins", after
        return
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            yield "", before[a:b]
        else:
            yield "del", before[a:b]
            yield "ins", after[c:d]


def _as_written(typed: str, before: Comment) -> str:
    """Return a text from a form with the line ends that the comment has; browsers send CRLF."""
    return typed if "\r\n" in before.content else typed.replace("\r\n", "\n")
