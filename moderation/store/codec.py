"""Stored form of drafts, scores and verdicts: JSON, compressed with dictionaries."""

from __future__ import annotations

import json
import re
import struct
import threading
import zlib
from functools import lru_cache
from json.encoder import encode_basestring

import zstandard

from moderation import ids
from moderation.actor import Actor, ActorKind
from moderation.comment import Author, Draft, Post
from moderation.scores import LABELS, Scores
from moderation.verdict import Verdict

_RAW = -15
#: Put the commonest last; deflate reaches back for them cheaply. Never change one: what is stored
#: needs the very same bytes. A new dictionary takes a new first byte.
OF_DRAFTS = (
    b'"subscriber","customer","de","fr","es","en","2026-11-22T00:00:00.000Z","2026-12-'
    b"@hotmail.com @outlook.com @yahoo.com @example.com @gmail.com"
    b"would could should people because really think about there their which something https://www."
    b" thanks for sharing this great post article comment I have been that you with not just like "
    b"the and to of in is it for on was are but this be as at my so we they what all can if more "
    b"Mozilla/5.0 (Linux; Android 16; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1.0.0.0 Mobi"
    b"le Safari/537.36 Edg/Mozilla/5.0 (X11; Linux x86_64; rv:15.0) Gecko/20100101 Firefox/Mozilla/"
    b"5.0 (iPhone; CPU iPhone OS 19_ like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version"
    b"/19.0 Mobile/15E148 Safari/604.1Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/53"
    b"7.36 (KHTML, like Gecko) Chrome/1.0.0.0 Safari/537.36 Version/19.0 Safari/605.1.15"
    b'.com","","","192.168.1","Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, l'
    b'ike Gecko) Chrome/1.0.0.0 Safari/537.36","https://blog.com/2026/11/","wordpress-1'
)
#: How often which letters and lengths stand in such lists, for zstd to begin with: what `python -m
#: benchmarks.texts --tables` prints.
_TABLES = bytes.fromhex(
    "37a430ecf09753113b10b09a361d300cc3300cc3300cc33000a9fdb62f6bb27bdb596a26dd600042e7c43130baa2"
    "468331c6c188d041fdffffff6eb284060cdf1904293c93000014322011ce6aeb01000004c00cd44b4bcbebf01854"
    "08e0930005608002100002008000100090122001000000e4c8646264a3a2917130188bc6838178344be2282ea503"
    "000000010000000400000008000000"
)
_DICTIONARY = zstandard.ZstdCompressionDict(_TABLES + OF_DRAFTS)
LEVEL = 3
_DICTIONARY.precompute_compress(level=LEVEL)
#: What a packed draft begins with: the number of its form.
_WORDS = b"\x01"
_PARTS = 17
#: Probabilities are kept in ten-thousandths.
_UNIT = 10_000
_HEXADECIMAL = re.compile(r"(?:[0-9a-f]{2})+")

#: As above, for verdicts.
_OF_VERDICTS = (
    b'["staff"]["unscored"]["empty"]["hold_all"]["unknown_language"]["first_comment"]["blocked_word",'
    b'{"word":"["blocked_domain",{"domain":"["links",{"number":4,"bar":3}]["near_duplicate",{"number":1}'
    b']]],["obscene",["threat",["identity_attack",["severe_toxicity",["insult",["toxicity",{"score":0.9'
    b',"bar":0.5}]["spam",{"score":0.9,"bar":0.8}],["reject","spam",[["flag","toxicity",[['
    b'["allow","",[["clean"]]]'
)

#: As above, for what is left of a comment once its text has expired.
_OF_REMAINS = (
    _OF_VERDICTS
    + b'["pe","B","erased",["fe","m","erased",["pf","ssupervisor","unscored",["fp","m","retry",["af","m"'
    b',"undo",["rf","m","undo",["sf","m","undo",["ap","B","edited",["fp","B","edited",["pa","i","import"'
    b',["ps","i","import",["pr",1,"insult",["pr",1,"toxicity",["pf",1,"links",["pf",1,"first_comment",["p'
    b'f",1,"insult",["pf",1,"toxicity",["ra","m","approve",["sa","m","approve",["fr","m","reject",["ar",'
    b'"m","reject",["as","m","spam",["fs","m","spam",["fa","m","approve",,"",1]\n["pf",1,"spam",["ps",1,'
    b'"spam",["allow","",[["clean"]]]\n["pa",1,"clean",'
)


def pack_remains(verdict: Verdict | None, history: bytes) -> bytes:
    """Return a verdict and lines of history as bytes, when the text that they are about goes."""
    said = _told(verdict) if verdict else ""
    return _deflate(f"{said}\n{history.decode()}", _OF_REMAINS)


def unpack_remains(stored: bytes) -> tuple[Verdict | None, bytes]:
    """Return what :func:`pack_remains` packed; nothing for no bytes."""
    said, _, history = _inflate(stored, _OF_REMAINS).partition("\n") if stored else ("", "", "")
    return Verdict.from_list(json.loads(said)) if said else None, history.encode()


#: What an actor's kind is stored as; a capital letter says that ``via`` stands before the name.
LETTERS = {
    ActorKind.MODERATOR: "m",
    ActorKind.OPERATOR: "o",
    ActorKind.TOKEN: "t",
    ActorKind.BLOG: "b",
    ActorKind.IMPORT: "i",
    ActorKind.MACHINE: "x",
    ActorKind.SCHEDULE: "s",
    ActorKind.STRANGER: "u",
}
_KINDS = {letter: kind for kind, letter in LETTERS.items()}


def pack_actor(actor: Actor) -> str:
    """Return an actor as a short text: a letter, ``via`` and a line end if there is any, the name."""
    letter = LETTERS[actor.kind]
    return f"{letter.upper()}{actor.via}\n{actor.name}" if actor.via else letter + actor.name


@lru_cache(1024)
def unpack_actor(stored: str) -> Actor:
    """Return the actor that :func:`pack_actor` packed."""
    letter, rest = stored[:1], stored[1:]
    via, _, name = rest.partition("\n") if letter.isupper() else ("", "", rest)
    return Actor(_KINDS[letter.lower()], name, via)


class _Zstd(threading.local):
    """A compressor and a decompressor of drafts for one thread: they are not thread-safe."""

    def __init__(self) -> None:
        compressor = zstandard.ZstdCompressor(LEVEL, _DICTIONARY, write_dict_id=False)
        self.pack = compressor.compress
        self.unpack = zstandard.ZstdDecompressor(_DICTIONARY).decompress


_zstd = _Zstd()


def pack(draft: Draft) -> bytes:
    """Return *draft* as bytes, most often half of its JSON."""
    return _WORDS + _zstd.pack(listed(draft))


def listed(draft: Draft) -> bytes:
    """Return a draft's fields as a JSON array without the empty ones at its end."""
    author, post = draft.author, draft.post
    parts = [
        draft.content, author.name, author.email, author.url, author.ip, author.user_agent,
        post.url, post.title, draft.external_id, draft.parent, author.role, post.language,
        post.published_at, draft.form_served_at, draft.submitted_at, draft.honeypot, author.id,
    ]  # fmt: skip
    while parts and not parts[-1]:
        parts.pop()
    # Made by hand in half of the encoder's time.
    return f"[{','.join(map(encode_basestring, parts))}]".encode("utf-8", "surrogatepass")


def unpack(stored: bytes) -> Draft:
    """Return the draft that :func:`pack` packed; an empty one for no bytes (erased or expired)."""
    if not stored:
        return Draft(content="")
    parts: list[str] = json.loads(_zstd.unpack(stored[1:]).decode("utf-8", "replace"))
    parts += [""] * (_PARTS - len(parts))
    (
        content, name, email, url, ip, user_agent, post_url, title, external_id, parent, role,
        language, published_at, form_served_at, submitted_at, honeypot, user_id,
    ) = parts  # fmt: skip
    return Draft(
        content,
        Author(name, email, url, ip, user_agent, role, user_id),
        Post(post_url, title, published_at, language),
        external_id,
        parent,
        honeypot,
        form_served_at,
        submitted_at,
    )


def pack_scored(scores: Scores | None, verdict: Verdict) -> bytes:
    """Return what a model measured, if it did, and the verdict, as a few dozen bytes."""
    measured = b""
    if scores is not None:
        flags = (
            int(scores.known_language)
            | int(scores.empty) << 1
            | int(bool(scores.alike)) << 2
            | int(not scores.seconded) << 3
        )
        known = scores.labels
        values = [round(known.get(label, 0.0) * _UNIT) for label in LABELS]
        words = _short(scores.model) + _short(scores.language)
        measured = struct.pack(
            f">{len(values)}HBH", *values, flags, min(scores.near_duplicates, 0xFFFF)
        )
        alike = b"".join(map(ids.packed, scores.alike))
        if alike:
            alike = bytes([len(scores.alike)]) + alike
        measured = bytes([len(values)]) + measured + words + alike
    return (measured or b"\0") + _packed(verdict)


@lru_cache(256)
def _packed(verdict: Verdict) -> bytes:
    """Return a verdict's bytes; most comments have the same, that nothing is wrong with them."""
    return _deflate(_told(verdict), _OF_VERDICTS)


def _told(verdict: Verdict) -> str:
    return json.dumps(verdict.to_list(), separators=(",", ":"), ensure_ascii=False)


def unpack_scored(stored: bytes) -> tuple[Scores | None, Verdict | None]:
    """Return what :func:`pack_scored` packed; nothing for no bytes (not yet screened)."""
    if not stored:
        return None, None
    count, rest, scores = stored[0], stored[1:], None
    if count:
        *values, flags, near = struct.unpack_from(f">{count}HBH", rest)
        model, rest = _cut(rest[2 * count + 3 :])
        language, rest = _cut(rest)
        alike: tuple[str, ...] = ()
        if flags & 4:
            end = 1 + 16 * rest[0]
            alike = tuple(ids.unpacked(rest[at : at + 16]) for at in range(1, end, 16))
            rest = rest[end:]
        labels = {str(label): value / _UNIT for label, value in zip(LABELS, values, strict=False)}
        scores = Scores(
            labels,
            model,
            language,
            known_language=bool(flags & 1),
            empty=bool(flags & 2),
            near_duplicates=near,
            alike=alike,
            seconded=not flags & 8,
        )
    return scores, Verdict.from_list(json.loads(_inflate(rest, _OF_VERDICTS)))


def _short(text: str) -> bytes:
    """Return a short text with its length before it; hexadecimal takes half its digits."""
    head = text.encode()[:127]
    if _HEXADECIMAL.fullmatch(text):
        return bytes([len(text) // 2 | 0x80]) + bytes.fromhex(text)
    return bytes([len(head)]) + head


def _cut(stored: bytes) -> tuple[str, bytes]:
    """Return the text that :func:`_short` wrote first in *stored*, and what follows it."""
    end = 1 + (stored[0] & 0x7F)
    head = stored[1:end]
    return head.hex() if stored[0] & 0x80 else head.decode("utf-8", "replace"), stored[end:]


def _deflate(text: str, dictionary: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, _RAW, 8, zlib.Z_DEFAULT_STRATEGY, dictionary)
    return deflate.compress(text.encode("utf-8", "surrogatepass")) + deflate.flush()


def _inflate(stored: bytes, dictionary: bytes) -> str:
    inflate = zlib.decompressobj(_RAW, dictionary)
    return (inflate.decompress(stored) + inflate.flush()).decode("utf-8", "surrogatepass")
