"""Comments found by status, author and word, on a real server."""

from __future__ import annotations

import copy
import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from moderation import ids
from moderation.comment import Author, Comment, Decision, Draft, Post, Status
from moderation.errors import InvalidInput
from moderation.search import Query, query, words_of
from moderation.site import Retention
from moderation.store import keys
from moderation.store.comments import Comments
from moderation.store.search import BLOCK
from moderation.workflow.retention import purge_site
from tests.support.actors import ADA, BLOG
from tests.support.world import World

DAY = 86_400_000
#: What one call may take (lua/search.lua); what it does at once before it looks comes on top.
STEPS_OF_A_CALL = 10_000
MOST_STEPS = STEPS_OF_A_CALL + 500
LISA = Author("Lisa Müller", "lisa@mail.example", "https://lisa.example", "203.0.113.7", id="42")


def add(world: World, content: str, author: Author = LISA, **draft: object) -> str:
    accepted = world.submit(content, author=author, **draft)[0]
    world.screen()
    return accepted.id


def found(world: World, sought: Query, **more: object) -> list[str]:
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    return [one.id for one in comments.search(world.site.id, sought, now_ms=now, **more).items]


def words_left(world: World) -> list[bytes]:
    kinds = (keys.WORD, keys.AUTHOR, keys.POSTED)
    return [key for kind in kinds for key in keys_of(world, kind)]


def keys_of(world: World, kind: keys.RedisKey) -> Iterator[bytes]:
    yield from world.adapters.redis.scan_iter(f"{{w:0}}:{kind.prefix}:*")


@pytest.mark.parametrize(
    "sought",
    [
        "marmalade",
        "MARMALADE thick",
        '"thick cut"',
        "Müller",
        "lisa@mail.example",
        "203.0.113.7",
        "jams.example",
        "shop.jams.example",
        "cut thick",
        "果酱",
    ],
)
def test_a_comment_is_found_by_what_it_says_and_by_who_wrote_it(world: World, sought: str):
    mine = add(world, "Thick cut marmalade 好的果酱 from https://shop.jams.example/a")
    add(world, "Thin cut honey", Author("Bob", "bob@mail.example", ip="198.51.100.1"))
    assert found(world, query(sought)) == [mine]


@pytest.mark.parametrize(
    "author", ["Lisa", "lisa@MAIL.example", "203.0.113.7", "203.0.113.0/24", "id:42"]
)
def test_an_author_is_sought_by_name_e_mail_address_network_or_the_blogs_own_id(
    world: World, author: str
):
    mine = add(world, "I praise Bob")
    add(world, "I praise Lisa", Author("Bob", "bob@mail.example", ip="198.51.100.1", id="4"))
    assert found(world, query(author=author)) == [mine]


def test_a_post_is_sought_by_its_url_however_it_is_written_or_by_its_title(world: World):
    post = Post("https://www.blog.example/jam/?utm=1", "On making jam")
    mine = add(world, "good", post=post)
    add(world, "bad", post=Post("https://blog.example/honey", "On honey"))
    assert found(world, query(post="http://blog.example/jam")) == [mine]
    assert found(world, query(post="on making Jam")) == [mine]


def test_an_id_leads_to_its_comment_at_its_own_site_alone(world: World):
    mine = add(world, "hello")
    other = world.adapters.accounts.add_site("other", now_ms=1)
    assert found(world, query(mine)) == [mine]
    now = world.adapters.clock.now_ms()
    assert world.adapters.comments.search(other.id, query(mine), now_ms=now).items == ()


def test_a_search_is_narrowed_by_status_and_by_time(world: World):
    good, bad = add(world, "jam fine"), add(world, "jam spam=0.95")
    assert found(world, query("jam", statuses=[Status.SPAM])) == [bad]
    assert found(world, query(statuses=[Status.APPROVED])) == [good]
    world.adapters.review(good, Decision.SPAM, by=ADA)
    assert found(world, query(statuses=[Status.SPAM])) == [bad, good]
    assert found(world, query(statuses=[Status.APPROVED])) == []
    assert found(world, query("jam", before=1)) == []


def test_pages_of_a_search_neither_repeat_nor_skip(world: World):
    wrote = [add(world, f"jam {n}") for n in range(7)]
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    seen: list[Comment] = []
    cursor = None
    for _ in range(4):
        page = comments.search(world.site.id, query("jam"), now_ms=now, cursor=cursor, limit=2)
        seen += page.items
        cursor = page.next
    assert [one.id for one in seen] == wrote[::-1]
    assert cursor is None


def test_a_search_whose_time_is_up_goes_on_where_it_stopped(world: World):
    """A thousand texts of 64 KB kept a thread for seven seconds, as often as a key asked."""
    wrote = [add(world, f"plum jam {n}" if n % 2 else f"jam plum {n}") for n in range(6)]
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    pages, cursor = [], None
    while not pages or cursor:
        page = comments.search(
            world.site.id, query('"plum jam"'), now_ms=now, cursor=cursor, seconds=0
        )
        pages.append([one.id for one in page.items])
        cursor = page.next
    assert [one for page in pages for one in page] == wrote[::-1][::2]
    assert max(map(len, pages)) == 1


def test_a_cursor_that_is_none_is_refused(world: World):
    with pytest.raises(InvalidInput):
        found(world, query("jam"), cursor="x")


def test_a_word_of_very_many_comments_is_found_by_reading_them(world: World):
    """It leads nowhere in the index; the texts decide."""
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    drafts = [Draft(f"common {n}") for n in range(4200)]
    comments.accept(world.site.id, drafts, backlog=10**6, now_ms=now)
    comments.index(world.site.id, most=10**6, seconds=60)
    assert len(found(world, query("common"), limit=30)) == 30
    assert len(found(world, query("common 4199"))) == 1
    assert list(keys_of(world, keys.POSTED)) == []


@pytest.mark.parametrize("indexed", [True, False])
def test_an_edit_leaves_nothing_of_the_old_text_to_be_found_by(world: World, indexed: bool):
    mine = add(world, "marmalade")
    if indexed:
        world.adapters.comments.index(world.site.id)
    world.adapters.edit(mine, Draft("honey", LISA), by=BLOG)
    assert found(world, query("marmalade")) == []
    assert found(world, query("honey")) == [mine]


@pytest.mark.parametrize("indexed", [True, False])
def test_what_is_erased_leaves_no_words_in_the_index(world: World, indexed: bool):
    mine = add(world, "marmalade https://jam.example", post=Post("https://blog.example/jam"))
    if indexed:
        world.adapters.comments.index(world.site.id)
    world.adapters.erase(mine, by=BLOG)
    assert found(world, query("marmalade")) == []
    assert found(world, query(author="lisa@mail.example")) == []
    assert words_left(world) == []


def test_a_text_whose_retention_ends_leaves_no_words_in_the_index(world: World):
    add(world, "marmalade")
    world.adapters.comments.index(world.site.id)
    now = world.adapters.clock.now_ms()
    later = replace(world.adapters, clock=_At(now + 100 * DAY))
    assert purge_site(world.site, comments=later.comments, clock=later.clock) == 1
    assert words_left(world) == []
    assert found(world, query(statuses=[Status.APPROVED])) != []


def test_a_block_goes_with_its_last_comment(world: World):
    for n in range(3):
        add(world, f"marmalade {n}")
    world.adapters.comments.index(world.site.id)
    now = world.adapters.clock.now_ms()
    site = replace(world.site, retention=Retention({"approved": 1}, 2))
    for at in (now + 2 * DAY, now + 4 * DAY):
        purge_site(site, comments=world.adapters.comments, clock=_At(at))
    left = [kind.name for kind in (keys.NUMBERED, keys.STANDING) if list(keys_of(world, kind))]
    assert left == words_left(world) == []
    assert found(world, query("marmalade")) == []
    mine = add(world, "marmalade again")
    assert found(world, query("marmalade")) == [mine]


def test_a_text_that_changes_while_it_is_indexed_is_read_again(world: World):
    """The function adds nothing of a comment that is another one by now."""
    comments = world.adapters.comments
    mine = add(world, "marmalade")
    run = comments._run

    def meanwhile(function: str, *args: object) -> object:
        if function == "index":
            comments._run = run
            world.adapters.edit(mine, Draft("honey", LISA), by=BLOG)
        return run(function, *args)

    comments._run = meanwhile
    comments.index(world.site.id)
    assert found(world, query("marmalade")) == []
    assert found(world, query("honey")) == [mine]
    world.adapters.erase(mine, by=BLOG)
    assert words_left(world) == []


def test_a_tally_counts_by_status_what_would_be_found(world: World):
    add(world, "jam"), add(world, "jam spam=0.95"), add(world, "jam toxicity=0.6")
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    comments.index(world.site.id)
    counts = comments.tally(world.site.id, query("jam"), now_ms=now).counts
    assert {status: number for status, number in counts.items() if number} == {
        Status.APPROVED: 1,
        Status.SPAM: 1,
        Status.FLAGGED: 1,
    }
    assert comments.tally(world.site.id, query("honey"), now_ms=now).total == 0


def test_numbers_and_statuses_are_kept_over_the_edge_of_a_block(world: World):
    """As if 65,530 comments had come before."""
    site = world.site.id
    redis = world.adapters.redis
    for name in ("numbered", "indexed"):
        redis.hset(keys.COUNTS(0), f"{ids.shorten(site)}:{name}", 65_530)
    wrote = world.submit(*[f"jam {n}" for n in range(12)], author=LISA)
    world.screen()
    assert found(world, query("jam")) == [one.id for one in reversed(wrote)]
    assert found(world, query(author="id:42")) == [one.id for one in reversed(wrote)]
    assert len(found(world, query(statuses=[Status.APPROVED]))) == 12
    for one in wrote:
        world.adapters.erase(one.id, by=BLOG)
    assert words_left(world) == []


class _At:
    def __init__(self, now: int) -> None:
        self._now = now

    def now_ms(self) -> int:
        return self._now


class Barren(Comments):
    """A site so large that no call of the library comes to its end, and names nothing."""

    def __init__(self) -> None:
        self.calls = 0

    def _search(self, *_: Any) -> tuple[list[tuple[int, str]], int | None, int]:
        self.calls += 1
        return [], 10**9 - self.calls, STEPS_OF_A_CALL

    def get_many(self, ids: Sequence[str]) -> list[Comment]:
        assert not ids
        return []


def test_a_search_that_finds_nothing_ends_as_one_that_finds_much(world: World):
    comments = Barren()
    found = comments.search(world.site.id, Query(before=1), now_ms=1)
    assert comments.calls <= 10
    assert (found.items, found.next) == ((), str(10**9 - comments.calls))


def test_texts_that_take_long_to_index_keep_no_search_waiting(world: World):
    """What is left is added by the next; each call adds one at least."""
    wrote = [add(world, f"marmalade number {n}") for n in range(3)]
    comments = world.adapters.comments
    assert [comments.index(world.site.id, seconds=0) for _ in range(3)] == [2, 1, 0]
    assert found(world, query("marmalade")) == wrote[::-1]


def test_an_authors_latest_comments_cost_as_much_with_thousands_as_with_ten(world: World):
    """Nothing is read of the comments behind those that are named."""
    comments, redis = world.adapters.comments, world.adapters.redis
    now = world.adapters.clock.now_ms()
    many, few = "bee@mail.example", "ant@mail.example"
    by = [many] * 4000 + [few] * 10
    drafts = [Draft(f"number {n}", Author("A", email)) for n, email in enumerate(by)]
    comments.accept(world.site.id, drafts, backlog=10**6, now_ms=now)

    def microseconds(email: str) -> int:
        def spent() -> int:
            statistics: Any = redis.info("commandstats")
            return int(statistics["cmdstat_fcall"]["usec"])

        before = spent()
        assert len(comments.by_author(world.site.id, now_ms=now, email=email, limit=2)) == 2
        return spent() - before

    assert min(microseconds(many) for _ in range(10)) < 4 * min(
        microseconds(few) for _ in range(10)
    )


def test_what_is_found_below_a_number_of_two_authors_and_a_rare_status_is_whole(world: World):
    """Lists of several entries are read together, from the latest on, and each comment once."""
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    other = replace(LISA, email="lisa@other.example", ip="198.51.100.9", id="43")
    strange = Author("Eve", "eve@mail.example", ip="192.0.2.1")
    wrote = [add(world, f"text {n}", (LISA, strange, other)[n % 3]) for n in range(30)]
    world.adapters.review(wrote[2], Decision.SPAM, by=ADA, hold_seconds=0)
    theirs = [one for n, one in enumerate(wrote) if n % 3 != 1]
    sought = Query(emails=(LISA.email,), addresses=(other.ip, LISA.ip), user_ids=("42", "43"))
    pages, cursor = [], None
    while True:
        page = comments.search(world.site.id, sought, now_ms=now, cursor=cursor, limit=4)
        pages += [one.id for one in page.items]
        if (cursor := page.next) is None:
            break
    assert pages == theirs[::-1]
    assert found(world, query(statuses=[Status.SPAM])) == [wrote[2]]


def test_a_tally_counts_the_latest_thousand_and_says_so(world: World):
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    drafts = [Draft(f"number {n}", LISA) for n in range(1001)]
    comments.accept(world.site.id, drafts[:1000], backlog=10**6, now_ms=now)
    sought = Query(emails=(LISA.email,))
    tally = comments.tally(world.site.id, sought, now_ms=now)
    assert (tally.total, tally.whole, tally.sure) == (1000, True, True)
    comments.accept(world.site.id, drafts[1000:], backlog=10**6, now_ms=now)
    tally = comments.tally(world.site.id, sought, now_ms=now)
    assert (tally.total, tally.whole, tally.sure) == (1000, False, True)
    tally = comments.tally(world.site.id, sought, now_ms=now, most=2000)
    assert (tally.total, tally.whole) == (1001, True)


def test_a_tally_says_where_only_the_texts_could_tell(world: World):
    """A phrase is one such search; a word of more comments than its list may name is another."""
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    drafts = [Draft(f"common rare{n % 70}") for n in range(4200)]
    comments.accept(world.site.id, drafts, backlog=10**6, now_ms=now)
    comments.index(world.site.id, most=10**6, seconds=60)

    def sure(sought: Query) -> bool:
        return comments.tally(world.site.id, sought, now_ms=now).sure

    assert sure(query("rare7"))
    assert not sure(query('"common rare7"'))
    assert not sure(query("common rare7"))


def test_what_is_in_enough_of_many_entries_is_found_as_by_looking_at_each(world: World):
    """However many are enough, and over the edge of a block."""
    redis, chance = world.adapters.redis, random.Random(5)
    for name in ("numbered", "indexed"):
        redis.hset(keys.COUNTS(0), f"{ids.shorten(world.site.id)}:{name}", BLOCK - 30)
    words = [f"word{n}" for n in range(8)]
    said = [{word for word in words if chance.random() < (n % 9 + 1) / 10} for n in range(60)]
    wrote = world.submit(*[" ".join(sorted(one)) or "nothing" for one in said])
    world.screen()
    entries = tuple(words_of(Draft(word))[0] for word in words)
    for enough in range(1, 9):
        sought = Query(some=entries, enough=enough)
        fitting = [one.id for one, has in zip(wrote, said, strict=True) if len(has) >= enough]
        assert found(world, sought, limit=60) == fitting[::-1]
        comments, now = world.adapters.comments, world.adapters.clock.now_ms()
        assert comments.tally(world.site.id, sought, now_ms=now).total == len(fitting)


def forge(world: World, blocks: int, numbers: dict[str, range]) -> str:
    """Return a site as if it had *blocks* full blocks of approved comments, each word at some numbers of each."""
    site_id = world.adapters.accounts.add_site(f"of {blocks}", now_ms=1).id
    redis, site = world.adapters.redis, ids.shorten(site_id)
    words = [
        part
        for word, some in numbers.items()
        for part in (words_of(Draft(word))[0], struct.pack(f">{len(some)}H", *some))
    ]
    for block in range(blocks):
        redis.set(keys.NUMBERED(0, site, block), b"x" * 22 * BLOCK)
        redis.set(keys.STANDING(0, site, f"{block}:a"), b"\xff" * (BLOCK // 8))
        redis.hset(keys.COUNTS(0), f"{site}:indexed", block * BLOCK)
        world.adapters.comments._run("index", 0, site, block * BLOCK, b"", b"", *words)
    for name in ("numbered", "indexed"):
        redis.hset(keys.COUNTS(0), f"{site}:{name}", blocks * BLOCK)
    return site_id


class Counted(Comments):
    """Notes the steps of each call that finds or counts."""

    took: list[int]

    def _run(self, function: str, *args: Any) -> Any:
        reply = super()._run(function, *args)
        if function in {"search", "tally"}:
            self.took.append(int(reply[1]))
        return reply


def steps_of(world: World, site_id: str, sought: Query) -> list[int]:
    """Return the steps of each call of a search and of its tally."""
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    counted = copy.copy(comments)
    counted.__class__ = Counted
    counted.took = []
    counted.search(site_id, sought, now_ms=now, limit=30)
    counted.tally(site_id, sought, now_ms=now)
    return counted.took


def test_a_page_and_its_numbers_take_as_many_steps_with_a_million_as_with_one_block(world: World):
    """Two common words, nearly the same text, and a word that leads nowhere."""
    words = {f"word{n}": range(n, BLOCK, 20 + n) for n in range(9)} | {"the": range(0, BLOCK, 2)}
    entries = tuple(words_of(Draft(f"word{n}"))[0] for n in range(9))
    sought = [query("word0 word5"), Query(some=entries, enough=3), query("the")]
    one, many = forge(world, 1, words), forge(world, 16, words)
    comments = world.adapters.comments
    for each in sought:
        pages = [comments._search(site, each, None, 31, 1) for site in (one, many)]
        assert [len(found) for found, _below, _steps in pages] == [31, 31]
        assert pages[0][2] == pages[1][2] < MOST_STEPS / 5
        assert steps_of(world, many, each)[-1] < MOST_STEPS


def test_what_is_sought_in_vain_takes_a_bounded_part_of_a_million_at_a_time(world: World):
    """And goes on by its cursor, to the end."""
    site = forge(world, 16, {"one": range(0, BLOCK, 17), "other": range(1, BLOCK, 17)})
    last = keys.STANDING(0, ids.shorten(site), "0:r")
    world.adapters.redis.setbit(last, 0, 1)
    for sought in (query("one other"), query(before=1), query(statuses=[Status.REJECTED])):
        took = steps_of(world, site, sought)
        assert max(took) < MOST_STEPS
        assert sum(took) < 12 * STEPS_OF_A_CALL
        below, calls = None, 0
        while calls == 0 or below is not None:
            _, below, _ = world.adapters.comments._search(site, sought, below, 30, 1)
            calls += 1
            assert calls < 2000


def test_authors_stand_by_what_was_approved_and_what_was_refused(world: World):
    now, comments = world.adapters.clock.now_ms(), world.adapters.comments
    signed_in, by_mail = ("", "42"), ("bob@mail.example", "")
    other = world.adapters.accounts.add_site("other", now_ms=now)
    for n in range(3):
        add(world, f"good {n}", LISA)
        add(world, f"bad {n} spam=0.95", LISA)
    add(world, "held spam=0.6", LISA)
    add(world, "good", Author("Bob", "BOB@mail.example"))
    authors = [
        (world.site.id, *signed_in),
        (other.id, *by_mail),
        (world.site.id, *by_mail),
        (world.site.id, "nobody@mail.example", ""),
    ]

    def standings(wanted: Sequence[tuple[str, str, str]], most: int) -> Sequence[tuple[int, int]]:
        return comments.surroundings([], wanted, now_ms=now, most=most).standings

    assert standings(authors, 10) == [(3, 3), (0, 0), (1, 0), (0, 0)]
    assert standings(authors, 2) == [(2, 2), (0, 0), (1, 0), (0, 0)]
    assert standings([], 2) == []
    strangers = [(world.site.id, f"{n}@mail.example", "") for n in range(20)]
    counts = standings([*strangers, *authors], 10)
    assert counts == [(0, 0)] * 20 + [(3, 3), (0, 0), (1, 0), (0, 0)]


def test_a_standing_costs_no_more_with_a_million_comments_stored(world: World):
    now, adapters = world.adapters.clock.now_ms(), world.adapters
    add(world, "good", Author("Bob", "bob@mail.example"))

    def standing() -> tuple[Sequence[tuple[int, int]], int]:
        """Return what is known of the author, and the places of the store that were read for it."""
        adapters.redis.config_resetstat()
        wanted = [(world.site.id, "bob@mail.example", "")]
        known = adapters.comments.surroundings([], wanted, now_ms=now, most=10).standings
        return known, adapters.redis.info("commandstats")["cmdstat_hget"]["calls"]

    def grow(blocks: int) -> None:  # by comments that the site had before and has no longer
        numbered = f"{ids.shorten(world.site.id)}:numbered"
        adapters.redis.hincrby(keys.COUNTS(0), numbered, blocks * BLOCK)

    known, _ = standing()
    assert list(known) == [(1, 0)]
    grow(3)
    known, reads = standing()
    assert list(known) == [(1, 0)]
    grow(12)
    known, later = standing()
    assert list(known) == [(0, 0)]  # it came before the latest four blocks
    assert later <= reads
