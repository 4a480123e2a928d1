"""Trains n-gram heads and the heads that join them with the encoder, and makes an artifact of both."""

from __future__ import annotations

import hashlib
import platform
import random
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import scipy
import sklearn
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit
from sklearn.linear_model import LogisticRegression, SGDClassifier

from models import evaluation, sentences
from models.artifacts import Artifact, BrokenArtifact
from models.augmentation import evaded, generated
from models.datasets import LABELS, MEASURE_ONLY, Corpus, Example, may_train, published
from models.encoder import Encoder
from models.fitting import Fitter
from models.heads import FEATURES, LOGITS, Floats, Inputs
from models.ngrams import BUCKETS
from models.scorer import Scorer
from models.signals import SIGNALS, table
from models.text import read
from models.vectorizer import HashedNgrams

Numbers = NDArray[np.float64]
Progress = Callable[[Sequence[Any]], Any]

#: Sums of the weights of the longest text must stay below 2**31.
LARGEST_WEIGHT = 16_383
#: Texts of one batch.
_AT_ONCE = 512

#: Sources that are alike, and so are left out together, by the name of their family.
_FAMILIES: Mapping[str, str] = {
    **dict.fromkeys(("jigsaw_wiki_normalised", "paradetox_pairs", "kaggle_insults"), "wiki"),
    **dict.fromkeys(
        ("davidson_tweets", "olid_tweets", "hatexplain_processed", "implicit_hate_tweets"), "tweets"
    ),
    **dict.fromkeys(("edos_sexism", "reddit_misogyny", "stormfront_hate"), "forums"),
    **dict.fromkeys(("telegram_talyguryn_ru", "telegram_radiot_ru"), "telegram"),
    **dict.fromkeys(("youtube_id_gambling", "youtube_id_judol_gbennnn"), "judol"),
    **dict.fromkeys(("civil_toxic_spans", "fox_news_comments"), "news"),
}
#: The one source with all labels of abuse on comments drawn as they come.
CORE = "jigsaw_wiki_raw"
#: Groups of families and blogs; each is left out of training once.
GROUPS = 4
#: The share of good comments that may be held or rejected, of all labels together, over blogs
#: that count alike; in each group of comments that can be told apart, GROUP_SLACK times as many,
#: so that in the worst language 93 of 100 are allowed.
BUDGETS = {"flag": 0.02, "reject": 0.002}
GROUP_SLACK = 3.5
#: Our own harmless sentences are written to be mistaken: film villains, words that look rude
#: elsewhere, quoted abuse. Of them this many times as many.
TRYING, TRYING_SLACK = "our own harmless sentences", 4.0
#: The share of a budget that a label has: spam and toxicity say most, and the others mostly say it of
#: what is toxic, too.
SHARES, SHARE = {"spam": 0.5, "toxicity": 0.45}, 0.12
#: How far another export of the same weights may move a logit of the heads, on average. Eight bits
#: alone keep it 0.05 from the float network.
MOST_MOVED = 0.1
#: Nothing is held or rejected for a label whose probability is below this.
FLOORS = {"flag": 0.3, "reject": 0.8}


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of training, chosen by measuring; ``docs/adr`` says how."""

    #: Rows of a source at most: of abuse in English and in other languages, of spam, of blogs, for
    #: measuring only; and of the sources named.
    rows: int = 1_800
    rows_elsewhere: int = 1_500
    rows_of_spam: int = 3_000
    rows_of_blogs: int = 4_900
    rows_measured: int = 1_500
    rows_of: Mapping[str, int] = field(
        default_factory=lambda: {"jigsaw_wiki_raw": 12_000, "blog_haacked_ham": 5_000}
    )
    #: No source weighs more than this many examples; the core has its full weight.
    source_cap: int = 1_500
    #: Texts are cut to this many characters for n-grams and encoder: about one window.
    longest: int = 700
    #: Comments of each of our own templates, and of each English kind's share.
    own: int = 2
    own_english: int = 80
    #: The weight of a comment of our own, and of "no attack on a group" as "not toxic".
    own_weight: float = 2.0
    assumed: float = 0.3
    #: The share of English rows that get a twin in disguise.
    disguised: float = 0.06
    #: scikit-learn's alpha of the n-gram heads, and C of the heads that join.
    alpha: float = 1e-6
    strength: float = 0.02
    strength_alone: float = 0.03
    seed: int = 0


def group_of(example: Example) -> int:
    """Return the group that *example* is left out with; -1 if it is never learned.

    A blog, a family of sources, and a template of our own each belong to one group as a whole. The
    rows of the core are spread over all groups: heads for its rare labels can't do without it.
    """
    if example.source in MEASURE_ONLY:
        return -1
    source = example.source.removeprefix("disguised: ")
    if source == CORE or source.startswith("own: "):
        name = example.pair or example.text
    else:
        name = example.blog or _FAMILIES.get(source, source)
    return zlib.crc32(name.encode()) % GROUPS


def kept(example: Example) -> bool:
    """Whether *example* is of the tenth that is kept from training, by a digest alone."""
    return zlib.crc32((example.pair or example.text).encode()) % 10 == 0


def held_out(corpus: Corpus) -> NDArray[np.bool_]:
    """Return bool of shape (n_examples,): which examples are kept from training."""
    return np.array([kept(example) for example in corpus.examples], bool)


def tenth_of(data: Corpus) -> Corpus:
    """Return the part of the licensed sources that is never trained on."""
    return data.where(may_train).where(kept)


def training_corpus(data: Corpus, recipe: Recipe) -> Corpus:
    """Return the training corpus: licensed sources, capped, with our own comments and disguises.

    The kept tenth is in it as it stands, to be taken out by ``held_out``; nothing else is that
    says the same, in another spelling or in disguise (``docs/adr/0107``).
    """
    own = sentences.generated(recipe.own, recipe.seed) + generated(recipe.own_english, recipe.seed)
    real = capped(data, recipe).where(may_train)
    said = {_letters(one.text) for one in tenth_of(data).examples}
    real = real.where(lambda one: kept(one) or _letters(one.text) not in said)
    english = [one for one in (real + own).examples if one.language == "en" and not kept(one)]
    draw = random.Random(recipe.seed)  # noqa: S311 - drawn to be repeated, not to be secret
    return (
        real + own + evaded(draw.sample(english, int(recipe.disguised * len(english))), recipe.seed)
    )


def capped(data: Corpus, recipe: Recipe) -> Corpus:
    """Return at most the recipe's number of rows of each source, drawn by its seed."""
    spam = {one.source for one in data.examples if one.labels.get("spam") == 1}
    drawn = np.random.default_rng(recipe.seed).permutation(len(data.examples))
    seen: dict[str, int] = {}
    chosen = []
    for index in drawn:
        source = data.examples[index].source
        seen[source] = seen.get(source, 0) + 1
        if seen[source] <= _most(source, recipe, spam=source in spam):
            chosen.append(int(index))
    return replace(data, examples=tuple(data.examples[index] for index in sorted(chosen)))


def _most(source: str, recipe: Recipe, *, spam: bool) -> int:
    if source in recipe.rows_of:
        return recipe.rows_of[source]
    if source in MEASURE_ONLY:
        return recipe.rows_measured
    if source.startswith("blog_"):
        return recipe.rows_of_blogs
    if spam:
        return recipe.rows_of_spam
    return recipe.rows_elsewhere if source.startswith("ml_") else recipe.rows


@dataclass(frozen=True)
class Design:
    """Examples as numbers.

    Attributes
    ----------
    corpus : Corpus
    ngrams : csr_matrix of shape (n_examples, BUCKETS), float32
    signals : ndarray of shape (n_examples, n_signals), float64
    features, logits : ndarray of shape (n_examples, 768) and (n_examples, 7), float32
        The encoder's, of the first window.
    groups : ndarray of shape (n_examples,), intp
    kept : ndarray of shape (n_examples,), bool
    idf : ndarray of shape (BUCKETS,), float32
    """

    corpus: Corpus
    ngrams: sparse.csr_matrix
    signals: Numbers
    features: Floats
    logits: Floats
    groups: NDArray[np.intp]
    kept: NDArray[np.bool_]
    idf: Floats


def designed(
    corpus: Corpus,
    encoder: Encoder,
    recipe: Recipe,
    *,
    cache: Path | None = None,
    progress: Progress = iter,
) -> Design:
    """Return *corpus* as numbers; what the encoder said of a text before is taken from *cache*."""
    pairs: list[tuple[str, str]] = []
    own: list[str] = []
    signals = np.zeros((len(corpus), len(SIGNALS)))
    for begin in progress(range(0, len(corpus), _AT_ONCE)):
        part = corpus.examples[begin : begin + _AT_ONCE]
        readings = read([one.text[: recipe.longest * 4] for one in part])
        signals[begin : begin + len(part)] = table(readings)
        pairs += [(one.written[: recipe.longest], one.normal[: recipe.longest]) for one in readings]
        own += [one.own[: recipe.longest] for one in readings]
    out = held_out(corpus)
    model = HashedNgrams().fit_pairs([pair for pair, no in zip(pairs, out, strict=True) if not no])
    features, logits = encoded(own, encoder, cache=cache, progress=progress)
    return Design(
        corpus,
        model.transform_pairs(pairs).astype(np.float32),
        signals,
        features,
        logits,
        np.array([group_of(one) for one in corpus.examples], np.intp),
        out,
        model.idf_,
    )


def encoded(
    texts: Sequence[str],
    encoder: Encoder,
    *,
    cache: Path | None = None,
    progress: Progress = iter,
) -> tuple[Floats, Floats]:
    """Return what *encoder* says of the first window of each text: features and logits.

    Float32 of shape (n_texts, 768), rounded to float16, and float32 of shape (n_texts, 7).
    *cache* is a directory; readings are kept there for the next training with this encoder.
    """
    keys = np.array([_key(text) for text in texts], np.uint64)
    path = cache / f"encoded-{encoder.version}.npz" if cache else None
    known, features, logits = _cached(path)
    place = {int(key): row for row, key in enumerate(known)}
    missing = [row for row in np.unique(keys, return_index=True)[1] if int(keys[row]) not in place]
    missing.sort(key=lambda row: len(texts[row]))
    new = []
    for begin in progress(range(0, len(missing), _AT_ONCE)):
        part = missing[begin : begin + _AT_ONCE]
        said = encoder.read([texts[row] for row in part])
        first = np.searchsorted(said.owners, np.arange(len(part)))
        new.append((said.features[first].astype(np.float16), said.logits[first]))
    if new:
        known = np.r_[known, keys[missing]]
        features = np.vstack([features, *(one for one, _ in new)])
        logits = np.vstack([logits, *(one for _, one in new)])
        place = {int(key): row for row, key in enumerate(known)}
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(path, keys=known, features=features, logits=logits)
    rows = np.array([place[int(key)] for key in keys], np.intp)
    return features[rows].astype(np.float32), logits[rows]


def _key(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "big")


def _cached(path: Path | None) -> tuple[NDArray[np.uint64], NDArray[np.float16], Floats]:
    if path is None or not path.exists():
        shape = (0, FEATURES)
        return np.empty(0, np.uint64), np.empty(shape, np.float16), np.empty((0, len(LABELS)), "f4")
    with np.load(path, allow_pickle=False) as kept_before:
        return kept_before["keys"], kept_before["features"], kept_before["logits"]


def targets(
    corpus: Corpus, recipe: Recipe
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return the target and the weight of each example, for each label.

    Float64 of shape (n_examples,) each; a target is 0 or 1, or NaN where the label is absent.
    """
    sources, rows = corpus.sources, corpus.targets.astype(float)
    own = np.char.startswith(sources, "own: ")
    weight = weights(sources, recipe.source_cap)
    weight[own] = recipe.own_weight
    result = []
    for column, label in enumerate(LABELS):
        target, weighed = rows[:, column].copy(), weight.copy()
        if label != "spam":
            weighed[sources == CORE] = 1.0
        if label == "toxicity":
            assumed = np.isnan(target) & (rows[:, LABELS.index("identity_attack")] == 0)
            target[assumed] = 0
            weighed[assumed] *= recipe.assumed
        result.append((target, weighed))
    return result


def weights(sources: NDArray[np.str_], cap: int) -> NDArray[np.float64]:
    """Return a weight for each example, so that no source counts for more than *cap* examples.

    Float64 of shape (n_examples,), from *sources*, str of that shape.
    """
    _, index, counts = np.unique(sources, return_inverse=True, return_counts=True)
    per_source = np.minimum(1.0, cap / counts)
    chosen: NDArray[np.float64] = per_source[index]
    return chosen


@dataclass(frozen=True, slots=True)
class NgramHeads:
    """Linear heads over n-grams.

    Attributes
    ----------
    coefficients : ndarray of shape (n_labels, BUCKETS), float32
    intercepts : ndarray of shape (n_labels,), float64
    """

    coefficients: Floats
    intercepts: Numbers

    def sums(self, ngrams: sparse.csr_matrix) -> Numbers:
        """Return float64 of shape (n_rows, n_labels): logits of *ngrams*, float32 (n_rows, BUCKETS)."""
        return np.asarray(ngrams @ self.coefficients.T + self.intercepts, float)


def fit_ngrams(
    design: Design,
    rows: NDArray[np.intp],
    aims: Sequence[tuple[Numbers, Numbers]],
    recipe: Recipe,
) -> NgramHeads:
    """Return one n-gram head a label, fitted on *rows*, intp of shape (n_rows,).

    *aims* has a label's target and weight each, as ``targets`` returns them: float64 of shape
    (n_examples,). A label that all of *rows* agree on gets zeros. Averaged stochastic gradient
    descent: scikit-learn's ``SGDClassifier``.
    """
    coefficients = np.zeros((len(LABELS), BUCKETS), np.float32)
    intercepts = np.zeros(len(LABELS))
    for column, (target, weight) in enumerate(aims):
        known = rows[~np.isnan(target[rows])]
        if len(np.unique(target[known])) < 2:
            continue
        head = SGDClassifier(
            loss="log_loss",
            alpha=recipe.alpha,
            max_iter=6,
            tol=None,
            average=len(known),
            random_state=recipe.seed,
        )
        head.fit(design.ngrams[known], target[known].astype(int), sample_weight=weight[known])
        coefficients[column] = head.coef_[0]
        intercepts[column] = head.intercept_[0]
    return NgramHeads(coefficients, intercepts)


@dataclass(frozen=True)
class Unseen:
    """Logits of every example by heads that never saw its group; both ways of reading.

    Attributes
    ----------
    joined, alone : ndarray of shape (n_examples, n_labels), float64
        With the encoder, and by n-grams and signals alone.
    """

    joined: Numbers
    alone: Numbers


def platt(logits: Numbers, target: Numbers, weight: Numbers) -> tuple[float, float]:
    """Return the slope and the shift that make a logit a calibrated one.

    After Platt, *Probabilistic Outputs for Support Vector Machines* (1999). *logits*, *target* (0 or
    1) and *weight* are float64 of shape (n_examples,). (1.0, 0.0) where there is one class alone.
    """
    if len(np.unique(target)) < 2:
        return 1.0, 0.0
    head = LogisticRegression(C=10.0).fit(logits[:, None], target.astype(int), weight)
    return float(head.coef_[0, 0]), float(head.intercept_[0])


def left_out(
    design: Design,
    aims: Sequence[tuple[Numbers, Numbers]],
    recipe: Recipe,
    progress: Progress = iter,
) -> tuple[Unseen, Numbers]:
    """Return what heads say of the group that they never saw, and the n-gram logits beneath.

    *aims* as in ``fit_ngrams``, float64 of shape (n_examples,) each. Logits are float64 of shape
    (n_examples, n_labels). The n-gram logits are out of fold for every row, kept ones too: n-gram
    heads know their own rows by heart, and would be trusted too much by whatever is fitted on top of
    them.
    """
    learned = design.groups >= 0
    usable = learned & ~design.kept
    ngrams = np.zeros((len(design.groups), len(LABELS)))
    everywhere = np.zeros_like(ngrams)
    for group in progress(range(GROUPS)):
        fitted = fit_ngrams(design, np.flatnonzero(usable & (design.groups != group)), aims, recipe)
        own = design.groups == group
        ngrams[own] = fitted.sums(design.ngrams[own])
        everywhere[~learned] += fitted.sums(design.ngrams[~learned]) / GROUPS
    ngrams[~learned] = everywhere[~learned]
    inputs = Inputs(ngrams, design.signals, design.features, design.logits)
    ways = (
        (Fitter.of(inputs), recipe.strength),
        (Fitter(ngrams, design.signals), recipe.strength_alone),
    )
    owners = np.arange(len(ngrams), dtype=np.intp)
    inputs = replace(inputs, owners=owners)
    unseen = []
    for fitter, strength in ways:
        said = np.zeros_like(ngrams)
        for group in progress(range(GROUPS)):
            heads = fitter.fit(np.flatnonzero(usable & (design.groups != group)), aims, strength)
            sums = heads.sums(inputs)
            own = design.groups == group
            said[own] = sums[own]
            said[~learned] += sums[~learned] / GROUPS
        unseen.append(said)
    return Unseen(*unseen), ngrams


def calibration(corpus: Corpus, logits: Numbers, recipe: Recipe) -> dict[str, tuple[float, float]]:
    """Return slope and shift of each label, fitted where the shares of labels are natural.

    *logits* is float64 of shape (n_examples, n_labels), not calibrated. Of spam no natural share is
    known: there each source counts alike.
    """
    natural = np.array([one.natural for one in corpus.examples], bool)
    rows = corpus.targets.astype(float)
    real = np.array(
        [not one.source.startswith(("own: ", "disguised: ")) for one in corpus.examples]
    )
    weight = weights(corpus.sources, recipe.source_cap)
    table = {}
    for column, label in enumerate(LABELS):
        known = ~np.isnan(rows[:, column]) & real & (natural | (label == "spam"))
        one = weight if label == "spam" else np.ones(len(weight))
        table[label] = platt(logits[known, column], rows[known, column], one[known])
    return table


@dataclass(frozen=True)
class Good:
    """Good comments that set the thresholds.

    Attributes
    ----------
    rows : ndarray of shape (n_examples,), bool
        Which examples they are.
    weight : ndarray of shape (n_good,), float64
        Blogs count alike, however many comments they gave; 0 for what no blog published.
    groups : dict of str to ndarray of shape (n_good,), bool
        Kinds of comments that the budget must hold in, by name.
    """

    rows: NDArray[np.bool_]
    weight: Numbers
    groups: Mapping[str, NDArray[np.bool_]]


def good_comments(corpus: Corpus, fewest: int = 80) -> Good:
    """Return the published comments of *corpus*, grouped by length, language and script."""
    rows = np.array(
        [
            (published(one.source) or _is_trying(one)) and not any(one.labels.values())
            for one in corpus.examples
        ],
        bool,
    )
    chosen = [one for one, yes in zip(corpus.examples, rows, strict=True) if yes]
    trying = np.array([_is_trying(one) for one in chosen], bool)
    blogs = np.array([one.blog or one.source for one in chosen])
    # A blog with a handful of comments would count as much as one with hundreds.
    _, index, counts = np.unique(blogs, return_inverse=True, return_counts=True)
    weight = np.where(trying, 0.0, (np.minimum(counts, 50) / counts)[index])
    length = np.array([len(one.text) for one in chosen])
    language = np.array([one.language for one in chosen])
    latin = np.array([_is_latin(one.text) for one in chosen], bool)
    groups = {
        "under 20 characters": ~trying & (length < 20),
        "over 500 characters": ~trying & (length > 500),
        "other scripts": ~trying & ~latin,
        TRYING: trying,
        **{f"in {code}": ~trying & (language == code) for code in sorted(set(language))},
    }
    return Good(rows, weight, {name: yes for name, yes in groups.items() if yes.sum() >= fewest})


def _is_trying(example: Example) -> bool:
    # Only of the kept tenth: the encoder has seen the others.
    return example.source.startswith("own: ") and bool(example.pair) and kept(example)


def _is_latin(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    return sum(letter < "\u0250" for letter in letters) * 2 >= len(letters)


def thresholds(probabilities: Numbers, good: Good) -> dict[str, dict[str, float]]:
    """Return for "flag" and "reject" a threshold a label, so that the budgets hold in every group.

    Each label keeps its own share of the budget: that one label is mistaken about a kind of comment
    makes no other label strict.

    Parameters
    ----------
    probabilities : ndarray of shape (n_good, n_labels), float64
        Calibrated, by heads that saw none of these comments.
    """
    result = {}
    for name, budget in BUDGETS.items():
        share = 1.0
        while True:
            levels = {
                label: max(
                    FLOORS[name], _level(column, good, share * budget * SHARES.get(label, SHARE))
                )
                for label, column in zip(LABELS, probabilities.T, strict=True)
            }
            reached = evaluation.beyond(probabilities, levels)
            if share < 0.1 or good.weight[reached].sum() <= budget * good.weight.sum():
                break
            share *= 0.9
        result[name] = levels
    return result


def _level(probability: Numbers, good: Good, budget: float) -> float:
    """Return the lowest level that *budget* of the comments reach, and in no group too many."""
    weight = good.weight
    bounds = [_lowest(probability, weight, budget * float(weight.sum()))]
    for name, yes in good.groups.items():
        own, slack = (
            (np.ones(int(yes.sum())), TRYING_SLACK)
            if name == TRYING
            else (
                weight[yes],
                GROUP_SLACK,
            )
        )
        # Of a small group one comment more than its budget is chance.
        bounds.append(_lowest(probability[yes], own, slack * budget * float(own.sum()) + 1))
    return min(max(bounds), 0.999)


def _lowest(probability: Numbers, weight: Numbers, allowed: float) -> float:
    """Return the lowest level that comments of no more than *allowed* weight reach."""
    order = np.argsort(-probability)
    place = int(np.searchsorted(np.cumsum(weight[order]), allowed, side="right"))
    return float(np.nextafter(probability[order][place], np.inf)) if place < len(order) else 0.0


def quantised(ngrams: NgramHeads, idf: Floats) -> tuple[NDArray[np.int16], dict[str, float]]:
    """Return the table of n-gram weights and its scales by label.

    Int16 of shape (BUCKETS, n_labels + 1), as in ``Artifact.weights``. *idf* is float32 of shape
    (BUCKETS,).
    """
    table = np.zeros((BUCKETS, len(LABELS) + 1), np.int16)
    table[:, -1] = np.rint(idf**2 * 128)
    scales = {}
    for column, label in enumerate(LABELS):
        weight = ngrams.coefficients[column].astype(float) * idf
        scales[label] = float(np.abs(weight).max() / LARGEST_WEIGHT) or 1.0
        table[:, column] = np.rint(weight / scales[label])
    return table, scales


def train(
    data: Corpus,
    encoder: Encoder,
    recipe: Recipe | None = None,
    *,
    cache: Path | None = None,
    progress: Progress = iter,
) -> Artifact:
    """Return an artifact, with every figure of its card that needs training to be known.

    1. Draw the training corpus, and keep a tenth of it by a digest of each text.
    2. Leave out each group of sources in turn: n-gram logits out of fold, and what heads on top
       of them say of sources that they never saw.
    3. Calibrate on comments drawn as they come, choose thresholds on the good comments of blogs,
       both by heads that never saw them.
    4. Fit the heads that ship on all but the kept tenth.
    """
    recipe = recipe or Recipe()
    learned = training_corpus(data, recipe)
    measured = capped(data, recipe).where(lambda one: not may_train(one))
    design = designed(learned + measured, encoder, recipe, cache=cache, progress=progress)
    return fitted(design, encoder, recipe, data.digests, progress=progress)


def fitted(
    design: Design,
    encoder: Encoder,
    recipe: Recipe,
    digests: Mapping[str, str],
    *,
    progress: Progress = iter,
) -> Artifact:
    """Return the artifact of *design*; steps 2 to 4 of ``train``."""
    corpus = design.corpus
    aims = targets(corpus, recipe)
    unseen, ngrams = left_out(design, aims, recipe, progress)
    rows = np.flatnonzero((design.groups >= 0) & ~design.kept)
    inputs = Inputs(ngrams, design.signals, design.features, design.logits)
    heads = {
        "joined": Fitter.of(inputs).fit(rows, aims, recipe.strength),
        "alone": Fitter(ngrams, design.signals).fit(rows, aims, recipe.strength_alone),
    }
    final = fit_ngrams(design, rows, aims, recipe)
    good = good_comments(corpus)
    ways: dict[str, dict[str, Any]] = {}
    for name, said in (("joined", unseen.joined), ("alone", unseen.alone)):
        calibrated = calibration(corpus, said, recipe)
        slopes, shifts = np.array([calibrated[label] for label in LABELS]).T
        probabilities = expit(said * slopes + shifts)
        chosen = thresholds(probabilities[good.rows], good)
        ways[name] = {
            "calibration": calibrated,
            "thresholds": chosen,
            "metrics": {
                "left_out": evaluation.ranking(corpus, said),
                "calibration": evaluation.calibrated(corpus, probabilities),
                "budget": evaluation.budget(corpus, probabilities, chosen),
                "groups": evaluation.group_shares(
                    probabilities[good.rows], chosen, good.groups, good.weight
                ),
            },
        }
    table, scales = quantised(final, design.idf)
    manifest = {
        "version": "",
        "recipe": asdict(recipe),
        "libraries": versions(),
        "data": dict(sorted(digests.items())),
        "sources": _counts(corpus.where(lambda one: group_of(one) >= 0)),
        "labels": list(LABELS),
        "signals": list(SIGNALS),
        "scales": scales,
        "intercepts": {
            label: float(one) for label, one in zip(LABELS, final.intercepts, strict=True)
        },
        "ways": ways,
        "metrics": ways["joined"].pop("metrics"),
        "encoder": encoder.version,
        "encoder_made": _made(encoder),
    }
    return Artifact(table, heads["joined"].table, heads["alone"].table, manifest)


def adopted(artifact: Artifact, old: Encoder, new: Encoder) -> tuple[Artifact, float]:
    """Return *artifact* for *new*, and by how much a logit moved on average, not calibrated.

    Raises BrokenArtifact if that is more than MOST_MOVED: the heads were fitted on what *old* says.
    """
    texts = [one.text for one in sentences.generated(1).where(kept).examples]
    weights = artifact.joined[: FEATURES + LOGITS]
    seen = [
        np.hstack([said.features, said.logits]) @ weights
        for said in (old.read(texts), new.read(texts))
    ]
    moved = float(np.abs(seen[1] - seen[0]).mean())
    if moved > MOST_MOVED:
        raise BrokenArtifact(
            f"a logit moves by {moved:.2f} on average with this encoder: fit new heads on it"
        )
    manifest = {
        **artifact.manifest,
        "encoder": new.version,
        "encoder_made": _made(new),
    }
    return replace(artifact, manifest=manifest), moved


def _made(encoder: Encoder) -> Any:
    return encoder.manifest.get("made") or encoder.manifest.get("trained", {})


def audited(artifact: Artifact, data: Corpus, encoder: Encoder) -> Artifact:
    """Return *artifact* with the figures of the finished model: errors by group, and evasions."""
    scorer = Scorer(artifact, encoder)
    tenth = tenth_of(capped(data, Recipe()))
    toxic = [
        one
        for one in tenth.examples
        if one.source == "jigsaw_wiki_raw" and one.labels.get("toxicity") == 1
    ][:300]
    own = sentences.generated(1, 1).where(kept)
    predicted = evaluation.probabilities(scorer, tenth.examples)
    metrics = {
        **artifact.manifest["metrics"],
        "held_out": evaluation.ranking(tenth, predicted),
        "languages": evaluation.languages(tenth, predicted, scorer.thresholds),
        "sentences": evaluation.own_sentences(scorer, own),
        "identity_terms": evaluation.identity_terms(scorer),
        "evasion": evaluation.evasion(scorer, toxic),
    }
    return replace(artifact, manifest={**artifact.manifest, "metrics": metrics})


def _letters(text: str) -> str:
    """Return a key that is equal for texts that differ in case, spaces and punctuation alone."""
    return "".join(filter(str.isalnum, text.casefold())) or text


def _counts(corpus: Corpus) -> dict[str, int]:
    names, counts = np.unique(corpus.sources, return_counts=True)
    return {str(name): int(count) for name, count in zip(names, counts, strict=True)}


def versions() -> dict[str, str]:
    """Return the versions of what computed the artifact."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
        "onnxruntime": onnxruntime.__version__,
    }
