"""Our own training sentences are complete, consistent and name no real host or phone number."""

import re
import string
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from models.sentences import generated

FILES = sorted(Path("models/sentences").glob("*.toml"))

HARMLESS = {
    "thanks",
    "questions",
    "agreement",
    "stories",
    "films",
    "looks_rude",
    "identities",
    "quotes",
    "links",
    "swearing_nobody",
    "short",
    "trade_talk",
}
SPAM = {
    "casino",
    "loans",
    "crypto",
    "seo",
    "pharmacy",
    "escorts",
    "jobs",
    "goods",
    "praise",
    "services",
    "healers",
    "trackbacks",
}
#: Lists of each section.
SECTIONS = {
    "harmless": HARMLESS,
    "insult": {"plain", "clean_words", "sarcastic", "short"},
    "obscene": {"plain"},
    "threat": {"plain", "veiled"},
    "hate": {"plain", "veiled"},
    "spam": SPAM,
}
#: Fewest templates of a section; English, the language of most comments, has twice as many.
FEWEST = {"harmless": 144, "insult": 30, "obscene": 15, "threat": 20, "hate": 25, "spam": 60}
#: Fewest templates of one list in `harmless`, and in every other section.
FEWEST_HARMLESS, FEWEST_OTHER = 12, 3
#: Most templates of spam, or of abuse, that share a word which no harmless one has: no word decides.
MOST_OF_ONE_WORD = 11
#: Fewest groups that hateful and friendly sentences share.
FEWEST_GROUPS = 12

#: Languages of issue 23, point 7.
LANGUAGES = set(
    "ar bn cs de el en es fa fi fr he hi id it ja ko nl pl pt ru sv th tr uk vi zh".split()  # noqa: SIM905
)

HOST = re.compile(
    r"""(?:https?://|www\.|(?<=\w)@(?=[\w-]+\.\w))(?P<linked>[\w.-]+\w)
    |(?<![\w./@-])(?P<bare>[\w-]+(?:\.[\w-]+)*\.[a-z]{2,24})(?=[/\s)\]"'<]|$)""",
    re.VERBOSE,
)
NUMBER = re.compile(r"\+?\d[\d\s()./-]{7,}\d")


def read(path):
    return tomllib.loads(path.read_text(encoding="utf-8"))


def lists(data):
    for section, kinds in SECTIONS.items():
        for kind in kinds:
            yield section, kind, data[section][kind]


def templates(data):
    return [template for _, _, entries in lists(data) for template in entries]


def slots(template):
    return {field for _, field, _, _ in string.Formatter().parse(template) if field is not None}


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def data(path):
    return read(path)


def test_every_language_has_its_file():
    assert {path.stem for path in FILES} >= LANGUAGES


def test_a_file_says_its_language_and_has_every_list_and_no_other(path, data):
    assert data["language"] == path.stem
    assert set(data) == {"language", "slots", *SECTIONS}
    for section, kinds in SECTIONS.items():
        assert set(data[section]) == kinds, section


def test_lists_are_long_enough(path, data):
    times = 2 if path.stem == "en" else 1
    for section, kind, entries in lists(data):
        fewest = FEWEST_HARMLESS * times if section == "harmless" else FEWEST_OTHER
        assert len(entries) >= fewest, (section, kind)
    for section, fewest in FEWEST.items():
        assert sum(map(len, data[section].values())) >= fewest * times, section


def test_half_of_the_harmless_sentences_are_short(data):
    harmless = [template for entries in data["harmless"].values() for template in entries]
    assert sum(len(template) <= 80 for template in harmless) * 2 >= len(harmless)


def test_slots_exist_and_are_used(data):
    used = set().union(*map(slots, templates(data)))
    assert used == set(data["slots"])
    assert all(len(set(values)) == len(values) >= 3 for values in data["slots"].values())
    assert not any(slots(value) for values in data["slots"].values() for value in values)


def test_hateful_and_friendly_sentences_draw_from_the_same_groups(data):
    assert len(data["slots"]["group_people"]) >= FEWEST_GROUPS
    for section in ("harmless", "hate"):
        used = {
            slot
            for entries in data[section].values()
            for template in entries
            for slot in slots(template)
        }
        assert "group_people" in used, section


def test_no_word_tells_spam_or_abuse_by_itself(data):
    def words(*sections):
        return Counter(
            word
            for section in sections
            for entries in data[section].values()
            for template in entries
            for word in set(re.findall(r"[^\W\d_]{2,}", re.sub(r"{\w+}", " ", template.casefold())))
        )

    harmless = words("harmless")
    for sections in (["spam"], ["insult", "obscene", "threat", "hate"]):
        telling = {
            word: count
            for word, count in words(*sections).items()
            if count > MOST_OF_ONE_WORD and not harmless[word]
        }
        assert telling == {}


def test_no_template_stands_twice(data):
    folded = Counter(template.casefold().strip(" .!?…") or template for template in templates(data))
    assert [template for template, count in folded.items() if count > 1] == []


def test_sentences_are_tidy(data):
    for text in [*templates(data), *(v for values in data["slots"].values() for v in values)]:
        assert text
        assert text == text.strip()
        assert "  " not in text


def test_hosts_are_reserved_ones(path):
    hosts = [first or second for first, second in HOST.findall(path.read_text(encoding="utf-8"))]
    assert hosts
    assert {host for host in hosts if not host.endswith((".example", ".test"))} == set()


def test_phone_numbers_are_made_up(path):
    numbers = NUMBER.findall(path.read_text(encoding="utf-8"))
    assert numbers
    digits = ["".join(str(int(sign)) for sign in number if sign.isdigit()) for number in numbers]
    assert [number for number in digits if "555" not in number] == []


def test_nothing_that_tests_judge_by_is_learned():
    letters = {_letters(one.text) for one in generated(each=8).examples}
    kept = tomllib.loads(Path("tests/models/lookalikes.toml").read_text(encoding="utf-8"))
    texts = [text for lists in kept.values() for texts in lists.values() for text in texts]
    assert [text for text in texts if _letters(text) in letters] == []


def _letters(text):
    return "".join(filter(str.isalnum, text.casefold()))
