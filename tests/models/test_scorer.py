"""The shipped model: fast to load, the same alone and in any batch, fair, explainable."""

import math
import time
import tomllib
from dataclasses import replace
from pathlib import Path

import everyday
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import artifacts, explain
from models.augmentation import LEXICON
from models.encoder import Encoder
from models.evaluation import FRIENDLY, IDENTITIES
from models.house import Answer, Evidence, HouseHead, Seen
from models.scorer import LABELS, MOST_OF_TRUST, Item, Reader, Scorer, newest_version
from models.signals import SIGNALS

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


def logit(probability):
    return math.log(probability / (1 - probability))


#: Sentences of the kinds that readers mistake, and that nothing was trained on, by language and kind.
LOOKALIKES = tomllib.loads(Path(__file__).with_name("lookalikes.toml").read_text(encoding="utf-8"))
#: Of each kind, of 80 sentences, what the shipped model holds; and how many more another processor's
#: rounding may cost.
MISTAKEN = {"praise": 15, "everyday": 1, "idioms": 3, "false_friends": 11}
ROUNDING = 2


def held(scorer, texts):
    flag = scorer.thresholds["flag"]
    scores = scorer.score([Item(text) for text in texts])
    return [
        text
        for text, score in zip(texts, scores, strict=True)
        if any(score.labels[label] >= flag[label] for label in LABELS)
    ]


def near(one, other):
    """Whether two scores say the same: a batch may change a probability by 1e-4 at most."""
    same = one[1:6] == other[1:6] and one.moved == other.moved == (0, 0)
    return (
        same
        and one.labels == pytest.approx(other.labels, abs=1e-4)
        and one.shared == pytest.approx(other.shared, abs=1e-3)
    )


@given(items=ITEMS)
@relaxed
def test_a_comment_scores_the_same_alone_and_in_any_batch(scorer, items):
    together = scorer.score(items)
    alone = [scorer.score([item])[0] for item in items]
    assert all(map(near, together, alone))
    assert all(map(near, together[::-1], scorer.score(items[::-1])))


@given(items=ITEMS, label=st.sampled_from(LABELS))
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_explanations_are_of_the_score_and_of_the_content(scorer, items, label):
    for item in items:
        said = scorer.explain(item, label)
        score = scorer.score([item])[0].labels[label]
        assert said.score == pytest.approx(score, abs=1e-4)
        assert all(0 <= span.begin < span.end <= len(item.content) for span in said.spans)


def test_leaving_a_marked_word_out_changes_the_log_odds_by_its_weight(scorer):
    text = "I read your post twice and you are an idiot"
    said = scorer.explain(Item(text), "insult")
    worst = max(said.spans, key=lambda span: span.weight)
    without = text[: worst.begin] + text[worst.end :]
    before, after = (
        logit(one.labels["insult"]) for one in scorer.score([Item(text), Item(without)])
    )
    assert before - after == pytest.approx(worst.weight, abs=0.01)


def test_a_long_comment_is_explained_in_bounded_time(scorer):
    text = "The second chapter was slow. " * 400 + "You are an idiot."
    begun = time.process_time()
    said = scorer.explain(Item(text), "insult")
    assert time.process_time() - begun < 20
    assert len(said.spans) <= explain.MOST_GROUPS


def test_without_the_encoder_ngrams_decide_by_thresholds_of_their_own(scorer):
    alone = Scorer.load(encoder=False)
    (score,) = alone.score([Item("you stupid idiot")])
    assert score.read_by == Reader.NGRAMS
    assert score.labels["toxicity"] >= alone.thresholds["flag"]["toxicity"]
    assert alone.thresholds != scorer.thresholds


def test_in_a_hurry_the_encoder_reads_only_what_is_unsure(scorer):
    calm = Item("Thank you very much for the recipe, we had it on Sunday.")
    unsure = Item("Well, somebody ought to teach you people a lesson one day.")
    first, second = scorer.score([calm, unsure], hurried=True)
    assert (first.read_by, second.read_by) == (Reader.NGRAMS, Reader.ENCODER)
    assert second.labels == pytest.approx(scorer.score([unsure])[0].labels, abs=1e-4)


def test_what_a_hurried_reading_allows_is_far_from_every_threshold(scorer):
    flag = Scorer.load(encoder=False).thresholds["flag"]
    items = [Item(text) for text in everyday.GOOD + everyday.ABUSE + everyday.SPAM]
    for score in scorer.score(items, hurried=True):
        if score.read_by == Reader.NGRAMS and all(
            score.labels[label] < flag[label] for label in LABELS
        ):
            assert all(score.labels[label] < flag[label] / 2 for label in LABELS)


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


def test_hardly_anybody_is_rejected_for_words_that_only_look_like_abuse(scorer):
    """One of 44 is: German praise of an author. Without a second reading it would be three."""
    rejected = [
        text
        for text, score in zip(
            everyday.MISTAKABLE,
            scorer.score([Item(text) for text in everyday.MISTAKABLE]),
            strict=True,
        )
        if score.seconded
        and any(score.labels[label] >= bar for label, bar in scorer.thresholds["reject"].items())
    ]
    assert len(rejected) <= 1


@pytest.mark.parametrize("kind", list(MISTAKEN))
def test_most_harmless_sentences_that_are_easily_mistaken_are_allowed(scorer, kind):
    """Praise of an author, delays, black cats, "I died laughing", in ten languages."""
    texts = [text for lists in LOOKALIKES.values() for text in lists[kind]]
    assert len(texts) == 80
    assert len(held(scorer, texts)) <= MISTAKEN[kind] + ROUNDING


def test_sentences_that_mean_it_are_held(scorer):
    texts = [text for lists in LOOKALIKES.values() for text in lists["meant"]]
    assert len(held(scorer, texts)) >= 0.8 * len(texts)


def test_most_rejections_of_plain_abuse_are_seconded(scorer):
    scores = scorer.score([Item(text) for text in everyday.ABUSE])
    over = [
        score.seconded
        for score in scores
        if any(score.labels[label] >= bar for label, bar in scorer.thresholds["reject"].items())
    ]
    assert sum(over) >= 0.7 * len(over) > 0


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


def test_the_model_loads_quickly_and_its_heads_are_small():
    begun = time.process_time()
    scorer = Scorer.load()
    assert time.process_time() - begun < 10
    assert scorer.version == newest_version()
    heads = [path for path in artifacts.SHIPPED.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in heads) <= artifacts.LARGEST


def test_an_authors_fields_alone_hold_no_comment_that_reads_well(scorer):
    text = "Thank you for the write-up. I had struggled with the second step for weeks."
    item = Item(
        text,
        author_name="best cheap essay writing service online",
        author_email="a@mailinator.com",
        author_url="http://best-cheap-essay-writing.example.xyz/a/very/deep/page.html",
    )
    (score,) = scorer.score([item])
    assert score.labels["spam"] < scorer.thresholds["flag"]["spam"]


def test_thresholds_have_a_floor_of_sense(scorer):
    """No comment is held at a probability under 0.3, nor rejected under 0.8."""
    for one in (scorer, Scorer.load(encoder=False)):
        assert min(one.thresholds["flag"].values()) >= 0.3
        assert min(one.thresholds["reject"].values()) >= 0.8


def test_heads_for_other_labels_or_signals_or_another_encoder_are_refused(scorer):
    artifact = artifacts.load()
    for key, value in (("labels", ["spam"]), ("signals", ["links"]), ("encoder", "another")):
        broken = replace(artifact, manifest={**artifact.manifest, key: value})
        with pytest.raises(artifacts.BrokenArtifact):
            Scorer(broken, Encoder.load())


@pytest.mark.parametrize(
    "text", ["Subscribing", "Subscribed", "Interesting", "Followed!", "Buy one"]
)
def test_a_word_or_two_with_no_way_to_be_reached_is_no_spam(scorer, text):
    (score,) = scorer.score([Item(text)])
    assert score.labels["spam"] < scorer.thresholds["flag"]["spam"]


def headed(scorer, *, spam=0.0, unwanted=0.0):
    """A site's head that moves every comment alike."""
    weights = np.zeros((2, scorer.basis.size + 1), np.float32)
    weights[:, -1] = spam, unwanted
    return HouseHead(scorer.basis.name, *weights, number=12)


def test_a_score_names_the_sites_head_and_says_what_it_moved(scorer):
    items = [Item("Thank you, the second example cleared it up for me.")] * 2
    moved, shared = scorer.score(items, house=[headed(scorer, spam=1.5), None])
    assert moved.model == f"{scorer.version}+s12"
    assert shared.model == scorer.version
    assert moved.moved == pytest.approx((1.5, 0))
    assert moved.shared == pytest.approx(shared.shared, abs=1e-3)
    assert logit(moved.labels["spam"]) == pytest.approx(
        logit(shared.labels["spam"]) + 1.5, abs=0.01
    )


def test_what_a_site_learns_from_has_the_signals_of_a_text(scorer):
    text = "Thank you, the second example cleared it up for me."
    place = scorer.basis.size - len(SIGNALS)
    plain, linked = (
        np.frombuffer(score.features, np.int8)[place:]
        for score in scorer.score([Item(text), Item(f"{text} http://made-up.example/a")])
    )
    changed = {
        name for name, one, other in zip(SIGNALS, plain, linked, strict=True) if one != other
    }
    assert {"links", "link_at_end"} <= changed
    assert "phone" not in changed


def test_a_moved_score_names_the_decided_comments_that_it_is_like(scorer):
    text = "Ask me for a tarot reading about Madrid, the stars tell all."
    (plain,) = scorer.score([Item(text)])
    near, far = (
        Evidence(
            name, 1, Answer.SPAM, Seen.HELD, 1, scorer.basis.name, features, *plain.shared
        )
        for name, features in (("near", plain.features), ("far", bytes(len(plain.features))))
    )  # fmt: skip
    head = replace(headed(scorer, spam=0.5), known=(near, far))
    moved, still, without = scorer.score(
        [Item(text)] * 3, house=[head, replace(headed(scorer), known=(near,)), None]
    )
    assert moved.alike == (("near", "spam"),)
    assert moved.unmoved == pytest.approx(without.labels)
    assert (still.alike, still.unmoved) == ((), None)
    assert (without.alike, without.unmoved) == ((), None)


@pytest.mark.parametrize("text", ["Cheap pills, buy now http://pills.example/", "you stupid idiot"])
def test_a_sites_head_moves_a_verdict_by_one_step_at_most(scorer, text):
    """What the shared model would allow is not rejected by a head, what it would reject not allowed."""
    flag, reject = scorer.thresholds["flag"], scorer.thresholds["reject"]
    for head in (headed(scorer, spam=99, unwanted=99), headed(scorer, spam=-99, unwanted=-99)):
        before, after = scorer.score([Item(text)] * 2, house=[None, head])
        if all(before.labels[label] < flag[label] for label in LABELS):
            assert all(after.labels[label] < reject[label] for label in LABELS)
        for label in LABELS:
            if before.labels[label] >= reject[label]:
                assert after.labels[label] >= flag[label]


@pytest.mark.parametrize(
    "offsets, spam",
    [((1, 2), 99), ((-2, -1), -99)],
    ids=["what a strict site allows is not rejected", "what a strict site rejects is not allowed"],
)
def test_the_step_of_a_verdict_goes_by_the_sites_own_thresholds(scorer, offsets, spam):
    """A site may reject from a score at which the model would only hold: a preset makes it so."""
    item = Item("Cheap pills, buy now http://pills.example/")
    (plain,) = scorer.score([item])
    at = logit(plain.labels["spam"])
    flag, reject = (1 / (1 + np.exp(-(at + offset))) for offset in offsets)
    never = dict.fromkeys(LABELS, 1.01)
    bars = {"flag": never | {"spam": flag}, "reject": never | {"spam": reject}}
    head = headed(scorer, spam=spam)
    (direct,) = scorer.score([item], house=[head], bars=[bars])
    for score in (direct, scorer.moved_by(plain, head, bars)):
        assert flag <= score.labels["spam"] < reject


def test_no_sites_head_lowers_threats_or_attacks_on_groups(scorer):
    before, after = scorer.score(
        [Item("you stupid idiot")] * 2, house=[None, headed(scorer, unwanted=-2)]
    )
    assert after.labels["insult"] < before.labels["insult"]
    for label in ("threat", "identity_attack"):
        assert after.labels[label] == pytest.approx(before.labels[label], abs=1e-3)


def test_what_the_encoder_did_not_read_is_moved_by_no_head(scorer):
    alone = Scorer.load(encoder=False)
    (score,) = alone.score([Item("you stupid idiot")], house=headed(scorer, unwanted=2))
    assert score.moved == (0, 0)
    assert score.features == b""
    assert "+s" not in score.model


def test_trust_in_an_author_moves_spam_by_a_bounded_amount(scorer):
    items = [Item("Cheap pills, buy now", trust=trust) for trust in (0, 1, 99, -1)]
    unknown, trusted, beyond, rejected = (logit(one.labels["spam"]) for one in scorer.score(items))
    assert unknown - trusted == pytest.approx(MOST_OF_TRUST, abs=0.01)
    assert trusted == pytest.approx(beyond, abs=0.01)
    assert rejected - unknown == pytest.approx(MOST_OF_TRUST, abs=0.01)
