"""The functions' promises, each on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from moderation import ids
from moderation.actor import machine, moderator
from moderation.comment import Author, Decision, Draft, Status, from_ms
from moderation.errors import IllegalMove, NotFound, SiteBusy, StaleVersion, UndoTooLate
from moderation.facts import NOTHING
from moderation.records import Accepted, IntakeOutcome, Order
from moderation.site import Retention
from moderation.store import keys, library, near
from moderation.store.authors import AUTHOR_KEY_DAYS
from moderation.store.comments import Comments
from moderation.workflow.judging import judge, judge_all
from moderation.workflow.retention import purge_site
from tests.support.actors import ADA, BLOG, BOB, EVE
from tests.support.stored import stored_anywhere
from tests.support.world import World

DAY = 86_400_000


def take(world: World, holder: str = "a:1", size: int = 64, **options):
    comments = world.adapters.comments
    now = options.pop("now_ms", world.adapters.clock.now_ms())
    return comments.take(0, holder, size=size, lease_ms=10_000, now_ms=now)


def screened(world: World, batch):
    cases = [(one.draft, NOTHING, world.site.policy) for one in batch.items]
    return list(zip(batch.items, judge_all(cases, model=world.model), strict=True))


def test_a_batch_is_shared_fairly_between_sites(world: World):
    """A site with one comment does not wait behind another's hundred."""
    other = world.adapters.accounts.add_site("other", now_ms=1)
    world.submit(*[f"flood {n}" for n in range(100)])
    (small,) = world.submit("small", site=other)
    batch = take(world, size=10)
    assert small.id in {item.id for item in batch.items}


def test_one_site_may_not_fill_the_whole_backlog(world: World):
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    with pytest.raises(SiteBusy):
        comments.accept(world.site.id, [Draft(str(n)) for n in range(6)], backlog=10, now_ms=now)
    assert comments.counts()["pending"] == 0


def test_a_late_commit_writes_nothing(world: World):
    world.submit("hello")
    late = take(world, "slow:1")
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    comments.reclaim(0, now_ms=now + 20_000)
    assert comments.commit(0, late.token, screened(world, late), now_ms=now) == 0
    assert comments.get(late.items[0].id).status is Status.PENDING
    again = take(world, "fast:1")
    assert comments.commit(0, again.token, screened(world, again), now_ms=now) == 1
    assert comments.commit(0, again.token, screened(world, again), now_ms=now) == 0


def test_a_text_edited_while_it_was_scored_is_scored_anew(world: World):
    (accepted,) = world.submit("hello")
    batch = take(world)
    adapters = world.adapters
    adapters.edit(accepted.id, Draft("spam=0.99"), by=BLOG)  # fmt: skip
    now = adapters.clock.now_ms()
    assert adapters.comments.commit(0, batch.token, screened(world, batch), now_ms=now) == 0
    world.screen()
    assert adapters.comments.get(accepted.id).status is Status.SPAM


def test_a_decision_taken_while_a_comment_was_scored_stands(world: World):
    (accepted,) = world.submit("hello")
    batch = take(world)
    adapters = world.adapters
    decided = adapters.review(accepted.id, Decision.SPAM, by=ADA, hold_seconds=5)  # fmt: skip
    now = adapters.clock.now_ms()
    adapters.comments.commit(0, batch.token, screened(world, batch), now_ms=now)
    assert adapters.comments.get(accepted.id).status is decided.status is Status.SPAM


def test_what_its_worker_died_of_is_set_apart_and_quarantined_after_three_deaths(world: World):
    """Neighbours of the same batch are served; only solitary deaths count."""
    poison, *good = world.submit("poison", "one", "two")
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    assert len(take(world, "w:0").items) == 3
    comments.reclaim(0, holder="w:0", now_ms=now)
    deaths = 0
    for n in range(1, 20):
        batch = take(world, f"w:{n}")
        if batch is None:
            break
        assert (batch.suspect, len(batch.items)) == (True, 1)
        if batch.items[0].id == poison.id:
            deaths += 1
            comments.reclaim(0, holder=f"w:{n}", now_ms=now)
        else:
            comments.commit(0, batch.token, screened(world, batch), now_ms=now)
    held = comments.get(poison.id)
    assert (deaths, held.status, held.history[-1].reason) == (3, Status.FLAGGED, "unscored")
    assert {comments.get(one.id).status for one in good} == {Status.APPROVED}


def test_a_text_that_breaks_the_model_is_held_and_its_neighbours_are_judged(world: World):
    bad, good = world.submit("this breaks the model", "fine")
    world.screen()
    comments = world.adapters.comments
    assert comments.get(bad.id).verdict.reasons[0].code == "unscored"
    assert comments.get(good.id).status is Status.APPROVED


def test_an_expired_lease_is_no_death(world: World):
    world.submit("slow")
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    for n in range(6):
        batch = take(world, f"w:{n}", now_ms=now + n * 20_000)
        assert not batch.suspect
        comments.reclaim(0, now_ms=now + n * 20_000 + 15_000)
    assert comments.counts()["pending"] == 1


def test_of_two_moderators_one_decides_and_the_other_is_told(world: World):
    comment = world.comment("toxicity=0.6")
    decide = world.adapters.comments.decide
    arguments = {"by": ADA, "reason": "", "note": "", "hold_ms": 5000, "now_ms": 1_800_000_000_000}
    decide(comment.id, Decision.APPROVE, version=1, **arguments)
    with pytest.raises(StaleVersion) as stale:
        decide(comment.id, Decision.SPAM, version=1, **arguments)
    assert stale.value.current == 2
    with pytest.raises(IllegalMove):
        decide(comment.id, Decision.APPROVE, version=None, **arguments | {"by": BOB})


def test_a_decision_keeps_what_it_was_made_on_and_an_undone_one_says_so(world: World):
    comment = world.comment("toxicity=0.6")
    adapters = world.adapters
    adapters.review(comment.id, Decision.APPROVE, by=ADA, note="a quote", hold_seconds=5)  # fmt: skip
    adapters.undo(comment.id, by=ADA)
    (kept,) = adapters.comments.decisions(world.site.id)
    assert (kept.draft.content, kept.scores.model, kept.note) == (
        "toxicity=0.6", "plain", "a quote",
    )  # fmt: skip
    assert kept.undone


def test_after_its_window_a_decision_is_told_and_can_no_longer_be_undone(world: World):
    comment = world.comment("toxicity=0.6")
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    arguments = {"by": ADA, "reason": "", "note": "", "version": None, "hold_ms": 5000}
    comments.decide(comment.id, Decision.APPROVE, now_ms=now, **arguments)
    assert comments.release(0, now_ms=now + 4999) == 0
    assert comments.release(0, now_ms=now + 5000) == 1
    with pytest.raises(UndoTooLate):
        comments.undo(comment.id, by=ADA, now_ms=now + 5001)
    events = comments.events(world.site.id)
    assert [(one.type.value, one.sequence) for one in events] == [
        ("comment.flagged", 1), ("comment.approved", 2),
    ]  # fmt: skip


def test_a_recorded_check_is_the_same_within_its_window_and_new_after_it(world: World):
    """Akismet's repeats: the same guid for 60 seconds."""
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    draft = Draft("spam=0.95", external_id="akismet:1")
    judged = judge(draft, NOTHING, world.site.policy, model=world.model)

    def record(at_ms: int) -> Accepted:
        (kept,) = comments.record_many(
            world.site.id, [(draft, judged)], via="akismet", repeat_ms=60_000, now_ms=at_ms
        )
        return kept

    first, again, later = record(now), record(now + 59_000), record(now + 61_000)
    assert first.id == again.id != later.id
    assert comments.get(first.id).status is Status.SPAM


def test_checks_recorded_together_are_counted_listed_and_found_as_if_one_by_one(world: World):
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    texts = ["fine", "spam=0.95", "toxicity=0.6", "spam=0.95", "fine too"]
    drafts = [Draft(text, Author(email="ada@blog.example"), external_id=text) for text in texts]
    judged = [judge(one, NOTHING, world.site.policy, model=world.model) for one in drafts]
    marked = [replace(one, signature=n + 1) for n, one in enumerate(judged)]
    kept = comments.record_many(
        world.site.id,
        list(zip(drafts, marked, strict=True)),
        via="akismet",
        repeat_ms=60_000,
        now_ms=now,
    )
    new, same = IntakeOutcome.NEW, IntakeOutcome.SAME
    assert [one.outcome for one in kept] == [new, new, new, same, new]
    assert kept[3].id == kept[1].id
    first = [kept[n].id for n in (0, 1, 2, 4)]
    assert [one.id for one in comments.recent(world.site.id).items] == first[::-1]
    counts = {status: number for status, number in comments.counts().items() if number}
    assert counts == {"approved": 2, "spam": 1, "flagged": 1} == {
        status: number for status, number in comments.counts(world.site.id).items() if number
    }  # fmt: skip
    assert comments.accepted() == 4
    assert [one.id for one in comments.queue(world.site.id).items] == [kept[2].id]
    assert len(comments.events(world.site.id)) == 4
    author = (world.site.id, "ada@blog.example", "")
    known = comments.surroundings([world.site.id], [author], now_ms=now, most=10)
    assert list(known.standings) == [(2, 1)]
    assert set(known.signatures[world.site.id][::4]) - {0} == {1, 2, 3, 5}
    (today,) = comments.daily(world.site.id, [from_ms(now).date().isoformat()]).values()
    assert (today["accepted"], today["allow"], today["flag"], today["reject"]) == (4, 2, 1, 1)


@pytest.mark.parametrize("order", Order)
def test_a_queue_page_goes_on_where_it_stopped_though_others_decide(world: World, order: Order):
    for n in range(9):
        world.submit(f"toxicity=0.{60 + n % 3} number {n}")
    world.screen()
    comments = world.adapters.comments
    first = comments.queue(world.site.id, order=order, limit=4)
    for gone in first.items:
        arguments = {
            "by": ADA,
            "reason": "",
            "note": "",
            "version": None,
            "hold_ms": 1,
            "now_ms": 1,
        }
        comments.decide(gone.id, Decision.SPAM, **arguments)
    rest = comments.queue(world.site.id, order=order, cursor=first.next, limit=50)
    ids = [one.id for one in (*first.items, *rest.items)]
    assert len(ids) == len(set(ids)) == 9


def test_erasure_reaches_the_queue_the_author_and_the_kept_decisions(world: World):
    comment = world.comment("toxicity=0.6 my words", email="ada@mail.example")
    adapters = world.adapters
    adapters.review(comment.id, Decision.SPAM, by=EVE, hold_seconds=5)  # fmt: skip
    adapters.erase(comment.id, by=BLOG)
    adapters.erase(comment.id, by=BLOG)
    assert adapters.comments.queue(world.site.id).items == ()
    now = adapters.clock.now_ms()
    assert adapters.comments.by_author(world.site.id, now_ms=now, email="ada@mail.example") == []
    assert adapters.comments.decisions(world.site.id) == []
    assert not stored_anywhere(adapters.redis, "my words")


def test_the_search_for_words_finds_what_is_kept_packed(world: World):
    comment = world.comment("toxicity=0.6 my words")
    key = keys.COMMENT(0, ids.shorten(comment.id)).encode()
    assert stored_anywhere(world.adapters.redis, "my words") == [key]
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    comments.decide(
        comment.id, Decision.SPAM, by=ADA, reason="", note="a note of mine", version=None,
        hold_ms=0, now_ms=now,
    )  # fmt: skip
    comments.release(0, now_ms=now + 1)
    comments.forget(comments.get(comment.id), everything=False)
    assert stored_anywhere(world.adapters.redis, "my words") == []
    assert stored_anywhere(world.adapters.redis, "a note of mine") == [key]


def test_words_that_a_decision_was_made_on_go_with_the_text(world: World):
    """An edit keeps what the decision before it was made on, until the text's time is over."""
    comment = world.comment("toxicity=0.6 my words")
    adapters, now = world.adapters, world.adapters.clock.now_ms()
    adapters.review(comment.id, Decision.APPROVE, by=EVE, hold_seconds=0)  # fmt: skip
    adapters.comments.edit(comment.id, Draft("other text"), by=BLOG, now_ms=now + 1)
    world.screen()
    (kept,) = adapters.comments.decisions(world.site.id)
    assert kept.draft is not None
    assert kept.draft.content == "toxicity=0.6 my words"
    assert kept.scores is not None
    assert kept.scores["toxicity"] == 0.6
    adapters.comments.release(0, now_ms=now + 2)
    settled = adapters.comments.get(comment.id)
    assert adapters.comments.forget(settled, everything=False)
    assert not stored_anywhere(adapters.redis, "my words")
    assert not stored_anywhere(adapters.redis, "other text")
    (kept,) = adapters.comments.decisions(world.site.id)
    assert (kept.decision, kept.draft) == (Decision.APPROVE, Draft(""))


def test_a_worker_that_listens_hears_what_comes_and_what_comes_back(world: World):
    """And nobody else is woken for it meanwhile."""
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    assert not comments.listen(0, seconds=0.01)
    world.adapters.redis.pexpire(keys.WAKE(0), 60_000)  # as long as a worker listens
    _, wake = comments.accept(world.site.id, [Draft("a"), Draft("b")], backlog=9, now_ms=now)
    assert not wake
    assert comments.listen(0, seconds=5)
    take(world, "first:1", size=1)
    assert comments.listen(0, seconds=5), "there is more than one batch took"
    take(world, "second:1", size=1)
    comments.reclaim(0, holder="first:1", now_ms=now)
    assert comments.listen(0, seconds=5)
    assert not comments.listen(0, seconds=0.01)


def test_the_purge_looks_at_each_day_once_a_day(world: World):
    """Millions of comments that it can do nothing about are not read every hour."""
    world.comment("hello")
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()

    def looked_at(days: float) -> int:
        then = now + round(days * DAY)
        return len(list(comments.aged(world.site.id, before_ms=then, now_ms=then)))

    assert [looked_at(days) for days in (20, 20.5, 20.9, 21, 22)] == [1, 0, 1, 0, 1]


def test_an_author_is_hashed_anew_each_quarter_and_found_in_all_of_them(world: World):
    """The data does not show that an e-mail of this quarter equals one of the last quarter."""
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    ada = Draft("one", author=Author(email="ada@mail.example", ip="192.0.2.7"))
    times = [now, now + AUTHOR_KEY_DAYS * DAY, now + 2 * AUTHOR_KEY_DAYS * DAY]
    for number, at in enumerate(times):
        comments.accept(world.site.id, [replace(ada, content=str(number))], backlog=9, now_ms=at)
    for asked in ({"email": "Ada@mail.example"}, {"ip": "192.0.2.7"}):
        found = comments.by_author(world.site.id, now_ms=times[-1], **asked)
        assert {one.content for one in found} == {"0", "1", "2"}
    names = [
        name for key in keys_of(world, keys.AUTHOR) for name in world.adapters.redis.hkeys(key)
    ]
    assert len(names) == len(set(names)) == 6
    comments.erase(found[1].id, by=BLOG, now_ms=times[-1])
    left = comments.by_author(world.site.id, now_ms=times[-1], email="ada@mail.example")
    assert [one.content for one in left] == ["2", "0"]


def test_an_author_of_many_comments_is_found_whole_and_forgotten_whole(world: World):
    """More numbers than stand in the index itself have a string of their own."""
    many = 300
    wrote = world.submit(*map(str, range(many)), author=Author(email="ada@mail.example"))
    world.screen()
    comments = world.adapters.comments
    now = world.adapters.clock.now_ms()
    found = comments.by_author(world.site.id, now_ms=now, email=" ADA@mail.example")
    assert [one.id for one in found] == [one.id for one in reversed(wrote)]
    for one in wrote:
        comments.erase(one.id, by=BLOG, now_ms=world.adapters.clock.now_ms())
    assert comments.by_author(world.site.id, now_ms=now, email="ada@mail.example") == []
    left = [kind for kind in (keys.AUTHOR, keys.POSTED) if list(keys_of(world, kind))]
    assert left == []


def keys_of(world: World, kind: keys.RedisKey) -> Iterator[bytes]:
    yield from world.adapters.redis.scan_iter(f"{{w:0}}:{kind.prefix}:*")


def test_an_index_finds_what_it_was_given_before_it_grew(world: World):
    """It has a bucket more for every few entries, so that no bucket becomes large."""
    many = 3000
    drafts = [Draft("hello", external_id=f"no-{n}") for n in range(many)]
    adapters = world.adapters
    accepted, _ = adapters.comments.accept(world.site.id, drafts, backlog=10**6, now_ms=1)
    again, _ = adapters.comments.accept(world.site.id, drafts, backlog=10**6, now_ms=2)
    assert [one.id for one in again] == [one.id for one in accepted]
    for n in range(0, many, 7):
        assert adapters.comments.find(world.site.id, f"no-{n}").id == accepted[n].id
    with pytest.raises(NotFound):
        adapters.comments.find(world.site.id, f"no-{many}")
    sizes = [adapters.redis.hlen(key) for key in keys_of(world, keys.EXTERNAL)]
    assert sum(sizes) == many
    assert len(sizes) == -(-many // library.BUCKET_ENTRIES)
    assert max(sizes) < 4 * library.BUCKET_ENTRIES
    counts = adapters.redis.hgetall(keys.COUNTS(0))
    assert int(counts[f"{ids.shorten(world.site.id)}:externals".encode()]) == many


def test_a_long_history_keeps_its_latest_lines(world: World):
    comment = world.comment("toxicity=0.6")
    arguments = {"by": ADA, "reason": "", "note": "", "version": None, "hold_ms": 0}
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    for n in range(library.HISTORY_KEPT + 5):
        decision = Decision.SPAM if n % 2 else Decision.APPROVE
        comments.decide(comment.id, decision, now_ms=now + n, **arguments)
    latest = comments.get(comment.id)
    assert latest.version == library.HISTORY_KEPT + 6
    assert len(latest.history) == library.HISTORY_KEPT
    assert latest.history[-1].new is latest.status


def test_retention_lets_go_of_the_text_first_and_of_the_rest_later(world: World):
    comment = world.comment("hello", email="ada@mail.example")
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    site = world.site
    assert site.retention == Retention()

    class Later:
        def __init__(self, days: int) -> None:
            self.days = days

        def now_ms(self) -> int:
            return now + self.days * DAY

    assert purge_site(site, comments=comments, clock=Later(80)) == 0
    assert purge_site(site, comments=comments, clock=Later(92)) == 1
    kept = comments.get(comment.id)
    assert (kept.content, kept.text_expired, kept.verdict.action) == ("", True, "allow")
    assert comments.by_author(site.id, now_ms=now, email="ada@mail.example") == []
    assert purge_site(site, comments=comments, clock=Later(402)) == 1
    with pytest.raises(NotFound):
        comments.get(comment.id)
    assert purge_site(site, comments=comments, clock=Later(403)) == 0
    assert comments.counts()["approved"] == 0


def test_near_duplicates_of_other_authors_are_counted_and_named(world: World):
    """Those that came in the same batch, and those of earlier ones; of five, the ids."""
    comments = world.adapters.comments
    text = "the very same advertisement for something that nobody needs at all"
    made = []
    for n in range(8):
        made += world.submit(text, author=Author(email=f"{n}@mail.example"))
        if n % 3 == 2:
            world.screen()
    world.screen()
    sixth, last = comments.get(made[5].id).scores, comments.get(made[7].id).scores
    assert (sixth.near_duplicates, last.near_duplicates) == (5, 7)
    assert set(sixth.alike) == {one.id for one in made[:5]}
    # Ids tell milliseconds apart; within one their order is chance.
    assert last.alike == tuple(sorted((one.id for one in made[:7]), reverse=True)[:5])


def test_the_recent_texts_are_the_last_thousand_and_an_erased_one_is_none_of_them(world: World):
    """Each new signature takes the place of the oldest."""
    comments, clock = world.adapters.comments, world.adapters.clock
    known = {}
    for start in range(0, 2 * near.KEPT, 400):
        for n in range(start, start + 400):
            one = world.submit(f"text {n}", author=Author(email=f"{n}@mail.example"))[0]
            known[one.id] = n
        while batch := take(world, size=400):
            rows = [
                (one, replace(judged, signature=known[one.id] + 1))
                for one, judged in screened(world, batch)
            ]
            comments.commit(0, batch.token, rows, now_ms=clock.now_ms())

    def marks() -> set[int]:
        known = comments.surroundings([world.site.id], [], now_ms=clock.now_ms(), most=1)
        return set(known.signatures[world.site.id][::4]) - {0}

    last = max(known.values()) + 1
    assert marks() == set(range(last - near.KEPT + 1, last + 1))
    newest = next(iter(sorted(known, reverse=True)))
    comments.erase(newest, by=BLOG, now_ms=clock.now_ms())
    assert marks() == set(range(last - near.KEPT + 1, last + 1)) - {known[newest] + 1}


@pytest.mark.parametrize("how", ["edited", "erased", "edited, then erased"])
def test_no_near_duplicate_stands_under_the_author_that_a_comment_had_before(
    world: World, how: str
):
    """Nobody's keyed hash outlives the text: not a former author's, and nobody else's entry is lost."""
    adapters = world.adapters
    comments = adapters.comments
    (one,) = world.submit("a text that people send", author=Author(email="former@mail.example"))
    world.submit("another text, of nobody known", "a third one, of nobody either")
    world.screen()
    if "edited" in how:
        newer = Draft("what it says now", Author(email="newer@mail.example"))
        adapters.edit(one.id, newer, by=BLOG)
    if "erased" in how:
        world.screen()
        comments.erase(one.id, by=BLOG, now_ms=adapters.clock.now_ms())
    known = comments.surroundings([world.site.id], [], now_ms=world.adapters.clock.now_ms(), most=1)
    entries = known.signatures[world.site.id]
    known = [author for sign, author in zip(entries[::4], entries[1::4], strict=True) if sign]
    nobody = comments.author_number(Draft(""))
    assert known == [nobody, nobody]


def test_every_counter_agrees_with_the_comments(world: World):
    world.submit("fine", "toxicity=0.6", "spam=0.95", "toxicity=0.95")
    world.screen()
    world.submit("waiting")
    counts = world.adapters.comments.counts(world.site.id)
    assert counts == world.adapters.comments.counts()
    assert counts == {
        "pending": 1, "approved": 1, "flagged": 1, "rejected": 1, "spam": 1, "erased": 0,
    }  # fmt: skip


def test_what_stands_in_many_comments_as_a_number_reads_as_its_text(world: World):
    """The site and the model, also for a process that never saw the number made."""
    first, second = world.comment("one"), world.comment("two")
    fresh = Comments(world.adapters.redis, pepper=b"another process")
    for one in (fresh.get(first.id), fresh.get(second.id), world.adapters.comments.get(second.id)):
        assert one.site_id == world.site.id
        assert one.history[0].by == machine(world.model.version)
    stored = world.adapters.redis.hget(keys.COMMENT(0, ids.shorten(first.id)), "s")
    assert int(stored) < 2**20


def test_no_name_that_somebody_gives_becomes_a_number(world: World):
    """Numbers are kept for ever: what a client calls itself must not be."""
    comment = world.comment("toxicity=0.6")
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    decided = comments.decide(
        comment.id, Decision.SPAM, by=moderator("model of virtue"), reason="", note="", version=None,
        hold_ms=0, now_ms=now,
    )  # fmt: skip
    assert decided.history[-1].by == moderator("model of virtue")
    assert world.adapters.redis.hget(keys.TERMS(0), "mmodel of virtue") is None


def test_history_is_whole_after_its_text_has_expired(world: World):
    """A note may hold what some take for the end of a line."""
    comment = world.comment("toxicity=0.6")
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()

    def decide(decision: Decision, note: str) -> None:
        comments.decide(
            comment.id, decision, by=ADA, reason="", note=note, version=None, hold_ms=0,
            now_ms=now,
        )  # fmt: skip
        comments.release(0, now_ms=now + 1)

    decide(Decision.SPAM, "one\u2028two\n\x85three")
    before = comments.get(comment.id)
    assert comments.forget(before, everything=False)
    left = comments.get(comment.id)
    assert (left.history, left.version, left.updated_at) == (
        before.history, before.version, before.updated_at,
    )  # fmt: skip
    assert left.verdict == before.verdict
    assert (left.scores, left.content, left.text_expired) == (None, "", True)
    decide(Decision.APPROVE, "after all")
    later = comments.get(comment.id)
    assert later.history[:-1] == before.history
    assert later.history[-1].note == "after all"
    notes = [kept.note for kept in comments.decisions(world.site.id)]
    assert sorted(notes) == ["after all", "one\u2028two\n\x85three"]
    assert not comments.forget(left, everything=True)
    assert comments.forget(later, everything=True)


def test_a_text_that_comes_after_the_first_expired_is_a_text_again(world: World):
    comment = world.comment("toxicity=0.6")
    comments, now = world.adapters.comments, world.adapters.clock.now_ms()
    assert comments.forget(comment, everything=False)
    edited, _ = comments.edit(comment.id, Draft("toxicity=0.95"), by=BLOG, now_ms=now)
    assert (edited.content, edited.text_expired, edited.revision) == ("toxicity=0.95", False, 2)
    assert edited.verdict is None
    world.screen()
    judged = comments.get(comment.id)
    assert judged.status is Status.REJECTED
    assert judged.history[: len(comment.history)] == comment.history
    assert comments.forget(judged, everything=False)
    again = comments.get(comment.id)
    assert (again.verdict, again.history) == (judged.verdict, judged.history)


def test_an_author_is_found_and_forgotten_although_the_index_grew(world: World):
    """Entries go to other buckets meanwhile."""
    ada, adapters = Author(email="ada@mail.example"), world.adapters
    now = adapters.clock.now_ms()
    full = 2000
    others = [Draft("x", Author(email=f"{n}@mail.example")) for n in range(full)]
    arguments = {"backlog": 10**6, "now_ms": now}
    before, _ = adapters.comments.accept(world.site.id, [Draft("1", ada)] * 20, **arguments)
    adapters.comments.accept(world.site.id, others, **arguments)
    after, _ = adapters.comments.accept(world.site.id, [Draft("2", ada)] * 3, **arguments)
    wrote = {one.id for one in [*before, *after]}

    def found() -> set[str]:
        mine = adapters.comments.by_author(world.site.id, now_ms=now, email=ada.email)
        return {one.id for one in mine}

    assert found() == wrote
    for identifier in sorted(wrote):
        adapters.comments.erase(identifier, by=BLOG, now_ms=now)
    assert found() == set()
    assert list(keys_of(world, keys.POSTED)) == []
    size = adapters.redis.hget(keys.COUNTS(0), f"{ids.shorten(world.site.id)}:0:authors")
    assert int(size) == full


@pytest.mark.parametrize("order", Order)
def test_a_queue_of_equal_ranks_on_two_sites_is_read_to_its_end_in_even_steps(
    world: World, order: Order
):
    """Each comment once, in one order, and each page for as many round trips as the first."""
    comments, redis = world.adapters.comments, world.adapters.redis
    other = world.adapters.accounts.add_site("other", now_ms=1)
    for site in (world.site, other):
        world.submit(*[f"toxicity=0.6 {n}" for n in range(120)], site=site)
    while world.screen():
        pass
    sites, seen, costs, cursor = [world.site.id, other.id], [], [], None
    while True:
        before = redis.info("stats")["total_commands_processed"]
        page = comments.queues(sites, order=order, cursor=cursor, limit=50)
        costs.append(redis.info("stats")["total_commands_processed"] - before)
        seen += [one.id for one in page.items]
        cursor = page.next
        if cursor is None:
            break
    whole = comments.queues(sites, order=order, limit=500).items
    assert seen == [one.id for one in whole]
    assert len(set(seen)) == 240
    assert len(costs) == 5
    assert max(costs[:4]) <= costs[0] + 2 * 40, costs
