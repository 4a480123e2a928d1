"""What the product does in one place, it does nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("moderation", "service", "worker", "models")

#: What is done, how its code looks, and the files that may do it.
PLACES = {
    # Verdicts come from judging; learning compares two heads of a site by the same scores.
    "the model is asked": (
        r"\bmodel\.score\(",
        {"moderation/workflow/judging.py", "moderation/workflow/learning.py"},
    ),
    # A comment is read from storage; a door that judges has a Draft.
    "a comment is made": (
        r"(?<!class )(?<![\w.])Comment\(",
        {"moderation/store/queries.py", "moderation/store/screening.py"},
    ),
    "the layout of a near-duplicate's entry is known": (
        r"\bENTRY_BYTES\b|\bCOMMENT_AT\b|>4Q",
        {"moderation/store/near.py", "moderation/store/library.py"},
    ),
    "the wake key and the bell are touched": (
        r"\bkeys\.(?:WAKE|BELL)\b",
        {"moderation/store/wake.py"},
    ),
    "a process is tied to its parent": (r"\bprctl\b", {"moderation/processes.py"}),
}


@pytest.mark.parametrize("what", PLACES)
def test_it_is_done_in_its_place_alone(what: str):
    pattern, places = PLACES[what]
    found = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if re.search(pattern, path.read_text(encoding="utf-8"))
    }
    assert found == places
