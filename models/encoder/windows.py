"""Cuts a text into the few windows that the encoder reads, at a bounded cost."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

#: The most tokens of a window, the two marks around it among them.
TOKENS = 160
#: Tokens of a window beside its marks, and tokens that two neighbours share.
BODY = TOKENS - 2
OVERLAP = 32
#: The most windows of a text: three full ones take some 45 ms.
MOST = 3
#: The most characters that are tokenised; of a longer text, as many in slices spread over it.
CHARACTERS = 2_100

#: Returns the ids of the pieces of a text.
Cut = Callable[[str], list[int]]

#: Ids of the marks around a window, of the padding behind it, and of what no piece stands for.
BEGIN, PADDING, END, UNKNOWN = 0, 1, 2, 3


def windows(text: str, cut: Cut) -> list[list[int]]:
    """Return the token ids of 1 to MOST windows of *text*, each of at most TOKENS.

    A text of up to 410 tokens is read whole. Of a longer one the first window stands at the
    beginning, the last at the end, and the rest evenly between.
    """
    if len(text) <= CHARACTERS:
        tokens = _tokens(text, CHARACTERS, cut)
        bodies = [tokens[start : start + BODY] for start in _starts(len(tokens))]
    else:
        size = CHARACTERS // MOST
        gap = (len(text) - size) // (MOST - 1)
        slices = [text[gap * n : gap * n + size] for n in range(MOST - 1)]
        bodies = [_tokens(one, size, cut)[:BODY] for one in slices]
        bodies.append(_tokens(text[-size:], size, cut)[-BODY:])
    return [[BEGIN, *body, END] for body in bodies]


def _starts(tokens: int) -> list[int]:
    step = BODY - OVERLAP
    needed = 1 + max(0, -(-(tokens - BODY) // step))
    if needed <= MOST:
        return [step * n for n in range(needed)]
    return [(tokens - BODY) * n // (MOST - 1) for n in range(MOST)]


def _tokens(text: str, most: int, cut: Cut) -> list[int]:
    """Return the ids of the first *most* characters of *text*.

    One character may decompose into eighteen, so it is cut again once it is composed as the
    tokenizer would. A mark that somebody spelled out (`</s>`) is no mark.
    """
    composed = unicodedata.normalize("NFKC", text)[:most]
    valid = composed.encode("utf-8", "replace").decode()
    return [max(UNKNOWN, id_) for id_ in cut(valid)]
