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
