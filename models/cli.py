"""The verbs of `./winnow model`: train, evaluate, languages, card, compare."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from models import artifacts, card, evaluation, training
from models import languages as identification
from models.datasets import Corpus
from models.datasets import load as load_data
from models.scorer import Scorer

_DATA = click.argument(
    "data", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DATA_DIR"
)
_MODEL = click.option(
    "--model",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=artifacts.SHIPPED,
    help="Where the artifact lies; the shipped one if not given.",
)


@click.group()
def model() -> None:
    """Train, measure and describe the model that scores comments.

    \b
    Example: ./winnow model evaluate ../shared/data
    """  # noqa: D301 - click reads the backspace


@model.command()
@_DATA
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("candidate"),
    show_default=True,
    help="Where the new artifact is written.",
)
@click.option("--seed", default=0, show_default=True, help="What every draw begins with.")
def train(data: Path, output: Path, seed: int) -> None:
    """Train a new model on the sources below DATA_DIR, and write it as a candidate.

    The same data and seed give the same bytes. It takes about twenty minutes, and 6 GB.

    \b
    Example: ./winnow model train ../shared/data --output candidate
    """  # noqa: D301 - click reads the backspace
    corpus = _read(data)
    artifact = training.train(corpus, training.Recipe(seed=seed), progress=_bar("training"))
    saved = artifacts.save(artifact, output)
    finished = artifacts.save(training.audited(saved, corpus), output)
    click.echo(f"{finished.version} is in {output}; compare it before you promote it.")


@model.command()
@_DATA
@_MODEL
def evaluate(data: Path, directory: Path) -> None:
    """Measure a model on the tenth of DATA_DIR that training keeps aside, as JSON.

    \b
    Example: ./winnow model evaluate ../shared/data --model candidate
    """  # noqa: D301 - click reads the backspace
    click.echo(json.dumps(_measured(_load(directory), _read(data)), indent=1, sort_keys=True))


@model.command("card")
@_MODEL
def write_card(directory: Path) -> None:
    """Write MODEL_CARD.md beside an artifact, from the figures in its manifest alone.

    \b
    Example: ./winnow model card
    """  # noqa: D301 - click reads the backspace
    path = directory / "MODEL_CARD.md"
    path.write_text(card.rendered(_load(directory).card), encoding="utf-8")
    click.echo(f"wrote {path}")


@model.command()
@_DATA
@click.option("--most", default=1_000, show_default=True, help="Texts of each language and length.")
def languages(data: Path, most: int) -> None:
    """Measure how well the language of DATA_DIR's texts is told, by language and length, as JSON.

    \b
    Example: ./winnow model languages ../shared/data
    """  # noqa: D301 - click reads the backspace
    examples = _read(data).examples
    rows = identification.spread(((one.language, one.text) for one in examples), most)
    click.echo(json.dumps(identification.measured(rows), indent=1))


@model.command()
@click.argument(
    "candidate", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="CANDIDATE"
)
@_DATA
@_MODEL
@click.option("--promote", is_flag=True, help="Put the candidate in place if nothing got worse.")
def compare(candidate: Path, data: Path, directory: Path, *, promote: bool) -> None:
    """Test CANDIDATE against the model in place, on the tenth of DATA_DIR kept from training.

    Exits with 1 if the candidate is worse anywhere by more than the tolerance.

    \b
    Example: ./winnow model compare candidate ../shared/data --promote
    """  # noqa: D301 - click reads the backspace
    corpus = _read(data)
    new, old = _measured(_load(candidate), corpus), _measured(_load(directory), corpus)
    for name in sorted(new["summary"]):
        click.echo(f"{name:32} {old['summary'][name]:8.4f} -> {new['summary'][name]:8.4f}")
    worse = evaluation.worse(new["summary"], old["summary"])
    for name in worse:
        click.echo(f"worse: {name}", err=True)
    if worse:
        sys.exit(1)
    if promote:
        artifacts.save(artifacts.load(candidate), directory)
        click.echo(f"promoted to {directory}")


def _measured(scorer: Scorer, corpus: Corpus) -> dict[str, Any]:
    tenth = training.tenth_of(corpus)
    predicted = evaluation.probabilities(scorer, tenth.examples)
    return {
        "version": scorer.version,
        "ranking": evaluation.ranking(tenth, predicted),
        "calibration": evaluation.calibrated(tenth, predicted),
        "summary": evaluation.summary(tenth, predicted, scorer.thresholds["flag"]),
    }


def _load(directory: Path) -> Scorer:
    try:
        return Scorer.load(directory)
    except artifacts.BrokenArtifact as error:
        raise click.ClickException(str(error)) from error


def _read(directory: Path) -> Corpus:
    try:
        return load_data(directory, progress=_bar("reading"))
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from error


def _bar(what: str) -> Callable[[Sequence[Any]], Any]:
    return lambda steps: tqdm(steps, desc=what, file=sys.stderr, disable=not sys.stderr.isatty())


if __name__ == "__main__":
    model(prog_name="./winnow model")
