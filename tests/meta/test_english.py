"""Plain English: a bound has its unit, nobody is "whoever", and a local is named by what it holds."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Every room of the repository, and the pages at its top.
ROOMS = ("moderation", "worker", "service", "models", "tests", "benchmarks", "integrations", "examples", "docs")  # fmt: skip
#: Kinds of files that people write comments or sentences in.
KINDS = {".py", ".lua", ".js", ".ts", ".php", ".css", ".html", ".md"}
#: Comments as readers write them, templates for training, in plain lists; and this file, which names the turns.
SAMPLES = {"models/augmentation.py", "tests/meta/test_english.py"}
#: What others wrote, and what is put beside it.
NOT_OURS = {"node_modules", "vendor", "__pycache__"}
#: Bounds without a unit, and turns that hide who or what is meant.
RIDDLES = re.compile(
    r"\bso (?:many|long|soon|seldom|often)\b(?! as)|\bwhoever\b|\bsuch a one\b|\bwhatever it was\b"
    r"|\bwhat (?:came|became) of\b|\banew\b|\bbe it\b|\bin vain\b|\bin a way of (?:its|their) own\b"
    r"|\b(?:what|which|that|text|one) is none\b|\b(?:what|that) \w+ makes of\b|\bhas it that\b",
    re.IGNORECASE,
)
#: A comment of Lua, JavaScript, PHP, CSS or a template, from where it begins.
_COMMENT = re.compile(r"(?:--|//|/\*|^\s*\*|\{#)(.*)")
#: Code of a template, and in it the strings, which are texts for people.
_TEMPLATE_CODE, _QUOTED = re.compile(r"\{[{%](.*?)[%}]\}"), re.compile(r"\"[^\"]*\"|'[^']*'")
#: A local that says what happened to its value instead of what it is.
_LOCAL = re.compile(r"\btold\b")


def sources() -> Iterator[Path]:
    yield from sorted(ROOT.glob("*.md"))
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            ours = path.suffix in KINDS and not NOT_OURS & set(path.parts)
            if ours and str(path.relative_to(ROOT)) not in SAMPLES:
                yield path


def riddles(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the turns in a file's sentences, and its locals called "told", each with its line."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in {tokenize.COMMENT, tokenize.STRING}:
                for found in RIDDLES.finditer(token.string):
                    yield token.start[0] + token.string.count("\n", 0, found.start()), found[0]
            if token.type == tokenize.NAME and _LOCAL.fullmatch(token.string):
                yield token.start[0], token.string
        return
    for number, line in enumerate(text.splitlines(), 1):
        comment = _COMMENT.search(line)
        said = line if path.suffix == ".md" else comment[1] if comment else ""
        for found in RIDDLES.finditer(said):
            yield number, found[0]
        for code in _TEMPLATE_CODE.findall(line) if path.suffix == ".html" else [line]:
            if path.suffix != ".md" and (local := _LOCAL.search(_QUOTED.sub("", code))):
                yield number, local[0]


@pytest.mark.parametrize("path", list(sources()), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_bound_says_its_unit_and_a_local_what_it_holds(path: Path):
    assert list(riddles(path)) == []
