"""``winnow learning``: the versions of a site's own head, and rolling back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from moderation.feedback import OUTCOMES, Progress
from moderation.site import Site
from service.cli.base import answer, answer_all, as_json, operator, plain, storage
from service.shapes import learning_shape


@click.group()
def learning() -> None:
    """See what a site has learned from decisions, and take it back.

    A site is named by its id or its name, a version by its number.
    """


@learning.command()
@click.argument("site")
@as_json
def status(site: str, *, as_json: bool) -> None:
    """Show the version in use for SITE, and the result of the latest fit.

    Example: ./winnow learning status blog
    """
    with storage() as adapters:
        found = adapters.accounts.site(site)
        progress = adapters.comments.progress(found.id)
    _answer(found, progress, as_json=as_json)


@learning.command(name="list")
@click.argument("site")
@as_json
def list_(site: str, *, as_json: bool) -> None:
    """List the versions of SITE's own head: what each was fitted on, and what it changed.

    Example: ./winnow learning list blog
    """
    with storage() as adapters:
        found = adapters.accounts.site(site)
        learned = learning_shape(found, adapters.comments.progress(found.id))
    answer_all(
        learned["versions"],
        as_json=as_json,
        columns={
            "version": str,
            "current": lambda current: "judges" if current else "",
            "at": str,
            "decisions": str,
            "replayed": str,
            "agreement_before": _percent,
            "agreement_after": _percent,
            "elsewhere": lambda number: "-" if number is None else str(number),
            "people": lambda people: plain(", ".join(people)),
        },
        nothing="This site has learned nothing yet; the shared model judges alone.",
    )


@learning.command()
@click.argument("site")
@click.argument("version", required=False, type=click.IntRange(min=0))
@as_json
def rollback(site: str, version: int | None, *, as_json: bool) -> None:
    """Roll SITE back to an earlier VERSION: by default the one before; 0 is the shared model alone.

    Scores are again exactly as they were with it. No later version replaces it until
    `./winnow learning resume`.

    Example: ./winnow learning rollback blog
    """
    with storage() as adapters:
        found = adapters.accounts.site(site)
        progress = adapters.roll_back(found.id, version, by=operator())
    _answer(found, progress, as_json=as_json)


@learning.command()
@click.argument("site")
@as_json
def resume(site: str, *, as_json: bool) -> None:
    """Let later versions replace the current one for SITE again after a roll-back.

    Example: ./winnow learning resume blog
    """
    with storage() as adapters:
        found = adapters.accounts.site(site)
        progress = adapters.resume_learning(found.id, by=operator())
    _answer(found, progress, as_json=as_json)


@learning.command(name="forget-person")
@click.argument("site")
@click.argument("person")
@click.option("--again", is_flag=True, help="Count their decisions, whatever they are.")
@as_json
def forget_person(site: str, person: str, *, again: bool, as_json: bool) -> None:
    """Leave PERSON's decisions out of what SITE learns; their decisions stay as they are.

    A version that they had a part in stops judging at once. PERSON is a moderator's name, or as
    `status --json` names them.

    Example: ./winnow learning forget-person blog eve
    """
    with storage() as adapters:
        found = adapters.accounts.site(site)
        progress = adapters.leave_out(found.id, person, out=not again, by=operator())
    _answer(found, progress, as_json=as_json)


def _answer(site: Site, progress: Progress, *, as_json: bool) -> None:
    learned = learning_shape(site, progress)
    answer(learned, as_json=as_json, text="\n".join(_lines(learned)))


def _lines(learned: Mapping[str, Any]) -> list[str]:
    judge = "the shared model alone"
    if learned["current"]:
        judge = f"the shared model with the site's own head {learned['current']}"
    lines = [
        f"learning  {learned['learning']}",
        f"judges    {judge}",
        f"feedback  {learned['feedback']} decisions are kept to learn from",
    ]
    if learned["pinned"]:
        lines.append("kept      no later version takes its place until it is resumed")
    if learned["left_out"]:
        lines.append(f"left out  {plain(', '.join(learned['left_out']))}")
    if learned["vouched"]:
        lines.append(f"counted   {plain(', '.join(learned['vouched']))}, whatever they decide")
    if latest := learned["latest"]:
        lines += [
            f"set aside {plain(person)}: decides the opposite of the others, who put "
            f"{_percent(shares['agreed'])} of these decisions in the same order and "
            f"{_percent(shares['others'])} of their own"
            for person, shares in latest["set_aside"].items()
        ]
        lines += [
            f"unproven  {plain(person)}: {number} of their decisions are left out, on what the machine "
            "had settled, since they do not help with what the others decided"
            for person, number in latest["unproven"].items()
        ]
        before, after = _percent(latest["agreement_before"]), _percent(latest["agreement_after"])
        lines.append(
            f"latest    {latest['at']}, from {latest['decisions']} decisions: "
            f"{OUTCOMES.get(latest['outcome'], latest['outcome']).removesuffix('.')}"
            + (
                f"; agreement {before} -> {after} on {latest['replayed']}"
                * bool(latest["replayed"])
            )
        )
    return lines


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
