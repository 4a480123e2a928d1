"""Tries sites' heads on sets that the shared model never saw: what decisions are worth, and harm.

The encoder has to be one that never read those sets, and the shared heads are fitted here without
them. A site's comments are halved: decisions come from one half, and the other half is ranked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from models import artifacts
from models.datasets import LABELS, MEASURE_ONLY, Corpus, Example, published
from models.encoder import Encoder
from models.freezing import SIDES, basis_of
from models.house import (
    FILE,
    Answer,
    Basis,
    Bytes,
    Evidence,
    Frozen,
    HouseHead,
    Learned,
    Seen,
    contrary,
    learn,
    nearest,
)
from models.signals import table
from models.simhash import signatures
from models.text import read
from models.training import Recipe, capped, encoded, kept

Progress = Callable[[Sequence[Any]], Any]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class SimulatedSite:
    """A site: the comments of some sources, and the side that its moderators decide about.

    Attributes
    ----------
    sources : tuple of str
    side : str
        ``spam`` or ``toxicity``.
    blog : str
        The one blog of ``blog_ham_en`` whose comments are its good ones; all sources if empty.
    """

    sources: tuple[str, ...]
    side: str
    blog: str = ""

    def has(self, example: Example) -> bool:
        """Whether *example* is a comment of this site."""
        if example.source not in self.sources or self.side not in example.labels:
            return False
        return example.source != "blog_ham_en" or example.blog == self.blog


#: The simulated sites whose figures are reported; no parameter was chosen on them.
PLACES: Mapping[str, SimulatedSite] = {
    "an English blog and its spam": SimulatedSite(
        ("blog_ham_en", "blog_wp_moderated_spam"), "spam", "evert/evert.github.com"
    ),
    "a Chinese game server's chat": SimulatedSite(("qqgroup_zh_ads",), "spam"),
    "Russian Telegram groups": SimulatedSite(
        ("telegram_monalenka_ru", "telegram_talyguryn_ru", "telegram_radiot_ru"), "spam"
    ),
    "Chinese Telegram": SimulatedSite(("telegram_zh_markivory",), "spam"),
    "a Polish news portal": SimulatedSite(("ml_pl_komentarze",), "toxicity"),
}
#: The sites that strengths, bound, and the basis were chosen by.
TUNED: Mapping[str, SimulatedSite] = {
    **{
        name: SimulatedSite((name,), "spam")
        for name in (
            "blog_comments_zh_antispam",
            "comments_vi_spam",
            "sms_id_fraud",
            "sms_tr",
            "sms_zh_mudou",
            "youtube_id_judol_gbennnn",
        )
    },
    **{
        name: SimulatedSite((name,), "toxicity")
        for name in (
            "ml_ar_mpold",
            "ml_da_dkhate",
            "ml_el_ogtd",
            "ml_fa_parsoffensive",
            "ml_hi_trac1",
            "ml_it_jigsaw",
            "ml_sv_flashback",
            "ml_tr_hatc",
            "ml_zh_cold",
            "unhealthy_comments",
        )
    },
}
#: Languages of which the first encoder read labelled sources.
_READ = frozenset({"de", "es", "fr", "ko", "pt", "ru", "vi"})
#: Sources that came after the first encoder was trained.
_LATER = frozenset(name for place in (*PLACES.values(), *TUNED.values()) for name in place.sources)

#: Comments of a source that the shared heads are fitted on; characters of each.
ROWS, LONGEST = 1_000, 700
#: Comments of each source of a site.
MOST = 1_500
#: Comments of a source that the frozen set has, and of blogs' published ones, which are few sources.
FROZEN, GOOD = 80, 600
#: Decisions after which the rest is ranked, and the share of them that the machine held.
AFTER, HELD = (50, 200), 0.8
#: Orders in which a queue is decided; what waits in it is all that was held, and this share of the rest as spot
#: checks.
QUEUED, CHECKED = ("priority", "oldest", "spread"), 0.2
#: Ways in which decisions come about (``chosen``), and those that are tried if none is named.
WAYS = ("held", "random", *QUEUED)
USUAL = ("held", "random")
#: Share of a site's comments that decisions come from; the others are ranked.
POOL = 0.5
#: Shares of good comments that the shared heads hold, and reject.
BUDGETS = (0.02, 0.002)
#: Draws of each site.
DRAWS = 5


def strange(example: Example) -> bool:
    """Whether the first encoder may have never read the source of *example*."""
    source = example.source
    if source.startswith("ml_"):
        return source[3:5] not in _READ or source in MEASURE_ONLY
    return source in _LATER or source in MEASURE_ONLY or source.startswith("blog_ham_")


@dataclass(frozen=True)
class SiteArrays:
    """A site's comments as numbers.

    Attributes
    ----------
    features : ndarray of shape (n_comments, n_directions), int8
    shared : ndarray of shape (n_comments, 2), float32
        The shared model's logits of SIDES.
    target : ndarray of shape (n_comments,), bool
        Whether a comment is bad, on the site's own side.
    signatures : tuple of int
    column : int
        The site's side: an index of SIDES.
    """

    features: Bytes
    shared: Floats
    target: NDArray[np.bool_]
    signatures: tuple[int, ...]
    column: int


def trial(
    data: Corpus,
    encoder: Encoder,
    places: Mapping[str, SimulatedSite],
    *,
    ways: Sequence[str] = USUAL,
    most: int = MOST,
    pool: float = POOL,
    draws: int = DRAWS,
    cache: Path | None = None,
    saved: Path | None = None,
    progress: Progress = iter,
) -> dict[str, Any]:
    """Return the figures of each of *places*, their means, and what poisoning does (way "held").

    The shared model is written below *saved*.

    Parameters
    ----------
    data, encoder, places
        The labelled comments, an encoder that never read those of *places*, and the sites.
    ways : sequence of str
        Of ``WAYS``.
    most : int
        Comments of each source of a site.
    pool : float
        Share of a site's comments that decisions come from.
    draws : int
        Draws of each site.
    cache, saved, progress
        Where to keep what the encoder said, where to write the shared model, and what to show.
    """
    # The rows that training draws, so that a training's cache serves here, too.
    data = capped(data, Recipe())
    known = data.where(lambda one: not strange(one) and any(side in one.labels for side in SIDES))
    learned = known.where(lambda one: not kept(one)).capped(ROWS)
    checked = known.where(kept).where(lambda one: not published(one.source)).capped(FROZEN)
    checked += known.where(kept).where(lambda one: published(one.source)).capped(GOOD)
    sites = {name: data.where(place.has).capped(most) for name, place in places.items()}
    everything = sum(sites.values(), learned + checked)
    own: list[str] = []
    tables = []
    for begin in progress(range(0, len(everything), 512)):
        readings = read(
            [one.text[: 4 * LONGEST] for one in everything.examples[begin : begin + 512]]
        )
        own += [one.own[:LONGEST] for one in readings]
        tables.append(table(readings))
    signals = np.vstack(tables)
    features, logits = encoded(own, encoder, cache=cache, progress=progress)
    place = len(learned) + len(checked)
    first, second = slice(0, len(learned)), slice(len(learned), place)
    shared = _shared(learned, features[first], logits[first])
    ground = _ground(
        encoder.version,
        (features[first], signals[first]),
        checked,
        (features[second], signals[second]),
        shared(features[second], logits[second]),
    )
    if saved:
        save(shared, ground, saved)
    result: dict[str, Any] = {}
    for name, corpus in sites.items():
        rows = slice(place, place + len(corpus))
        place += len(corpus)
        column = SIDES.index(places[name].side)
        site = SiteArrays(
            _reduced(ground, features[rows], signals[rows]),
            shared(features[rows], logits[rows]).astype(np.float32),
            np.array([one.labels[places[name].side] == 1 for one in corpus.examples]),
            tuple(signatures([one.text[: 4 * LONGEST] for one in corpus.examples])),
            column,
        )
        result[name] = measured(site, ground, ways, pool, draws)
    figures = list(result.values())
    return {
        "encoder": encoder.version,
        "fitted on": sorted(set(learned.sources.tolist())),
        "sites": result,
        "mean": {
            key: round(float(np.nanmean([one[key] for one in figures])), 4)
            for key in figures[0]
            if key != "comments"
        },
    }


def measured(
    site: SiteArrays,
    ground: Basis,
    ways: Sequence[str] = USUAL,
    share: float = POOL,
    draws: int = DRAWS,
) -> dict[str, float]:
    """Return the figures of one site at the mean of *draws*; decisions come from *share* of it."""
    rows: list[dict[str, float]] = []
    for draw in range(draws):
        order = np.random.default_rng(draw).permutation(len(site.target))
        place = int(len(order) * share)
        pool, rest = order[:place], order[place:]
        row: dict[str, float] = {"roc_auc": _ranked(site, rest, None)}
        for way in ways:
            for most in AFTER:
                decided = evidence(site, ground, chosen(site, ground, pool, most, way))
                learned = learn(decided, ground)
                key = f"{way} {most}"
                row[f"{key}: gain"] = _ranked(site, rest, learned.head) - row["roc_auc"]
                put = learned.head if learned.gate.accepted else None
                row[f"{key}: decisions"] = float(len(decided))
                row[f"{key}: gain past the gate"] = _ranked(site, rest, put) - row["roc_auc"]
                row[f"{key}: accepted"] = float(learned.gate.accepted)
                row[f"{key}: frozen drop"] = learned.gate.auc_drop
                if way == "held" and most == max(AFTER):
                    row |= _alike(site, rest, decided)
                    row |= _poisoned(site, ground, pool, rest)
        rows.append(row)
    return {
        "comments": float(len(site.target)),
        "bad": round(float(site.target.mean()), 3),
        **{key: round(float(np.nanmean([row[key] for row in rows])), 4) for key in rows[0]},
    }


def chosen(
    site: SiteArrays, ground: Basis, pool: NDArray[np.intp], most: int, way: str
) -> list[tuple[int, Seen]]:
    """Return up to *most* comments of *pool* that people see, and why, in the order of deciding.

    By the way "random" they are any. By "held" those that were held are HELD of them at most, and the
    others are spot checks of the rest. By one of QUEUED they are the first of a queue.
    *pool* is intp of shape (n_pool,), rows of *site*.
    """
    if way == "random":
        return [(int(one), Seen.HELD) for one in pool[:most]]
    if way in QUEUED:
        return _queued(site, ground, pool, way)[:most]
    held = site.shared[pool, site.column] >= ground.frozen.levels[0, site.column]
    first = [(int(one), Seen.HELD) for one in pool[held][: round(HELD * most)]]
    checks = [(int(one), Seen.SPOT_CHECK) for one in pool[~held][: most - len(first)]]
    both = first + checks
    return [both[place] for place in np.random.default_rng(most).permutation(len(both))]


def _queued(
    site: SiteArrays, ground: Basis, pool: NDArray[np.intp], way: str
) -> list[tuple[int, Seen]]:
    """Return the queue of a site to which *pool* came in its order, and why each comment is in it."""
    level = ground.frozen.levels[0, site.column]
    chance = np.random.default_rng(len(pool)).random(len(pool))
    waiting = pool[(site.shared[pool, site.column] >= level) | (chance < CHECKED)]
    if way == "priority":
        worst = (1 / (1 + np.exp(-site.shared[waiting].astype(float)))).max(axis=1)
        # As moderation.policy.priority: the worst score, and its nearness to a coin toss.
        waiting = waiting[np.argsort(-(worst + 1 - abs(2 * worst - 1)), kind="stable")]
    elif way == "spread":
        waiting = waiting[_spread(site.features[waiting])]
    return [
        (int(one), Seen.HELD if site.shared[one, site.column] >= level else Seen.SPOT_CHECK)
        for one in waiting
    ]


def _spread(features: Bytes) -> list[int]:
    """Return an order of rows in which each is the one least like those before it, by its cosine."""
    rows = features.astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9
    order, nearest_ = [0], rows @ rows[0]
    for _ in range(len(rows) - 1):
        nearest_[order[-1]] = np.inf
        order.append(int(np.argmin(nearest_)))
        nearest_ = np.maximum(nearest_, rows @ rows[order[-1]])
    return order


def evidence(
    site: SiteArrays,
    ground: Basis,
    decided: Sequence[tuple[int, Seen]],
    *,
    by: int = 1,
    reversed_: bool = False,
    begin: int = 0,
) -> list[Evidence]:
    """Return the decisions of one person on comments of a site, right or *reversed_*."""
    bad = _bad(site)
    return [
        Evidence(
            comment=str(row),
            at=begin + place + 1,
            answer=bad if site.target[row] != reversed_ else Answer.APPROVE,
            seen=seen,
            by=by,
            basis=ground.name,
            features=site.features[row].tobytes(),
            spam=float(site.shared[row, 0]),
            unwanted=float(site.shared[row, 1]),
            signature=site.signatures[row],
        )
        for place, (row, seen) in enumerate(decided)
    ]


@dataclass(frozen=True)
class Shared:
    """The shared model of a trial: a linear head for each of SIDES over encoder and its logits.

    Attributes
    ----------
    weights : ndarray of shape (768 + n_labels, 2), float32
    intercepts : ndarray of shape (2,), float32
    """

    weights: Floats
    intercepts: Floats

    def __call__(self, features: Floats, logits: Floats) -> Floats:
        """Return the logits of SIDES of each comment, float32 of shape (n_comments, 2)."""
        found: Floats = np.hstack([features, logits]) @ self.weights + self.intercepts
        return found


def _shared(corpus: Corpus, features: Floats, logits: Floats) -> Shared:
    """Return the shared model fitted on *corpus*; no source weighs above 800."""
    mean, spread = features.mean(axis=0), features.std(axis=0)
    X, weights, intercepts = np.hstack([(features - mean) / spread / 8, logits / 4]), [], []
    targets, sources = corpus.targets, corpus.sources
    for side in SIDES:
        target = targets[:, LABELS.index(side)]
        rows = np.flatnonzero(~np.isnan(target))
        _, index, counts = np.unique(sources[rows], return_inverse=True, return_counts=True)
        head = LogisticRegression(C=0.02, max_iter=300)
        head.fit(X[rows], target[rows], np.minimum(1, 800 / counts)[index])
        own = np.r_[head.coef_[0][: len(mean)] / spread / 8, head.coef_[0][len(mean) :] / 4]
        weights.append(own)
        intercepts.append(head.intercept_[0] - mean @ own[: len(mean)])
    return Shared(np.array(weights).T, np.array(intercepts))


#: The logit of what the shared model of a trial does not measure.
_NEVER = -12.0


def save(shared: Shared, ground: Basis, directory: Path) -> None:
    """Write a trial's shared model below *directory*, so that a running Winnow can judge by it.

    The encoder goes into ``encoder/`` there. Thresholds are the trial's; other labels and n-grams
    say nothing.
    """
    shipped = artifacts.load()
    columns = [LABELS.index(side) for side in SIDES]
    joined, alone = np.zeros_like(shipped.joined), np.zeros_like(shipped.alone)
    joined[: len(shared.weights), columns] = shared.weights
    joined[-1] = alone[-1] = _NEVER
    joined[-1, columns] = shared.intercepts
    bars = {
        name: dict.fromkeys(LABELS, 0.99)
        | {side: float(1 / (1 + np.exp(-level))) for side, level in zip(SIDES, row, strict=True)}
        for name, row in zip(("flag", "reject"), ground.frozen.levels, strict=True)
    }
    way = {"calibration": {label: [1.0, 0.0] for label in LABELS}, "thresholds": bars}
    manifest = {
        **shipped.manifest,
        "encoder": ground.encoder,
        "scales": dict.fromkeys(LABELS, 0.0),
        "intercepts": dict.fromkeys(LABELS, 0.0),
        "ways": {
            name: {**shipped.manifest["ways"][name], **way} for name in shipped.manifest["ways"]
        },
    }
    saved = artifacts.save(
        replace(shipped, joined=joined, alone=alone, manifest=manifest), directory
    )
    replace(ground, model=saved.version).save(directory / FILE)


#: What the encoder and the signals said of some comments.
Said = tuple[Floats, NDArray[np.float64]]


def _ground(encoder: str, known: Said, checked: Corpus, frozen: Said, shared: Floats) -> Basis:
    """Return a basis of *known*, with a frozen set and levels of *checked*."""
    targets = checked.targets[:, [LABELS.index(side) for side in SIDES]]
    labels = np.where(np.isnan(targets), -1, targets).astype(np.int8)
    good = np.array([published(one.source) for one in checked.examples]) & (labels == 0).all(axis=1)
    levels = np.array([np.quantile(shared[good], 1 - budget / 2, axis=0) for budget in BUDGETS])
    none = np.empty((0, 2), np.int8)
    empty = Frozen(none, none.astype("f4"), none, np.empty(0, np.int16), levels.astype("f4"))
    basis = basis_of(*known, encoder, empty)
    return replace(
        basis,
        frozen=Frozen(
            _reduced(basis, *frozen),
            shared.astype("f4"),
            labels,
            np.zeros(len(frozen), np.int16),
            levels.astype("f4"),
        ),
    )


def _reduced(basis: Basis, features: Floats, signals: NDArray[np.float64]) -> Bytes:
    return basis.reduced(features, np.arange(len(features), dtype=np.intp), signals)


def _ranked(site: SiteArrays, rows: NDArray[np.intp], head: HouseHead | None) -> float:
    """Return the ROC-AUC of *rows* by the shared logit as *head* moves it."""
    logits = site.shared[rows, site.column].astype(float)
    if head:
        logits = logits + head.shifts(site.features[rows])[:, site.column]
    return float(roc_auc_score(site.target[rows], logits))


def _alike(
    site: SiteArrays, rows: NDArray[np.intp], decided: Sequence[Evidence]
) -> dict[str, float]:
    """Return how many comments have a decided one that is alike, and how many of those agree."""
    found = [(row, nearest(site.features[row].tobytes(), decided, 3)) for row in rows[:300]]
    bad = [[one.evidence.answer != Answer.APPROVE for one in near] for _, near in found]
    agreed = [
        answer == site.target[row]
        for (row, _), answers in zip(found, bad, strict=True)
        for answer in answers
    ]
    return {
        "alike: share of comments": float(np.mean([bool(near) for _, near in found])),
        "alike: decided the same": float(np.mean(agreed)) if agreed else float("nan"),
    }


def _poisoned(
    site: SiteArrays, ground: Basis, pool: NDArray[np.intp], rest: NDArray[np.intp]
) -> dict[str, float]:
    """Return the effect of 200 reversed decisions: by one of three people, and by the only one."""
    most = min(max(AFTER), len(pool) // 2)
    right = chosen(site, ground, pool[: len(pool) // 2], most, "held")
    wrong = chosen(site, ground, pool[len(pool) // 2 :], most, "held")
    two = [
        replace(one, by=1 + place % 2) for place, one in enumerate(evidence(site, ground, right))
    ]
    rogue = evidence(site, ground, wrong, by=3, reversed_=True, begin=most)
    # One who reverses only what the machine settled rightly, which nobody else sees.
    level = ground.frozen.levels[:, site.column]
    logits = site.shared[:, site.column]
    settled = [
        (int(row), Seen.SURE)
        for row in pool[len(pool) // 2 :]
        if (logits[row] >= level[1] if site.target[row] else logits[row] < level[0])
    ]
    hidden = evidence(site, ground, settled[:most], by=3, reversed_=True, begin=most)
    # A strict person, who also removes half of the good comments: those that the shared model scores worst.
    worse = np.median(site.shared[~site.target, site.column])
    strict = [
        replace(one, answer=_bad(site))
        if site.shared[int(one.comment), site.column] > worse
        else one
        for one in evidence(site, ground, wrong, by=3, begin=most)
    ]
    right_third = evidence(site, ground, wrong, by=3, begin=most)
    honest, base = learn(two, ground), _ranked(site, rest, None)
    together, alone = learn(two + rogue, ground), learn(rogue, ground)
    without = learn(two + rogue, ground, without={3})
    counted = learn(two + rogue, ground, vouched={3})

    tried = learn(two + hidden, ground)

    def gained(learned: Learned) -> float:
        head = learned.head if learned.gate.accepted else None
        return _ranked(site, rest, head) - base

    return {
        "poison: two honest people": gained(honest),
        "poison: and 200 reversed decisions of a third": gained(together),
        "poison: the third is set aside": float([one.by for one in together.contrary] == [3]),
        "poison: the third counts all the same": gained(counted),
        "poison: the third left out": gained(without),
        "poison: the left out head is the honest one": float(
            without.head.digest == honest.head.digest
        ),
        "poison: reversed decisions of a third on what was settled": gained(tried),
        "poison: their number": float(len(hidden)),
        "poison: these counted all the same": gained(learn(two + hidden, ground, vouched={3})),
        "poison: 200 reversed decisions of the only person": gained(alone),
        "poison: their drop on the frozen set": alone.gate.auc_drop,
        "set aside: an honest third": _aside(two + right_third, ground),
        "set aside: a strict third": _aside(two + strict, ground),
    }


def _aside(rows: list[Evidence], ground: Basis) -> float:
    return float(bool(contrary(sorted(rows, key=lambda one: one.at), ground)))


def _bad(site: SiteArrays) -> Answer:
    return Answer.SPAM if SIDES[site.column] == "spam" else Answer.REJECT
