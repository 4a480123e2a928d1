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
#: Labels by their names in the data sets.
_THEIR_NAMES = {"toxic": "toxicity", "severe_toxic": "severe_toxicity"}
_ABUSE = LABELS[1:]

#: Licence of each source, as the source states it.
LICENCES = {
    "blog_caffeinated_simpleton": "none",
    "blog_comments_zh_antispam": "none",
    "blog_haacked_ham": "none",
    "blog_ham_cs": "mixed, mostly none",
    "blog_ham_da": "mixed, mostly none",
    "blog_ham_el": "mixed, mostly none",
    "blog_ham_en": "mixed, mostly none",
    "blog_ham_fa": "mixed, mostly none",
    "blog_ham_fr": "mixed, mostly none",
    "blog_ham_id": "mixed, mostly none",
    "blog_ham_ko": "mixed, mostly none",
    "blog_ham_nl": "mixed, mostly none",
    "blog_ham_other": "mixed, mostly none",
    "blog_ham_pt": "mixed, mostly none",
    "blog_ham_sk": "mixed, mostly none",
    "blog_ham_tr": "mixed, mostly none",
    "blog_ham_vi": "mixed, mostly none",
    "blog_ham_zh": "mixed, mostly none",
    "blog_wp_moderated_spam": "none",
    "civil_toxic_spans": "CC0-1.0",
    "comments_vi_spam": "none",
    "conda_dota_chat": "none stated",
    "davidson_tweets": "MIT",
    "edos_sexism": "CC0-1.0",
    "email_spamassassin": "Apache-2.0 (package)",
    "fox_news_comments": "MIT (README)",
    "hatemojibuild": "CC BY 4.0",
    "hatexplain_processed": "none stated in mirror; upstream hate-alert/HateXplain MIT",
    "implicit_hate_tweets": "none stated in mirror; upstream MIT",
    "instagram_scamspot": "MIT",
    "jigsaw_wiki_normalised": "host repo MIT; upstream CC0/CC BY-SA 3.0",
    "jigsaw_wiki_raw": "none stated by the hosting repos; upstream Jigsaw/Kaggle 2018 data: CC0 (text CC BY-SA 3.0, Wikipedia)",
    "kaggle_insults": "none stated (Kaggle competition data)",
    "ml_ar_lhsab": "none stated",
    "ml_ar_mpold": "Apache-2.0 (repo LICENSE)",
    "ml_ar_osact": "none stated",
    "ml_ar_textdetox": "host repo MIT; upstream openrail++",
    "ml_ar_thsab": "none stated",
    "ml_bn_multihate": "CC BY-NC-SA 4.0",
    "ml_bn_multilabel": "none stated",
    "ml_da_dkhate": "none stated in the copy",
    "ml_de_germeval2018": "CC BY 4.0",
    "ml_de_germeval2021": "none stated in repo",
    "ml_el_ogtd": "none stated in the copy",
    "ml_es_jigsaw": "none stated by the hosting repo; upstream Jigsaw: CC0 (text CC BY-SA 3.0)",
    "ml_es_offendes": "none stated in repo",
    "ml_fa_parsoffensive": "none stated",
    "ml_fr_mlma": "MIT",
    "ml_fr_toxifrench": "MIT",
    "ml_he_olah": "none stated",
    "ml_he_sinalab": "CC BY-NC-SA 4.0 (LICENSE)",
    "ml_hi_hasoc2019": "none stated",
    "ml_hi_textdetox": "host repo MIT; upstream openrail++",
    "ml_hi_trac1": "Apache-2.0 (repo LICENSE)",
    "ml_id_igcyberbully": "none stated",
    "ml_id_multilabel": "CC BY-NC-SA 4.0",
    "ml_it_jigsaw": "none stated by the hosting repo; upstream Jigsaw: CC0 (text CC BY-SA 3.0)",
    "ml_it_pejorativity": "CC BY (README)",
    "ml_ja_inspection": "Apache-2.0 (repo LICENSE)",
    "ml_ko_curse": "MIT",
    "ml_ko_kmhas": "none stated in repo",
    "ml_ko_kocohub": "CC BY-SA 4.0",
    "ml_pl_komentarze": "CC BY 4.0 (README, LICENSE)",
    "ml_pl_poleval2019": "none stated in the copy; upstream labels BSD-3-Clause",
    "ml_pt_hatebr": "CC BY-NC 4.0",
    "ml_pt_offcombr2": "none stated",
    "ml_pt_toldbr": "CC BY-SA 4.0 (data)",
    "ml_ru_detox_pairs": "none stated",
    "ml_sv_flashback": "none stated",
    "ml_tr_hatc": "none stated in the copy",
    "ml_tr_hate2": "none stated",
    "ml_tr_jigsaw": "none stated by the hosting repo; upstream Jigsaw: CC0 (text CC BY-SA 3.0)",
    "ml_tr_offenseval2020": "none stated in the copy",
    "ml_uk_textdetox": "host repo MIT; upstream openrail++",
    "ml_vi_victsd": "none stated",
    "ml_vi_vihsd": '"used only for research purposes" (README)',
    "ml_zh_cold": "Apache-2.0 (repo LICENSE)",
    "ml_zh_textdetox": "host repo MIT; upstream openrail++; toxic side taken from ToxiCN (NC-ND)",
    "ml_zh_toxicn": 'CC BY-NC-ND 4.0, "prohibited from commercial use"',
    "olid_tweets": "none stated in mirror repo",
    "paradetox_pairs": "CC0-1.0 (repo LICENSE)",
    "qqgroup_zh_ads": "MIT",
    "reddit_misogyny": "MIT",
    "sms_id_fraud": "none",
    "sms_spam_collection": "UCI (CC BY 4.0, unchecked)",
    "sms_tr": "host README says MIT; upstream not stated",
    "sms_zh_mudou": "none",
    "source": "licence stated",
    "stackexchange_titles_smokedetector2014": "Apache-2.0 or MIT (titles CC BY-SA)",
    "stormfront_hate": "CC BY-SA 3.0 ES",
    "suite_bias_madlibs_77k": "CC BY 4.0 data / Apache-2.0 code",
    "suite_hatemojicheck": "CC BY 4.0",
    "telegram_monalenka_ru": "MIT",
    "telegram_radiot_ru": "none",
    "telegram_talyguryn_ru": "none",
    "telegram_zh_markivory": "GPL-3.0 (repo); upstream HF sets reatiny/chinese-spam-10000, paulkm/chinese_conversation_and_spam not checked",
    "trac1_facebook_en": "Apache-2.0 (repo LICENSE)",
    "unhealthy_comments": "CC BY-NC-SA 4.0",
    "x_janitr": "MIT",
    "youtube_id_gambling": "none",
    "youtube_id_judol_gbennnn": "MIT",
    "youtube_spam_collection": "UCI (CC BY 4.0, unchecked)",
}  # fmt: skip

#: Licences that forbid training; these are for measuring only.
MEASURE_ONLY = frozenset(
    {
        "ml_bn_multihate",
        "ml_he_sinalab",
        "ml_id_multilabel",
        "ml_pt_hatebr",
        "ml_vi_vihsd",
        "ml_zh_textdetox",
        "ml_zh_toxicn",
        "suite_bias_madlibs_77k",
        "suite_hatemojicheck",
        "unhealthy_comments",
    }
)
#: Real comments to real articles: one that is labelled for abuse there and isn't spam is ham.
_HAM = frozenset(
    {
        "civil_toxic_spans",
        "fox_news_comments",
        "jigsaw_wiki_raw",
        "kaggle_insults",
        "trac1_facebook_en",
    }
)


def published(source: str) -> bool:
    """Whether *source* holds comments that a blog's owner published and kept for years."""
    return source.startswith("blog_ham_") or source in {
        "blog_haacked_ham",
        "blog_caffeinated_simpleton",
    }


def _is_ham(source: str) -> bool:
    """Whether a comment of *source* without the label spam may be taken for ham.

    The sources of other languages hold comments and posts by people; without them every alphabet
    but the Latin one would be known from spam alone.
    """
    return source in _HAM or source.startswith("ml_")


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
    #: The blog that published it, where a source has several.
    blog: str = ""
    #: Id shared by the two comments of a pair, where a source has pairs: both are held out, or neither.
    pair: str = ""


@dataclass(frozen=True)
class Corpus:
    """Examples with the digests of the files that they were read from."""

    examples: tuple[Example, ...]
    digests: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def sources(self) -> NDArray[np.str_]:
        """The name of each example's source, str of shape (n_examples,)."""
        return np.array([example.source for example in self.examples])

    @property
    def targets(self) -> NDArray[np.float32]:
        """Targets, float32 of shape (n_examples, n_labels): 0 or 1, NaN where a label is absent."""
        rows = np.full((len(self.examples), len(LABELS)), np.nan, np.float32)
        for row, example in zip(rows, self.examples, strict=True):
            for label, value in example.labels.items():
                row[LABELS.index(label)] = value
        return rows

    def where(self, keep: Callable[[Example], bool]) -> Corpus:
        """Return the examples for which *keep* returns true."""
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
    """Return the example in one row of a source, with labels that follow from its own."""
    source = row["source"]
    labels = {
        _THEIR_NAMES.get(name, name): float(value >= 0.5)
        for name, value in row["labels"].items()
        if value is not None and _THEIR_NAMES.get(name, name) in LABELS
    }
    if source == "edos_sexism":
        # Threats were labelled in sexist posts only.
        labels.setdefault("threat", 0.0)
    # An attack on a group, a threat or an insult is toxic; the absence of one says nothing.
    if any(labels.get(label) == 1 for label in ("identity_attack", "threat", "insult")):
        labels.setdefault("toxicity", 1.0)
    if published(source) and labels.get("spam") == 0:
        labels |= dict.fromkeys(_ABUSE, 0.0)
    if _is_ham(source) and "spam" not in labels:
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
        blog=str(row.get("blog") or ""),
        pair=f"{source}:{row['pair']}" if row.get("pair") else "",
    )


def may_train(example: Example) -> bool:
    """Whether the shipped model may learn from this example."""
    return example.source not in MEASURE_ONLY
