"""``winnow import``: comments from before Winnow."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import click
from tqdm import tqdm

from moderation import wiring, workflow
from moderation.errors import InvalidInput
from moderation.ports import Model
from moderation.records import Outcome, Past
from moderation.site import Site
from service.cli.context import answer, as_json, dumped, loaded_model, plain, storage
from service.importers import Found, Reader, Unusable, disqus, jsonl, wordpress

#: Comments that are read, scored and kept together.
BATCH = 256
#: So many reasons are shown; all are counted, and `--rejects` writes them all.
SHOWN = 10
READERS: Mapping[str, Reader] = {
    "wordpress": wordpress.read,
    "disqus": disqus.read,
    "jsonl": jsonl.read,
}
_OTHER = "is here already, and says something else: what is here stays"
_GZIP = b"\x1f\x8b"


@click.command(name="import")
@click.argument("kind", type=click.Choice(list(READERS)))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--site", "site_name", required=True, help="Whose comments they are.")
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path, writable=True),
    help="Write what was not taken, and why, to this file: one JSON object a line.",
)
@as_json
def import_(kind: str, file: Path, site_name: str, rejects: Path | None, *, as_json: bool) -> None:
    """Bring in the comments of FILE, which may be gzipped, with what your blog decided on them.

    KIND is wordpress (Tools > Export, WXR), disqus (its XML export) or jsonl (a comment a line, as
    docs/import.md describes). They are kept as history: scored, but your blog is told nothing.
    A comment is known by your blog's own id of it, so that the same file may be run again, and a run
    that was stopped goes on when it is.

    Example: ./winnow import wordpress export.xml --site blog
    """
    with storage() as adapters, ExitStack() as opened:
        site = adapters.accounts.site(site_name)
        model = loaded_model(adapters.settings)
        listed = opened.enter_context(rejects.open("w", encoding="utf-8")) if rejects else None
        told = Told(listed)
        try:
            with _records(kind, file) as found:
                take_in(found, told, site=site, adapters=adapters, model=model)
        except InvalidInput as problem:
            raise InvalidInput(f"{file.name}: {problem} ({told.so_far()})") from None
    answer(told.to_dict(), as_json=as_json, text=told.so_far())


class Told:
    """What became of each record, so far."""

    def __init__(self, rejects: IO[str] | None = None) -> None:
        """Write what was not taken to *rejects*, and the first few to standard error."""
        self.counts: Counter[str] = Counter()
        self._rejects = rejects

    def unusable(self, record: Unusable) -> None:
        """Count, list and show a record that was not taken."""
        self.counts["not_taken"] += 1
        if self._rejects is not None:
            self._rejects.write(dumped({"where": record.where, "reason": record.reason}) + "\n")
        if self.counts["not_taken"] <= SHOWN:
            tqdm.write(f"{plain(record.where)}: {plain(record.reason)}", file=sys.stderr)
        elif self.counts["not_taken"] == SHOWN + 1:
            tqdm.write("... and more; --rejects FILE lists them all", file=sys.stderr)

    def to_dict(self) -> dict[str, int]:
        """Return how many records went which way."""
        return {name: self.counts[name] for name in ("new", "same", "not_taken")}

    def so_far(self) -> str:
        """Return the same in words."""
        counts = self.to_dict()
        return (
            f"{counts['new']} taken, {counts['same']} here already, {counts['not_taken']} not taken"
        )


def take_in(
    found: Iterator[Found], told: Told, *, site: Site, adapters: wiring.Adapters, model: Model
) -> None:
    """Keep what *found* yields, a batch at a time, and count what becomes of it."""
    for batch in _batches(found):
        usable: list[tuple[str, Past]] = []
        for record in batch:
            if isinstance(record, Unusable):
                told.unusable(record)
            else:
                usable.append(record)
        _keep(usable, told, site=site, adapters=adapters, model=model)


def _batches(found: Iterator[Found]) -> Iterator[list[Found]]:
    """Yield what *found* yields in batches, and what stands before a fault before raising it."""
    batch: list[Found] = []
    try:
        for record in found:
            batch.append(record)
            if len(batch) == BATCH:
                yield batch
                batch = []
    except InvalidInput:
        yield batch
        raise
    yield batch


def _keep(
    usable: Sequence[tuple[str, Past]],
    told: Told,
    *,
    site: Site,
    adapters: wiring.Adapters,
    model: Model,
) -> None:
    kept = workflow.remember(
        [past for _, past in usable],
        site=site,
        comments=adapters.comments,
        model=model,
        clock=adapters.clock,
    )
    for (where, _), one in zip(usable, kept, strict=True):
        if one.outcome is Outcome.CONFLICT:
            told.unusable(Unusable(where, _OTHER))
        else:
            told.counts[one.outcome] += 1


@contextmanager
def _records(kind: str, file: Path) -> Iterator[Iterator[Found]]:
    """Open FILE, gzipped or not, and show on a terminal how much of it has been read."""
    with (
        file.open("rb") as raw,
        tqdm(
            total=file.stat().st_size,
            desc=file.name,
            unit="B",
            unit_scale=True,
            file=sys.stderr,
            disable=not sys.stderr.isatty(),
        ) as bar,
    ):
        zipped = raw.peek(2).startswith(_GZIP)
        source = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if zipped else raw
        yield _watched(READERS[kind](source), raw, bar)


def _watched(found: Iterator[Found], raw: BinaryIO, bar: Any) -> Iterator[Found]:
    try:
        for record in found:
            bar.update(raw.tell() - bar.n)
            yield record
    except (gzip.BadGzipFile, zlib.error, EOFError):
        raise InvalidInput("the gzip file is damaged from there on") from None
