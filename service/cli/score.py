"""``winnow score``: scores and verdicts for lines of JSON, without a server."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from itertools import islice
from typing import Any, BinaryIO

import click

from moderation.comment import MAX_CONTENT_BYTES, Author, Draft, Post
from moderation.errors import InvalidInput
from moderation.facts import NOTHING, Facts
from moderation.policy import Policy
from moderation.ports import Model
from moderation.verdict import Verdict
from moderation.workflow.judging import judge_all
from service.cli.base import dumped, loaded_model, read_settings, storage
from service.lines import MAX_LINE_BYTES, numbered

#: Lines that are read and scored in one batch.
BATCH = 256
_DEFAULT = Policy()
_TEXTS = ("parent", "honeypot", "form_served_at", "submitted_at")


@click.command()
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--site", help="Judge by this site's policy and its own head, by id or name.")
def score(file: BinaryIO, *, site: str | None) -> None:
    r"""Score comments in FILE or standard input, one JSON object a line, one answer a line.

    A line has `content`, and may have `author` and `post` as the API takes them. Its answer has
    `scores`, `verdict` and `reasons`; that of a line that cannot be read has `error`, and then the
    exit status is 1 at the end. Nothing is kept, and no server is needed unless a site is named.

    Example: echo '{"content": "What a finale!"}' | ./winnow score
    """
    model = loaded_model(read_settings())
    policy, facts = _of_site(site, model) if site else (Policy(), NOTHING)
    failed = False
    lines = numbered(file)
    while batch := list(islice(lines, BATCH)):
        answers = answers_to(batch, model, policy, facts)
        for record in answers:
            click.echo(dumped(record))
        failed = failed or any("error" in record for record in answers)
    if failed:
        raise SystemExit(1)


def _of_site(name: str, model: Model) -> tuple[Policy, Facts]:
    """Return a site's policy, and facts that hold its own head alone."""
    from models.learner import HeadLearner  # noqa: PLC0415 - takes a second that no other verb should

    with storage() as adapters:
        site = adapters.accounts.site(name)
        reading = replace(adapters, current=lambda: model, learning=HeadLearner)
        return site.policy, Facts(house=reading.house_of(site))


def answers_to(
    lines: Sequence[tuple[int, bytes]],
    model: Model,
    policy: Policy = _DEFAULT,
    facts: Facts = NOTHING,
) -> list[dict[str, Any]]:
    """Return the output record of each numbered line."""
    read = [_read(number, line) for number, line in lines]
    drafts = [draft for draft in read if isinstance(draft, Draft)]
    judged = iter(judge_all([(draft, facts, policy) for draft in drafts], model=model))
    records = []
    for draft in read:
        if isinstance(draft, Draft):
            one = next(judged)
            labels = dict(one.scores.labels) if one.scores else {}
            model_name = one.scores.model if one.scores else None
            records.append({"scores": labels, "model": model_name, **_verdict(one.verdict)})
        else:
            records.append({"error": draft})
    return records


def _read(number: int, line: bytes) -> Draft | str:
    """Return the draft in a line, or a sentence that says why it has none."""
    try:
        if len(line) > MAX_LINE_BYTES:
            raise InvalidInput("the line is too long")
        return _draft(json.loads(line))
    except InvalidInput as problem:
        return f"line {number}: {problem}"
    except (ValueError, RecursionError):
        return f"line {number}: not JSON in UTF-8"


def _draft(line: object) -> Draft:
    if not isinstance(line, dict):
        raise InvalidInput("not a JSON object")
    if "content" not in line:
        raise InvalidInput("content is missing")
    content = _text(line, "content")
    if len(content.encode("utf-8", "surrogatepass")) > MAX_CONTENT_BYTES:
        raise InvalidInput(f"content is longer than {MAX_CONTENT_BYTES} bytes")
    return Draft(
        content=content,
        author=Author(**_part(line, "author", Author)),
        post=Post(**_part(line, "post", Post)),
        **{name: _text(line, name) for name in _TEXTS},
    )


def _part(line: Mapping[str, Any], name: str, kind: type[Author | Post]) -> dict[str, str]:
    part = line.get(name) or {}
    if not isinstance(part, dict):
        raise InvalidInput(f"{name} is not an object")
    return {field.name: _text(part, field.name) for field in fields(kind)}


def _text(line: Mapping[str, Any], name: str) -> str:
    value = line.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput(f"{name} is not a text")
    return value


def _verdict(verdict: Verdict) -> dict[str, Any]:
    reasons = [reason.to_dict() for reason in verdict.reasons]
    return {"verdict": verdict.action, "reasons": reasons}
