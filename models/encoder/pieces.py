"""Cuts a text into the pieces that the encoder knows, by SentencePiece.

The vocabulary is the file that the library tokenizers reads. SentencePiece holds it in a fifth of the
memory and cuts a text in a sixth of the time; ``tests/models/encoder/test_pieces.py`` compares both.
"""

from __future__ import annotations

import ctypes
import json
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from sentencepiece import SentencePieceProcessor

from models.artifacts import BrokenArtifact

#: Character that stands for a space, and begins each word.
_SPACE = "\u2581"
#: The name of what no piece stands for, and a character that none does: somebody may spell the name out.
_UNKNOWN, _NOTHING = "<unk>", "\U000f0000"
#: How protocol buffers write the kinds of field that a model has.
_VARINT, _BYTES, _FLOAT = 0, 2, 5
_UNIGRAM, _UNKNOWN_PIECE = 1, 2


class Pieces:
    """The vocabulary of an encoder."""

    def __init__(self, vocabulary: Sequence[tuple[str, float]], unknown: int) -> None:
        """Know the pieces of *vocabulary*, each with its log probability; *unknown* is the id of none."""
        self._processor = SentencePieceProcessor(model_proto=b"".join(_model(vocabulary, unknown)))

    @classmethod
    def read(cls, tokenizer: bytes) -> Pieces:
        """Return the vocabulary of a ``tokenizer.json``. Raises BrokenArtifact if it is of another kind."""
        tokenizer_json = json.loads(tokenizer)
        model, words = tokenizer_json["model"], tokenizer_json["pre_tokenizer"]
        kind = (model["type"], words["type"], words["replacement"], words["prepend_scheme"])
        if kind != ("Unigram", "Metaspace", _SPACE, "always") or model["byte_fallback"]:
            raise BrokenArtifact(f"a tokenizer of the kind {kind} cannot be read")
        pieces = cls(model["vocab"], model["unk_id"])
        del tokenizer_json, model
        # What the vocabulary was read from took as much again; each fork would keep it.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim:
            trim(0)
        return pieces

    @classmethod
    def load(cls, path: Path) -> Pieces:
        """Return the vocabulary of the file *path*."""
        return cls.read(path.read_bytes())

    def __call__(self, text: str) -> list[int]:
        """Return the ids of the pieces of *text*, which is composed (NFKC) and valid Unicode."""
        if text and text[0] not in (" ", _SPACE):
            text = _SPACE + text
        ids: list[int] = self._processor.encode(text.replace(_UNKNOWN, _NOTHING))
        return ids


def _model(vocabulary: Sequence[tuple[str, float]], unknown: int) -> Iterator[bytes]:
    """Yield the parts of SentencePiece's ModelProto: its pieces, how they were made, and no normal form."""
    for number, (piece, score) in enumerate(vocabulary):
        if _NOTHING in piece:
            raise BrokenArtifact("a piece has the character that stands for none")
        kind = _number(3, _UNKNOWN_PIECE) if number == unknown else b""
        yield _bytes(
            1, _bytes(1, piece.encode()) + _key(2, _FLOAT) + struct.pack("<f", score) + kind
        )
    marks = b"".join(_number(field, -1) for field in (41, 42, 43))  # we add them by ourselves
    yield _bytes(
        2, _number(3, _UNIGRAM) + _number(4, len(vocabulary)) + _number(40, unknown) + marks
    )
    as_it_is = _number(3, 0) + _number(4, 0) + _number(5, 1)
    yield _bytes(3, _bytes(1, b"identity") + as_it_is)


def _bytes(field: int, content: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return _key(field, _VARINT) + _varint(value % 2**64)


def _key(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _varint(number: int) -> bytes:
    if number < 128:
        return bytes((number,))
    return bytes((number & 127 | 128,)) + _varint(number >> 7)
