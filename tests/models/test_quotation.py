"""Quotations are distinguished from the author's own words, in many languages."""

import pytest

from models.markup import CharacterKind, shown

ABUSE = "You are a complete idiot."
ANSWER = "Please keep it civil."


def own(text):
    found = shown(text)
    return " ".join("".join(found.text[a:b] for a, b in found.parts(CharacterKind.OWN)).split())


@pytest.mark.parametrize(
    "text",
    [
        f"> {ABUSE}\n\n{ANSWER}",
        f">{ABUSE}\n>> {ABUSE}\n{ANSWER}",
        f"&gt; {ABUSE}\n{ANSWER}",
        f"<blockquote><p>{ABUSE}</p></blockquote><p>{ANSWER}</p>",
        f"<p>Bob wrote:</p><blockquote>{ABUSE}</blockquote>{ANSWER}",
        f"[quote]{ABUSE}[/quote]{ANSWER}",
        f'[quote="Bob" post=1]{ABUSE}[quote]{ABUSE}[/quote]{ABUSE}[/quote] {ANSWER}',
        f'Bob wrote: "{ABUSE}" {ANSWER}'.replace('" ', '"\n'),
        f"@bob said: \u201c{ABUSE}\u201d\n{ANSWER}",
        f"Bob wrote:\n{ABUSE}\n\n{ANSWER}",
        f'"{ABUSE}"\n\n{ANSWER}',
        f"\u201e{ABUSE}\u201c\n{ANSWER}",
        f"\u00ab {ABUSE} \u00bb\n{ANSWER}",
        f"\uff1e {ABUSE}\n{ANSWER}",
        f"<p>Bob wrote:</p><p>{ABUSE}</p><p>{ANSWER}</p>",
        f"Quote:\nOriginally Posted by Bob\n{ABUSE}\n\n{ANSWER}".replace("Quote:\n", ""),
        f"{ANSWER}\n\nOn Mon, May 4, 2020 at 10:30 AM Bob <b@example.org> wrote:\n{ABUSE}\n\n{ABUSE}",
        f"{ANSWER}\n\n-----Original Message-----\nFrom: Bob\n\n{ABUSE}",
        f"{ANSWER}\n\nFrom: Bob\nSent: Monday\nTo: Ann\nSubject: x\n\n{ABUSE}",
        f"{ANSWER}\n\nVon: Bob\nGesendet: Montag\nAn: Ann\nBetreff: x\n\n{ABUSE}",
        f"{ANSWER}\n\n-------- Urspr\u00fcngliche Nachricht --------\n{ABUSE}",
    ],
)
def test_a_quotation_is_not_the_authors_own(text):
    assert own(text) == ANSWER


@pytest.mark.parametrize(
    "head",
    [
        "Am 04.05.2020 um 10:30 schrieb Bob <b@example.org>:",
        "Le lun. 4 mai 2020 \u00e0 10:30, Bob a \u00e9crit :",
        "El lun, 4 may 2020 a las 10:30, Bob escribi\u00f3:",
        "Em seg., 4 de mai. de 2020, Bob escreveu:",
        "Il giorno lun 4 mag 2020 Bob ha scritto:",
        "Op ma 4 mei 2020 om 10:30 schreef Bob:",
        "W dniu 4.05.2020 Bob napisa\u0142(a):",
        "Dne 4. 5. 2020 Bob napsal(a):",
        "Den m\u00e5n 4 maj 2020 skrev Bob:",
        "4 May 2020 tarihinde Bob \u015funlar\u0131 yazd\u0131:",
        "\u043f\u043d, 4 \u043c\u0430\u044f 2020 \u0433., Bob \u043d\u0430\u043f\u0438\u0441\u0430\u043b:",
        "2020\u5e745\u67084\u65e5 Bob\u5199\u9053\uff1a",
        "2020\u5e745\u67084\u65e5 Bob\u3055\u3093\u306f\u66f8\u304d\u307e\u3057\u305f:",
        "2020. 5. 4. Bob\ub2d8\uc774 \uc791\uc131:",
        "\u05d1\u05d9\u05d5\u05dd 4 \u05d1\u05de\u05d0\u05d9 2020 Bob \u05db\u05ea\u05d1:",
        "\u0641\u064a 4 \u0645\u0627\u064a\u0648 2020 \u0643\u062a\u0628 Bob:",
    ],
)
def test_attributions_of_many_languages_are_known(head):
    assert own(f"{ANSWER}\n\n{head}\n\n{ABUSE}") == ANSWER
    assert own(f"{head}\n> {ABUSE}\n\n{ANSWER}") == ANSWER


@pytest.mark.parametrize(
    "text",
    [
        f"I wrote: {ABUSE}",
        f"As I said: {ABUSE}",
        f"ich schrieb: {ABUSE}",
        f"My mother said: {ABUSE}",
        f"He said {ABUSE}",
        f'He said "{ABUSE}" and left.',
        f'"{ABUSE}" he said, and "that is all".',
        '"Great Expectations"',
        ">:( no",
        ">= 5 of them",
        "He wrote a book: it is good",
        "From: here to there",
        f"-- {ABUSE}",
        "The man who never wrote anything in his whole long life: my uncle.",
    ],
)
def test_the_authors_own_words_stay(text):
    assert own(text) == text
