"""How fast the scorer is beside scikit-learn's own vectorisers, and beside alt-profanity-check.

    .venv/bin/python -m benchmarks.scorer

The peer hashes the same n-grams of the same two views with ``HashingVectorizer`` and multiplies
by as many columns of weights. Both run on one core, in turns, on 200-character comments of all
labels; the best of several rounds counts for each. The peer reads no sentences, so that it is held against
n-grams and signals alone; what the encoder costs stands beside it. The last line is JSON.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import time
from collections.abc import Callable, Sequence

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.pipeline import FeatureUnion

from benchmarks._asked import help_asked
from models.augmentation import generated
from models.ngrams import views
from models.scorer import LABELS, Item, Scorer

BATCH = 256
SINGLES = 64
ROUNDS = 7
LENGTH = 200
NEEDED = {"batch": 8.0, "single": 12.0, "alt_profanity_check_single": 15.0}


def comments(count: int) -> list[str]:
    """Return comments of LENGTH characters, cut from running text of our own civil templates."""
    drawn = [one.text for one in generated(80).examples if not any(one.labels.values())]
    random.Random(5).shuffle(drawn)
    running = " ".join(drawn)
    return [running[start * LENGTH : (start + 1) * LENGTH] for start in range(count)]


def peer() -> Callable[[Sequence[str]], object]:
    """Return scores of a batch by scikit-learn's vectorisers and one product."""
    union = FeatureUnion(
        [
            (
                "characters",
                HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), n_features=2**19),
            ),
            ("words", HashingVectorizer(ngram_range=(1, 2), n_features=2**18)),
        ]
    )
    weights = np.random.default_rng(0).normal(size=(2**19 + 2**18, len(LABELS)))

    def score(texts: Sequence[str]) -> object:
        pairs = [views(text) for text in texts]
        logits = sum(union.transform(view) @ weights for view in zip(*pairs, strict=True))
        return 1 / (1 + np.exp(-logits))

    return score


def best(*contenders: Callable[[], object]) -> list[float]:
    """Return the shortest CPU time of each contender; they take turns, so that noise hits all."""
    times = [float("inf")] * len(contenders)
    for _ in range(ROUNDS):
        for index, contender in enumerate(contenders):
            start = time.process_time()
            contender()
            times[index] = min(times[index], time.process_time() - start)
    return times


def main() -> None:
    """Print the ratios."""
    # Both sides get one core; neither multiplies dense matrices, so that threads don't come in.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    start = time.perf_counter()
    reader = Scorer.load()
    load = time.perf_counter() - start
    scorer = Scorer.load(encoder=False)
    theirs = peer()
    # Two batches in turns: of the last one the scorer remembers how it read it.
    texts = comments(2 * BATCH)
    items = [Item(text) for text in texts]
    parts = slice(BATCH), slice(BATCH, None)
    scorer.score(items[:2])
    theirs(texts[:2])
    batch = best(
        lambda: [scorer.score(items[part]) for part in parts],
        lambda: [theirs(texts[part]) for part in parts],
    )
    single = best(
        lambda: [scorer.score([item]) for item in items[:SINGLES]],
        lambda: [theirs([text]) for text in texts[:SINGLES]],
    )
    reader.score(items[:2])
    sentences = best(lambda: reader.score(items[:SINGLES]))[0] / SINGLES
    alone = best(lambda: [reader.score([item]) for item in items[:SINGLES]])[0] / SINGLES
    print(
        f"with the encoder: {1 / sentences:,.0f} comments/s in a batch, {alone * 1000:.2f} ms alone"
    )
    ratios = {"batch": batch[1] / batch[0], "single": single[1] / single[0]}
    print(f"load: {load * 1000:.0f} ms")
    print(
        f"batch of {BATCH}: {len(items) / batch[0]:,.0f} comments/s, {ratios['batch']:.1f} times HashingVectorizer"
    )
    print(
        f"one at a time: {SINGLES / single[0]:,.0f} comments/s, {ratios['single']:.1f} times HashingVectorizer"
    )
    if importlib.util.find_spec("profanity_check"):
        from profanity_check import predict_prob  # noqa: PLC0415 - a peer that need not be there

        peers = best(
            lambda: [scorer.score([item]) for item in items[:SINGLES]],
            lambda: [predict_prob([text]) for text in texts[:SINGLES]],
        )
        ratios["alt_profanity_check_single"] = peers[1] / peers[0]
        print(
            f"one at a time: {ratios['alt_profanity_check_single']:.1f} times alt-profanity-check"
        )
    else:
        print("alt-profanity-check is not installed here, so it was not measured")
    result = {
        "benchmark": "scorer",
        "load_ms": round(load * 1000, 1),
        "comments_per_second": {
            "batch": round(len(items) / batch[0]),
            "single": round(SINGLES / single[0]),
            "encoder_batch": round(1 / sentences),
            "encoder_single": round(1 / alone),
        },
        "ratios": {name: round(ratio, 2) for name, ratio in ratios.items()},
        "needed": {name: NEEDED[name] for name in ratios},
        "passed": all(ratio >= NEEDED[name] for name, ratio in ratios.items()),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    help_asked(__doc__)
    main()
