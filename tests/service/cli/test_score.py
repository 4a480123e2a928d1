"""score: a line in, a line out, whatever the line."""

from __future__ import annotations

import json
from typing import ClassVar

import pytest

from models.scorer import Score
from service.cli.score import BATCH, answers_to
from service.lines import MAX_LINE_BYTES

GOOD = "The finale was wonderful, and the music even more so."


def answers(result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_each_line_gets_scores_verdict_and_reasons_in_order(run):
    lines = [{"content": f"{GOOD} {n}"} for n in range(BATCH + 3)]
    lines[BATCH]["content"] = "CHEAP VIAGRA casino http://pills.example/ click here now!!!"
    result = run("score", input="".join(json.dumps(line) + "\n" for line in lines))
    outcomes = answers(result)
    assert len(outcomes) == len(lines)
    assert all(list(one) == ["scores", "model", "verdict", "reasons"] for one in outcomes)
    assert outcomes[0]["verdict"] == "allow"
    assert outcomes[BATCH]["scores"]["spam"] > outcomes[0]["scores"]["spam"]


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[]",
        "{}",
        '{"content": 5}',
        '{"content": "x", "author": "me"}',
        '{"content": "x", "post": {"url": 5}}',
        '{"content": "' + "x" * 70_000 + '"}',
        '{"content": "' + "x" * (2 * MAX_LINE_BYTES) + '"}',
        "[" * 100_000,
        "\xff",
    ],
)
def test_a_bad_line_is_an_error_in_its_place_and_status_1(run, line: str):
    """The good ones around it are answered all the same."""
    good = json.dumps({"content": GOOD})
    text = f"{good}\n{line}\n{good}".encode("latin-1")
    outcomes = answers(run("score", input=text, code=1))
    assert [sorted(one) for one in outcomes] == [
        ["model", "reasons", "scores", "verdict"],
        ["error"],
        ["model", "reasons", "scores", "verdict"],
    ]
    assert outcomes[1]["error"].startswith("line 2: ")


def test_author_and_post_count(run):
    plain = {"content": GOOD}
    odd = plain | {"author": {"name": "CHEAP PILLS", "url": "http://casino.example/"}, "post": None}
    first, second = answers(run("score", input=json.dumps(plain) + "\n" + json.dumps(odd)))
    assert first["scores"]["spam"] != second["scores"]["spam"]


def test_lone_surrogates_are_scored_and_not_crashed_on(run):
    (answer,) = answers(run("score", input='{"content": "\\ud800 hello"}'))
    assert answer["verdict"] in {"allow", "flag"}


class Fragile:
    """A model that one text breaks."""

    version = "fragile"
    thresholds: ClassVar = {"flag": {}, "reject": {}}

    def score(self, items, *, hurried=False):
        if any("break" in item.content for item in items):
            raise ValueError
        return [Score({"spam": 0.1}, "en", True, False) for _ in items]


def test_a_text_that_breaks_the_model_is_for_a_person_and_leaves_the_others_alone():
    lines = [(n, json.dumps({"content": c}).encode()) for n, c in enumerate(["a", "break", "b"])]
    outcomes = answers_to(lines, Fragile())
    assert [one["verdict"] for one in outcomes] == ["allow", "flag", "allow"]
    assert outcomes[1]["reasons"][0]["code"] == "unscored"


def test_a_file_is_read_too(run, tmp_path):
    path = tmp_path / "comments.jsonl"
    path.write_text(json.dumps({"content": GOOD}))
    assert len(answers(run("score", str(path)))) == 1
