"""What every test may ask for, and what `make quick` leaves out."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

# As `winnow` runs (service/cli). Two threads of OpenBLAS in each of the suite's processes wait for each other
# on the processor: learning took 5.6 s of it in CI, of 0.6 s alone. Set before anything loads NumPy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

pytest_plugins = ["tests.support.fixtures"]

#: Directories whose tests take their time, as the verbs' do, which start storage: processes, browsers, training, thousands of cases.
_SLOW = frozenset(
    [
        "flows",
        "chaos",
        "browser",
        "hostile",
        "integration",
        "integrations",
        "properties",
        "docs",
        "examples",
        "benchmarks",
        "models",
    ]
)
#: What a module imports that starts processes, a server of its own or a browser, or loads the model.
_STARTS = re.compile(
    r"^(?:from|import) (?:subprocess|multiprocessing|schemathesis|doctest|models\.(?:scorer|current|cli)"
    r"|tests\.support\.(?:service|browser|cluster|front|disk|poisoned|receiver|valkey))\b",
    re.MULTILINE,
)


#: What a module imports that makes examples by chance.
_GUESSES = re.compile(r"^(?:from|import) (?:hypothesis|schemathesis)\b", re.MULTILINE)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="only what takes seconds (make quick)")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out a file that would take long, before it is imported."""
    if not config.getoption("--quick"):
        return None
    below = collection_path.relative_to(Path(__file__).parent)
    if below.parts[:1] and (below.parts[0] in _SLOW or below.parts[:2] == ("service", "cli")):
        return True
    is_test = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    return True if is_test and _STARTS.search(collection_path.read_text()) else None


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> None:
    """Have Hypothesis make the same examples each time, and time none of them.

    A change is then refused for what it changed, and not for what chance found or for a slow machine.
    `--hypothesis-profile=default` looks for new ones. Loaded here, before the first module that uses it:
    most test processes do without.
    """
    asked = parent.config.getoption("--hypothesis-profile", None)
    if not asked and _GUESSES.search(module_path.read_text(encoding="utf-8")):
        from hypothesis import settings  # noqa: PLC0415 - as said above

        settings.load_profile("ci")
