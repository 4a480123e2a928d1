"""Comments: where they may go, and how they are stored."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from moderation import ids
from moderation.comment import MOVES, Author, Comment, Decision, Draft, Post, Status
from moderation.errors import IllegalMove
from moderation.reasons import Reason
from moderation.scores import LABELS, Scores
from moderation.store import codec
from moderation.verdict import Action, Verdict
from tests.support.actors import ADA

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def comment(status: Status = Status.PENDING) -> Comment:
    return Comment(ids.new_id(1), ids.new_id(1), Draft("hi"), NOW, status=status)


@pytest.mark.parametrize("old", Status)
@pytest.mark.parametrize("new", Status)
def test_a_comment_goes_only_where_it_may(old: Status, new: Status):
    if new in MOVES[old]:
        moved = comment(old).moved(new, by=ADA, reason="because", at=NOW)
        assert (moved.status, moved.version, moved.history[-1].old) == (new, 1, old)
    else:
        with pytest.raises(IllegalMove):
            comment(old).moved(new, by=ADA, reason="because", at=NOW)


def test_an_erased_comment_stays_erased():
    assert MOVES[Status.ERASED] == frozenset()


def test_every_decision_settles():
    assert {decision.status for decision in Decision} == {"approved", "rejected", "spam"}


def test_a_draft_survives_storage_whole():
    draft = Draft(
        "text 𝕏 ☃", Author("Ada", "a@b.example", ip="203.0.113.9"), Post(title="A post"),
        external_id="7", honeypot="x",
    )  # fmt: skip
    assert codec.unpack(codec.pack(draft)) == draft
    assert codec.unpack(b"") == Draft("")


def test_a_draft_that_an_earlier_release_packed_is_read():
    """The dictionary is part of the format: with another one, what is stored could not be read."""
    draft = codec.unpack(
        bytes.fromhex(
            "0128b52ffd20b72d0200e3c208294f53f2a2c7b24ba091f6da17bdbd445ef47a20054ebc0683a0e77c35851b"
            "47270f250bfcb7434892ae8bff1a6fe19b89fafcdfd0f37f9baa10c65660e62cb8cd01"
        )
    )
    assert draft == Draft(
        "Thanks for sharing, but what about episode five? ☃",
        Author("Ada", "ada@example.com", "", "192.168.1.7", "Mozilla/5.0 (X11; Linux x86_64)"),
        Post("https://blog.com/2026/11/one", "One"),
        external_id="wordpress-17",
    )


def test_scores_survive_storage_with_the_ids_of_near_duplicates():
    labels = dict.fromkeys(LABELS, 0.25)
    verdict = Verdict(Action.FLAG, (Reason("near_duplicate", {"number": 3}),), "spam")
    for alike in ((), tuple(ids.new_id(n) for n in range(5))):
        scores = Scores(
            labels, "28dd4c0f2dd3", "en", near_duplicates=7, alike=alike, seconded=not alike
        )
        assert codec.unpack_scored(codec.pack_scored(scores, verdict)) == (scores, verdict)


def test_threads_pack_drafts_at_once():
    """What packs cannot be shared: each thread has its own."""
    drafts = [Draft(f"{n} " + "words of every kind " * n) for n in range(200)]
    with ThreadPoolExecutor(8) as threads:
        for _ in range(5):
            packed = list(threads.map(codec.pack, drafts))
            assert list(threads.map(codec.unpack, packed)) == drafts


def test_a_digest_tells_any_difference():
    assert Draft("a").digest != Draft("a", external_id="1").digest
    assert Draft("a", Author("b")).digest == Draft("a", Author("b")).digest
    assert Draft("a", Author("b", id="7")).digest != Draft("a", Author("b")).digest


def test_a_digest_is_the_same_in_every_release():
    """Digests are kept: another one would make a conflict of what is sent again."""
    draft = Draft(
        'He said "hi"\n\u2028',
        Author("Ada", "ada@mail.example", "https://ada.example/", "192.0.2.1", "Browser", "editor"),
        Post("https://blog.example/1", "One", "2026-01-01T00:00:00.000Z", "en"),
        external_id="7", parent="6", honeypot="trap", form_served_at="a", submitted_at="b",
    )  # fmt: skip
    assert draft.digest == "96202bf4e440e353f24ffcc2"


@pytest.mark.parametrize(
    "served, sent, seconds",
    [
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:05Z", 5.0),
        ("", "2026-11-22T10:00:05Z", None),
        ("nonsense", "2026-11-22T10:00:05Z", None),
        ("2026-11-22T10:00:00", "2026-11-22T10:00:05Z", None),
    ],
)
def test_the_time_to_submit_is_known_only_from_two_good_times(served, sent, seconds):
    assert Draft("x", form_served_at=served, submitted_at=sent).seconds_to_submit == seconds


def test_an_id_carries_its_shard_and_sorts_by_time():
    early, late = ids.new_id(1_000, 5), ids.new_id(2_000, 0)
    assert ids.shard_of(early) == 5
    assert early < late
    assert ids.lengthen(ids.shorten(early)) == early


@pytest.mark.parametrize("text", ["", "nonsense", "00000000-0000-4000-8000-000000000000", None])
def test_what_is_no_id_of_ours_is_none(text):
    assert ids.canonical(text) is None
