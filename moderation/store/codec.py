"""How a draft is written in Redis: JSON, deflated with a dictionary of what most drafts share."""

from __future__ import annotations

import json
import zlib

from moderation.comment import Draft

_RAW = -15
#: Put the commonest last; deflate reaches back for them cheaply. Never change it: stored drafts
#: need the very same bytes. A new dictionary takes a new first byte.
_DICTIONARY = (
    b"would could should people because really think about there their which something https://www."
    b" thanks for sharing this great post article comment I have been that you with not just like "
    b"the and to of in is it for on was are but this be as at my so we they what all can if more "
    b"WinNT Linux x86_64 Android iPhone; CPU iPhone OS like Mac OS X) Mobile Safari/604.1 Version/"
    b"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) (Windows NT 10.0; Win64; x64) "
    b"AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Gecko/20100101 Firefox/"
    b'"role": "subscriber", "honeypot": "", "form_served_at": "2026-11-22T", "submitted_at": "2026-'
    b'"parent": "", "external_id": "wordpress-, "published_at": "2026-", "language": "en"}, '
    b'@gmail.com", "url": "https://", "ip": "192.168.", "user_agent": "Mozilla/5.0 '
    b'{"content": "", "author": {"name": "", "email": "", "post": {"url": "https://", "title": "'
)
_VERSION = b"\x01"


def pack(draft: Draft) -> bytes:
    """Return *draft* as bytes, most often a third of its JSON."""
    text = json.dumps(draft.to_dict(), ensure_ascii=False).encode("utf-8", "surrogatepass")
    deflate = zlib.compressobj(6, zlib.DEFLATED, _RAW, 8, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY)
    return _VERSION + deflate.compress(text) + deflate.flush()


def unpack(stored: bytes) -> Draft:
    """Return the draft that :func:`pack` packed; an empty one for no bytes (erased or expired)."""
    if not stored:
        return Draft(content="")
    inflate = zlib.decompressobj(_RAW, _DICTIONARY)
    text = inflate.decompress(stored[1:]) + inflate.flush()
    return Draft.from_dict(json.loads(text.decode("utf-8", "surrogatepass")))
