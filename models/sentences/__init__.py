"""Our own comments in many languages: templates in one TOML file a language, drawn with a seed.

Every sentence was written for Winnow. A file has a table of slots and one table a kind; the kind
says which labels its sentences carry.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from models.datasets import LABELS, Corpus, Example

_HERE = Path(__file__).parent
_SLOT = re.compile(r"\{(\w+)\}")
_CIVIL: Mapping[str, float] = dict.fromkeys(LABELS, 0.0)

#: The labels of each kind; a label that the kind says nothing of is absent.
KINDS: Mapping[str, Mapping[str, float]] = {
    "harmless": _CIVIL,
    "insult": {"toxicity": 1, "insult": 1, "threat": 0, "identity_attack": 0, "spam": 0},
    "obscene": {"toxicity": 1, "obscene": 1, "insult": 1, "identity_attack": 0, "spam": 0},
    "threat": {"toxicity": 1, "threat": 1, "identity_attack": 0, "spam": 0},
    "hate": {"toxicity": 1, "identity_attack": 1, "spam": 0},
    "spam": {**_CIVIL, "spam": 1},
}


@dataclass(frozen=True, slots=True)
class Template:
    """A sentence with slots in braces, and where it stands in its file."""

    language: str
    kind: str
    list: str
    text: str


def languages() -> tuple[str, ...]:
    """Return the codes of the languages that have a file, in order."""
    return tuple(sorted(path.stem for path in _HERE.glob("*.toml")))


@cache
def _file(language: str) -> tuple[Mapping[str, list[str]], tuple[Template, ...]]:
    content = tomllib.loads((_HERE / f"{language}.toml").read_text(encoding="utf-8"))
    templates = tuple(
        Template(language, kind, name, text)
        for kind in KINDS
        for name, texts in content.get(kind, {}).items()
        for text in texts
    )
    return content["slots"], templates


def templates(language: str) -> tuple[Template, ...]:
    """Return the templates of *language*, in the order of its file."""
    return _file(language)[1]


def slots(language: str) -> Mapping[str, list[str]]:
    """Return what each slot of *language* may be filled with."""
    return _file(language)[0]


def generated(each: int = 2, seed: int = 0) -> Corpus:
    """Return up to *each* comments of every template, none twice.

    A comment shares its ``pair`` with the others of its template, so that a template is learned
    from or measured with, never both.
    """
    draw = random.Random(seed)  # noqa: S311 - drawn to be repeated, not to be secret
    examples = tuple(
        Example(
            text=text,
            source=f"own: {template.language} {template.kind}",
            labels=dict(KINDS[template.kind]),
            language=template.language,
            pair=f"own: {template.language} {template.text}",
        )
        for language in languages()
        for template in templates(language)
        for text in _filled(template, each, draw)
    )
    return Corpus(examples)


def _filled(template: Template, each: int, draw: random.Random) -> Iterator[str]:
    choices = slots(template.language)
    seen = {
        _SLOT.sub(lambda match: draw.choice(choices[match[1]]), template.text) for _ in range(each)
    }
    yield from sorted(seen)
