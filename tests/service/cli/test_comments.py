"""queue, show, decide, undo, revise, note, reply, retry, erase: moderating from a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moderation import wiring
from moderation.actor import moderator
from moderation.comment import Author, Draft, Status
from moderation.policy import Policy
from moderation.reasons import Reason
from moderation.records import Judged
from moderation.scores import Scores
from moderation.verdict import Action, Verdict

NASTY = "Buy now \x1b[2J\x1b]0;pwned\x07 \u202e!"


@pytest.fixture
def flagged(ask, adapters: wiring.Adapters) -> str:
    """The id of a comment that waits for a moderator, with what a terminal must not obey."""
    site = ask("site", "add", "blog")
    draft = Draft(NASTY, author=Author(name="Eve\x1b[31m", email="eve@example.org"))
    now = adapters.clock.now_ms()
    (accepted,), _ = adapters.comments.accept(site["id"], [draft], backlog=10, now_ms=now)
    batch = adapters.comments.take(0, "test:1", size=9, lease_ms=1000, now_ms=now)
    assert batch is not None
    verdict = Verdict(Action.FLAG, (Reason("spam", {"score": 0.61, "bar": 0.5}),), "spam")
    judged = Judged(Scores({"spam": 0.61}, "m1"), verdict, Status.FLAGGED, 0.5)
    adapters.comments.commit(0, batch.token, [(batch.items[0], judged)], now_ms=now)
    return accepted.id


def test_the_queue_shows_text_scores_and_reasons(run, ask, flagged: str):
    (item,) = ask("queue", "blog", many=True)
    assert (item["id"], item["verdict"], item["scores"]["spam"]) == (flagged, "flag", 0.61)
    shown = run("queue", "blog").stdout
    assert "spam 61%" in shown
    assert "0.61" in shown


@pytest.mark.parametrize("verb", [("queue", "blog"), ("queue", "blog", "--json"), ("show",)])
def test_what_a_reader_wrote_cannot_move_the_terminal(run, flagged: str, verb: tuple[str, ...]):
    """A comment that clears the screen or turns text around could make a moderator approve it."""
    shown = run(*verb, *([flagged] if verb == ("show",) else [])).stdout
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert "Buy now" in shown


def test_a_decision_is_told_by_its_status_and_can_be_undone(ask, flagged: str):
    decided = ask("decide", flagged, "approve", "--note", "a regular")
    assert decided == {"id": flagged, "status": "approved", "version": 2}
    assert ask("show", flagged)["history"][-1]["note"] == "a regular"
    assert ask("undo", flagged)["status"] == "flagged"


def test_a_decision_twice_is_refused(run, ask, flagged: str):
    ask("decide", flagged, "spam")
    assert "Error" in run("decide", flagged, "spam", code=1).stderr


def test_a_flagged_comment_gets_another_chance(ask, flagged: str):
    assert ask("retry", flagged)["status"] == "pending"


def allow(adapters: wiring.Adapters, **changes: bool) -> None:
    """Switch settings of the only site on."""
    (site,) = adapters.accounts.sites()
    adapters.accounts.save_site(replace(site, **changes), was=site, by=moderator("test"), now_ms=1)


def test_a_changed_text_is_shown_with_what_its_author_wrote(
    run, ask, adapters: wiring.Adapters, flagged: str
):
    refused = run("revise", flagged, "Buy later.", code=1).stderr
    assert "its setting `edits`" in refused
    allow(adapters, edits=True)
    assert ask("revise", flagged, "Buy later.\x1b[2J") == {
        "id": flagged, "status": "flagged", "revision": 2,
    }  # fmt: skip
    shown = run("show", flagged).stdout
    assert "  | Buy later." in shown
    assert "revision 2; its author wrote:\n  > Buy now" in shown
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert ask("show", flagged)["revised"]["original"] == NASTY
    assert "> Buy now" in run("queue", "blog").stdout


def test_a_text_is_not_changed_by_whoever_saw_another(run, adapters: wiring.Adapters, flagged: str):
    allow(adapters, edits=True)
    run("revise", flagged, "Buy later.", "--revision", "1")
    assert "Error" in run("revise", flagged, "mine", "--revision", "1", code=1).stderr
    assert "is not empty" in run("revise", flagged, " ", code=1).stderr


@pytest.mark.parametrize(
    "written, refused",
    [
        pytest.param(b"first\nsecond\n", "", id="two lines"),
        pytest.param(b"\xff", "no text in UTF-8", id="no text"),
        pytest.param(b"x" * 70_000, "at most 65536 bytes", id="too long"),
        pytest.param(b"", "is not empty", id="nothing"),
    ],
)
def test_a_text_is_read_from_standard_input(
    run, ask, adapters: wiring.Adapters, flagged: str, written: bytes, refused: str
):
    allow(adapters, edits=True)
    printed = run("revise", flagged, "-", input=written, code=1 if refused else 0)
    assert refused in printed.stderr
    assert ask("show", flagged)["content"] == (NASTY if refused else "first\nsecond")


def test_a_note_stands_beside_its_comment(run, ask, flagged: str):
    made = ask("note", flagged, "a regular\x1b[2J\nof ours")
    assert (made["number"], made["by"]["kind"]) == (1, "operator")
    shown = run("show", flagged).stdout
    assert "note 1 by " in shown
    assert "  | of ours" in shown
    assert "\x1b" not in shown
    assert [one["text"] for one in ask("show", flagged)["notes"]] == [made["text"]]
    assert "1 to 2,000 characters" in run("note", flagged, "x" * 2001, code=1).stderr


def test_a_reply_is_written_where_the_blog_publishes_it(
    run, ask, adapters: wiring.Adapters, flagged: str
):
    assert "publishes no replies" in run("reply", flagged, "Thanks.", code=1).stderr
    allow(adapters, replies=True)
    run("endpoint", "add", "blog", "https://blog.example/hook", "--event", "reply.requested")
    assert "only an approved comment" in run("reply", flagged, "Thanks.", code=1).stderr
    ask("decide", flagged, "approve")
    assert ask("reply", flagged, "Thanks.")["number"] == 1
    assert "reply 1 by " in run("show", flagged).stdout
    assert [one["text"] for one in ask("show", flagged)["replies"]] == ["Thanks."]


def test_an_erased_comment_has_no_words_left(run, ask, flagged: str):
    assert run("erase", flagged, "--yes").output == ""
    erased = ask("show", flagged)
    assert (erased["status"], erased["content"]) == ("erased", "")
    assert "Buy" not in run("show", flagged).stdout


def test_an_empty_queue_says_so_beside_the_answer(run, ask, adapters: wiring.Adapters):
    ask("site", "add", "blog")
    empty = run("queue", "blog")
    assert (empty.stdout, empty.stderr) == ("", "Nothing waits at blog.\n")
    assert run("queue", "blog", "--json").output == ""


def test_stats_count_comments_and_bytes(run, ask, flagged: str):
    answer = ask("stats")
    assert answer["comments"]["flagged"] == 1
    assert answer["kinds"]["comment"]["keys"] == 1
    assert answer["kinds"]["comment"]["bytes"] > 100
    assert "other" not in answer["kinds"]
    assert "bytes a comment" in run("stats").stdout


def test_names_of_sites_cannot_move_the_terminal_either(run, ask, adapters: wiring.Adapters):
    site = adapters.accounts.site(ask("site", "add", "blog")["id"])
    words = Policy(blocked_words=("\x1b[2J",))
    adapters.accounts.save_site(
        replace(site, policy=words), was=site, by=moderator("test"), now_ms=1
    )
    assert "\x1b" not in run("site", "show", "blog").stdout


def test_comments_are_searched_from_a_terminal(run, ask, adapters: wiring.Adapters):
    """Words, an author and a status; what is found nowhere is said on standard error."""
    site = adapters.accounts.site(ask("site", "add", "blog")["id"])
    lisa = Author("Lisa", "lisa@mail.example")
    adapters.submit([Draft("thick cut marmalade", lisa), Draft("thin honey")], site=site)
    printed = run("comments", "search", "blog", "marmalade", "--status", "pending").stdout
    assert "thick cut marmalade" in printed
    assert "honey" not in printed
    assert "Lisa" in run("comments", "search", "blog", "--author", "lisa@mail.example").stdout
    assert "Nothing is found" in run("comments", "search", "blog", "jam").stderr
    (first,) = ask("comments", "search", "blog", "--limit", "1", many=True)
    assert first["content"] == "thin honey"


def test_a_campaign_is_cleaned_up_from_a_terminal(run, ask, adapters: wiring.Adapters):
    site = adapters.accounts.site(ask("site", "add", "blog")["id"])
    texts = [f"cheap jam pots at https://jampots.example.org/{n}" for n in range(3)]
    wrote = adapters.submit([Draft(text) for text in [*texts, "hello"]], site=site)
    assert "no such trait" in run("comments", "clean", wrote[0].id, "--email", code=1).output
    answer = ask("comments", "clean", wrote[0].id, "--domain", "jampots.example.org", "--yes")
    assert answer["decided"] == 3
    found = adapters.comments.get_many([one.id for one in wrote])
    assert [one.status for one in found] == [Status.SPAM] * 3 + [Status.PENDING]
