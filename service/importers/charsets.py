"""The text of a file, whatever its charset is said to be."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import chardet

#: Stands for what could not be decoded; no text holds it, so that it can be counted and named later.
LOST = "\uffff"
#: What no text holds: control characters, halves of surrogate pairs, and what could not be decoded.
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_CHUNK_BYTES = 256 * 1024
#: Bytes of the file's start in which a declaration is looked for.
_HEAD_BYTES = 2048
#: Bytes of non-ASCII text that a guess is made from.
_SAMPLE_BYTES = 64 * 1024
#: Fewer non-ASCII bytes than this are no evidence for a guess.
_ENOUGH_TO_GUESS = 4
#: Bytes that UTF-8 cannot hold, after which the rest of the file is not counted.
_ENOUGH_LOST = 1000

#: A declared charset that cannot read a greater share of the text than this is not believed.
_FEW_LOST = 0.1
#: No Latin script has a greater share of accented letters: what says so is in another script.
_MOST_ACCENTED = 0.5
_ASCII = bytes(range(128))
_NO_LETTERS = bytes(byte for byte in range(128) if not chr(byte).isalpha())

_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']\s*([^\"'>]{1,40}?)\s*[\"']")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SINGLE = frozenset(
    {
        "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258",
        "cp874", "cp866", "koi8-r", "koi8-u", "macintosh", "mac-cyrillic",
        *(f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
    }
)  # fmt: skip
_WIDE = frozenset({"gb18030", "big5hkscs", "cp932", "cp949", "euc_jis_2004", "iso2022_jp"})
#: What exporters write, letters and digits only, and Python's codec for what browsers take it to mean.
_NAMES = {
    **{re.sub(r"[^a-z0-9]", "", name): name for name in _SINGLE | _WIDE},
    **{f"windows{codec[2:]}": codec for codec in _SINGLE if codec.startswith("cp12")},
    **{f"iso8859{part}": codec for part, codec in ((1, "cp1252"), (9, "cp1254"), (11, "cp874"))},
    **{f"latin{number}": codec for number, codec in ((1, "cp1252"), (2, "iso8859-2"))},
    **dict.fromkeys(("usascii", "ascii", "utf8", "utf8mb4", "utf8mb3", "unicode11utf8"), "utf-8"),
    **dict.fromkeys(("utf16", "utf16le", "utf16be", "ucs2", "unicode"), "utf-16"),
    **dict.fromkeys(("gbk", "gb2312", "xgbk", "cp936", "ms936", "euccn", "chinese"), "gb18030"),
    **dict.fromkeys(("big5", "cnbig5", "xxbig5", "big5eten", "cp950", "ms950"), "big5hkscs"),
    **dict.fromkeys(("shiftjis", "sjis", "xsjis", "windows31j", "mskanji", "ms932"), "cp932"),
    **dict.fromkeys(("euckr", "ksc56011987", "ksc5601", "uhc", "windows949", "korean"), "cp949"),
    **dict.fromkeys(("eucjp", "xeucjp", "ujis", "eucjis2004"), "euc_jis_2004"),
    **dict.fromkeys(("tis620", "windows874"), "cp874"),
    **dict.fromkeys(("macintosh", "mac", "macroman", "xmacroman"), "macintosh"),
    **dict.fromkeys(("xmaccyrillic", "maccyrillic"), "mac-cyrillic"),
    **dict.fromkeys(("koi8r", "koi8", "koi"), "koi8-r"),
    "ibm866": "cp866",
    "win1251": "cp1251",
}  # fmt: skip


def _mark_lost(problem: UnicodeError) -> tuple[str, int]:
    if isinstance(problem, UnicodeDecodeError):
        return LOST, problem.end
    raise problem


codecs.register_error("winnow.lost", _mark_lost)


def texts(file: BinaryIO) -> Iterator[str]:
    """Yield the file's text in pieces, lines ended by a line feed, with LOST for what cannot be decoded.

    The file is read twice: its charset is judged by all of it.
    """
    decoder = _decoder(charset_of(file))
    while chunk := file.read(_CHUNK_BYTES):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def cleaned(text: str) -> tuple[str, int]:
    """Return *text* without what no text holds, and how many characters that cost.

    Control characters are left out; half a surrogate pair and LOST become U+FFFD.
    """
    return _NO_TEXT.subn(lambda found: "" if found[0] <= "\x7f" else "\ufffd", text)


def charset_of(file: BinaryIO) -> str:
    """Return the codec that the file, from where it stands, is written in; leave it standing there.

    A byte order mark is believed before the content, the content before a declaration.
    """
    start = file.tell()
    try:
        return _judged(file)
    finally:
        file.seek(start)


def _judged(file: BinaryIO) -> str:
    head = file.read(_HEAD_BYTES)
    bom = next((codec for mark, codec in _BOMS if head.startswith(mark)), None)
    if bom:
        return bom
    if b"\0" in head[:4]:
        return "utf-16-be" if head.startswith(b"\0") else "utf-16-le"
    said = _DECLARED.search(head)
    declared = _NAMES.get(_plain(said[1].decode("ascii", "replace")), "") if said else ""
    if declared == "utf-16":  # there would be zero bytes
        declared = "utf-8"
    sample, wide, lost = _evidence(head, file)
    if not sample or _believable(declared, sample, wide, lost):
        return declared or "utf-8"
    if wide >= lost:
        return "utf-8"
    if len(sample.translate(None, _ASCII)) < _ENOUGH_TO_GUESS:
        return declared if declared == "utf-8" else "cp1252"
    return _guessed(sample)


def _believable(declared: str, sample: bytes, wide: int, lost: int) -> bool:
    """Return whether the text may be in the charset that is declared, if that is another than UTF-8.

    Most of what is UTF-8 can be read as something else, and little of what is something else as
    UTF-8: more than a few characters that are UTF-8 without a fault are believed to be that.
    """
    if declared in _WIDE and not _share_lost(sample, declared):
        return lost > 0 or wide < len(sample) / 3
    if declared not in _SINGLE | _WIDE or wide >= lost:
        return False
    high = len(sample.translate(None, _ASCII))
    letters = len(sample.translate(None, _NO_LETTERS))
    if declared == "cp1252" and high > _MOST_ACCENTED * letters:
        return False
    return _share_lost(sample, declared) < _FEW_LOST


def _evidence(head: bytes, file: BinaryIO) -> tuple[bytes, int, int]:
    """Return non-ASCII pieces of the text, and how UTF-8 fares: bytes of sequences, bytes lost.

    Of sequences those bytes are counted that follow the first: as many as there would be faults.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("winnow.lost")
    sample, sampled, wide, lost = [], 0, 0, 0
    chunk = head
    while chunk and lost <= _ENOUGH_LOST + wide:
        if chunk.isascii():
            lost += decoder.decode(chunk).count(LOST)
        else:
            for piece in re.split(rb"[\n<>]", chunk) if sampled < _SAMPLE_BYTES else ():
                if not piece.isascii():
                    sample.append(piece)
                    sampled += len(piece)
            # A small piece at a time: a handler that Python calls for each byte is slow.
            for at in range(0, len(chunk), 16 * 1024):
                piece = chunk[at : at + 16 * 1024]
                text = decoder.decode(piece)
                faults = text.count(LOST)
                lost += faults
                wide += len(piece) - len(text)
                if lost > _ENOUGH_LOST + wide:
                    break
        chunk = file.read(_CHUNK_BYTES)
    return b"\n".join(sample)[:_SAMPLE_BYTES], wide, lost


def _share_lost(sample: bytes, codec: str) -> float:
    """Return which share of a sample's non-ASCII characters a codec cannot read."""
    text = _decoder(codec).decode(sample)
    high = sum(1 for char in text if char > "\x7f")
    return text.count(LOST) / max(1, high)


def _guessed(sample: bytes) -> str:
    guess = chardet.detect(
        sample,
        encoding_era=chardet.EncodingEra.MODERN_WEB,
        prefer_superset=True,
        compat_names=False,
    )["encoding"]
    codec = _NAMES.get(_plain(guess or ""), "cp1252")
    # Without a mark at its head, UTF-16 would have had zero bytes there.
    return "cp1252" if codec == "utf-16" else codec


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _decoder(codec: str) -> io.IncrementalNewlineDecoder:
    return io.IncrementalNewlineDecoder(
        codecs.getincrementaldecoder(codec)("winnow.lost"), translate=True
    )


def cleaned_deeply(content: Any) -> tuple[Any, int]:
    """Return parsed JSON with each text of it, keys included, :func:`cleaned`, and the cost."""
    match content:
        case str():
            return cleaned(content)
        case dict():
            keys = [cleaned(key) for key in content]
            values = [cleaned_deeply(value) for value in content.values()]
            less = sum(cost for _, cost in (*keys, *values))
            return {key: value for (key, _), (value, _) in zip(keys, values, strict=True)}, less
        case list():
            values = [cleaned_deeply(value) for value in content]
            return [value for value, _ in values], sum(cost for _, cost in values)
        case _:
            return content, 0


def lines(file: BinaryIO, *, longest: int) -> Iterator[tuple[int, str]]:
    """Yield numbered lines that are not blank; of one over *longest* characters only the beginning.

    The part of such a line that is yielded is longer than *longest*; memory stays bounded.
    """
    number, line = 1, ""
    for piece in texts(file):
        first, *others = piece.split("\n")
        line = f"{line}{first}"[: longest + 1]
        for other in others:
            if line.strip():
                yield number, line
            number, line = number + 1, other[: longest + 1]
    if line.strip():
        yield number, line
