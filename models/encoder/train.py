"""Trains the upper layers of the encoder on a CPU; needs ``requirements-train.txt``.

The lower layers' output for a text never changes, so it is computed once and kept on disk: an
epoch then costs the upper layers alone.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models import evaluation
from models.datasets import LABELS, Corpus
from models.encoder.lessons import SHOWN, Lessons, remembered
from models.encoder.network import Network
from models.encoder.windows import PADDING, Cut, windows

Weights = Mapping[str, NDArray[Any]]
Report = Callable[[dict[str, Any]], None]

WEIGHTS = "weights.npz"
LOG = "log.jsonl"


@dataclass(frozen=True)
class Plan:
    """How long and how fast the encoder learns."""

    #: The upper layers that learn; those below, and the table of words, stay.
    layers: int = 2
    epochs: int = 3
    #: Texts of a step, the largest rate of learning, and the share of it all in which it rises.
    batch: int = 64
    rate: float = 1e-4
    warm: float = 0.06
    decay: float = 0.01
    #: Longest training, in minutes; the rate of learning falls towards its end.
    minutes: float = 75.0
    #: How often the weights are measured and, if they are the best, saved.
    measured: int = 6
    threads: int = 1
    #: Multiply in bfloat16, which is faster where the CPU can (AMX, AVX-512 BF16) and slow elsewhere.
    bfloat16: bool = False
    seed: int = 0


class States:
    """Texts as the frozen layers leave them, kept in a file as float16 once they are computed."""

    def __init__(self, ids: Sequence[Sequence[int]], network: Network, file: Path) -> None:
        self._ids = ids
        self._network = network
        self.lengths = np.array([len(one) for one in ids], np.intp)
        self._starts = np.concatenate([[0], np.cumsum(self.lengths)])
        hidden = network.words.embedding_dim
        shape = (max(1, int(self._starts[-1])), hidden)
        self._kept = np.memmap(file, np.float16, "w+", shape=shape)
        self._done = np.zeros(len(ids), bool)

    def of(self, rows: NDArray[np.intp]) -> tuple[Tensor, Tensor]:
        """Return the states of *rows*, padded, and which tokens are no padding.

        *rows* is intp of shape (n_rows,). States are float32 of shape (n_rows, n_tokens, hidden),
        with the tokens of the longest; the mask is bool of shape (n_rows, n_tokens).
        """
        longest = int(self.lengths[rows].max())
        known = torch.arange(longest) < torch.from_numpy(self.lengths[rows])[:, None]
        if not self._done[rows].all():
            ids = torch.full((len(rows), longest), PADDING)
            for line, row in enumerate(rows):
                ids[line, : self.lengths[row]] = torch.tensor(self._ids[int(row)])
            with torch.no_grad():
                states = self._network.lower(ids)
            for line, row in enumerate(rows):
                self._kept[self._span(row)] = states[line, : self.lengths[row]].numpy()
            self._done[rows] = True
            return states, known
        padded = np.zeros((len(rows), longest, self._kept.shape[1]), np.float32)
        for line, row in enumerate(rows):
            padded[line, : self.lengths[row]] = self._kept[self._span(row)]
        return torch.from_numpy(padded), known

    def _span(self, row: np.intp) -> slice:
        return slice(int(self._starts[row]), int(self._starts[row + 1]))


def train(
    lessons: Lessons,
    checks: Corpus,
    weights: Weights,
    cut: Cut,
    directory: Path,
    plan: Plan,
    report: Report = lambda _: None,
) -> dict[str, Any]:
    """Learn *lessons*, keep the weights that rank *checks* best, and return how it went.

    ``weights.npz`` below *directory* holds the best so far from the first measurement on, so
    that the run may be stopped at any time; ``log.jsonl`` has numbers and no texts. The weights
    that it began with are the first measured: it never ends with worse ones. *weights* have the
    shapes and dtypes (int8, float32) of ``export.export``. Raises ValueError where *plan* has more
    layers learn than there are.
    """
    begun = time.monotonic()
    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    directory.mkdir(parents=True, exist_ok=True)
    log = (directory / LOG).open("a", encoding="utf-8")
    network = Network(weights, plan.layers, bfloat16=plan.bfloat16)
    optimiser = torch.optim.AdamW(
        [one for one in network.parameters() if one.requires_grad],
        lr=plan.rate,
        weight_decay=plan.decay,
    )
    steps = -(-len(lessons) // plan.batch) * plan.epochs
    best: dict[str, Any] = {}
    losses: list[float] = []

    def gone(step: int) -> float:
        return max(step / steps, (time.monotonic() - begun) / 60 / plan.minutes)

    def measure(step: int) -> None:
        nonlocal best
        logits = predicted(network, aside)
        ranks = evaluation.ranking(checks, logits.astype(np.float64))
        found = {
            "step": step,
            "of": steps,
            "minutes": round((time.monotonic() - begun) / 60, 1),
            "loss": round(float(np.mean(losses)), 4) if losses else None,
            **{label: _mean(ranks, label) for label in ("toxicity", "spam")},
        }
        losses.clear()
        found["score"] = round(float(np.mean([found["toxicity"], found["spam"]])), 4)
        if not best or found["score"] > best["score"]:
            best = found
            save(network.changed(weights), directory / WEIGHTS)
        log.write(json.dumps(found) + "\n")
        log.flush()
        report(found)

    with log, tempfile.TemporaryDirectory() as scratch:
        learned = States(tokenised(lessons.corpus, cut), network, Path(scratch) / "learned")
        aside = States(tokenised(checks, cut), network, Path(scratch) / "aside")
        measure(0)
        before = np.reciprocal(1 + np.exp(-predicted(network, learned)))
        lessons = remembered(lessons, before)
        goals, counts = torch.from_numpy(lessons.goals), torch.from_numpy(lessons.weights)
        next_measure = 1 / plan.measured
        step = 0
        for rows in _batches(learned.lengths, plan):
            now = gone(step)
            if now >= 1:
                break
            for group in optimiser.param_groups:
                group["lr"] = plan.rate * min(now / plan.warm, (1 - now) / (1 - plan.warm))
            _, logits = network.upper(*learned.of(rows))
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                logits, goals[rows], counts[rows], reduction="sum"
            ) / counts[rows].sum().clamp(min=1)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            losses.append(float(loss.detach()))
            step += 1
            if gone(step) >= next_measure and gone(step) < 1:
                measure(step)
                next_measure = gone(step) + 1 / plan.measured
        measure(step)
    return {"plan": asdict(plan), "texts": len(lessons), "best": best}


def predicted(network: Network, states: States) -> NDArray[np.float32]:
    """Return float32 of shape (n_texts, 7): the logits of every text of *states*, not calibrated."""
    found = np.empty((len(states.lengths), len(LABELS)), np.float32)
    order = np.argsort(states.lengths, kind="stable")
    with torch.no_grad():
        for rows in np.array_split(order, -(-len(order) // 64) or 1):
            if len(rows):
                found[rows] = network.upper(*states.of(rows))[1].numpy()
    return found


def tokenised(corpus: Corpus, cut: Cut) -> list[list[int]]:
    """Return the first window of what the teacher was shown of each text."""
    return [windows(one.text[:SHOWN], cut)[0] for one in corpus.examples]


def save(weights: Weights, path: Path) -> None:
    """Write *weights* as an .npz, so that a reader sees the old file or the new one.

    Shapes and dtypes (int8, float32) stay as they are.
    """
    temporary = path.with_name(f".{path.name}")
    with temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **weights)
    temporary.replace(path)


def _batches(lengths: NDArray[np.intp], plan: Plan) -> Iterator[NDArray[np.intp]]:
    """Yield every row once an epoch, with others of about its length, in an order of chance."""
    draw = np.random.default_rng(plan.seed)
    for _ in range(plan.epochs):
        order = draw.permutation(len(lengths))
        batches = []
        for begin in range(0, len(order), plan.batch * 32):
            part = order[begin : begin + plan.batch * 32]
            part = part[np.argsort(lengths[part], kind="stable")]
            batches += [part[at : at + plan.batch] for at in range(0, len(part), plan.batch)]
        for index in draw.permutation(len(batches)):
            yield batches[index]


def _mean(ranks: Mapping[str, Mapping[str, Mapping[str, float]]], label: str) -> float:
    found = [labels[label]["auc"] for labels in ranks.values() if label in labels]
    return round(float(np.mean(found)), 4) if found else 0.5
