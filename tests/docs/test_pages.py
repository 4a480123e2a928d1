"""Each command that a page shows in a block does what the page says, on a fresh installation."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from service.cli import cli
from tests.support.service import ROOT, Running, command, running
from tests.support.waiting import wait_until

#: operate.md makes the site that other pages go on with.
PAGES = [ROOT / "docs" / "operate.md", ROOT / "docs" / "upgrade.md", ROOT / "README.md"]
PAGES += sorted(
    set((ROOT / "docs").rglob("*.md")) - set(PAGES) - set((ROOT / "docs" / "adr").iterdir())
)

#: Commands that are not run here, and where they are instead.
ELSEWHERE = {
    r"git clone|make (run|release|words)|\./winnow (web|worker|deliver)$": "tests/meta, tests/integration",
    r"useradd |install |cp /opt/winnow|systemctl ": "make test-deploy",
    r"pipx install|uv tool install|winnow (up|--version)$|.*_WINNOW_COMPLETE": "make test-wheel",
    r"\./winnow model (train|compare|rollback|freeze|house-trial)": "tests/models",
    r"\.venv/bin/python -m benchmarks\.learning": "tests/benchmarks",
    r"git show |for file in|done$": "another program's",
    r"cp docs/integrate|python3 -m venv|WINNOW_URL=|cd ": "tests/docs/test_integrate.py, make test-hosts",
    r"wp |split |for part in|for image in|docker |cat \.env": "another program's",
}  # fmt: skip
#: Restoring wants Winnow stopped; tests/flows/test_upgrade.py does it.
STOPPED = re.compile(r"\./winnow restore (?!.*--dry-run)")

WORDPRESS = """<?xml version="1.0"?><rss xmlns:wp="http://wordpress.org/export/1.2/"><channel>
<wp:wxr_version>1.2</wp:wxr_version><item><title>Beans</title><link>https://blog.example/beans/</link>
<wp:comment><wp:comment_id>1</wp:comment_id><wp:comment_author>Ada</wp:comment_author>
<wp:comment_date_gmt>2026-01-01 10:00:00</wp:comment_date_gmt><wp:comment_approved>1</wp:comment_approved>
<wp:comment_content>Lovely beans</wp:comment_content></wp:comment></item></channel></rss>"""
DISQUS = """<?xml version="1.0"?><disqus xmlns="http://disqus.com"
xmlns:dsq="http://disqus.com/disqus-internals"><thread dsq:id="1"><link>https://blog.example/</link></thread>
<post dsq:id="2"><message>Lovely</message><createdAt>2026-01-01T10:00:00Z</createdAt>
<isDeleted>false</isDeleted><isSpam>false</isSpam><author><name>Ada</name></author><thread dsq:id="1"/>
</post></disqus>"""
JSONL = '{"external_id": "7", "content": "Lovely", "status": "approved", "created_at": "2026-01-01T10:00:00Z"}\n'


@dataclass(frozen=True)
class Shown:
    """A command of a page, on one line."""

    page: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}: {self.text[:60]}"


def commands() -> Iterator[Shown]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for language, block in re.findall(
            r"^ *```(\w*)\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL
        ):
            prompt = {"console": r"\s*[$#] ", "sh": r"\s*"}.get(language)
            if prompt is None:
                continue
            for line in re.sub(r"\\\n\s*", " ", block).splitlines():
                if re.match(prompt, line) and line.strip():
                    shown = re.sub(rf"^{prompt}", "", line)
                    yield Shown(str(page.relative_to(ROOT)), re.sub(r"\s+# .*$", "", shown).strip())


@pytest.fixture(scope="module")
def winnow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("pages") / "data") as one:
        yield one


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the files that the pages name."""
    place = tmp_path_factory.mktemp("place")
    (place / "backups").mkdir()
    (place / "export.xml").write_text(WORDPRESS)
    (place / "garden-2026-11.xml.gz").write_text(DISQUS)
    (place / "comments.jsonl").write_text(JSONL)
    script = f'#!/bin/sh\nexec {shlex.join(command())} "$@"\n'
    (place / "winnow").write_text(script)
    (place / "winnow").chmod(0o755)
    return place


def named(winnow: Running, words: list[str]) -> str:
    """Return what `ID` stands for after these words."""
    if words[0] == "key":
        keys = winnow.cli("key", "list", "blog")
        return (keys if isinstance(keys, list) else [keys])[-1]["id"]
    if words[0] in {"endpoint", "delivery"}:
        found = winnow.cli("endpoint", "list", "demo")
        return (found if isinstance(found, list) else [found])[0]["id"]
    raise AssertionError(f"what is ID in {words}?")


RUNNABLE = [
    one
    for one in commands()
    if not any(re.match(pattern, one.text) for pattern in ELSEWHERE) and not STOPPED.match(one.text)
]


@pytest.mark.timeout(900)
def test_each_command_of_the_pages_runs(winnow: Running, place: Path, subtests: pytest.Subtests):
    """In the order of the pages: a later one may go on with what an earlier one made.

    One test, since xdist 3.8 does not keep a group together under pytest 9.2.
    """
    for shown in RUNNABLE:
        with subtests.test(str(shown)):
            run(winnow, place, shown.text)
    with subtests.test("what the README's curl sent was judged"):
        found = winnow.ask("GET", "/v1/comments?external_id=42")[1]
        comment = found if "id" in found else found["items"][0]
        wait_until(lambda: winnow.status_of(comment["id"]) == "approved", message="its verdict")


def run(winnow: Running, place: Path, text: str) -> None:
    text = text.replace("/backups/", "backups/").replace("http://127.0.0.1:8025", winnow.url)
    if "restore" in text:  # any backup that an earlier line made
        text = re.sub(r"backups/\S+", str(next((place / "backups").iterdir(), "none")), text)
    if " ID" in text:
        text = text.replace(" ID", f" {named(winnow, text.split()[1:])}")
    done = subprocess.run(
        ["/bin/bash", "-c", text], cwd=place, env=winnow.environ | {"WINNOW_KEY": winnow.key},
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    # doctor warns of what the pages' endpoints, which nobody answers at, do.
    assert done.returncode in ({0, 1, 2} if "doctor" in text else {0}), done.stderr


def test_most_commands_of_the_pages_are_run():
    assert len(RUNNABLE) >= 25


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_verb_and_option_in_a_sentence_exists(page: Path):
    text = page.read_text(encoding="utf-8")
    wrong = []
    for shown in re.findall(r"`\./winnow ([^`]+)`", text):
        verb: click.Command = cli
        words = shown.split()
        while words and isinstance(verb, click.Group) and words[0] in verb.commands:
            verb = verb.commands[words.pop(0)]
        if isinstance(verb, click.Group) and words and not words[0].startswith("-"):
            wrong.append(shown)
        if verb.name == "model":
            continue
        options = {name for one in verb.params for name in one.opts} | {"--help"}
        wrong += [
            shown
            for word in words
            if word.startswith("--") and word.partition("=")[0] not in options
        ]
    assert wrong == []


def test_every_target_of_make_that_a_page_names_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        text = page.read_text(encoding="utf-8")
        named = set(re.findall(r"(?:`|\$ |^)make ([a-z-]+)", text, re.MULTILINE))
        assert named <= targets, page


def test_the_answers_that_operate_md_shows_are_those_of_the_verbs(winnow: Running, tmp_path: Path):
    page = (ROOT / "docs" / "operate.md").read_text()
    shown = re.search(r"^(\d+ comments of .*)$", page, re.MULTILINE)[1]
    said = winnow.run("backup", str(tmp_path / "b.tar.gz"), "--verify").strip()

    def shape(text: str) -> str:
        text = re.sub(r"/\S+", "PATH", text).replace("kB", "MB").replace("sites", "site")
        return re.sub(r"[\d.,]*\d", "N", text.replace("comments", "comment"))

    assert shape(said) == shape(shown)
    checks = {json.loads(line)["check"] for line in doctor(winnow).splitlines()}
    listed = set(
        re.findall(r"`(\w+)`", page[page.index("Checks:") : page.index("For `certificates`")])
    )
    assert checks <= listed


def doctor(winnow: Running) -> str:
    done = subprocess.run(
        command("doctor", "--json"), env=winnow.environ, capture_output=True, text=True, check=False
    )
    assert os.WEXITSTATUS(done.returncode << 8) in {0, 1, 2}
    return done.stdout
