"""The labelled comments that the model is trained on and measured with."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The labels, in the order of the columns of every matrix here.
LABELS = ("spam", "toxicity", "severe_toxicity", "obscene", "threat", "insult", "identity_attack")
#: What the data sets call them.
_THEIR_NAMES = {"toxic": "toxicity", "severe_toxic": "severe_toxicity"}
_ABUSE = LABELS[1:]

#: What each source says about its licence.
LICENCES = {
    "civil_toxic_spans": "CC0-1.0",
    "conda_dota_chat": "none stated",
    "davidson_tweets": "MIT",
    "edos_sexism": "CC0-1.0",
    "fox_news_comments": "MIT (README)",
    "hatemojibuild": "CC BY 4.0",
    "hatexplain_processed": "none stated in mirror; upstream hate-alert/HateXplain MIT",
    "implicit_hate_tweets": "none stated in mirror; upstream MIT",
    "jigsaw_wiki_normalised": "host repo MIT; upstream CC0/CC BY-SA 3.0",
    "jigsaw_wiki_raw": "none stated by the hosting repos; upstream Jigsaw/Kaggle 2018 data: CC0 (text CC BY-SA 3.0, Wikipedia)",
    "kaggle_insults": "none stated (Kaggle competition data)",
    "ml_de_germeval2018": "CC BY 4.0",
    "ml_de_germeval2021": "none stated in repo",
    "ml_es_offendes": "none stated in repo",
    "ml_fr_mlma": "MIT",
    "ml_ko_kocohub": "CC BY-SA 4.0",
    "ml_pt_hatebr": "CC BY-NC 4.0",
    "ml_pt_offcombr2": "none stated",
    "ml_pt_toldbr": "CC BY-SA 4.0 (data)",
    "ml_ru_detox_pairs": "none stated",
    "ml_vi_victsd": "none stated",
    "olid_tweets": "none stated in mirror repo",
    "paradetox_pairs": "CC0-1.0 (repo LICENSE)",
    "reddit_misogyny": "MIT",
    "stormfront_hate": "CC BY-SA 3.0 ES",
    "suite_bias_madlibs_77k": "CC BY 4.0 data / Apache-2.0 code",
    "suite_hatemojicheck": "CC BY 4.0",
    "trac1_facebook_en": "Apache-2.0 (repo LICENSE)",
    "unhealthy_comments": "CC BY-NC-SA 4.0",
    "blog_caffeinated_simpleton": "none",
    "blog_haacked_ham": "none",
    "email_spamassassin": "Apache-2.0 (package)",
    "instagram_scamspot": "MIT",
    "sms_spam_collection": "UCI (CC BY 4.0, unchecked)",
    "stackexchange_titles_smokedetector2014": "Apache-2.0 or MIT (titles CC BY-SA)",
    "x_janitr": "MIT",
    "youtube_id_gambling": "none",
    "youtube_spam_collection": "UCI (CC BY 4.0, unchecked)",
}  # fmt: skip

#: Licences that forbid training; these are for measuring only.
MEASURE_ONLY = frozenset(
    {"ml_pt_hatebr", "suite_bias_madlibs_77k", "suite_hatemojicheck", "unhealthy_comments"}
)
#: A comment that its blog's owner kept for years may be taken for a civil one.
_KEPT_BY_THE_OWNER = frozenset({"blog_haacked_ham", "blog_caffeinated_simpleton"})
#: Real comments to real articles: whoever is not spam there is ham.
_HAM = frozenset(
    {
        "civil_toxic_spans",
        "fox_news_comments",
        "jigsaw_wiki_raw",
        "kaggle_insults",
        "trac1_facebook_en",
    }
)


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled comment; a label that its source doesn't give is absent."""

    text: str
    source: str
    labels: dict[str, float]
    language: str = "en"
    author_name: str = ""
    author_email: str = ""
    author_url: str = ""
    #: Whether it was drawn as comments come, so that shares of labels are the natural ones.
    natural: bool = False
    date: str = ""


@dataclass(frozen=True)
class Corpus:
    """Examples with the digests of the files that they were read from."""

    examples: tuple[Example, ...]
    digests: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def sources(self) -> NDArray[np.str_]:
        """The name of each example's source."""
        return np.array([example.source for example in self.examples])

    @property
    def targets(self) -> NDArray[np.float32]:
        """A row for each example and a column for each label; NaN where the label is absent."""
        rows = np.full((len(self.examples), len(LABELS)), np.nan, np.float32)
        for row, example in zip(rows, self.examples, strict=True):
            for label, value in example.labels.items():
                row[LABELS.index(label)] = value
        return rows

    def where(self, keep: Callable[[Example], bool]) -> Corpus:
        """Return the examples that *keep* says yes to."""
        return replace(self, examples=tuple(filter(keep, self.examples)))

    def __add__(self, other: Corpus) -> Corpus:
        return Corpus(self.examples + other.examples, self.digests | other.digests)

    def capped(self, most: int, seed: int = 0) -> Corpus:
        """Return at most *most* examples of each source, drawn with *seed*."""
        drawn = np.random.default_rng(seed).permutation(len(self.examples))
        seen: dict[str, int] = {}
        chosen = []
        for index in drawn:
            source = self.examples[index].source
            seen[source] = seen.get(source, 0) + 1
            if seen[source] <= most:
                chosen.append(int(index))
        return replace(self, examples=tuple(self.examples[index] for index in sorted(chosen)))


def load(directory: Path, *, progress: Callable[[Sequence[Path]], Any] = iter) -> Corpus:
    """Read every source below *directory*, as labelled as ``example`` says."""
    files = sorted(directory.glob("*/*.jsonl.gz"))
    if not files:
        raise FileNotFoundError(f"there is no */*.jsonl.gz below {directory}")
    examples: list[Example] = []
    digests = {}
    for file in progress(files):
        digests[file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
        examples.extend(map(example, _rows(file)))
    return Corpus(tuple(examples), digests)


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def example(row: dict[str, Any]) -> Example:
    """Return what one row of a source says, and what may be concluded from it."""
    source = row["source"]
    labels = {
        _THEIR_NAMES.get(name, name): float(value >= 0.5)
        for name, value in row["labels"].items()
        if value is not None and _THEIR_NAMES.get(name, name) in LABELS
    }
    if source == "edos_sexism":
        # Threats were told apart among sexist posts only.
        labels.setdefault("threat", 0.0)
    # Whoever attacks a group, threatens or insults is toxic; that somebody doesn't says nothing.
    if any(labels.get(label) == 1 for label in ("identity_attack", "threat", "insult")):
        labels.setdefault("toxicity", 1.0)
    if source in _KEPT_BY_THE_OWNER and labels.get("spam") == 0:
        labels |= dict.fromkeys(_ABUSE, 0.0)
    if source in _HAM and "spam" not in labels:
        labels["spam"] = 0.0
    return Example(
        text=row["text"],
        source=source,
        labels=labels,
        language=row.get("lang") or "",
        author_name=row.get("author") or "",
        author_url=row.get("author_url") or "",
        natural=row.get("sample") == "natural",
        date=str(row.get("date") or ""),
    )


def may_train(example: Example) -> bool:
    """Whether the shipped model may learn from this example."""
    return example.source not in MEASURE_ONLY
