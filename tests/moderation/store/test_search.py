"""Comments found by status, author and word, on a real server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from moderation.comment import Author, Comment, Decision, Draft, Post, Status
from moderation.errors import InvalidInput
from moderation.search import Query, query
from moderation.site import Retention
from moderation.store import keys
from moderation.store.comments import Comments
from moderation.workflow.retention import purge_site
from tests.support.actors import ADA, BLOG
from tests.support.world import World

DAY = 86_400_000
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
    from moderation import ids  # noqa: PLC0415

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

    def _search(self, *_: Any) -> tuple[list[tuple[int, str]], int | None]:
        self.calls += 1
        return [], 10**9 - self.calls

    def get_many(self, ids: Sequence[str]) -> list[Comment]:
        assert not ids
        return []


def test_a_search_that_finds_nothing_ends_as_one_that_finds_much(world: World):
    comments = Barren()
    found = comments.search(world.site.id, Query(before=1), now_ms=1)
    assert comments.calls < 10
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


def test_a_tally_counts_the_latest_ten_thousand_and_says_so(world: World):
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    drafts = [Draft(f"number {n}", LISA) for n in range(10_001)]
    for first in range(0, 10_000, 1000):
        some = drafts[first : first + 1000]
        comments.accept(world.site.id, some, backlog=10**6, now_ms=now)
    sought = Query(emails=(LISA.email,))
    tally = comments.tally(world.site.id, sought, now_ms=now)
    assert (tally.total, tally.whole) == (10_000, True)
    comments.accept(world.site.id, drafts[10_000:], backlog=10**6, now_ms=now)
    tally = comments.tally(world.site.id, sought, now_ms=now)
    assert (tally.total, tally.whole) == (10_000, False)
