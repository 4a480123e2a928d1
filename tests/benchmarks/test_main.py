"""RESULTS.md: each benchmark has a part, which a new run of that one replaces."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.__main__ import HERE, updated

NAMES = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))

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


@pytest.mark.parametrize("name", NAMES)
def test_help_says_what_a_benchmark_measures_and_measures_nothing(name: str):
    done = run(f"benchmarks.{name}", "--help")
    assert done.returncode == 0, done.stderr
    first = (HERE / f"{name}.py").read_text("utf-8").removeprefix('"""').split()[:5]
    assert " ".join(first) in " ".join(done.stdout.split())


def test_a_benchmark_that_does_not_exist_is_refused_with_those_that_do():
    done = run("benchmarks", "--frobnicate")
    assert (done.returncode, "latency, learning" in done.stderr) == (2, True)
    assert "latency, learning" in run("benchmarks", "--help").stdout


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the benchmarks, which ends soon or has begun to measure."""
    command = [sys.executable, "-m", *words]
    return subprocess.run(
        command, cwd=HERE.parent, capture_output=True, text=True, timeout=60, check=False
    )
