"""Finds quotations in a text: quoted lines, "X wrote:", forwarded e-mails."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import re2

#: A range of a text in code points: its beginning and its end.
Range = tuple[int, int]

#: "Wrote", as mail programs, forums and readers put it, in the languages that we know it in.
WROTE = (
    "wrote", "writes", "schrieb", "schreibt", "hat geschrieben", "a écrit", "a ecrit", "écrit",
    "escribió", "escribio", "escribe", "va escriure", "escreveu", "escreve", "ha scritto", "scrive",
    "scrisse", "schreef", "schrijft", "napisał", "napisała", "napisał(a)", "pisze", "napsal",
    "napsala", "napsal(a)", "napísal", "napísala", "skrev", "skriver", "kirjoitti", "yazdı", "yazmış",
    "написал", "написала", "написал(а)", "пишет", "написав", "написала", "пише", "написа",
    "έγραψε", "έγραψες", "كتب", "كتبت", "כתב", "כתבה", "כתב/ה", "نوشت", "نوشته", "ने लिखा", "লিখেছেন",
    "menulis", "đã viết", "viết", "เขียนว่า", "เขียน", "が書きました", "さんは書きました", "のメール",
    "님이 작성", "님이 씀", "님의 글", "写道", "寫道", "írta", "a scris", "rašė", "rakstīja", "kirjutas",
)  # fmt: skip
#: "Said" names a quotation only when quotation marks follow.
_SAID = (
    "said", "says", "sagte", "sagt", "a dit", "dit", "dijo", "dice", "disse", "ha detto", "zei",
    "zegt", "powiedział", "powiedziała", "řekl", "řekla", "sa", "säger", "sanoi", "dedi", "сказал",
    "сказала", "сказав", "είπε", "قال", "قالت", "אמר", "אמרה", "گفت", "ने कहा", "berkata", "nói",
    "と言った", "말했다", "说", "說",
)  # fmt: skip
#: How a forum heads a quotation: "Quote:", "Originally posted by X".
_QUOTE = (
    "quote", "quoting", "zitat", "citation", "cita", "citação", "citazione", "citaat", "cytat",
    "citace", "citat", "lainaus", "alıntı", "цитата", "παράθεση", "اقتباس", "ציטוט", "نقل قول", "引用",
    "인용", "trích dẫn", "kutipan", "originally posted by",
)  # fmt: skip
#: First person before "wrote": the author speaks of their own text, which is no quotation.
_FIRST_PERSON = re.compile(
    r"\W*(?:as |what |when |wie |como |comme )?"
    r"(?:i|we|ich|wir|je|j'|nous|yo|eu|io|ik|ja|jag|minä|ben|я|мы|ми|אני|أنا|من|मैं|saya|tôi|私|나|我)\b",
    re.IGNORECASE,
)
_ORIGINAL = (
    r"original message|original mail|forwarded message|begin forwarded message"
    r"|urspr\wngliche nachricht|original-?nachricht|weitergeleitete nachricht"
    r"|message d['\u2019]origine|message original|message transf\wr\w"
    r"|mensaje original|mensaje reenviado|mensagem original|mensagem encaminhada"
    r"|messaggio originale|messaggio inoltrato|oorspronkelijk bericht|doorgestuurd bericht"
    r"|oryginalna wiadomo\w+|wiadomo\w+ oryginalna|p\wvodn\w zpr\wva|p\wvodn\w spr\wva"
    r"|ursprungligt meddelande|originalmeddelande|oprindelig meddelelse|opprinnelig melding"
    r"|alkuper\winen viesti|orijinal mesaj|\w*zg\wn mesaj|eredeti \wzenet|mesaj original"
    r"|исходное сообщение|оригинальное сообщение|пересылаемое сообщение|вихідне повідомлення"
    r"|αρχικό μήνυμα|الرسالة الأصلية|הודעה מקורית|پیام اصلی|मूल संदेश|pesan asli|tin nhắn gốc|thư gốc"
    r"|元のメッセージ|원본 메시지|原始邮件|原始郵件|邮件原件"
)
_FORWARDED = re.compile(
    rf"[ \t]*(?:[-_=*]{{2,}}[ \t]*(?:{_ORIGINAL})|begin forwarded message:)", re.IGNORECASE
)
#: "From", as it heads an e-mail.
FROM = (
    r"from|von|de|expéditeur|remitente|da|van|od|från|fra|lähettäjä|kimden|gönderen"
    r"|от|від|від кого|από|من|מאת|از|से|dari|từ|差出人|보낸 사람|发件人|寄件者"
)
_FROM = re.compile(rf"[ \t*]*(?:{FROM})[ \t*]*[:\uff1a][ \t*]*\S", re.IGNORECASE)
_HEADER = re.compile(
    r"[ \t*]*(?:sent|date|to|cc|subject|gesendet|datum|an|betreff|envoyé|à|objet|enviado|fecha|para"
    r"|asunto|data|assunto|inviato|a|oggetto|verzonden|aan|onderwerp|wysłano|do|temat|odesláno"
    r"|komu|předmět|skickat|till|ämne|sendt|til|emne|lähetetty|vastaanottaja|aihe|tarih|gönderildi"
    r"|kime|konu|отправлено|дата|кому|тема|надіслано|στάλθηκε|προς|θέμα|تاريخ|إلى|الموضوع|נשלח|אל|נושא"
    r"|送信日時|宛先|件名|보낸 날짜|받는 사람|제목|发送时间|收件人|主题|寄件日期|主旨)[ \t*]*[:\uff1a]",
    re.IGNORECASE,
)
_LINE = re.compile(r"[^\n]*\n?")
#: A quoted line; ">:(", ">.<" and ">= 5" quote nothing.
_MARKED = re.compile(r"[ \t\u3000]{0,4}[>\uff1e](?![=.:;_-]{1,2}[<(\[/|\\DPO]|=)")


def _any(words: Sequence[str]) -> str:
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


_HEAD = re.compile(
    rf"[ \t]*(?P<before>[^\n]{{0,160}}?)(?:(?<!\w)|(?=[^\x00-\u0fff]))(?:(?P<wrote>{_any(WROTE)})|(?P<said>{_any(_SAID)}))"
    r"(?!\w)(?P<after>[^\n]{0,120}?)[:\uff1a](?=[ \t]|$|\n|[\"'\u00ab\u201c\u201e\u300c\uff02])"
    r"(?P<rest>[^\n]*)",
    re.IGNORECASE,
)
#: Every quotation has one of these signs; a text without any is not searched further.
CUES = (
    r"^[ \t\x{3000}]*(?:[>\x{ff1e}\x{22}\x{201c}\x{201e}\x{ab}\x{300c}\x{300e}]|[-_=*]{2,}[ \t]*\pL|begin forwarded message)"
    rf"|^[ \t*]*(?:{FROM})[ \t*]*[:\x{{ff1a}}]"
    rf"|(?:{_any((*WROTE, *_SAID, *_QUOTE))})[^\n]*(?:[:\x{{ff1a}}]|$)"
)
_MAYBE = re2.compile(f"(?im){CUES}")
_FORUM = re.compile(rf"[ \t]*(?:{_any(_QUOTE)})\b[^\n:]{{0,60}}[:\uff1a]?[ \t]*$", re.IGNORECASE)
_PAIRS = {
    '"': '"', "\u201c": "\u201d", "\u201e": "\u201c\u201d", "\u00ab": "\u00bb", "\u00bb": "\u00ab",
    "\u300c": "\u300d", "\u300e": "\u300f", "\u2018": "\u2019", "'": "'", "\uff02": "\uff02",
}  # fmt: skip
_DATED = re.compile(r"\d")


def ranges(text: str, kinds: Sequence[int]) -> Iterator[Range]:
    """Yield the range of each quotation in *text*, in order.

    *kinds* has a number for each character; one other than 0 says that the character is known not
    to be among the author's own words, and such a part may follow an attribution.
    """
    if _MAYBE.search(text.encode("utf-8", "replace")) is None:
        return
    lines = [match.span() for match in _LINE.finditer(text) if match.group()]
    paragraphs = _paragraphs(text, lines)
    number = 0
    while number < len(lines):
        begin, end = lines[number]
        line = text[begin:end].rstrip("\n")
        if _MARKED.match(line) or _is_in_marks(line):
            yield begin, end
        elif _FORWARDED.match(line) or _is_mail_head(text, lines, number):
            yield begin, len(text)
            return
        elif (head := _headed(line)) is not None:
            quote = _quote_after(text, kinds, lines, paragraphs, number, head)
            if quote is not None:
                yield begin, quote
                while number + 1 < len(lines) and lines[number + 1][0] < quote:
                    number += 1
        number += 1


def _is_in_marks(line: str) -> bool:
    """Say whether a whole line stands in one pair of quotation marks, and is a sentence."""
    line = line.strip()
    if line[:1] not in _PAIRS or line[:1] in "'\u2018\u00bb":
        return False
    body = line.rstrip(".,!?\u2026\u3002")
    is_sentence = len(line.split()) > 2 or (not line.isascii() and len(line) > 8)
    return is_sentence and _closing(line, 0, len(line)) in (len(body), len(line))


def _is_mail_head(text: str, lines: Sequence[Range], number: int) -> bool:
    """Say whether "From:" stands here with two more lines of an e-mail's head below it."""
    begin, end = lines[number]
    if not _FROM.match(text[begin:end]):
        return False
    below = [text[first:last] for first, last in lines[number + 1 : number + 6]]
    return sum(_HEADER.match(line) is not None for line in below) >= 2


def _is_lower(word: str) -> bool:
    """Tell whether a word cannot be a name: "He wrote a book:" announces no quotation."""
    return word[:1].islower()


class _Head(NamedTuple):
    """A line that announces a quotation."""

    #: Where in the line it ends.
    end: int
    #: Whether only quotation marks make what follows a quotation.
    needs_marks: bool
    #: Whether it has a date, as mail programs write it.
    has_date: bool


def _headed(line: str) -> _Head | None:
    """Return the head that *line* begins with, if it does."""
    if _FORUM.match(line):
        return _Head(len(line), needs_marks=False, has_date=False)
    match = _HEAD.match(line)
    if match is None or _FIRST_PERSON.match(line):
        return None
    named = f"{match['before']} {match['after']}"
    dated = _DATED.search(named) is not None
    if not dated and (len(named.split()) > 5 or any(map(_is_lower, match["after"].split()))):
        return None
    if not named.strip():
        return None
    return _Head(match.start("rest"), match["said"] is not None, dated)


def _quote_after(
    text: str,
    kinds: Sequence[int],
    lines: Sequence[Range],
    paragraphs: Sequence[int],
    number: int,
    head: _Head,
) -> int | None:
    """Return where the quotation that an attribution announces ends, or None for no quotation."""
    begin, end = lines[number]
    start = begin + head.end
    if text[start:end].strip():
        closing = _closing(text, start, end)
        return closing or (None if head.needs_marks else end)
    following = next(
        (one for one in range(number + 1, len(lines)) if text[slice(*lines[one])].strip()), None
    )
    if following is None:
        return None
    first = lines[following][0]
    if kinds[first] or _MARKED.match(text, first):
        return end
    last = paragraphs[following]
    closing = _closing(text, first, last)
    if closing or head.needs_marks:
        return closing
    # A reply above a whole e-mail: all below the attribution is the e-mail.
    return len(text) if head.has_date and text[:begin].strip() else last


def _paragraphs(text: str, lines: Sequence[Range]) -> list[int]:
    """Return for each line where its paragraph ends; for a blank one, where it begins itself."""
    ends = [0] * len(lines)
    last = len(text)
    for number in range(len(lines) - 1, -1, -1):
        begin, end = lines[number]
        if text[begin:end].strip():
            ends[number] = last
        else:
            ends[number] = last = begin
    return ends


def _closing(text: str, start: int, end: int) -> int | None:
    """Return the end of the quotation that the first character opens, None if it is never closed."""
    while start < end and text[start].isspace():
        start += 1
    marks = _PAIRS.get(text[start : start + 1])
    if marks is None:
        return None
    closings = [place for mark in marks if (place := text.find(mark, start + 1, end)) > 0]
    return min(closings) + 1 if closings else None
