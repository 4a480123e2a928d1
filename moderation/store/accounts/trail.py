"""The audit trail: a stream of the latest lines."""

from __future__ import annotations

import json
from dataclasses import asdict

from moderation import values
from moderation.actor import Actor, ActorKind
from moderation.audit import AuditLine, RefusedSignIn
from moderation.errors import NotFound
from moderation.store import keys
from moderation.store.accounts.base import NAME_LENGTH, Command, Records, as_json, fold

AUDIT_LINES = 10_000
REFUSED_LINES = 1000
#: Lines of the trail that one round trip brings.
_LINES_READ = 500
_G = keys.GLOBAL


class Trail(Records):
    """Who changed what, and when."""

    def note(self, line: AuditLine) -> None:
        """Put a line on the audit trail."""
        self._redis.execute_command(*line_of(line))

    def note_refused_sign_in(self, name: str, *, now_ms: int) -> None:
        """Note that somebody who claimed to be *name* was refused; apart from the audit trail."""
        packed = as_json({"at": now_ms, "name": name[:NAME_LENGTH]})
        self._redis.xadd(
            keys.REFUSED_SIGN_INS(_G), {"line": packed}, maxlen=REFUSED_LINES, approximate=True
        )

    def refused_sign_ins(self, *, limit: int = 50) -> list[RefusedSignIn]:
        """Return recent sign-ins that were refused, the newest first."""
        rows = self._redis.xrevrange(keys.REFUSED_SIGN_INS(_G), count=limit)
        return [RefusedSignIn(**json.loads(fields[b"line"])) for _, fields in rows]

    def audit(
        self,
        *,
        limit: int = 200,
        before: str = "",
        about: str = "",
        by: str = "",
        action: str = "",
        without: str = "",
    ) -> list[AuditLine]:
        """Return the audit trail, the newest first: of the lines older than the line *before*.

        Of those only lines *about* an id (a site's with what belongs to it), *by* somebody, or of
        an *action* or a kind of action (``key`` for ``key.add``), and none of the kind *without*.
        """
        found: list[AuditLine] = []
        cursor = f"({before}" if values.is_stream_id(before) else "+"
        while len(found) < limit:
            rows = self._redis.xrevrange(keys.AUDIT(_G), max=cursor, count=max(limit, _LINES_READ))
            lines = [_audit_line(*row) for row in rows]
            found += [
                line
                for line in lines
                if line.action != without and _fits(line, about=about, by=by, action=action)
            ]
            if len(rows) < max(limit, _LINES_READ):
                break
            cursor = f"({lines[-1].id}"
        return found[:limit]

    def audit_line(self, line_id: str) -> AuditLine:
        """Return one line of the trail. Raises NotFound."""
        rows = (
            self._redis.xrange(keys.AUDIT(_G), line_id, line_id)
            if values.is_stream_id(line_id)
            else []
        )
        if not rows:
            raise NotFound("the trail has no such line, or not any more")
        return _audit_line(*rows[0])


def line_of(line: AuditLine) -> Command:
    """Return the command that puts *line* on the trail."""
    packed = as_json({name: value for name, value in asdict(line).items() if name != "id"})
    return ["XADD", keys.AUDIT(_G), "MAXLEN", "~", str(AUDIT_LINES), "*", "line", packed]


def _audit_line(line_id: bytes, fields: dict[bytes, bytes]) -> AuditLine:
    packed = json.loads(fields[b"line"])
    by = Actor(ActorKind(packed["by"]["kind"]), packed["by"]["name"], packed["by"]["via"])
    return AuditLine(**{**packed, "by": by}, id=line_id.decode())


def _fits(line: AuditLine, *, about: str, by: str, action: str) -> bool:
    return (
        (not about or about in {line.subject, line.detail.get("site")})
        and (not by or fold(by) in {fold(line.by.name), fold(line.by.via)})
        and (not action or line.action == action or line.action.startswith(f"{action}."))
    )
