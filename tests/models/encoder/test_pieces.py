"""SentencePiece cuts as tokenizers does, which the encoder was trained with."""

from __future__ import annotations

import json
import unicodedata

import pytest
from tokenizers import Tokenizer

from models import sentences
from models.artifacts import BrokenArtifact
from models.encoder.pieces import Pieces
from models.encoder.runtime import SHIPPED, TOKENIZER
from models.encoder.windows import UNKNOWN
from tests.support import odd


@pytest.fixture(scope="module")
def ways():
    """Return how both cut a text as the windows give it to them."""
    pieces, tokenizer = (
        Pieces.load(SHIPPED / TOKENIZER),
        Tokenizer.from_file(str(SHIPPED / TOKENIZER)),
    )
    return (
        lambda text: [max(UNKNOWN, one) for one in pieces(text)],
        lambda text: [
            max(UNKNOWN, one) for one in tokenizer.encode(text, add_special_tokens=False).ids
        ],
    )


def composed(text: str) -> str:
    return unicodedata.normalize("NFKC", text)[:2100].encode("utf-8", "replace").decode()


def test_our_own_sentences_are_cut_alike_alone_and_in_a_row(ways):
    ours, theirs = ways
    texts = [composed(one.text) for one in sentences.generated().examples]
    rows = [" ".join(texts[at : at + 6])[:2100] for at in range(0, len(texts), 6)]
    assert len(texts) > 10_000
    assert [text for text in [*texts, *rows] if ours(text) != theirs(text)] == []


def test_odd_texts_are_cut_into_the_same_pieces(ways):
    """In a run of one character, cuts that are equally likely may come in another order."""
    ours, theirs = ways
    texts = [composed(text) for text in odd.values(5000)]
    assert [text for text in texts if sorted(ours(text)) != sorted(theirs(text))] == []
    assert sum(ours(text) != theirs(text) for text in texts) < len(texts) / 25


@pytest.mark.parametrize(
    "text",
    ["", " ", "  x", "\u2581", "\u2581x", "x\u2581y", "\n", "\t x", "🙂🙂", "x  y ", "\x00a", "<s> </s>", "<pad>", "<mask>"],
)  # fmt: skip
def test_spaces_and_marks_are_cut_alike(ways, text):
    ours, theirs = ways
    assert ours(text) == theirs(text)


def test_a_name_of_what_is_unknown_is_unknown(ways):
    ours, theirs = ways
    assert ours("<unk>")[-1] == theirs("<unk>")[-1] == UNKNOWN


def test_a_vocabulary_of_another_kind_is_refused():
    tokenizer = json.loads((SHIPPED / TOKENIZER).read_bytes())
    tokenizer["model"]["type"] = "BPE"
    with pytest.raises(BrokenArtifact, match="BPE"):
        Pieces.read(json.dumps(tokenizer).encode())
