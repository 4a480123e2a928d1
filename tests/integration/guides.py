"""The first line of each guide in docs/integrate: with what it was tried, when, and by which run."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.support.service import ROOT

GUIDES = ROOT / "docs" / "integrate"
#: What the line under a guide's title may say.
LINE = re.compile(
    r"\*(?:Tried with .+ on \d{4}-\d\d-\d\d by `make test-[a-z]+`\.|Not run: .+\.)\*", re.DOTALL
)


def tried(guide: str, *programs: str, by: str) -> None:
    """Write into *guide* that it was tried with *programs* today, by `make` *by*; not on CI."""
    if os.environ.get("CI"):
        return
    path = GUIDES / f"{guide}.md"
    title, _, *rest = path.read_text(encoding="utf-8").split("\n\n", 2)
    line = f"*Tried with {_listed(programs)} on {datetime.now(UTC):%Y-%m-%d} by `make {by}`.*"
    path.write_text("\n\n".join([title, line, *rest]), encoding="utf-8")


def _listed(programs: Sequence[str]) -> str:
    if any("," in one for one in programs):  # each of them is a list by itself
        return "; ".join(programs)
    *others, last = programs
    return f"{', '.join(others)} and {last}" if others else last
