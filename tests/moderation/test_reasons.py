"""Why the machine judged so: codes and values in storage, sentences where somebody reads them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from moderation.policy import Mode, Policy
from moderation.reasons import SENTENCES, Reason, sentence
from moderation.store import codec
from moderation.verdict import Action, Verdict
from tests.support.actors import ADA
from tests.support.stored import stored_anywhere
from tests.support.world import World


@pytest.mark.parametrize(
    "reason, said",
    [
        (Reason("clean"), "no rule objected"),
        (Reason("identity_attack", {"score": 0.6, "bar": 0.5}), "identity attack 60%, from 50%"),
        (Reason("spam", {"score": 1.0, "bar": 0.625}), "spam 100%, from 62%"),
        (Reason("links", {"number": 1, "bar": 0}), "has 1 links, more than 0"),
        (Reason("blocked_word", {"word": "100% %(real)s"}), "contains the blocked word “100% %(real)s”"),
    ],
)  # fmt: skip
def test_a_reason_says_its_sentence_with_its_values(reason: Reason, said: str):
    assert sentence(reason) == said
    assert reason.to_dict() == {"code": reason.code, "values": reason.values, "text": said}


def test_a_verdict_is_stored_as_codes_and_values():
    reasons = (Reason("spam", {"score": 0.95, "bar": 0.9}), Reason("hold_all"))
    verdict = Verdict(Action.REJECT, reasons, "spam")
    stored = verdict.to_list()
    assert stored == ["reject", "spam", [["spam", {"score": 0.95, "bar": 0.9}], ["hold_all"]]]
    assert Verdict.from_list(stored) == verdict
    assert hash(Verdict.from_list(stored)) == hash(verdict)
    assert codec.unpack_scored(codec.pack_scored(None, verdict)) == (None, verdict)


def test_no_sentence_is_stored(world: World):
    """Neither with a comment, nor with its remains, nor in what they are packed with."""
    policy = Policy(
        mode=Mode.HOLD_ALL, blocked_words=("casino",), hold_links_over=0, hold_first_comment=True
    )
    accounts, comments = world.adapters.accounts, world.adapters.comments
    accounts.save_site(replace(world.site, policy=policy), was=world.site, by=ADA, now_ms=1)
    held = [
        world.comment(text)
        for text in ("toxicity=0.6", "spam=0.99", "a casino", "http://a.example/", "hello", "!")
    ]
    comments.forget(held[0], everything=False)
    assert comments.get(held[0].id).verdict == held[0].verdict
    for text in SENTENCES.values():
        for words in re.split(r"%\(\w+\)s|%", text):
            if " " in words.strip():
                assert stored_anywhere(world.adapters.redis, words.strip()) == [], words
    for dictionary in (codec._OF_VERDICTS, codec._OF_REMAINS):
        assert not re.search(rb"[a-z]{2} [a-z]{2}", dictionary)
    sentences = [words for text in SENTENCES.values() for words in re.split(r"%\(\w+\)s|%", text)]
    assert not [one for one in sentences if " " in one.strip() and one.encode() in codec.OF_DRAFTS]
