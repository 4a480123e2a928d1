"""The verbs of `./winnow model`, which train, measure and describe what scores comments."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from models import artifacts, card, house
from models import languages as identification
from models.datasets import Corpus
from models.datasets import load as load_data
from models.encoder import Encoder
from models.encoder.pieces import Pieces
from models.encoder.runtime import MANIFEST, SHIPPED, TOKENIZER, read_manifest
from models.scorer import Scorer
from models.versions import Versions

_DATA = click.argument(
    "data", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DATA_DIR"
)
_MODEL = click.option(
    "--model",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the artifact lies; the one in use if not given.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def model() -> None:
    """Train, measure, describe and promote the model that scores comments.

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
@click.option(
    "--encoder",
    "encoder_directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=SHIPPED,
    help="Where the encoder lies; the shipped one if not given.",
)
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to keep what the encoder said, for the next training with the same encoder.",
)
def train(data: Path, output: Path, seed: int, encoder_directory: Path, cache: Path | None) -> None:
    """Train a new model on the sources below DATA_DIR, and write it as a candidate.

    The same data, seed and machine give the same bytes. It takes about half an hour, and 8 GB.

    \b
    Example: ./winnow model train ../shared/data --output candidate
    """  # noqa: D301 - click reads the backspace
    corpus = _read(data)
    encoder = Encoder.load(encoder_directory)
    training = _needed("training")
    recipe = training.Recipe(seed=seed)
    artifact = training.train(corpus, encoder, recipe, cache=cache, progress=_bar("training"))
    saved = artifacts.save(artifact, output)
    finished = artifacts.save(training.audited(saved, corpus, encoder), output)
    click.echo(f"{finished.version} is in {output}; compare it before you promote it.")


@model.command()
@_DATA
@_MODEL
def evaluate(data: Path, directory: Path | None) -> None:
    """Measure a model on the tenth of DATA_DIR that training keeps aside, as JSON.

    \b
    Example: ./winnow model evaluate ../shared/data --model candidate
    """  # noqa: D301 - click reads the backspace
    click.echo(
        json.dumps(_measured(_load(_in_use(directory)), _read(data)), indent=1, sort_keys=True)
    )


@model.command()
@_DATA
@click.option(
    "--model",
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=artifacts.SHIPPED,
    help="Where the artifact lies; the shipped one if not given.",
)
def freeze(data: Path, directory: Path) -> None:
    """Write house.npz beside an artifact: what sites' own heads are fitted in and checked with.

    It holds features and labels of some 1,500 comments that training kept aside, and no text. A
    model without it scores, and learns nothing. It takes some minutes.

    \b
    Example: ./winnow model freeze ../shared/data --model candidate
    """  # noqa: D301 - click reads the backspace
    beside = directory / "encoder"
    encoder = Encoder.load(beside) if beside.is_dir() else Encoder.load()
    basis = _needed("freezing").freeze(
        artifacts.load(directory), encoder, _read(data), progress=_bar("reading")
    )
    basis.save(directory / house.FILE)
    click.echo(f"{len(basis.frozen)} comments and basis {basis.name} are in {directory}")


@model.command("house-trial")
@_DATA
@click.option(
    "--encoder",
    "encoder_directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="An encoder that never read the sets that are tried: see docs/learning.md.",
)
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to keep what the encoder said, for the next trial with the same encoder.",
)
@click.option(
    "--save",
    "saved",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write the shared model of the trial, for `python -m benchmarks.learning --model`.",
)
@click.option("--tuned", is_flag=True, help="Try the sets that the method was chosen by instead.")
@click.option(
    "--order",
    "ways",
    multiple=True,
    type=click.Choice(["held", "random", "priority", "oldest", "spread"]),
    help="How decisions come about: 80 % of what is held, at random, or first in a queue of that order. "
    "held and random if not given; may be repeated.",
)
@click.option("--most", default=1_500, show_default=True, help="Comments of each source of a site.")
@click.option(
    "--pool",
    default=0.5,
    show_default=True,
    help="Share of a site's comments that decisions come from; the others are ranked.",
)
@click.option("--draws", default=5, show_default=True, help="Draws of each site.")
def house_trial(
    data: Path,
    encoder_directory: Path,
    cache: Path | None,
    saved: Path | None,
    ways: tuple[str, ...],
    most: int,
    pool: float,
    draws: int,
    *,
    tuned: bool,
) -> None:
    """Measure what a site's decisions are worth on sets that the model never saw, as JSON.

    \b
    Example: ./winnow model house-trial ../shared/data --encoder first-encoder --cache trial-cache
    """  # noqa: D301 - click reads the backspace
    trial = importlib.import_module("models.trial")
    figures = trial.trial(
        _read(data),
        Encoder.load(encoder_directory),
        trial.TUNED if tuned else trial.PLACES,
        ways=ways or trial.USUAL,
        most=most,
        pool=pool,
        draws=draws,
        cache=cache,
        saved=saved,
        progress=_bar("reading"),
    )
    if saved:
        shutil.copytree(encoder_directory, saved / "encoder", dirs_exist_ok=True)
    click.echo(json.dumps(figures, indent=1, ensure_ascii=False))


@model.command("card")
@click.option(
    "--model",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=artifacts.SHIPPED,
    help="Where the artifact lies; the shipped one if not given.",
)
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
    """Measure how well the languages of DATA_DIR's texts are identified, by language and length, as JSON.

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
@click.option("--promote", is_flag=True, help="Let the candidate judge if nothing got worse.")
def compare(candidate: Path, data: Path, directory: Path | None, *, promote: bool) -> None:
    """Compare CANDIDATE with the model in use, on the tenth of DATA_DIR kept from training.

    Exits with 1 if the candidate is worse anywhere by more than the tolerance.

    \b
    Example: ./winnow model compare candidate ../shared/data --promote
    """  # noqa: D301 - click reads the backspace
    corpus = _read(data)
    new, old = _measured(_load(candidate), corpus), _measured(_load(_in_use(directory)), corpus)
    for name in sorted(new["summary"]):
        click.echo(f"{name:32} {old['summary'][name]:8.4f} -> {new['summary'][name]:8.4f}")
    worse = _needed("evaluation").worse(new["summary"], old["summary"])
    for name in worse:
        click.echo(f"worse: {name}", err=True)
    if worse:
        sys.exit(1)
    if promote:
        _promote(str(candidate))


@model.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_versions(*, as_json: bool) -> None:
    """List the models that can be promoted; the one in use has a star.

    \b
    Example: ./winnow model list
    """  # noqa: D301 - click reads the backspace
    with _said():
        for known in _versions().known():
            if as_json:
                click.echo(json.dumps(asdict(known)))
            else:
                aside = "" if known.name == known.version else f"  {known.version}"
                click.echo(f"{'*' if known.current else ' '} {known.name}{aside}")


@model.command()
@click.argument("wanted", metavar="VERSION|DIR")
def promote(wanted: str) -> None:
    """Let a model judge: a VERSION of `list`, or the artifact in DIR, which is copied first.

    Web and workers take it up within seconds. WINNOW_MODEL names the directory that it is copied
    to; without it, it is `models` in the data directory.

    \b
    Example: ./winnow model promote candidate
    """  # noqa: D301 - click reads the backspace
    _promote(wanted)


@model.command()
def rollback() -> None:
    """Let the model judge that judged before the last promotion.

    \b
    Example: ./winnow model rollback
    """  # noqa: D301 - click reads the backspace
    with _said():
        click.echo(f"{_versions().roll_back()} is in use")


@model.command("train-encoder")
@_DATA
@click.option(
    "--weights",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="What it begins with: encoder.npz, or the weights.npz of an earlier run.",
)
@click.option(
    "--teacher",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="teacher.npz: what a larger model says of English texts; labels alone if not given.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("candidate-encoder"),
    show_default=True,
    help="Where weights.npz, log.jsonl and the exported encoder are written.",
)
@click.option("--layers", default=2, show_default=True, help="How many upper layers learn.")
@click.option("--epochs", default=3, show_default=True, help="How often each text is read.")
@click.option("--rows", default=60_000, show_default=True, help="How many texts are drawn.")
@click.option("--rate", default=1e-4, show_default=True, help="The largest rate of learning.")
@click.option("--threads", default=1, show_default=True, help="Threads of the CPU.")
@click.option(
    "--time-limit",
    "minutes",
    default=75.0,
    show_default=True,
    help="Minutes after which it ends with the best weights so far.",
)
@click.option("--bfloat16", is_flag=True, help="Multiply in bfloat16; for CPUs with AMX.")
@click.option("--seed", default=0, show_default=True, help="What every draw begins with.")
def train_encoder(
    data: Path, weights: Path, teacher: Path | None, output: Path, rows: int, **plan: Any
) -> None:
    """Train the encoder's upper layers on the sources below DATA_DIR, on a CPU.

    Needs requirements-train.txt. The same seed on the same machine draws the same texts; the
    weights differ a little with the time that the limit leaves.

    \b
    Example: ./winnow model train-encoder ../shared/data --weights ../shared/encoder/encoder.npz \\
             --teacher ../shared/encoder/teacher.npz --layers 2 --time-limit 75
    """  # noqa: D301 - click reads the backspace
    export, lessons, learning = _encoder("export"), _encoder("lessons"), _encoder("train")
    corpus = _read(data)
    drawn = lessons.balanced(lessons.learned(corpus, plan["seed"]), rows, plan["seed"])
    taught = lessons.lessons(drawn, lessons.Teacher.load(teacher))
    checks = lessons.checks(corpus, lessons.CHECKS, plan["seed"])
    click.echo(f"{len(drawn)} texts to learn, {len(checks)} to choose the weights by")
    tokenizer = (SHIPPED / TOKENIZER).read_bytes()
    found = learning.train(
        taught,
        checks,
        export.read(weights),
        Pieces.read(tokenizer),
        output,
        learning.Plan(**plan),
        lambda numbers: click.echo(json.dumps(numbers)),
    )
    manifest = export.export(
        export.read(output / learning.WEIGHTS),
        tokenizer,
        output,
        export.own_windows(Pieces.read(tokenizer)),
        trained=found,
    )
    click.echo(f"{manifest['version']} is in {output}; fit the heads on it before you promote it.")


@model.command("export-encoder")
@click.argument(
    "weights", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="WEIGHTS"
)
@click.argument("output", type=click.Path(file_okay=False, path_type=Path), metavar="DIRECTORY")
@click.option(
    "--made", help="How the weights were made, for the manifest; what it said if not given."
)
def export_encoder(weights: Path, output: Path, made: str | None) -> None:
    """Write WEIGHTS (an .npz of train-encoder) below DIRECTORY as what the runtime loads.

    Needs requirements-train.txt.

    \b
    Example: ./winnow model export-encoder candidate-encoder/weights.npz models/artifacts/encoder
    """  # noqa: D301 - click reads the backspace
    export = _encoder("export")
    tokenizer = (SHIPPED / TOKENIZER).read_bytes()
    known = read_manifest(output) if (output / MANIFEST).exists() else {}
    about = {name: known[name] for name in ("made", "trained") if name in known}
    if made:
        about = {"made": made}
    windows = export.own_windows(Pieces.read(tokenizer))
    manifest = export.export(export.read(weights), tokenizer, output, windows, **about)
    click.echo(f"{manifest['version']} is in {output}")


@model.command("adopt-encoder")
@_DATA
@click.argument(
    "encoder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="ENCODER"
)
@_MODEL
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("candidate"),
    show_default=True,
    help="Where the artifact is written, with ENCODER beside its heads.",
)
def adopt_encoder(data: Path, encoder: Path, directory: Path | None, output: Path) -> None:
    """Give a model's heads ENCODER: a new export of the weights that they were fitted on.

    Writes nothing if ENCODER says something else of our own sentences than the model's own: then
    heads are fitted again, by `model train`. The card's figures are measured again below
    DATA_DIR.

    \b
    Example: ./winnow model adopt-encoder ../shared/data candidate/encoder
    """  # noqa: D301 - click reads the backspace
    training, path = _needed("training"), _in_use(directory)
    own = path / "encoder"
    with _said():
        artifact, new = artifacts.load(path), Encoder.load(encoder)
        old = Encoder.load(own if own.is_dir() else SHIPPED)
        adopted, moved = training.adopted(artifact, old, new)
        basis = house.Basis.load(path)
        saved = artifacts.save(training.audited(adopted, _read(data), new), output)
        if basis is not None:
            replace(basis, encoder=new.version, model=saved.version).save(output / house.FILE)
        if encoder.resolve() != (output / "encoder").resolve():
            (output / "encoder").mkdir(parents=True, exist_ok=True)
            for path in encoder.iterdir():  # put, since a running Winnow has these files mapped
                artifacts.put(output / "encoder" / path.name, path.read_bytes())
    click.echo(f"{saved.version} is in {output}; a logit moved by {moved:.3f} on average")


@model.command("export-languages")
@click.argument("output", type=click.Path(file_okay=False, path_type=Path), metavar="DIRECTORY")
def export_languages(output: Path) -> None:
    """Write what tells languages apart below DIRECTORY, from py3langid's model.

    Needs requirements-dev.txt.

    \b
    Example: ./winnow model export-languages models/artifacts/languages
    """  # noqa: D301 - click reads the backspace
    scripts = {name: languages for name, (_, languages) in identification.SHARED.items()}
    manifest = _needed("automaton").export(scripts, output)
    click.echo(f"{manifest['made']}, in {output}")


def _encoder(module: str) -> Any:
    """Return a module of models.encoder that needs libraries for training."""
    return _needed(f"encoder.{module}", "requirements-train.txt")


def _needed(module: str, requirements: str = "requirements-dev.txt") -> Any:
    """Return a module of ours that needs *requirements*."""
    try:
        return importlib.import_module(f"models.{module}")
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"{error.name} is missing: install {requirements} into .venv"
        ) from error


def _measured(scorer: Scorer, corpus: Corpus) -> dict[str, Any]:
    evaluation, training = _needed("evaluation"), _needed("training")
    tenth = training.tenth_of(corpus)
    predicted = evaluation.probabilities(scorer, tenth.examples)
    return {
        "version": scorer.version,
        "ranking": evaluation.ranking(tenth, predicted),
        "calibration": evaluation.calibrated(tenth, predicted),
        "summary": evaluation.summary(tenth, predicted, scorer.thresholds["flag"]),
    }


def _promote(wanted: str) -> None:
    with _said():
        click.echo(f"{_versions().promote(wanted)} is in use")


def _versions() -> Versions:
    """Return the artifact versions of this installation, in the directory of WINNOW_MODEL."""
    return Versions(Path(os.environ["WINNOW_MODEL"]) if "WINNOW_MODEL" in os.environ else None)


def _in_use(directory: Path | None) -> Path:
    return directory or _versions().current()


def _load(directory: Path) -> Scorer:
    with _said():
        return Scorer.load(directory)


@contextmanager
def _said() -> Iterator[None]:
    """Print a problem of an artifact or a directory as one sentence, and exit with status 1."""
    try:
        yield
    except (artifacts.BrokenArtifact, OSError) as error:
        raise click.ClickException(str(error).replace("./winnow", _called())) from error


def _called() -> str:
    """Return the name of the program, as this installation calls it."""
    return os.environ.get("_WINNOW_CALLED", "./winnow")


def _read(directory: Path) -> Corpus:
    try:
        return load_data(directory, progress=_bar("reading"))
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from error


def _bar(what: str) -> Callable[[Sequence[Any]], Any]:
    return lambda steps: tqdm(steps, desc=what, file=sys.stderr, disable=not sys.stderr.isatty())


if __name__ == "__main__":
    model(prog_name=f"{_called()} model")
