"""Trains the heads on many sources and turns them into an artifact."""

from __future__ import annotations

import platform
import random
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from models import evaluation
from models.artifacts import Artifact
from models.augmentation import evaded, generated
from models.classifier import NaiveBayesLogistic
from models.datasets import LABELS, MEASURE_ONLY, Corpus, Example, may_train
from models.ngrams import BUCKETS, HashedNgrams
from models.scorer import Scorer
from models.signals import SIGNALS, signals

Matrix = NDArray[np.float32]

#: Sums of the weights of the longest text must stay below 2**31.
LARGEST_WEIGHT = 16_383
SIGNAL_SCALE = 1 / 4096


#: Sources that are left out together, since they are alike; blogs and news, which comments to a
#: blog resemble most, come first and set the thresholds.
FOLDS: tuple[frozenset[str], ...] = (
    frozenset({"blog_haacked_ham", "blog_caffeinated_simpleton", "fox_news_comments"}),
    frozenset(
        {
            "jigsaw_wiki_raw",
            "jigsaw_wiki_normalised",
            "paradetox_pairs",
            "civil_toxic_spans",
            "kaggle_insults",
            "youtube_spam_collection",
            "instagram_scamspot",
        }
    ),
    frozenset(
        {
            "davidson_tweets",
            "olid_tweets",
            "hatexplain_processed",
            "implicit_hate_tweets",
            "trac1_facebook_en",
            "conda_dota_chat",
            "edos_sexism",
            "reddit_misogyny",
            "stormfront_hate",
            "hatemojibuild",
            "x_janitr",
            "sms_spam_collection",
        }
    ),
)
#: Sources of the first fold, or for measuring only, whose unlabelled rows are good comments.
GOOD_FROM = frozenset({"blog_haacked_ham", "unhealthy_comments"})
#: The most good comments, of all labels together, that may be held or rejected.
BUDGETS = {"flag": 0.05, "reject": 0.005}


@dataclass(frozen=True)
class Recipe:
    """What was chosen by measuring; ``docs/adr`` says how."""

    #: Inverse strength of the penalty on the weights, and for labels that want another.
    strength: float = 1.0
    strengths: Mapping[str, float] = field(default_factory=lambda: {"spam": 8.0, "toxicity": 2.0})
    #: No source weighs more than so many examples; of spam there are fewer sources.
    source_cap: int = 4_000
    spam_cap: int = 20_000
    #: The one source with all six labels of toxicity, which has its full weight for them. It says
    #: nothing of spam, so that there it is a source like others.
    core: str = "jigsaw_wiki_raw"
    #: No source gives more than so many examples.
    most: int = 52_000
    #: Longer texts are cut for training.
    longest: int = 1_200
    #: Texts of our own templates for a share of one, and twins in disguise for so many of the rest.
    own: int = 500
    disguised: float = 0.12
    #: The weight of "no attack on a group" as "not toxic", which is likely and not certain.
    assumed: float = 0.3
    #: Where Newton's method stops: no figure changes any more, and other draws stop there too.
    max_iter: int = 100
    tol: float = 1e-3
    seed: int = 0


@dataclass(frozen=True)
class Design:
    """Examples as numbers: n-grams and signals side by side."""

    X: sparse.csr_matrix
    targets: Matrix
    sources: NDArray[np.str_]

    def rows(self, keep: NDArray[np.bool_]) -> Design:
        """Return the chosen rows."""
        return Design(self.X[keep], self.targets[keep], self.sources[keep])


def vectorised(corpus: Corpus, ngrams: HashedNgrams, *, longest: int) -> sparse.csr_matrix:
    """Return n-grams and signals of each example; *ngrams* is fitted already."""
    texts = [example.text[:longest] for example in corpus.examples]
    ngram_matrix = ngrams.transform(texts)
    return sparse.hstack([ngram_matrix, signal_matrix(corpus.examples)], "csr")


def signal_matrix(examples: Sequence[Example]) -> sparse.csr_matrix:
    """Return a row of signals for each example."""
    index = {name: column for column, name in enumerate(SIGNALS)}
    values: list[float] = []
    columns: list[int] = []
    starts = [0]
    for example in examples:
        found = signals(example.text, example.author_name, example.author_email, example.author_url)
        values += found.values()
        columns += (index[name] for name in found)
        starts.append(len(values))
    return sparse.csr_matrix(
        (np.array(values, np.float32), np.array(columns, np.int32), starts),
        (len(examples), len(SIGNALS)),
    )


def weights(sources: NDArray[np.str_], cap: int) -> NDArray[np.float64]:
    """Return a weight for each example, so that no source counts for more than *cap* examples."""
    _, index, counts = np.unique(sources, return_inverse=True, return_counts=True)
    per_source = np.minimum(1.0, cap / counts)
    chosen: NDArray[np.float64] = per_source[index]
    return chosen


def training_corpus(data: Corpus, recipe: Recipe) -> Corpus:
    """Return what is learned from: licensed sources, capped, with our own comments and disguises.

    The kept tenth is in it as it stands, to be taken out by ``held_out``; nothing else is that
    says the same, be it another spelling or a twin in disguise (``docs/adr/0107``).
    """
    own = generated(recipe.own, recipe.seed)
    real = _anonymous(data.where(may_train).capped(recipe.most, recipe.seed))
    said = {_letters(one.text) for one in tenth_of(data).examples}
    real = real.where(lambda one: _kept(one) or _letters(one.text) not in said)
    english = [one for one in (real + own).examples if one.language == "en" and not _kept(one)]
    draw = random.Random(recipe.seed)  # noqa: S311 - drawn to be repeated, not to be secret
    return (
        real + own + evaded(draw.sample(english, int(recipe.disguised * len(english))), recipe.seed)
    )


def _anonymous(corpus: Corpus) -> Corpus:
    """Take most addresses of authors away: one source alone gives them, and nearly all are spam."""
    return replace(
        corpus,
        examples=tuple(
            replace(one, author_url="") if zlib.crc32(one.text.encode()) % 8 else one
            for one in corpus.examples
        ),
    )


def fit_heads(
    design: Design,
    recipe: Recipe,
    *,
    labels: Sequence[str] = LABELS,
    progress: Callable[[Sequence[str]], Any] = iter,
) -> dict[str, NaiveBayesLogistic]:
    """Fit one head a label on the examples that have it."""
    heads = {}
    for label in progress(labels):
        target, weight = _target(design, label, recipe)
        known = ~np.isnan(target)
        head = NaiveBayesLogistic(
            C=recipe.strengths.get(label, recipe.strength),
            max_iter=recipe.max_iter,
            tol=recipe.tol,
            solver="newton-cg",
            free=len(SIGNALS),
        )
        head.fit(design.X[known], target[known].astype(np.int8), weight[known])
        heads[label] = head
    return heads


def _target(design: Design, label: str, recipe: Recipe) -> tuple[Matrix, NDArray[np.float64]]:
    target = design.targets[:, LABELS.index(label)].copy()
    if label == "spam":
        return target, weights(design.sources, recipe.spam_cap)
    weight = weights(design.sources, recipe.source_cap)
    weight[design.sources == recipe.core] = 1.0
    if label == "toxicity":
        assumed = np.isnan(target) & (design.targets[:, LABELS.index("identity_attack")] == 0)
        target[assumed] = 0
        weight[assumed] *= recipe.assumed
    return target, weight


def held_out(corpus: Corpus) -> NDArray[np.bool_]:
    """Say which tenth of the examples is kept from training, by a digest of the text alone."""
    return np.array([_kept(example) for example in corpus.examples], bool)


def platt(
    logits: NDArray[np.float64], target: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the slope and the shift that make a logit a calibrated one."""
    head = LogisticRegression(C=1e6).fit(logits[:, None], target.astype(int), weight)
    return float(head.coef_[0, 0]), float(head.intercept_[0])


def quantised(
    heads: Mapping[str, NaiveBayesLogistic], ngrams: HashedNgrams, manifest: Mapping[str, Any]
) -> Artifact:
    """Return the heads as whole numbers, uncalibrated, with what scales them back."""
    table = np.zeros((BUCKETS, len(LABELS) + 1), np.int16)
    table[:, -1] = np.rint(ngrams.idf_**2 * 128)
    scales = {}
    coefficients: NDArray[np.float64] = np.array([heads[label].coef_[0] for label in LABELS])
    for column, label in enumerate(LABELS):
        weight = coefficients[column, :BUCKETS] * ngrams.idf_
        scales[label] = float(np.abs(weight).max() / LARGEST_WEIGHT) or 1.0
        table[:, column] = np.rint(weight / scales[label])
    own = np.rint(coefficients[:, BUCKETS:].T / SIGNAL_SCALE).astype(np.int32)
    return Artifact(
        table,
        own,
        {
            **manifest,
            "version": "",
            "scales": scales,
            "signal_scale": SIGNAL_SCALE,
            "intercepts": {label: float(heads[label].intercept_[0]) for label in LABELS},
            "calibration": dict.fromkeys(LABELS, (1.0, 0.0)),
            "thresholds": {
                "flag": dict.fromkeys(LABELS, 0.5),
                "reject": dict.fromkeys(LABELS, 0.9),
            },
        },
    )


@dataclass(frozen=True)
class Unseen:
    """What heads say about sources that they were not trained on."""

    corpus: Corpus
    #: A row for each example and a column for each label; NaN for a head that wasn't fitted.
    logits: NDArray[np.float64]


def left_out(
    design: Design, corpus: Corpus, fold: frozenset[str], recipe: Recipe, labels: Sequence[str]
) -> Unseen:
    """Train without the sources of *fold* and their disguised twins, and return what comes out."""
    origins = np.array([source.removeprefix("disguised: ") for source in design.sources])
    own = np.isin(origins, list(fold))
    train = ~own & np.array([may_train(one) for one in corpus.examples])
    heads = fit_heads(design.rows(train), recipe, labels=labels)
    measured = np.isin(design.sources, list(fold | MEASURE_ONLY))
    logits = np.full((int(measured.sum()), len(LABELS)), np.nan)
    for label, head in heads.items():
        logits[:, LABELS.index(label)] = head.decision_function(design.X[measured])
    chosen = tuple(one for one, yes in zip(corpus.examples, measured, strict=True) if yes)
    return Unseen(Corpus(chosen), logits)


def within_budget(
    logits: NDArray[np.float64], weight: NDArray[np.float64], budget: float
) -> NDArray[np.float64]:
    """Return a threshold on each label's logit so that all together reach *budget* of the rows.

    Spam and toxicity, which say most, get equal parts; each label beside them a quarter of one.
    """
    parts = np.array([1.0 if label in {"spam", "toxicity"} else 0.25 for label in LABELS])
    low, high = 0.0, budget
    for _ in range(40):
        middle = (low + high) / 2
        thresholds = _quantiles(logits, weight, 1 - middle * parts)
        reached = float(weight[(logits >= thresholds).any(axis=1)].sum() / weight.sum())
        low, high = (low, middle) if reached > budget else (middle, high)
    return _quantiles(logits, weight, 1 - low * parts)


def _quantiles(
    logits: NDArray[np.float64], weight: NDArray[np.float64], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    found = []
    for column, share in zip(logits.T, shares, strict=True):
        order = np.argsort(column)
        passed = np.cumsum(weight[order]) / weight.sum()
        found.append(column[order][min(int(np.searchsorted(passed, share)), len(order) - 1)])
    return np.asarray(np.nextafter(np.array(found), np.inf))


def train(
    data: Corpus,
    recipe: Recipe | None = None,
    *,
    progress: Callable[[Sequence[Any]], Any] = iter,
) -> Artifact:
    """Return an artifact, with every figure of its card that needs training to be known.

    1. Draw the training corpus, and keep a tenth of it by a digest of each text.
    2. Leave out each fold of sources in turn: the figures for sources never seen.
    3. Fit the heads that ship, and calibrate them on the tenth.
    4. Choose the thresholds on good comments of the first fold, which its heads never saw.
    """
    recipe = recipe or Recipe()
    learned = training_corpus(data, recipe)
    kept = held_out(learned)
    measured = data.where(lambda one: not may_train(one)).capped(8_000, recipe.seed)
    corpus = learned + measured
    ngrams = HashedNgrams().fit(
        [one.text[: recipe.longest] for one in learned.examples if not _kept(one)]
    )
    design = Design(
        vectorised(corpus, ngrams, longest=recipe.longest).astype(np.float32),
        corpus.targets,
        corpus.sources,
    )
    steps = progress([*FOLDS, frozenset()])
    unseen: list[Unseen] = []
    heads: dict[str, NaiveBayesLogistic] = {}
    for fold in steps:
        if fold:
            labels = LABELS if not unseen else ("spam", "toxicity")
            unseen.append(left_out(design, corpus, fold, recipe, labels))
        else:
            train_rows = np.append(~kept, np.zeros(len(measured), bool))
            heads = fit_heads(design.rows(train_rows), recipe)
    tenth = learned.where(_real).where(_kept)
    manifest = {
        "recipe": asdict(recipe),
        "libraries": versions(),
        "data": dict(sorted(data.digests.items())),
        "sources": _counts(learned),
    }
    artifact = quantised(heads, ngrams, manifest)
    logits = Scorer(artifact).logits(evaluation.items(tenth.examples))
    calibration = {label: _calibrated(tenth, logits, label) for label in LABELS}
    slopes, shifts = np.array([calibration[label] for label in LABELS]).T
    good, weight = _good(unseen[0])
    levels = {
        name: expit(within_budget(good, weight, budget) * slopes + shifts)
        for name, budget in BUDGETS.items()
    }
    thresholds = {
        name: {label: float(t) for label, t in zip(LABELS, level, strict=True)}
        for name, level in levels.items()
    }
    first = expit(unseen[0].logits * slopes + shifts)
    metrics = {
        "left_out": [evaluation.ranking(one.corpus, one.logits) for one in unseen],
        "held_out": evaluation.ranking(tenth, logits),
        "calibration": evaluation.calibrated(tenth, expit(logits * slopes + shifts)),
        "budget": evaluation.budget(unseen[0].corpus, first, thresholds),
    }
    final = {
        **artifact.manifest,
        "calibration": calibration,
        "thresholds": thresholds,
        "metrics": metrics,
    }
    return Artifact(artifact.weights, artifact.signals, final)


def tenth_of(data: Corpus) -> Corpus:
    """Return the part of the licensed sources that is never trained on."""
    return data.where(may_train).where(_kept)


def audited(artifact: Artifact, data: Corpus) -> Artifact:
    """Return *artifact* with what only the finished model can tell: whom it wrongs, who evades it."""
    scorer = Scorer(artifact)
    toxic = [
        one
        for one in tenth_of(data).examples
        if one.source == "jigsaw_wiki_raw" and one.labels.get("toxicity") == 1
    ][:1_000]
    metrics = {
        **artifact.manifest["metrics"],
        "identity_terms": evaluation.identity_terms(scorer),
        "evasion": evaluation.evasion(scorer, toxic),
    }
    return Artifact(artifact.weights, artifact.signals, {**artifact.manifest, "metrics": metrics})


def _real(example: Example) -> bool:
    return not example.source.startswith(("own:", "disguised:"))


def _kept(example: Example) -> bool:
    return zlib.crc32((example.pair or example.text).encode()) % 10 == 0


def _letters(text: str) -> str:
    """Return what two texts share that differ in case, spaces and punctuation alone."""
    return "".join(filter(str.isalnum, text.casefold())) or text


def _counts(corpus: Corpus) -> dict[str, int]:
    names, counts = np.unique(corpus.sources, return_counts=True)
    return {str(name): int(count) for name, count in zip(names, counts, strict=True)}


def _calibrated(corpus: Corpus, logits: NDArray[np.float64], label: str) -> tuple[float, float]:
    """Calibrate where shares are natural; of spam no natural share is known, so on all there is."""
    column = LABELS.index(label)
    target = corpus.targets[:, column].astype(float)
    natural = np.array([one.natural for one in corpus.examples])
    known = ~np.isnan(target) & (natural | (label == "spam"))
    return platt(logits[known, column], target[known], np.ones(int(known.sum())))


def _good(unseen: Unseen) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the logits of good comments, and weights that make their sources count alike."""
    rows = np.array(
        [one.source in GOOD_FROM and not any(one.labels.values()) for one in unseen.corpus.examples]
    )
    sources = unseen.corpus.sources[rows]
    return unseen.logits[rows], weights(sources, 1)


def versions() -> dict[str, str]:
    """Return the versions of what computed the artifact."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }
