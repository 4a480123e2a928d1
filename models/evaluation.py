"""Measures a model: ranking (ROC-AUC), calibration, and errors by group of comments."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from models.augmentation import EVASIONS, disguised
from models.datasets import LABELS, Corpus, Example, published
from models.scorer import Item, Scorer

Numbers = NDArray[np.float64]

#: The source whose comments stand for what a blog's readers write.
HAM = "blog_haacked_ham"
#: Tolerated loss of a candidate in any figure: the variation between two seeds.
TOLERANCE = 0.005
#: The error budget allows to hold one good comment in twenty; fewer is no goal.
ENOUGH: Mapping[str, float] = {"blog comments allowed": 0.95}

#: Sentences that only mention somebody; ``evaluate`` counts how many of them would be held.
FRIENDLY = (
    "My {0} neighbour brought us soup when I was ill.",
    "I am {0}.",
    "As a {0} reader I enjoyed this a lot.",
    "The {0} choir sings here on Saturday.",
    "Many of my friends are {0}, and we argue about football all day.",
    "She is a {0} lawyer from Ohio.",
    "Where can I find more novels by {0} authors?",
    "He said that he is {0}, and nobody minded.",
    "Our school has {0} pupils and teachers.",
    "A {0} couple bought the house at the corner.",
)
IDENTITIES = (
    "gay", "lesbian", "bisexual", "transgender", "queer", "straight", "Muslim", "Jewish", "Christian", "Hindu", "Sikh",
    "Buddhist", "atheist", "black", "white", "Asian", "Chinese", "Mexican", "Arab", "Indian", "African", "Turkish",
    "Polish", "Russian", "American", "female", "male", "disabled", "blind", "deaf", "elderly", "young",
)  # fmt: skip


def items(examples: Sequence[Example]) -> list[Item]:
    """Return a scorer's item for each example."""
    return [
        Item(one.text, one.author_name, one.author_email, one.author_url, language=one.language)
        for one in examples
    ]


def probabilities(scorer: Scorer, examples: Sequence[Example]) -> Numbers:
    """Return the probabilities, float64 of shape (n_examples, n_labels)."""
    rows = [list(score.labels.values()) for _, score in scorer.iter_scores(items(examples))]
    return np.array(rows).reshape(-1, len(LABELS))


def calibration_error(predicted: Numbers, actual: Numbers, bins: int = 15) -> float:
    """Return the expected calibration error over *bins* of equal width, from 0 to 1.

    The distance of mean probability and share of positives, weighted by the number in a bin; after
    Naeini, Cooper and Hauskrecht, *Obtaining Well Calibrated Probabilities Using Bayesian Binning*
    (2015). *predicted*, from 0 to 1, and *actual*, 0 or 1, are float64 of shape (n_examples,); 0.0
    if they are empty.
    """
    index = np.minimum((predicted * bins).astype(int), bins - 1)
    gaps = np.bincount(index, predicted - actual, bins)
    return float(np.abs(gaps).sum() / max(len(predicted), 1))


def brier_skill(predicted: Numbers, actual: Numbers) -> float:
    """Return the Brier skill score: 1 - squared error / squared error of always predicting the mean.

    1.0 is the best, 0.0 no better than the mean (and where *actual* has one class alone). After
    Brier, *Verification of Forecasts Expressed in Terms of Probability* (1950). *predicted* and
    *actual* as in ``calibration_error``: float64 of shape (n_examples,), one at least.
    """
    worst = float(np.mean((actual - actual.mean()) ** 2))
    return 1 - float(np.mean((predicted - actual) ** 2)) / worst if worst else 0.0


def reliability(predicted: Numbers, actual: Numbers, bins: int = 10) -> list[list[float]]:
    """Return mean probability, share of positives and number of each bin that isn't empty.

    The points of a reliability diagram, shares to four digits. *predicted* and *actual* as in
    ``calibration_error``: float64 of shape (n_examples,).
    """
    index = np.minimum((predicted * bins).astype(int), bins - 1)
    return [
        [
            round(float(predicted[index == bin_].mean()), 4),
            round(float(actual[index == bin_].mean()), 4),
            int((index == bin_).sum()),
        ]
        for bin_ in range(bins)
        if (index == bin_).any()
    ]


def ranking(corpus: Corpus, predicted: Numbers) -> dict[str, dict[str, dict[str, float]]]:
    """Return, for each source and label that has both classes, ROC-AUC and counts.

    *predicted* is float64 of shape (n_examples, n_labels), logits or probabilities; where one is
    NaN, that label of its source is left out. ROC-AUC is scikit-learn's ``roc_auc_score``, the
    chance that a positive ranks above a negative (Hanley and McNeil, 1982); each class has 5 examples
    at least. Where a source tells only attacks on groups, or insults, toxicity is measured with that.
    """
    sources, targets = corpus.sources, corpus.targets
    table: dict[str, dict[str, dict[str, float]]] = {}
    for source in sorted(set(sources)):
        for column, label in enumerate(LABELS):
            rows = np.array(sources == source) & ~np.isnan(targets[:, column])
            actual = targets[rows, column]
            if label == "toxicity" and len(set(actual)) < 2:
                column_ = _stand_in(targets[sources == source])
                rows = (sources == source) & ~np.isnan(targets[:, column_])
                actual = targets[rows, column_]
            said = predicted[rows, column]
            if 5 <= actual.sum() <= len(actual) - 5 and not np.isnan(said).any():
                table.setdefault(source, {})[label] = {
                    "auc": round(float(roc_auc_score(actual, said)), 4),
                    "positives": int(actual.sum()),
                    "labelled": len(actual),
                }
    return table


def _stand_in(targets: NDArray[np.float32]) -> int:
    """Return the column of the label by which toxicity is measured in this source."""
    options = [LABELS.index(label) for label in ("identity_attack", "insult")]
    return max(options, key=lambda column: int((~np.isnan(targets[:, column])).sum()))


def calibrated(corpus: Corpus, predicted: Numbers) -> dict[str, dict[str, Any]]:
    """Return the calibration of each label, on sources where the shares of labels are natural.

    *predicted* has probabilities, float64 of shape (n_examples, n_labels). The figures are those of
    ``calibration_error``, ``brier_skill`` and ``reliability``.
    """
    targets = corpus.targets
    natural = np.array([one.natural for one in corpus.examples], bool)
    table = {}
    for column, label in enumerate(LABELS):
        rows = ~np.isnan(targets[:, column]) & (natural | (label == "spam"))
        actual, said = targets[rows, column].astype(float), predicted[rows, column]
        if len(actual):
            table[label] = {
                "ece": round(calibration_error(said, actual), 4),
                "brier_skill": round(brier_skill(said, actual), 4),
                "share": round(float(actual.mean()), 4),
                "labelled": len(actual),
                "bins": reliability(said, actual),
            }
    return table


def beyond(predicted: Numbers, thresholds: Mapping[str, float]) -> NDArray[np.bool_]:
    """Return bool of shape (n_examples,): which rows reach the threshold of any label.

    *predicted* has probabilities, float64 of shape (n_examples, n_labels). Raises KeyError where a
    label has no threshold.
    """
    levels = np.array([thresholds[label] for label in LABELS])
    return np.asarray((predicted >= levels).any(axis=1))


def budget(
    corpus: Corpus, predicted: Numbers, thresholds: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, dict[str, float]]]:
    """Return the shares of good and of bad comments of each source that are held and rejected.

    *predicted* has probabilities, float64 of shape (n_examples, n_labels).
    """
    sources = corpus.sources
    bad: NDArray[np.bool_] = np.array([any(one.labels.values()) for one in corpus.examples], bool)
    reached = {name: beyond(predicted, levels) for name, levels in thresholds.items()}
    table: dict[str, dict[str, dict[str, float]]] = {}
    for source in sorted(set(sources)):
        for kind, chosen in (("good", ~bad), ("bad", bad)):
            rows = np.array(sources == source) & chosen
            if rows.any():
                table.setdefault(str(source), {})[kind] = {
                    "comments": int(rows.sum()),
                    **{name: round(float(yes[rows].mean()), 4) for name, yes in reached.items()},
                }
    return table


def group_shares(
    probabilities: Numbers,
    thresholds: Mapping[str, Mapping[str, float]],
    groups: Mapping[str, NDArray[np.bool_]],
    weight: Numbers,
) -> dict[str, dict[str, float]]:
    """Return the shares of good comments held and rejected in each group, and over all.

    Parameters
    ----------
    probabilities : ndarray of shape (n_good, n_labels), float64
    thresholds : mapping
        By name ("flag", "reject"), then by label.
    groups : mapping of str to ndarray of shape (n_good,), bool
    weight : ndarray of shape (n_good,), float64
        What each comment counts for; 0 is taken for 1e-9.
    """
    reached = {name: beyond(probabilities, levels) for name, levels in thresholds.items()}
    # Comments that no blog published have no weight among blogs: there each counts alike.
    weight = np.where(weight > 0, weight, 1e-9)
    everybody = {"all": np.ones(len(probabilities), bool), **groups}
    return {
        name: {
            "comments": int(rows.sum()),
            **{
                level: round(float(weight[yes & rows].sum() / weight[rows].sum()), 4)
                for level, yes in reached.items()
            },
        }
        for name, rows in everybody.items()
    }


def languages(
    corpus: Corpus, predicted: Numbers, thresholds: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """Return for each language how well abuse is ranked, and how much of a blog's ham is allowed.

    *predicted* has probabilities, float64 of shape (n_examples, n_labels). ROC-AUC of toxicity is
    the mean over sources; a share of fewer than 20 comments is left out.
    """
    codes = np.array([one.language for one in corpus.examples])
    ham = np.array(
        [published(one.source) and not any(one.labels.values()) for one in corpus.examples]
    )
    held = beyond(predicted, thresholds["flag"])
    table: dict[str, dict[str, float]] = {}
    for code in sorted(set(codes)):
        rows = codes == code
        chosen = Corpus(tuple(one for one, yes in zip(corpus.examples, rows, strict=True) if yes))
        ranks = [
            labels["toxicity"]["auc"]
            for labels in ranking(chosen, predicted[rows]).values()
            if "toxicity" in labels
        ]
        row: dict[str, float] = {"comments": int(rows.sum())}
        if ranks:
            row["toxicity"] = round(float(np.mean(ranks)), 4)
        if (rows & ham).sum() >= 20:
            row["ham allowed"] = round(1 - float(held[rows & ham].mean()), 4)
        table[str(code)] = row
    return table


def own_sentences(scorer: Scorer, corpus: Corpus) -> dict[str, dict[str, float]]:
    """Return for each language the share of our own unseen sentences of each kind that is held."""
    held = beyond(probabilities(scorer, corpus.examples), scorer.thresholds["flag"])
    table: dict[str, dict[str, float]] = {}
    for source in sorted({one.source for one in corpus.examples}):
        _, language, kind = source.split()
        rows = np.array([one.source == source for one in corpus.examples])
        table.setdefault(language, {})[kind] = round(float(held[rows].mean()), 4)
    return table


def recall_at(spam: Numbers, ham: Numbers, share: float = 0.01) -> float:
    """Return the share of *spam* above the threshold that flags *share* of *ham*.

    The true positive rate at a fixed false positive rate. *spam* and *ham* are probabilities,
    float64 of shapes (n_spam,) and (n_ham,), each of one at least.
    """
    return float((spam > np.quantile(ham, 1 - share)).mean())


def identity_terms(scorer: Scorer) -> dict[str, float]:
    """Return the share of friendly sentences about each identity that would not be allowed."""
    table = {}
    for term in IDENTITIES:
        texts = [Example(sentence.format(term), "", {}) for sentence in FRIENDLY]
        held = beyond(probabilities(scorer, texts), scorer.thresholds["flag"])
        table[term] = round(float(held.mean()), 4)
    return table


def evasion(scorer: Scorer, toxic: Sequence[Example], seed: int = 1) -> dict[str, float]:
    """Return the share of toxic comments that are held as written and in each disguise."""
    draw = random.Random(seed)  # noqa: S311 - drawn to be repeated, not to be secret
    flag = scorer.thresholds["flag"]
    table = {"as written": float(beyond(probabilities(scorer, toxic), flag).mean())}
    for way in EVASIONS:
        texts = [Example(disguised(one.text[:2000], way, 1.0, draw), "", {}) for one in toxic]
        table[way] = float(beyond(probabilities(scorer, texts), flag).mean())
    return {way: round(share, 4) for way, share in table.items()}


def summary(corpus: Corpus, predicted: Numbers, flag: Mapping[str, float]) -> dict[str, float]:
    """Return the figures that a promotion is decided by; in each, higher is better.

    *predicted* has probabilities, float64 of shape (n_examples, n_labels); *flag* the thresholds.
    """
    targets, sources = corpus.targets, corpus.sources
    ranks = ranking(corpus, predicted)
    english = {one.source for one in corpus.examples if one.language == "en"}
    by_label = {
        f"auc {label}": [
            labels[label]
            for source, labels in ranks.items()
            if label in labels and (source in english or label == "spam")
        ]
        for label in LABELS
    }
    # Sources in other languages have the label of toxicity alone.
    by_label["auc toxicity, other languages"] = [
        labels["toxicity"]
        for source, labels in ranks.items()
        if "toxicity" in labels and source not in english
    ]
    figures = {name: _weighted(rows) for name, rows in by_label.items() if rows}
    ham = predicted[(sources == HAM) & (targets[:, 0] == 0), 0]
    spam = (targets[:, 0] == 1) & (sources != HAM)
    if len(ham) and spam.any():
        figures["spam caught at 1 % of blog ham"] = float(
            np.mean(
                [
                    recall_at(predicted[rows, 0], ham)
                    for source in sorted(set(sources[spam]))
                    if (rows := spam & (sources == source)).sum() >= 20
                ]
            )
        )
    honest = calibrated(corpus, predicted)
    figures["honesty"] = 1 - max((row["ece"] for row in honest.values()), default=0.0)
    good = np.array([not any(one.labels.values()) for one in corpus.examples], bool)
    allowed = ~beyond(predicted, flag)
    if (rows := good & (sources == HAM)).any():
        figures["blog comments allowed"] = float(allowed[rows].mean())
    return {name: round(value, 4) for name, value in figures.items()}


def _weighted(rows: Sequence[Mapping[str, float]]) -> float:
    """Return the mean ROC-AUC over sources, weighted by their numbers of positives."""
    positives = np.sqrt([row["positives"] for row in rows])
    return float(np.average([row["auc"] for row in rows], weights=positives))


def worse(new: Mapping[str, float], old: Mapping[str, float]) -> list[str]:
    """Return the names of the figures in which *new* is worse than *old* beyond chance.

    A figure above ENOUGH may fall: a candidate may trade some of it for another.
    """
    return [
        name
        for name, value in new.items()
        if value < min(old.get(name, 0), ENOUGH.get(name, 1)) - TOLERANCE
    ]
