"""Odd values: five thousand texts that a parameter may be given, and hardly any that it expects."""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from itertools import islice

#: Written by hand, each for something that a parser once made of it.
CLASSICS: tuple[str, ...] = (
    "", " ", "0", "-1", "-0", "+1", "1.5", "1e9", "1e400", "nan", "NaN", "inf", "-inf", "Infinity",
    "0x10", "0b1", "1_000", "²", "①", "٣", "12٣", "೬", "Ⅷ", "9" * 9, "9" * 25, "9" * 400, "9" * 5000,
    "2147483648", "9223372036854775807", "9223372036854775808", "18446744073709551615",
    "18446744073709551616", "-9223372036854775809", "true", "null", "None", "undefined", "[]", "{}",
    "\x00", "a\x00b", "\ud800", "x\udfff", "\ufffd", "\ufffe", "\u202e", "\u2028", "é", "e\u0301", "🙂",
    "ﷺ" * 50, "İ", "ß", "\x1b[2J", "\x7f", "\t", "\n", "\r\nX-Injected: 1", "%", "%%", "%00", "%zz",
    "%ff", "%ed%a0%80", "..", "../..", "..%2f..", "/", "//", "//[x", "///[", "http://[", "http://[::1",
    "http://]", "http://[v1.x]/", "https://a:b@c:d/", "http://x:99999/", "//evil.example", "/\\evil",
    "\\\\evil", "javascript:alert(1)", "data:,x", "[", "]", "[]x", "a@[", "@", "a@b", "a@[127.0.0.1]",
    "'", '"', "`", ";", ",", ",,", "=", "&", "#", "?", "|", "*", "(", "[a-", "\\", "$", "^", "(?i)", "(",
    "<script>", "]]>", "{{7*7}}", "${x}", "%s%n", "0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59.999999Z", "0000-00-00", "2026-02-30",
    "2026-01-01T00:00:00", "2026-01-01T00:00:00+99:99", "-0001-01-01", "1e18", "253402300800",
    "-62135596801", "-1-1", "0-0", "1-", "-", "--", "1-1-1", "9" * 20 + "-" + "9" * 20, "²-1", "X:²",
    ":", "::", "a:b:c", "x:1", "_", "1_", "_x", "nan_AAAAAAAAAAAAAAAAAAAAAA", "inf_x", "1e999_x",
    "99999999999999999999_0", "0_99999999999999999999", "20000_-1", "1_²", "٣_٣", "20261126_5",
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-7fff-bfff-ffffffffffff",
    "00000000-0000-7fff-8000-000000000000", "{00000000-0000-7000-8000-000000000000}",
    "urn:uuid:00000000-0000-7000-8000-000000000000", "0000000000007000800000000000000",
    "x" * 10_000, "," * 10_000, "🙂" * 3000, "wait=²", "wait=99999999999", "respond-async, wait=٣",
    "20-x", "2026-13", "20٣6-01", "60-days", "Basic eA==", "Bearer ", "Bearer \x85", "bearer wk_²",
    "de;q=²", "de-" * 500, "*;q=1e400", 'W/"', "bytes=0-", "en_US.UTF-8", "x/y; charset=\x00",
)  # fmt: skip

_GOOD = (
    "2026-11-26T17:00:00Z", "2026-11-26", "1790000000000-0", "0.5_AZq3RGZ7fwCAAD8dLExaaQ", "20783_12",
    "019ab3f0-1c2d-7000-8000-3f1d2c4b5a69", "https://blog.example/post?id=1#x", "ada@blog.example",
    "203.0.113.9", "2001:db8::1", "wait=2", "priority", "approve", "comment.approved", "50", "en-GB",
)  # fmt: skip
_SIGNS = string.printable + "\x00\x1f\x85\xa0²³¹٣①Ⅷ߉\u202e\u200d\ud800\udfff\ufeff\uffff🙂İßﷺ"


def values(count: int = 5000, *, seed: int = 15) -> list[str]:
    """Return *count* odd texts: the classics, then good values gone wrong, then noise."""
    noise = random.Random(seed)
    found = list(dict.fromkeys(CLASSICS))
    while len(found) < count:
        found.append(noise.choice((_mutated, _mutated, _joined, _noise, _digits))(noise))
    return list(islice(found, count))


def _mutated(noise: random.Random) -> str:
    text = list(noise.choice(_GOOD))
    for _ in range(noise.randint(1, 3)):
        at = noise.randrange(len(text) + 1)
        text[at : at + noise.randint(0, 2)] = noise.choice(_SIGNS) * noise.choice((0, 1, 1, 2, 40))
    return "".join(text)


def _joined(noise: random.Random) -> str:
    return noise.choice(("", "-", "_", ":", ".", "/", ",")).join(
        noise.choices((*CLASSICS[:60], *_GOOD), k=noise.randint(2, 3))
    )


def _noise(noise: random.Random) -> str:
    return "".join(noise.choices(_SIGNS, k=noise.randint(1, 40)))


def _digits(noise: random.Random) -> str:
    signs = noise.choice(("0123456789", "٠١٢٣٤٥٦٧٨٩", "²³¹0", "0123456789eE.+-", "０１２３９"))
    return "".join(noise.choices(signs, k=noise.randint(1, 40)))


def json_values(texts: Sequence[str]) -> list[object]:
    """Return what JSON may hold in a text's place, and each of *texts*."""
    odd: list[object] = [
        None, True, 0, -1.5, 2**63, 10**30, 1e308, float("nan"), float("inf"), [], [None, [1]], {},
        {"": {"\ud800": ["\x00"]}},
    ]  # fmt: skip
    return [*odd, *texts]
