"""The desk's languages: who gets which, and that no text is left out of a translation."""

from __future__ import annotations

import ast
import html
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.frontend import CommandLineInterface
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask.testing import FlaskClient
from jinja2 import Environment, nodes

from models.explain import Contribution
from models.scorer import BEHAVIOUR
from models.signals import SIGNALS
from moderation.comment import Author, Decision, Draft, Post, Status
from moderation.credentials import KeyKind
from moderation.delivery import DeliveryState
from moderation.endpoint import Endpoint
from moderation.facts import Facts, Near
from moderation.moderators import Role
from moderation.policy import RULES, Case, Mode, Policy, Thresholds
from moderation.reasons import SENTENCES, Reason, sentence
from moderation.records import Order
from moderation.scores import Label, Scores
from moderation.site import Door
from moderation.treatment import Treatment
from moderation.verdict import Action
from moderation.wording import CATALOGS, languages
from service.desk import audit, queue, reasons, words
from tests.service.desk.test_desk import decide, token
from tests.service.desk.test_rights import routes
from tests.support.actors import ADA
from tests.support.world import PASSWORD, World

CONSOLE = Path(words.__file__).parent
ROOT = CONSOLE.parents[1]
LANGUAGES = [language for language in languages() if language != words.SOURCE]
GERMAN = "de-AT,de;q=0.9,en;q=0.5"

#: What is called the same in every language, or isn't for reading.
NAMES = {"Winnow", "WINNOW_SMTP_URL"}
#: The marks of translatable text, in templates and in Python.
MARKS = {"_", "gettext", "ngettext", "pgettext", "later", "said"}


# -- the catalogues


def catalogue(language: str) -> Catalog:
    """Return what translators wrote."""
    with (CATALOGS / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def texts(language: str) -> list[Message]:
    """Return all texts of a catalogue, without its header."""
    return [message for message in catalogue(language) if message.id]


def forms(text: str | tuple[str, ...]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


@pytest.fixture(scope="module")
def marked(tmp_path_factory) -> Catalog:
    """Return every text that is marked in the sources, found as `make words` finds it."""
    pot = tmp_path_factory.mktemp("words") / "messages.pot"
    places = [str(CONSOLE), str(ROOT / "moderation"), str(ROOT / "models")]
    extract = ["extract", "-F", str(ROOT / "pyproject.toml"), "-o", str(pot), *places]
    CommandLineInterface().run(["pybabel", "--quiet", *extract])
    with pot.open("rb") as file:
        return read_po(file)


def test_every_catalogue_is_shipped():
    """One that was never compiled would be left out in silence."""
    written = {path.parts[-3] for path in CATALOGS.glob("*/LC_MESSAGES/*.po")}
    assert written == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_has_every_marked_text_and_no_other(language: str, marked: Catalog):
    """`make words` was run, and every text is translated."""
    translated = catalogue(language)
    assert {(one.context, one.id) for one in texts(language)} == {
        (one.context, one.id) for one in marked if one.id
    }
    assert not translated.obsolete
    for message in texts(language):
        assert all(forms(message.string)), f"not translated: {message.id}"
        assert not message.fuzzy, f"only guessed: {message.id}"
        assert len(forms(message.string)) == (translated.num_plurals if message.pluralizable else 1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_shipped_is_what_the_translators_wrote(language: str):
    """`make run` compiles nothing, so the compiled file is kept beside its source."""
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(language))
    shipped = CATALOGS / language / "LC_MESSAGES" / "messages.mo"
    assert shipped.read_bytes() == compiled.getvalue(), "run `make words`"


PLACES = re.compile(r"%\(\w+\)s|%%|%(?!\()")
TAGS = re.compile(r"<[^>]*>")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_keeps_the_places_for_values_and_the_markup(language: str):
    """No value is lost, and no quotation mark ends an attribute early."""
    for message in texts(language):
        english = forms(message.id)
        for number, text in enumerate(forms(message.string)):
            source = english[min(number, len(english) - 1)]
            assert Counter(PLACES.findall(text)) == Counter(PLACES.findall(source)), text
            assert sorted(TAGS.findall(text)) == sorted(TAGS.findall(source)), text
            assert not set('"<>') & set(TAGS.sub("", text)), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_begins_and_ends_as_its_text_does(language: str):
    for message in texts(language):
        for text in forms(message.string):
            assert text == text.strip()
            for end in (".", "…", "?"):
                assert text.endswith(end) == forms(message.id)[0].endswith(end), text


# -- the pages


def sign_in(world: World, languages: str, name: str = "ada") -> FlaskClient:
    """Return a browser that asks for *languages*, with *name* signed in."""
    client = world.client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = languages
    form = {"name": name, "password": PASSWORD}
    form["csrf_token"] = token(client.get("/desk/sign-in").text)
    client.post("/desk/sign-in", data=form)
    return client


@pytest.fixture
def full(world: World) -> World:
    """A desk on which every page has something to show."""
    accounts, clock = world.adapters.accounts, world.adapters.clock
    world.add_moderator("ada", admin=True)
    world.add_moderator("bob", sites=[world.site.id])
    accounts.set_password("bob", PASSWORD, by=ADA, must_change=True, now_ms=1)
    accounts.add_key(world.site.id, KeyKind.DOOR, now_ms=1)
    accounts.add_key(world.site.id, KeyKind.API, expires_at=2, now_ms=1)
    policy = Policy(mode=Mode.HOLD_ALL, flag_at={"spam": 0.4}, blocked_words=("casino",))
    site = replace(world.site, policy=policy, record_doors=True)
    accounts.save_site(site, was=world.site, by=ADA, now_ms=clock.now_ms())
    endpoint = accounts.add_endpoint(
        Endpoint("", world.site.id, "https://a.example"), by=ADA, now_ms=1
    )
    world.adapters.deliveries.send_test(endpoint, now_ms=clock.now_ms())
    world.comment("toxicity=0.6 casino http://a.example/", email="a@mail.example")
    ada = sign_in(world, "en")
    for decision in Decision:
        decided = world.comment(f"toxicity=0.7 {decision}", email="a@mail.example")
        decide(ada, decided.id, decision)
    return world


#: Files, feeds, and what only scripts read.
ANSWERS_NO_PAGE = {"desk.static", "desk.feed", "desk.poll", "desk.first", "desk.text"}
#: Rendered without the head of the desk, so that it looks the same for every reader.
ANSWERS_NO_PAGE |= {"desk.act"}


def pages(world: World) -> Iterator[str]:
    for rule, method, path in routes(world):
        if method == "GET" and rule.endpoint not in ANSWERS_NO_PAGE:
            yield path
    site = world.site.id
    yield f"/desk/queue?site={site}&q=nowhere"
    yield f"/desk/bulk?site={site}&kind=author&value=a@mail.example"
    yield f"/desk/bulk?site={site}&kind=domain&value=a.example"
    yield "/desk/comments/nobody-wrote-this"
    yield "/desk/audit?about=nothing"


def english(page: str) -> list[str]:
    """Return the catalogue's English sentences that are on *page*."""
    sentences = [
        text
        for message in texts("de")
        for text in re.split(r"<code>[^<]*</code>|<[^>]*>", forms(message.id)[0])
        if text.count(" ") > 1 and "%" not in text
    ]
    shown = html.unescape(page)
    return [text for text in sentences if text in shown]


def test_a_browser_that_asks_for_german_gets_german_on_every_page(full: World):
    client = sign_in(full, GERMAN)
    for path in pages(full):
        answer = client.get(path, follow_redirects=True)
        assert '<html lang="de">' in answer.text, path
        assert "Warteschlange" in answer.text, path
        assert "Accept-Language" in answer.vary, path
        assert english(answer.text) == [], path


@pytest.mark.parametrize(
    "languages", ["", "tlh", "x-none,tlh;q=0.5", "en-GB,de;q=0.8", "de;q=0", "*", "§;"]
)
def test_a_browser_that_asks_for_no_language_of_ours_gets_english(full: World, languages: str):
    client = sign_in(full, languages)
    for path in pages(full):
        answer = client.get(path, follow_redirects=True)
        assert '<html lang="en">' in answer.text, path
        assert "Queue" in answer.text, path
        assert "Warteschlange" not in answer.text, path


@pytest.mark.parametrize("languages", ["de", "de-CH,en;q=0.5", "tlh,de-DE;q=0.5,en;q=0.4"])
def test_the_language_that_is_asked_for_first_and_spoken_is_taken(world: World, languages: str):
    page = world.client().get("/desk/sign-in", headers={"Accept-Language": languages}).text
    assert '<html lang="de">' in page


def test_two_browsers_are_answered_each_in_its_language(full: World):
    """A process that looked up words for one reader does not show them to the next."""
    ada, zoe = sign_in(full, GERMAN), sign_in(full, "en")
    for _ in range(2):
        assert "Alle Kommentare" in ada.get("/desk/comments").text
        assert "All comments" in zoe.get("/desk/comments").text


def test_what_a_form_answers_is_german_too(full: World):
    client = sign_in(full, GERMAN)
    site = f"/desk/sites/{full.site.id}"
    csrf = token(client.get(f"{site}/keys").text)
    refused = client.post(f"{site}/keys", data={"csrf_token": csrf, "kind": "api", "days": "-1"})
    assert refused.status_code == 422
    assert "Zahl muss zwischen" in refused.text  # WTForms speaks it by itself
    wrong = {"csrf_token": csrf, "mode": "hold-all", "act": "save", "flag_at_spam": "200"}
    assert "Ein Prozentwert von 0 bis 100" in client.post(f"{site}/settings", data=wrong).text
    forged = client.post(f"{site}/keys", data={"csrf_token": "forged"})
    assert "Dieses Formular ist zu alt" in forged.text
    ids = [full.comment(f"toxicity=0.6 {n}").id for n in range(3)]
    form = {"csrf_token": csrf, "decision": "spam", "id": ids}
    done = client.post("/desk/decide", data=form, follow_redirects=True)
    assert "3 Kommentare als Spam markiert." in done.text
    undone = client.post("/desk/undo", data={"csrf_token": csrf, "id": ids[0]})
    assert "1 Entscheidung rückgängig" in client.get(undone.headers["Location"]).text


def test_a_feed_is_in_its_readers_language(full: World):
    client = sign_in(full, GERMAN)
    form = {"csrf_token": token(client.get("/desk/notices").text), "act": "open"}
    path = re.search(r"/desk/feed/[\w.-]+", client.post("/desk/notices", data=form).text)[0]
    german = full.client().get(path, headers={"Accept-Language": GERMAN})
    assert "demo: zurückgehalten, weil: enthält das gesperrte Wort „casino“" in german.text
    assert "demo: held for contains the blocked word" in full.client().get(path).text


def test_a_comment_s_reasons_are_said_in_german_and_what_people_wrote_stays(world: World):
    world.add_moderator("ada", admin=True)
    world.comment("toxicity=0.6 identity_attack is a word that the author wrote")
    page = sign_in(world, GERMAN).get("/desk/queue").text
    assert "zu 60 % toxisch; zurückgehalten ab 50 %" in page
    assert "identity_attack is a word that the author wrote" in page


# -- nothing is left out


#: What a macro puts into a tag.
ATTRIBUTE = re.compile(r'[\w-]+="[^"]*"')


class Visible(HTMLParser):
    """Collects the words that a person sees or hears."""

    SHOWN = ("aria-label", "aria-description", "alt", "placeholder", "title")
    SILENT = ("code", "id", "kbd", "script", "style")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in self.SILENT
        attributes = dict(attrs)
        self.found += [attributes[name] or "" for name in self.SHOWN if name in attributes]
        if tag == "input" and attributes.get("type") in {"submit", "button"}:
            self.found.append(attributes.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in self.SILENT

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.found.append(ATTRIBUTE.sub("", data))


#: What shows what it is made of: an expression's test it doesn't show.
SHOWING = (nodes.Template, nodes.Output, nodes.CondExpr, nodes.Or, nodes.And, nodes.Concat)


def literal(node: nodes.Node) -> Iterator[str]:
    """Yield the text of a template outside of its marked messages."""
    if isinstance(node, nodes.TemplateData):
        yield node.data
    elif isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, SHOWING):
        for one in node.iter_child_nodes(exclude=["test"]):
            yield from literal(one)
    elif isinstance(node, nodes.Stmt):
        for one in filter(lambda one: isinstance(one, nodes.Stmt), node.iter_child_nodes()):
            yield from literal(one)


def is_marked(call: nodes.Call) -> bool:
    return isinstance(call.node, nodes.Name) and call.node.name in MARKS


def strings(node: nodes.Node) -> Iterator[str]:
    """Yield every string of a template's expressions, without those that are marked."""
    for one in node.iter_child_nodes():
        if isinstance(one, nodes.Const) and isinstance(one.value, str):
            yield one.value
        elif not (isinstance(one, nodes.Call) and is_marked(one)):
            yield from strings(one)


WORD = re.compile(r"[^\W\d_]{2,}")
#: A sentence, or a word that begins as one: what a person would read.
PROSE = re.compile(r"^[A-Z][a-z]{2,}$|[A-Za-z’]{2,} [a-z]+ ?[a-z]*|^[A-Z][a-z]+[ :]")


@pytest.mark.parametrize("path", sorted(CONSOLE.glob("templates/**/*.*")), ids=lambda one: one.name)
def test_no_word_of_a_template_is_left_unmarked(path: Path):
    """A text outside of `_()` and `{% trans %}` would be English in every language."""
    template = Environment(extensions=["jinja2.ext.i18n"]).parse(path.read_text())
    page = Visible()
    page.feed("".join(literal(template)))
    page.close()
    visible = {word for text in page.found for word in WORD.findall(text)}
    assert visible <= NAMES
    assert [text for text in strings(template) if PROSE.search(text)] == []


#: What looks like a text in the Python of the desk, and is none.
NO_TEXTS = {
    "Accept", "Accept-Language", "Allow", "Cache-Control", "ETag", "Retry-After", "Location", "Lax",
    "not explained", "not compared",  # lines of the log
    "./winnow moderator reset-link NAME",  # a command
    "the session was revoked",  # a reason that nobody is shown: they are led to the sign-in page
}  # fmt: skip


def unmarked(tree: ast.AST) -> Iterator[str]:
    """Yield every string of a module but its docstrings and marked messages."""
    for one in ast.iter_child_nodes(tree):
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant):
            continue
        if isinstance(one, ast.Call) and getattr(one.func, "id", "") in MARKS:
            continue
        if isinstance(one, ast.Call) and getattr(one.func, "id", "") == "Markup":
            continue
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield one.value
        yield from unmarked(one)


@pytest.mark.parametrize("path", sorted(CONSOLE.glob("*.py")), ids=lambda one: one.name)
def test_no_text_of_the_desks_python_is_left_unmarked(path: Path):
    found = {text for text in unmarked(ast.parse(path.read_text())) if PROSE.search(text)}
    assert found - NO_TEXTS - words.WORDS.keys() == set()


@pytest.mark.parametrize("path", sorted(CONSOLE.glob("static/*.js")), ids=lambda one: one.name)
def test_no_text_of_a_script_is_in_the_script(path: Path):
    """Scripts show what `queue_words` and `policy_words` give them."""
    code = re.sub(r"^\s*//.*|\s//.*$|/\*.*?\*/", "", path.read_text(), flags=re.MULTILINE)
    found = re.findall(r'"([^"\n]*)"', code) + re.findall(r"`([^`]*)`", code)
    # The names of keys and of HTTP's headers are no texts.
    kept = {"Accept", "Content-Type", "Enter", "Escape", "ETag", "If-None-Match"}
    assert {text for text in found if re.match(r"[A-Z][a-z]", text)} <= kept


def test_every_closed_set_has_its_words():
    """What the program names is shown as people call it, in every language."""
    for some in (Label, Status, Decision, Action, Order, Role, Mode, DeliveryState):
        assert {str(one) for one in some} <= words.WORDS.keys(), some
    assert {*queue.CODES, *queue.REASONS, *audit.KINDS} <= words.WORDS.keys()


#: What the model says of a comment.
PHRASES = ("says “%(word)s”", *SIGNALS.values(), *BEHAVIOUR.values())


def cases() -> Iterator[Case]:
    """Yield a comment for each rule of the policy."""
    policy = Policy(
        mode=Mode.HOLD_ALL, blocked_words=("casino",), blocked_domains=("bad.example",),
        staff_roles=("editor",), hold_links_over=0, hold_near_duplicates=1,
        hold_first_comment=True, hold_unknown_language=True,
    )  # fmt: skip
    bars = Thresholds({"severe_toxicity": 0.5}, {"severe_toxicity": 0.9})
    well = Scores({}, "plain")
    for text, scores, role in [
        ("staff", well, "editor"),
        ("unscored", None, ""),
        ("empty", replace(well, empty=True), ""),
        ("rejected", replace(well, labels={"severe_toxicity": 0.95}), ""),
        ("disputed", replace(well, labels={"severe_toxicity": 0.95}, seconded=False), ""),
        ("held", replace(well, labels={"severe_toxicity": 0.6}), ""),
        ("a casino", well, ""),
        ("http://bad.example/", well, ""),
        ("http://good.example/", well, ""),
        ("abroad", replace(well, known_language=False), ""),
        ("long " * 5000, well, ""),
    ]:
        draft = Draft(text, author=Author(role=role), post=Post())
        yield Case(draft, scores, policy, bars, Facts(Near(2), first_comment=True))
    for treatment in Treatment:
        lenient = replace(policy, mode=Mode.HOLD_DOUBTFUL)
        yield Case(Draft("fine"), well, lenient, bars, Facts(treatment=treatment))


#: A value for every place that a sentence of the policy's has.
VALUES = {
    "label": "",
    "score": 0.61,
    "bar": 0.5,
    "number": 4,
    "domain": "bad.example",
    "word": "casino",
}


def test_every_reason_is_said_in_every_language(world: World):
    """One row a code is all that a new reason takes; this asks for its translation."""
    places = {code: set(re.findall(r"%\((\w+)\)s", text)) for code, text in SENTENCES.items()}
    every_reason = [
        Reason(code, {name: VALUES[name] for name in places[code]}) for code in SENTENCES
    ]
    said = {text % {"word": "x"} for text in PHRASES}
    for language in LANGUAGES:
        with world.app.test_request_context(headers={"Accept-Language": language}):
            assert [one.code for one in every_reason if reasons.because(one) == sentence(one)] == []
            assert [
                text for text in PHRASES
                if reasons.explained(Contribution("", text, 1.0, {"word": "x"})) in said
            ] == []  # fmt: skip
    with world.app.test_request_context():
        rules = [one for one in every_reason if one.code not in reasons.LIKELY]
        assert [one.code for one in rules if reasons.because(one) != sentence(one)] == []


def test_every_score_is_said_in_words_with_the_bar_that_it_reached(world: World):
    assert set(reasons.LIKELY) == set(Label)
    reason = Reason(Label.SPAM, {"score": 0.514, "bar": 0.064})
    with world.app.test_request_context():
        assert reasons.because(reason) == "51 % likely spam; held from 6.4 %"
        assert reasons.because(reason, leads=False) == "51 % likely spam"
        assert reasons.because(reason, Action.REJECT) == "51 % likely spam; rejected from 6.4 %"


def test_every_rule_gives_a_reason_of_the_table_with_all_its_values():
    for rule in RULES:
        verdicts = [verdict for case in cases() if (verdict := rule(case))]
        assert verdicts, rule.__name__
        for reason in (one for verdict in verdicts for one in verdict.reasons):
            places = set(re.findall(r"%\((\w+)\)s", SENTENCES[reason.code]))
            assert set(reason.values) == places - {"label"}  # the code itself


def test_every_code_has_a_name_for_the_filter_and_the_history(world: World):
    assert {*Label} <= SENTENCES.keys()
    assert SENTENCES.keys() <= words.WORDS.keys()
    with world.app.test_request_context(headers={"Accept-Language": "de"}):
        assert reasons.moved("severe_toxicity,insult") == "schwere Toxizität, Beleidigung"
        assert reasons.moved("insult, in my view") == "insult, in my view"


def test_a_script_is_told_each_form_that_a_number_takes(world: World):
    with world.app.test_request_context(headers={"Accept-Language": "de"}):
        queue_words = words.queue_words()
    assert queue_words["decided"]["approve"] == {
        "one": "{} Kommentar freigegeben.",
        "other": "{} Kommentare freigegeben.",
    }


def test_a_browser_gets_the_door_s_and_mode_s_names_of_its_language(full: World):
    page = sign_in(full, GERMAN).get(f"/desk/sites/{full.site.id}/settings").text
    assert "Alles zurückhalten: Nichts wird veröffentlicht" in page
    page = sign_in(full, GERMAN).get(f"/desk/sites/{full.site.id}/site").text
    assert page.count('name="doors"') == len(Door)
    assert "Corals Signaturgeheimnis" in page


@pytest.mark.parametrize(
    "score, bar, shown",
    [
        (0.79, 0.5, "79 % likely spam; held from 50 %"),
        (0.794, 0.79, "79.4 % likely spam; held from 79.0 %"),
        (0.7904, 0.79, "79.04 % likely spam; held from 79.00 %"),
        (0.79, 0.79, "79 % likely spam; held from 79 %"),
        (0.052, 0.05, "5.2 % likely spam; held from 5 %"),
    ],
)
def test_a_score_that_just_reaches_its_bar_is_told_from_it(
    world: World, score: float, bar: float, shown: str
):
    with world.app.test_request_context():
        reason = Reason("spam", {"score": score, "bar": bar})
        assert reasons.because(reason) == shown
        assert reasons.likely("spam", score, bar) == shown
