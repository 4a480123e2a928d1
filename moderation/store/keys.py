"""Every Redis key: one name each, for Python and for Lua, with its type, expiry and owner.

A key is ``{w:<shard>}:<prefix>`` and its parts, joined by colons. The hash tag keeps a shard in one
slot of a Cluster; ``{w:g}`` holds what belongs to no site. Ids are in their short form
(:func:`moderation.ids.shorten`).
"""

from __future__ import annotations

from dataclasses import dataclass

#: The shard of what belongs to no site.
GLOBAL = "g"


@dataclass(frozen=True, slots=True)
class RedisKey:
    """One kind of key; calling it gives the key itself."""

    name: str
    prefix: str
    type: str
    parts: str
    expiry: str
    owner: str
    holds: str

    def __call__(self, shard: int | str, *parts: str | int) -> str:
        """Return the key of this kind in *shard* for *parts*."""
        return ":".join((f"{{w:{shard}}}", self.prefix, *map(str, parts)))


def tag(shard: int | str) -> str:
    """Return what every key of *shard* begins with; functions of the library declare it as their one key."""
    return f"{{w:{shard}}}:"


_C, _D, _A, _L = "store.comments", "store.deliveries", "store.accounts", "store.accounts.desk"
_V = "store.liveness"

COMMENT = RedisKey(
    "comment",
    "c",
    "hash",
    "comment",
    "purge, by retention",
    _C,
    "one comment: text, status, scores, history; a tombstone once erased",
)
PENDING = RedisKey("pending", "p", "list", "site", "empties itself", _C, "ids waiting for a worker")
RING = RedisKey("ring", "ring", "zset", "", "empties itself", _C, "sites with pending ids, by turn")
TURN = RedisKey("turn", "turn", "string", "", "never", _C, "counts turns of the ring")
SUSPECTS = RedisKey(
    "suspects",
    "sus",
    "list",
    "",
    "empties itself",
    _C,
    "ids whose worker died, served one at a time",
)
SUSPECT_LEASE = RedisKey(
    "suspect_lease",
    "sl",
    "string",
    "",
    "with its lease",
    _C,
    "token of the one lease that holds a suspect",
)
DEATHS = RedisKey(
    "deaths",
    "deaths",
    "hash",
    "",
    "with the verdict",
    _C,
    "comment -> workers that died on it alone",
)
LEASES = RedisKey(
    "leases", "leases", "zset", "", "empties itself", _C, "lease tokens by expiry, ms"
)
LEASE = RedisKey("lease", "l", "list", "token", "with the lease", _C, "ids on lease")
BELL = RedisKey(
    "bell", "bell", "list", "", "when a worker hears it", _C, "one entry: comments have come"
)
WAKE = RedisKey("wake", "wake", "string", "", "3 s", _C, "a wake-up is on its way")
TERMS = RedisKey(
    "terms",
    "terms",
    "hash",
    "",
    "never",
    _C,
    "sites and models, that stand in comments as numbers -> the number, '#' and it -> the text",
)
COUNTS = RedisKey(
    "counts", "n", "hash", "", "never", _C, "comments by status, of each site and in all"
)
DAILY = RedisKey("daily", "k", "hash", "site, day", "400 days", _C, "what happened on one UTC day")
QUEUE = RedisKey("queue", "q", "zset", "site", "empties itself", _C, "flagged ids by priority")
WAITING = RedisKey("waiting", "qt", "zset", "site", "empties itself", _C, "flagged ids by time, ms")
DAY = RedisKey(
    "day", "d", "list", "site, day", "purge, by retention", _C, "ids accepted on one UTC day"
)
AGED = RedisKey(
    "aged", "ag", "hash", "site", "with its days", _C, "when the purge last saw each day, ms"
)
DAYS = RedisKey("days", "ds", "zset", "site", "purge, by retention", _C, "days that have comments")
EXTERNAL = RedisKey(
    "external",
    "xb",
    "hash",
    "site, bucket",
    "with the comment",
    _C,
    "digest of the blog's own id -> comment",
)
NUMBERED = RedisKey(
    "numbered",
    "nb",
    "string",
    "site, block",
    "with the block's last comment",
    _C,
    "ids of 65,536 comments by their number within the site, 22 bytes each",
)
STANDING = RedisKey(
    "standing",
    "nst",
    "string",
    "site, block, status",
    "with the block's last comment",
    _C,
    "a bit for each number of a block: whether the comment has that status",
)
AUTHOR = RedisKey(
    "author",
    "ab",
    "hash",
    "site, block, bucket",
    "with the text",
    _C,
    "keyed hash of an e-mail, address or user id -> numbers within the block, '+': in a string of their own",
)
WORD = RedisKey(
    "word",
    "wb",
    "hash",
    "site, block, bucket",
    "with the text",
    _C,
    "hash of a word, domain, post or network -> numbers within the block; '*': in too many comments",
)
POSTED = RedisKey(
    "posted",
    "np",
    "string",
    "site, block, entry",
    "with the text",
    _C,
    "numbers within the block of an author or word that has many, two bytes each",
)
PEOPLE = RedisKey(
    "people",
    "pp",
    "hash",
    "site",
    "as each says; erasure",
    "store.people",
    "an e-mail, user id, address, network or domain -> how it is treated until when, and a note, JSON",
)
PEOPLE_LATEST = RedisKey(
    "people_latest",
    "pl",
    "zset",
    "site",
    "with their records",
    "store.people",
    "people that a site blocks, holds or trusts, by the time of the record, ms",
)
PEOPLE_ENDS = RedisKey(
    "people_ends",
    "pe",
    "zset",
    "site",
    "with their records",
    "store.people",
    "whom a site treats so for some time by when that ends, ms",
)
CLEAN_UP = RedisKey(
    "clean_up",
    "cu",
    "string",
    "clean-up",
    "7 days",
    "store.campaigns",
    "a clean-up and how far it is, JSON",
)
UNCLEANED = RedisKey(
    "uncleaned",
    "cun",
    "set",
    "",
    "empties itself",
    "store.campaigns",
    "clean-ups that are not done",
)
CLEANED = RedisKey(
    "cleaned",
    "cud",
    "list",
    "clean-up",
    "1 day",
    "store.campaigns",
    "ids that a clean-up decided, each with the status before",
)
CLEANING = RedisKey(
    "cleaning", "cul", "string", "clean-up", "60 s", "store.campaigns", "a step of a clean-up runs"
)
INDEXING = RedisKey(
    "indexing", "nx", "string", "site", "10 s", "store.search", "a worker adds words to the index"
)
HELD = RedisKey(
    "held",
    "held",
    "zset",
    "",
    "empties itself",
    _C,
    "comments whose decision is not yet told, by when it will be, ms",
)
KEPT = RedisKey(
    "kept",
    "kd",
    "hash",
    "comment",
    "erasure, purge",
    _C,
    "text and scores that decisions were made on and that changed since, by version; the author's own "
    "text where a moderator changed it; moderators' notes and replies",
)
DECIDED = RedisKey("decided", "kt", "list", "site", "purge", _C, "decided ids, the newest first")
EVIDENCE = RedisKey(
    "evidence",
    "fb",
    "hash",
    "site",
    "erasure, purge; the last 10,000",
    _C,
    "comment -> what a person decided on it, with the scores and verdict that were there",
)
EVIDENT = RedisKey(
    "evident", "fo", "zset", "site", "with its evidence", _C, "comments with evidence, by its place"
)
READINGS = RedisKey(
    "readings",
    "fr",
    "hash",
    "site",
    "with its evidence",
    _C,
    "comment -> the shared model's reading of the text that was decided on; no text",
)
LEARNING = RedisKey(
    "learning",
    "ln",
    "hash",
    "site",
    "with the site",
    _C,
    "a site's own heads by version, the one in use, how each was made, who is left out",
)
UNLEARNED = RedisKey(
    "unlearned",
    "lu",
    "zset",
    "",
    "empties itself",
    _C,
    "sites with something new to learn, by when",
)
LEARNER = RedisKey("learner", "ll", "string", "site", "2 min", _C, "who learns for a site just now")
EVENTS = RedisKey(
    "events",
    "e",
    "stream",
    "site",
    "trimmed after WINNOW_EVENT_DAYS",
    _C,
    "what the feed and the deliverer read",
)
TRIMMED = RedisKey(
    "trimmed",
    "et",
    "string",
    "site",
    "never",
    _D,
    "the stream id up to which a site's events were trimmed",
)
EVENTFUL = RedisKey(
    "eventful", "ev", "set", "", "empties itself", _D, "sites with events to fan out"
)
NEAR = RedisKey(
    "near",
    "nd",
    "string",
    "site",
    "1 day idle",
    _C,
    "the latest texts' signatures with their authors' hashes and their ids, 32 bytes each",
)
META = RedisKey("meta", "meta", "hash", "", "never", _C, "data version and number of shards")
WORKERS = RedisKey(
    "workers",
    "workers",
    "zset",
    "",
    "entries after 1 h",
    _V,
    "worker names by last heartbeat, ms",
)
PARTS = RedisKey(
    "parts",
    "parts",
    "zset",
    "part",
    "entries after 1 h",
    _V,
    "names of a part's other processes (deliverer, upkeep, watchdog) by last heartbeat, ms",
)
SCHEDULED = RedisKey(
    "scheduled",
    "cron",
    "string",
    "job",
    "until it is due again",
    _V,
    "a periodic job was enqueued recently",
)
LIMITS = RedisKey(
    "limits",
    "lim",
    "string",
    "limit, who, window",
    "with the window",
    "service.limits",
    "requests so far",
)
METRICS = RedisKey(
    "metrics", "m", "hash", "", "never", "store.metrics", "verdicts, batches and attempts so far"
)
WATCHDOG = RedisKey(
    "watchdog",
    "watchdog",
    "string",
    "",
    "8 s",
    _V,
    "the supervisor whose watchdog runs",
)

FANNED_OUT = RedisKey(
    "fanned_out", "ec", "string", "site", "never", _D, "id of the last event fanned out"
)
DUE_ENDPOINTS = RedisKey(
    "due_endpoints", "dr", "zset", "", "empties itself", _D, "site|endpoint by earliest due, ms"
)
DUE = RedisKey(
    "due", "dd", "zset", "endpoint", "empties itself", _D, "event ids by next attempt, ms"
)
IN_FLIGHT = RedisKey(
    "in_flight", "df", "set", "endpoint", "empties itself", _D, "event ids being sent"
)
DELIVERY_LEASES = RedisKey(
    "delivery_leases",
    "dls",
    "zset",
    "",
    "empties itself",
    _D,
    "holder|site|endpoint|event by expiry, ms",
)
DELIVERY = RedisKey(
    "delivery",
    "dx",
    "hash",
    "endpoint, event",
    "WINNOW_EVENT_DAYS after the last attempt",
    _D,
    "state, attempts and next attempt of one delivery",
)
DELIVERIES = RedisKey(
    "deliveries", "di", "zset", "endpoint", "the last 10,000", _D, "event ids by time, ms"
)
PACE = RedisKey(
    "pace", "dp", "string", "endpoint, second", "2 s", _D, "attempts begun within one second"
)
FAILING = RedisKey(
    "failing", "dh", "string", "endpoint", "first success", _D, "since when an endpoint fails, ms"
)

SESSION = RedisKey("session", "sess", "string", "digest", "12 h idle", _L, "who is signed in")
SESSIONS = RedisKey(
    "sessions",
    "sesss",
    "hash",
    "moderator",
    "12 h idle",
    _L,
    "digest of a session -> since when, from where and by which browser, JSON",
)
KNOWN = RedisKey(
    "known",
    "kn",
    "zset",
    "moderator",
    "90 days",
    _L,
    "keyed hashes of networks signed in from, by when, ms",
)
CLAIM = RedisKey("claim", "cl", "string", "comment", "2 min", _L, "the moderator who has it open")
NOTICES = RedisKey(
    "notices",
    "note",
    "hash",
    "moderator",
    "with the moderator",
    _L,
    "how a moderator is notified of waiting comments: each channel with its address, sealed, and its failures, JSON; digest of the feed's address",
)
UNDOABLE = RedisKey(
    "undoable",
    "uu",
    "hash",
    "moderator",
    "with the last undo window",
    _L,
    "comment -> when and how they decided it, and until when they can undo that, JSON",
)
TALLY = RedisKey(
    "tally_of",
    "ty",
    "hash",
    "moderator",
    "60 days after the last decision",
    _L,
    "day -> their decisions; the last one's time and the seconds between the latest, of the desk alone",
)
LINK = RedisKey(
    "link",
    "link",
    "string",
    "digest",
    "as each says",
    _L,
    "whose it is, and since which epoch, JSON",
)
OUTBOX = RedisKey(
    "outbox", "outbox", "list", "", "empties itself", _L, "letters about accounts to write, sealed"
)
VIEW = RedisKey(
    "view", "vw", "string", "moderator", "90 days", _L, "filters and view of the queue, JSON"
)

SITES = RedisKey("sites", "sites", "hash", "", "never", _A, "site -> its settings, JSON")
SITE_NAMES = RedisKey("site_names", "names", "hash", "", "never", _A, "folded name -> site")
REMOVED_SITES = RedisKey(
    "removed_sites",
    "gone",
    "hash",
    "",
    "once purged",
    _A,
    "removed sites whose comments are still to be purged -> when, ms",
)
KEYS = RedisKey(
    "keys", "keys", "hash", "", "never", _A, "keyed hash of a site's key -> the key, JSON"
)
KEY_IDS = RedisKey("key_ids", "ki", "hash", "", "never", _A, "key's id -> its keyed hash")
KEY_USES = RedisKey(
    "key_uses", "ku", "hash", "", "with its key", _A, "key's id -> its last use, ms"
)
SITE_KEYS = RedisKey(
    "site_keys", "sk", "set", "site", "empties itself", _A, "keyed hashes of a site's keys"
)
TOKENS = RedisKey("tokens", "tokens", "hash", "", "never", _A, "keyed hash -> admin's token, JSON")
MODERATORS = RedisKey(
    "moderators", "mods", "hash", "", "never", _A, "folded name -> moderator, password hash, JSON"
)
EPOCHS = RedisKey(
    "epochs", "epochs", "hash", "", "never", _A, "folded name -> how often sessions were ended"
)
LINK_EPOCHS = RedisKey(
    "link_epochs",
    "lepochs",
    "hash",
    "",
    "never",
    _A,
    "folded name -> how often links sent to them were ended",
)
FACTORS = RedisKey(
    "factors",
    "factors",
    "hash",
    "",
    "never",
    _A,
    "folded name -> what is asked for beside the password",
)
DOOR_SECRETS = RedisKey(
    "door_secrets", "dsec", "hash", "", "never", _A, "site|door -> the client's secret, sealed"
)
ENDPOINTS = RedisKey(
    "endpoints", "endpoints", "hash", "", "never", _A, "endpoint -> settings, secrets sealed, JSON"
)
SITE_ENDPOINTS = RedisKey(
    "site_endpoints", "se", "set", "site", "empties itself", _A, "ids of a site's endpoints"
)
ERASURE = RedisKey(
    "erasure",
    "er",
    "string",
    "erasure",
    "30 days after it is done",
    _A,
    "an erasure of a person and how far it is, JSON; whom, sealed, until it is done",
)
UNERASED = RedisKey(
    "unerased",
    "ern",
    "hash",
    "",
    "empties itself",
    _A,
    "keyed hash of a person, and sites -> their erasure that is not done",
)
ERASING = RedisKey("erasing", "erl", "string", "erasure", "60 s", _A, "a step of an erasure runs")
AUDIT = RedisKey(
    "audit", "audit", "stream", "", "the last 10,000", _A, "who changed what, and when"
)

REFUSED_SIGN_INS = RedisKey(
    "refusals",
    "refused",
    "stream",
    "",
    "the last 1,000",
    _A,
    "sign-ins that were refused, and when",
)

#: What belongs to no site, beside all that these owners keep.
_OWNERS_OF_NO_SITE = frozenset({_A, _V, "service.limits", "store.metrics"})
_OF_NO_SITE = (META, NOTICES, SESSION, SESSIONS, KNOWN, UNDOABLE, LINK, OUTBOX, VIEW)

#: What docs/reference/keys.md shows and the library's key functions are made of.
KINDS: list[RedisKey] = [value for value in list(globals().values()) if isinstance(value, RedisKey)]


def lua() -> str:
    """Return Lua functions ``<name>_key(...)`` over ``K`` of lua/base.lua, one for each kind."""
    return "\n".join(
        f"local function {kind.name}_key(a, b) return K('{kind.prefix}', a, b) end"
        for kind in KINDS
        if kind.owner in {_C, _D} or kind is PEOPLE
    )


def table() -> str:
    """Return the table that docs/reference/keys.md shows; ``python -m moderation.store.keys``."""
    rows = ["| key | type | holds | expires | owner |", "|---|---|---|---|---|"]
    for kind in KINDS:
        shard = GLOBAL if kind.owner in _OWNERS_OF_NO_SITE or kind in _OF_NO_SITE else "<shard>"
        key = kind(shard, *(f"<{part}>" for part in kind.parts.split(", ") if part))
        holds = kind.holds.replace("|", "\\|")
        rows.append(f"| `{key}` | {kind.type} | {holds} | {kind.expiry} | `{kind.owner}` |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())  # noqa: T201 - what it is run for
