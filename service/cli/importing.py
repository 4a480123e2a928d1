"""``winnow import``: comments from before Winnow."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

import click
from tqdm import tqdm

from moderation import wiring
from moderation.errors import InvalidInput
from moderation.records import IntakeOutcome
from moderation.site import Site
from service.cli.base import answer, as_json, dumped, loaded_model, plain, storage
from service.importers import Found, Taken, Unusable
from service.importers.formats import READERS

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: Comments that are read, scored and kept together.
BATCH = 256
#: Reasons shown at most; all are counted, and `--rejects` writes them all.
SHOWN = 10
#: Exit status when a record of the file was refused.
REFUSED = 3
_OTHER = "is here already, and says something else: what is here stays"
_GZIP = b"\x1f\x8b"

#: Stores comments, or for a dry run looks up the outcome that each would have.
Keep = Callable[[Sequence[Taken]], Sequence[IntakeOutcome]]


@click.command(name="import")
@click.argument("kind", type=click.Choice(list(READERS)), metavar="KIND")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--site", "site_name", required=True, help="Whose comments they are.")
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path, writable=True),
    help="Write what was not taken, or not whole, and why, to this file: one JSON object a line.",
)
@click.option("--dry-run", is_flag=True, help="Read the file and say what would become of it.")
@as_json
def import_(
    kind: str, file: Path, site_name: str, rejects: Path | None, *, dry_run: bool, as_json: bool
) -> None:
    """Bring in the comments of FILE, which may be gzipped, with what your blog decided on them.

    KIND is the system that wrote the file: wordpress, disqus, blogger, isso, remark42, commento,
    comentario, ghost, substack or jsonl; docs/import.md has a section on each. The comments are
    kept as history: scored, but your blog gets no event. A comment is known by your blog's own id
    of it, so that a second run takes only what is new, and a run that was stopped goes on when it
    is run again.

    What cannot be taken is named and costs nothing else. The exit status is 3 if anything was
    refused, and 0 if all that was left out is what no reader wrote, such as pingbacks.

    Example: ./winnow import wordpress export.xml --site blog
    """
    with storage() as adapters, ExitStack() as opened:
        site = adapters.accounts.site(site_name)
        keep = _looking_up(site, adapters) if dry_run else _keeping(site, adapters)
        listed = opened.enter_context(rejects.open("w", encoding="utf-8")) if rejects else None
        report = ImportReport(listed, dry_run=dry_run)
        try:
            with _records(kind, file) as found:
                take_in(found, report, keep=keep)
        except InvalidInput as problem:
            raise InvalidInput(f"{file.name}: {problem} ({report.so_far()})") from None
    answer(report.to_dict(), as_json=as_json, text=report.so_far())
    if report.refused:
        sys.exit(REFUSED)


class ImportReport:
    """Counts the outcomes of records, and lists refused ones."""

    def __init__(self, rejects: IO[str] | None = None, *, dry_run: bool = False) -> None:
        """Write refused records to *rejects*, and the first few to standard error."""
        self.counts: Counter[str] = Counter()
        #: Whether anything was not taken that should have been.
        self.refused = False
        self._rejects = rejects
        self._dry_run = dry_run
        self._shown = 0

    def unusable(self, record: Unusable) -> None:
        """Count, list and show a record that was not taken."""
        self.counts["not_taken"] += 1
        self.refused = self.refused or not record.by_rule
        self._list(record.where, record.line, record.reason, taken=False)

    def became(self, record: Taken, outcome: IntakeOutcome) -> None:
        """Count the outcome of a comment, and list the fields that were cut."""
        if outcome is IntakeOutcome.CONFLICT:
            self.unusable(Unusable(record.where, _OTHER, record.line))
            return
        self.counts[outcome] += 1
        if record.lost:
            self.counts["not_whole"] += 1
            self._list(record.where, record.line, "; ".join(record.lost), taken=True)

    def _list(self, where: str, line: int, reason: str, *, taken: bool) -> None:
        if self._rejects is not None:
            record = {"where": where, "line": line or None, "reason": reason, "taken": taken}
            self._rejects.write(dumped(record) + "\n")
        self._shown += 1
        place = f"{where} (line {line})" if line and where != f"line {line}" else where
        if self._shown <= SHOWN:
            tqdm.write(f"{plain(place)}: {plain(reason)}", file=sys.stderr)
        elif self._shown == SHOWN + 1:
            tqdm.write("... and more; --rejects FILE lists them all", file=sys.stderr)

    def to_dict(self) -> dict[str, int]:
        """Return how many records went which way; ``not_whole`` counts some of the others again."""
        return {name: self.counts[name] for name in ("new", "same", "not_taken", "not_whole")}

    def so_far(self) -> str:
        """Return the counts as a sentence."""
        counts = self.to_dict()
        return (
            f"{counts['new']} {'would be ' if self._dry_run else ''}taken, "
            f"{counts['same']} here already, {counts['not_taken']} not taken"
            + (f", {counts['not_whole']} not whole" if counts["not_whole"] else "")
        )


def take_in(found: Iterator[Found], report: ImportReport, *, keep: Keep) -> None:
    """Store the records of *found*, a batch at a time, and count their outcomes."""
    for batch in _batches(found):
        usable = []
        for record in batch:
            if isinstance(record, Unusable):
                report.unusable(record)
            else:
                usable.append(record)
        for record, outcome in zip(usable, keep(usable), strict=True):
            report.became(record, outcome)


def _batches(found: Iterator[Found]) -> Iterator[list[Found]]:
    """Yield the records of *found* in batches; on an error, yield the records before it, then raise."""
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


def _keeping(site: Site, adapters: wiring.Adapters) -> Keep:
    """Return a function that scores comments and stores them."""
    model = loaded_model(adapters.settings)
    winnow = replace(adapters, current=lambda: model)

    def keep(usable: Sequence[Taken]) -> Sequence[IntakeOutcome]:
        kept = winnow.remember([record.past for record in usable], site=site)
        return [one.outcome for one in kept]

    return keep


def _looking_up(site: Site, adapters: wiring.Adapters) -> Keep:
    """Return a function that looks up whether comments are stored already."""

    def look_up(usable: Sequence[Taken]) -> Sequence[IntakeOutcome]:
        here = adapters.recognise([record.past for record in usable], site=site)
        return [known.outcome if known else IntakeOutcome.NEW for known in here]

    return look_up


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
        if raw.peek(2).startswith(_GZIP):
            yield _unzipped(kind, raw, bar)
        else:
            yield _watched(READERS[kind](raw), raw, bar)


def _unzipped(kind: str, raw: BinaryIO, bar: Any) -> Iterator[Found]:
    """Yield the content of a gzipped file in pieces, up to the first damaged byte."""
    unzipped = _Unzipped(raw)
    yield from _watched(READERS[kind](cast(BinaryIO, io.BufferedReader(unzipped))), raw, bar)
    if unzipped.damaged:
        yield Unusable("end of the file", "the gzip file is damaged from there on")


class _Unzipped(io.RawIOBase):
    """A gzipped file's content. Where the file is damaged it ends, and ``damaged`` says so."""

    def __init__(self, raw: BinaryIO) -> None:
        self._file = gzip.GzipFile(fileobj=raw)
        self.damaged = False

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that reading can begin again."""
        return True

    def readinto(self, into: WriteableBuffer) -> int:
        """Read on; 0 at the end and where nothing more can be unpacked."""
        view = memoryview(into).cast("B")
        try:
            read = self._file.read1(len(view))
        except (gzip.BadGzipFile, zlib.error, EOFError):
            self.damaged = True
            return 0
        view[: len(read)] = read
        return len(read)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place in the content."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place in the content."""
        return self._file.tell()


def _watched(found: Iterator[Found], raw: BinaryIO, bar: Any) -> Iterator[Found]:
    """Yield the records of *found*, and show the share of the file that was read."""
    for record in found:
        bar.update(raw.tell() - bar.n)
        yield record
