"""Notes and replies beside comments; they go with the text that they are about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from moderation import ids
from moderation.actor import Actor
from moderation.comment import from_ms
from moderation.errors import Conflict, IllegalMove
from moderation.events import Event, EventType
from moderation.remarks import MOST_NOTES, MOST_REPLIES, TOO_MANY_REPLIES, Remark, Remarks
from moderation.store import codec, keys
from moderation.store.queries import Queries
from moderation.store.sharded import missing

_NOTE, _REPLY, _CURSOR = "n", "a", "c"


class RemarksKept(Queries):
    """Keeps what moderators write about comments."""

    def remarks(self, comment_id: str) -> Remarks:
        """Return a comment's notes and replies."""
        shard, short = self.shard_of(comment_id), ids.shorten(comment_id)
        return _remarks(self._redis.hgetall(keys.KEPT(shard, short)))

    def reply_of(self, event: Event) -> Remark | None:
        """Return the reply that an event is about; None of every other event."""
        if event.type is not EventType.REPLY:
            return None
        return self.remarks(event.subject_id).reply(event.sequence)

    def note(self, comment_id: str, text: str, *, by: Actor, now_ms: int) -> Remark:
        """Put a note beside a comment. Raises NotFound, Conflict."""
        line = _packed(text, by, now_ms)
        answer = self._run(
            "note", self.shard_of(comment_id), ids.shorten(comment_id), line, MOST_NOTES
        )
        number = _number(answer, comment_id, f"a comment has {MOST_NOTES} notes at most")
        return Remark(number, text, by, from_ms(now_ms))

    def reply(self, comment_id: str, text: str, *, by: Actor, now_ms: int) -> tuple[Remark, bool]:
        """Put a reply beside an approved comment, its event on the stream; tell whether it is new.

        Raises NotFound, Conflict.
        """
        line = _packed(text, by, now_ms)
        answer = self._run(
            "reply", self.shard_of(comment_id), now_ms, ids.shorten(comment_id), line, MOST_REPLIES,
            EventType.REPLY,
        )  # fmt: skip
        number = _number(answer, comment_id, TOO_MANY_REPLIES)
        return Remark(number, text, by, from_ms(now_ms)), not int(answer[2])


def _packed(text: str, by: Actor, now_ms: int) -> str:
    return json.dumps([text, codec.pack_actor(by), now_ms], ensure_ascii=False)


def _number(answer: Sequence[Any], comment_id: str, too_many: str) -> int:
    match answer[0]:
        case b"missing":
            raise missing(comment_id)
        case b"expired":
            raise IllegalMove("its text is no longer kept")
        case b"illegal":
            raise IllegalMove(f"only an approved comment is replied to; it is {answer[1].decode()}")
        case b"full":
            raise Conflict(too_many)
    return int(answer[1])


def _remarks(stored: Mapping[bytes, bytes]) -> Remarks:
    found: dict[str, list[Remark]] = {_NOTE: [], _REPLY: []}
    for kind, remarks in found.items():
        for number in range(1, int(stored.get(kind.encode(), 0)) + 1):
            line = stored.get(f"{kind}:{number}".encode())
            if line is None:
                continue
            text, by, at = json.loads(line)
            cursor = stored.get(f"{_CURSOR}:{number}".encode(), b"") if kind == _REPLY else b""
            remarks.append(
                Remark(number, text, codec.unpack_actor(by), from_ms(at), cursor.decode())
            )
    return Remarks(tuple(found[_NOTE]), tuple(found[_REPLY]))
