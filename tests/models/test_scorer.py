"""The shipped model: fast to load, the same alone and in any batch, fair, explainable."""

import math
import time

import everyday
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import artifacts
from models.augmentation import LEXICON
from models.evaluation import FRIENDLY, IDENTITIES
from models.scorer import LABELS, Item, Scorer, newest_version

#: What is looked for in a text, and what could run over from one text of a batch into the next.
FRAGMENTS = (
    "call", "me", "\n", " ", "\t", "\x1c", "www", "www.", "ewww", "http://a.b.com", "dot com", "a (dot) com", ".com", ".",
    "f u c k", "i d i o t", "a", "1", "b.", "$ 5", "5 €", "whats", "app", "on instagram", "!!", '"', "Hello", "THE", "the",
    "é", "Σ", "привет", "pпivет", "\u200b", "\xa0", "K", "stuuupid", "sh!t", "a@b.co", "at)", "<a href=http://x.y>z.w</a>",
    "+1 (555) 123-4567", "\ud800",
)  # fmt: skip
TEXTS = (
    st.text(st.characters(), max_size=300)
    | st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join)
    | st.sampled_from(everyday.GOOD + everyday.ABUSE + everyday.SPAM)
)
ITEMS = st.lists(
    st.builds(
        Item,
        content=TEXTS,
        author_name=st.text(max_size=20),
        author_url=st.sampled_from(["", "http://example.com/a", "http://["]),
        honeypot=st.booleans(),
        near_duplicates=st.integers(0, 9),
        seconds_to_submit=st.none() | st.floats(0, 100),
    ),
    min_size=1,
    max_size=24,
)
relaxed = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def held(scorer, texts):
    flag = scorer.thresholds["flag"]
    scores = scorer.score([Item(text) for text in texts])
    return [
        text
        for text, score in zip(texts, scores, strict=True)
        if any(score.labels[label] >= flag[label] for label in LABELS)
    ]


@given(items=ITEMS)
@relaxed
def test_a_comment_scores_the_same_alone_and_in_any_batch(scorer, items):
    together = scorer.score(items)
    assert together == [scorer.score([item])[0] for item in items]
    assert together[::-1] == scorer.score(items[::-1])


@given(items=ITEMS, label=st.sampled_from(LABELS))
@relaxed
def test_explanations_add_up_to_the_score(scorer, items, label):
    """Bias, spans and features are all there is: nothing about a score stays unexplained."""
    for item in items:
        said = scorer.explain(item, label)
        total = said.bias + sum(one.weight for one in (*said.spans, *said.features))
        score = scorer.score([item])[0].labels[label]
        assert said.score == pytest.approx(score, abs=1e-9)
        assert 1 / (1 + math.exp(min(-total, 60))) == pytest.approx(score, abs=1e-9)
        assert all(0 <= span.begin < span.end <= len(item.content) for span in said.spans)


def test_an_explanation_points_at_the_insult(scorer):
    text = "I read your post twice and you are an idiot"
    said = scorer.explain(Item(text), "insult")
    worst = max(said.spans, key=lambda span: span.weight)
    assert text[worst.begin : worst.end] == "idiot"
    assert "idiot" in " ".join(one.text % one.values for one in said.reasons)


def test_an_explanation_points_at_a_disguised_insult_in_the_original(scorer):
    text = "well, you are an 1d\u200b10t"
    said = scorer.explain(Item(text), "insult")
    worst = max(said.spans, key=lambda span: span.weight)
    assert text[worst.begin : worst.end] == "1d\u200b10t"


def test_an_explanation_marks_a_word_that_markup_splits_and_none_of_a_quotation(scorer):
    text = "> an idiot wrote this\n\n<p>Well, you are an id<b></b>iot yourself.</p>"
    said = scorer.explain(Item(text), "insult")
    worst = max(said.spans, key=lambda span: span.weight)
    assert text[worst.begin : worst.end] == "id<b></b>iot"
    assert min(span.begin for span in said.spans) > text.index("\n")


def test_half_a_surrogate_pair_is_no_reason_to_fail(scorer):
    torn, whole = scorer.score([Item("you idiot \ud83d"), Item("you idiot ?")])
    assert torn.labels["insult"] == pytest.approx(whole.labels["insult"], abs=0.2)


def test_probabilities_are_given_for_every_label(scorer):
    (score,) = scorer.score([Item("anything")])
    assert tuple(score.labels) == LABELS
    assert all(0 <= value <= 1 for value in score.labels.values())


def test_thresholds_reject_less_than_they_flag(scorer):
    for label in LABELS:
        assert 0 < scorer.thresholds["flag"][label] <= scorer.thresholds["reject"][label] <= 1


def test_good_everyday_comments_are_allowed(scorer):
    assert len(held(scorer, everyday.GOOD)) <= 0.1 * len(everyday.GOOD)


def test_emojis_and_short_reactions_are_allowed(scorer):
    """Readers answer with a picture or a word; that there is little to read is no reason to wait."""
    assert held(scorer, everyday.REACTIONS) == []


def test_hardly_any_emoji_is_held_for_being_repeated(scorer):
    texts = [picture * 4 for picture in LEXICON["picture"]]
    assert len(held(scorer, texts)) <= 0.02 * len(texts)


def test_a_fans_talk_of_villains_is_allowed(scorer):
    assert held(scorer, everyday.GOOD[:1]) == []


def test_everyday_abuse_is_held(scorer):
    assert len(held(scorer, everyday.ABUSE)) >= 0.8 * len(everyday.ABUSE)


def test_everyday_spam_is_held(scorer):
    assert len(held(scorer, everyday.SPAM)) >= 0.8 * len(everyday.SPAM)


def test_friendly_sentences_about_identities_are_allowed(scorer):
    texts = [sentence.format(term) for sentence in FRIENDLY for term in IDENTITIES]
    assert len(held(scorer, texts)) <= 0.05 * len(texts)


def test_what_was_sent_by_a_trap_or_by_many_is_likelier_spam(scorer):
    plain = Item("Thanks for this, it was a good read.")
    variants = [
        Item(plain.content, honeypot=True),
        Item(plain.content, near_duplicates=1),
        Item(plain.content, seconds_to_submit=0.5),
    ]
    (base, *rest) = scorer.score([plain, *variants])
    assert all(score.labels["spam"] > base.labels["spam"] for score in rest)
    assert all(score.labels["toxicity"] == base.labels["toxicity"] for score in rest)


@pytest.mark.parametrize("content", ["", " \n\t", "\u200b\u200d", "..."])
def test_nothing_left_is_said_to_be_empty(scorer, content):
    assert scorer.score([Item(content)])[0].empty


def test_a_language_that_was_never_measured_is_unknown(scorer):
    hungarian = "Nagyon sz\u00e9pen k\u00f6sz\u00f6n\u00f6m ezt a cikket, sokat seg\u00edtett a munk\u00e1mban"
    (score,) = scorer.score([Item(hungarian)])
    assert (score.language, score.known_language) == ("hu", False)


@pytest.mark.parametrize(
    "content", ["\U0001f44d", "\u2764\ufe0f", ":-)", "^^", "+1", "\u00af\\_(\u30c4)_/\u00af"]
)
def test_a_picture_or_an_emoticon_is_not_empty(scorer, content):
    assert not scorer.score([Item(content)])[0].empty


@pytest.mark.parametrize(
    "content", ["ok", "Will Simpson", "haha", "Zbigniew Brzezinski", "+1", "gg wp"]
)
def test_short_and_name_like_texts_count_as_known(scorer, content):
    assert scorer.score([Item(content, language="en")])[0].known_language


def test_a_megabyte_costs_bounded_time(scorer):
    begun = time.process_time()
    scorer.score([Item("you idiot http://a.com " * 45_000), Item("\ufdfa" * 400_000)])
    assert time.process_time() - begun < 3


def test_streams_are_scored_without_being_kept(scorer):
    given = []

    def stream():
        for number in range(1_000):
            given.append(number)
            yield Item(f"comment {number}")

    scores = scorer.iter_scores(stream(), batch=10)
    next(scores)
    assert len(given) == 10


def test_sentences_have_scores_of_their_own(scorer):
    text = "What a lovely day. You stupid idiot! See you."
    first, second, third = scorer.sentences(Item(text), "insult")
    assert text[second.begin : second.end].strip() == "You stupid idiot!"
    assert second.weight > max(first.weight, third.weight)


def test_the_model_loads_quickly_and_is_small():
    begun = time.process_time()
    scorer = Scorer.load()
    assert time.process_time() - begun < 0.1
    assert scorer.version == newest_version()
    assert sum(path.stat().st_size for path in artifacts.SHIPPED.iterdir()) <= artifacts.LARGEST
