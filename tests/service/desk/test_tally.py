"""A moderator's own tally."""

from __future__ import annotations

from moderation.actor import moderator
from moderation.comment import Decision
from moderation.store.accounts.desk import Desk
from tests.service.desk.test_desk import decide, sign_in, token
from tests.support.world import World

DAY = 86_400_000
#: Noon, so that a test stays within a day.
NOON = 1_795_700_000_000 // DAY * DAY + DAY // 2


def test_decisions_are_counted_by_day_and_those_undone_are_not(world: World):
    desk = Desk(world.adapters.redis)
    for n, number in ((0, 1), (3, 2), (3, -1), (40, 5)):
        desk.count("Mia", number, now_ms=NOON - n * DAY)
    tally = desk.tally("mia", now_ms=NOON)
    assert sorted(tally.by_day.values()) == [1, 1]
    assert tally.since("20000101") == 2
    assert desk.tally("eve", now_ms=NOON).by_day == {}


def test_the_usual_time_is_of_decisions_one_after_the_other(world: World):
    desk, at = Desk(world.adapters.redis), NOON
    for gap in (4000, 2000, 9000, 600_000, 3000):
        at += gap
        desk.count("mia", 1, now_ms=at)
    assert desk.tally("mia", now_ms=at).median_seconds is None, "too few to say"
    for gap in (5000, 5000):
        at += gap
        desk.count("mia", 1, now_ms=at)
    desk.count("mia", 30, now_ms=at + 1)  # at once
    assert desk.tally("mia", now_ms=at).median_seconds == 5


def test_a_moderator_sees_their_own_figures_and_nobody_elses(world: World):
    world.add_moderator("mia", sites=[world.site.id])
    world.add_moderator("eve", sites=[world.site.id])
    mia, eve = sign_in(world, "mia"), sign_in(world, "eve")
    for n in range(3):
        comment = world.comment(f"toxicity=0.6 {n}")
        page = decide(mia, f"{comment.id}:{comment.version}", "approve").text
    mia.post("/desk/undo", data={"csrf_token": token(page), "id": comment.id})
    assert "You decided 2 today and 2 in the last 7 days." in mia.get("/desk/queue").text
    assert "You decided" not in eve.get("/desk/queue").text
    page = mia.get("/desk/tally").text
    assert "<dd>2</dd>" in page
    assert "known after a few" in page
    assert "have not decided on like comments" in page


def test_whoever_has_the_name_of_one_who_was_removed_inherits_no_figures_and_undoes_nothing(
    world: World,
):
    desk, now = Desk(world.adapters.redis), world.adapters.clock.now_ms()
    world.add_moderator("Mia", sites=[world.site.id])
    desk.count("Mia", 3, now_ms=now)
    desk.know("Mia", "a network", now_ms=now)
    desk.keep_view("Mia", {"order": "newest"})
    comment = world.comment("toxicity=0.6")
    desk.remember("Mia", Decision.SPAM, [comment.id], until_ms=now + 60_000, now_ms=now)
    world.adapters.accounts.remove_moderator("mia", by=moderator("ada"), now_ms=now)
    world.add_moderator("Mia", sites=[world.site.id])
    assert desk.tally("Mia", now_ms=now).by_day == {}
    assert not desk.knows("Mia", "a network")
    assert desk.view("Mia") == {}
    assert desk.undoable("Mia", now_ms=now) == []


def test_the_tally_says_how_often_others_agree_on_like_comments(world: World):
    world.add_moderator("mia", sites=[world.site.id])
    mia = sign_in(world, "mia")
    for name, decision in (("mia", "approve"), ("eve", "approve"), ("bob", "spam")):
        comment = world.comment(f"toxicity=0.6 the same #{name}")
        if name == "mia":
            decide(mia, f"{comment.id}:{comment.version}", decision)
        else:
            world.adapters.review(comment.id, Decision(decision), by=moderator(name))
    world.learn()
    assert "demo: you and they agree on 1 of 2." in mia.get("/desk/tally").text
