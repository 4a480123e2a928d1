"""Plain English: a bound has its unit, nobody is "whoever", and a local is named by what it holds."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Every room of the product, and its tests.
ROOMS = ("moderation", "worker", "service", "models", "tests")
#: Comments as readers write them, templates for training, in plain lists; and this file, which names the turns.
SAMPLES = {"models/augmentation.py", "tests/meta/test_english.py"}
#: Bounds without a unit, and turns that hide who or what is meant.
RIDDLES = re.compile(
    r"\bso (?:many|long|soon|seldom|often)\b(?! as)|\bwhoever\b|\bsuch a one\b|\bwhatever it was\b"
    r"|\bwhat (?:came|became) of\b",
    re.IGNORECASE,
)


def sources() -> Iterator[Path]:
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if str(path.relative_to(ROOT)) not in SAMPLES:
                yield path


@pytest.mark.parametrize("path", list(sources()), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_bound_says_its_unit_and_a_local_what_it_holds(path: Path):
    riddles = []
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type in {tokenize.COMMENT, tokenize.STRING} and RIDDLES.search(token.string):
            riddles.append((token.start[0], RIDDLES.search(token.string)[0]))
        if token.type == tokenize.NAME and token.string == "told":
            riddles.append((token.start[0], "told"))
    assert riddles == []
