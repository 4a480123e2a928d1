"""RESULTS.md: each benchmark has a part, which a new run of that one replaces."""

from __future__ import annotations

from benchmarks.__main__ import HERE, updated

RESULTS = "# Benchmarks\n\nHead.\n\n## doors\n\nOld day.\n\n```\nold\n```\n\n## intake\n\nThat day.\n\n```\n## 3\n```\n"


def test_a_run_replaces_its_own_part_and_no_other():
    new = updated(RESULTS, "doors", "Today.\n\n```\nnew\n```\n")
    assert new == RESULTS.replace("Old day.", "Today.").replace("old", "new")


def test_a_benchmark_that_was_never_run_gets_a_part_in_its_place():
    new = updated(RESULTS, "growth", "Today.\n")
    assert [line for line in new.splitlines() if line.startswith("## ")] == [
        "## doors", "## growth", "## intake", "## 3",
    ]  # fmt: skip


def test_the_results_that_are_kept_are_read_and_written_alike():
    kept = (HERE / "RESULTS.md").read_text("utf-8")
    name = "doors"
    part = kept.split(f"## {name}\n\n", 1)[1].split("\n## ", 1)[0]
    assert updated(kept, name, part) == kept
