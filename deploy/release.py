"""``make release``: from a clean checkout to the files of a release, and its tag.

Checks what a release must be, then writes to dist/: the wheel, its SBOM (CycloneDX) and SHA256SUMS. The
image is built where Docker or Buildah is there, and said to be missing where neither is. The tag is made
last, and nothing is pushed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
#: Writes the SBOM from requirements.txt; fetched for the release alone.
SBOM_TOOL = "cyclonedx-bom==7.5.0"


class NotReady(Exception):
    """Raised when the checkout is not what a release may be made of; says what to do."""


def main(words: list[str]) -> int:
    """Make the release; with `--dry-run` make everything but the tag, from whatever is here."""
    dry = words == ["--dry-run"]
    try:
        version = read_version(ROOT)
        problems = list(problems_of(ROOT, version))
        for problem in problems:
            print(f"not ready: {problem}", file=sys.stderr)
        if problems and not dry:
            return 1
        files = [wheel(), sbom(version)]
        (DIST / "SHA256SUMS").write_text("".join(map(checksum, files)), encoding="utf-8")
        print(image(version))
        print("\n".join(f"dist/{path.name}" for path in [*files, DIST / "SHA256SUMS"]))
        if not dry:
            run("git", "tag", "--annotate", f"v{version}", "--message", f"Winnow {version}")
            print(f"tagged v{version}; push it with `git push origin v{version}`")
    except subprocess.CalledProcessError as problem:
        print(f"{problem.cmd[0]} failed with status {problem.returncode}", file=sys.stderr)
        return 1
    return 0


def read_version(root: Path) -> str:
    """Return the version that the code names."""
    text = (root / "moderation" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    assert found, "moderation/__init__.py names no version"
    return found[1]


def problems_of(root: Path, version: str) -> list[str]:
    """Return what keeps *root* from being released as *version*."""
    problems = []
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        problems.append(f"{version} is no X.Y.Z; change moderation/__init__.py")
    if output("git", "-C", str(root), "status", "--porcelain"):
        problems.append("the checkout has changes; commit or remove them")
    if output("git", "-C", str(root), "tag", "--list", f"v{version}"):
        problems.append(
            f"v{version} is tagged already; raise __version__ in moderation/__init__.py"
        )
    problems += changelog_problems((root / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    return problems


def changelog_problems(text: str, version: str, today: date | None = None) -> list[str]:
    """Return what CHANGELOG.md lacks for *version*: a dated section with entries, nothing above it."""
    sections = dict(re.findall(r"^## \[([^\]]+)\](.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    section = sections.get(version)
    stamp = (today or date.today()).isoformat()  # noqa: DTZ011 - the day where the maintainer is
    problems = []
    if section is None:
        problems.append(f"CHANGELOG.md has no section: write `## [{version}] - {stamp}`")
    elif not re.match(r" - \d{4}-\d\d-\d\d$", section, re.MULTILINE):
        problems.append(f"the section {version} of CHANGELOG.md has no date, such as {stamp}")
    elif "\n- " not in section:
        problems.append(f"the section {version} of CHANGELOG.md has no entries")
    if "\n- " in sections.get("Unreleased", ""):
        problems.append(f"CHANGELOG.md has entries under Unreleased: move them to {version}")
    return problems


def wheel() -> Path:
    """Build the wheel; the same commit gives the same bytes."""
    shutil.rmtree(DIST, ignore_errors=True)
    built = output("git", "-C", str(ROOT), "log", "-1", "--format=%ct").strip()
    run(
        "uv", "build", "--quiet", "--wheel", "--out-dir", str(DIST), str(ROOT),
        SOURCE_DATE_EPOCH=built,
    )  # fmt: skip
    for left in ("build", "winnow_moderation.egg-info"):
        shutil.rmtree(ROOT / left, ignore_errors=True)
    (found,) = DIST.glob("*.whl")
    return found


def sbom(version: str) -> Path:
    """Write which packages the release runs on, with their hashes."""
    path = DIST / f"winnow-moderation-{version}.cdx.json"
    run(
        "uv", "tool", "run", "--quiet", "--from", SBOM_TOOL,
        "cyclonedx-py", "requirements", str(ROOT / "requirements.txt"), "--output-file", str(path),
    )  # fmt: skip
    return path


def image(version: str) -> str:
    """Build the image if there is a builder; return the result."""
    for builder, verb in (("docker", ["build"]), ("buildah", ["build", "--layers"])):
        if shutil.which(builder) and works(builder):
            run(builder, *verb, "--tag", f"winnow:{version}", str(ROOT))
            return f"image winnow:{version} ({builder})"
    return "no image was built: neither Docker nor Buildah works here"


def works(builder: str) -> bool:
    """Tell whether a builder answers; Docker's client may be there without its daemon."""
    return subprocess.run([builder, "info"], capture_output=True, check=False).returncode == 0


def checksum(path: Path) -> str:
    """Return a line as `sha256sum --check` reads it."""
    return f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"


def run(*command: str, **environ: str) -> None:
    """Run a program; raise CalledProcessError if it fails."""
    subprocess.run(command, check=True, env=_environ() | environ)


def output(*command: str) -> str:
    """Return what a program prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _environ() -> dict[str, str]:
    """Return the environment with the programs of `make install` found first."""
    here = str(ROOT / ".venv" / "bin")
    return {**os.environ, "PATH": os.pathsep.join([here, os.environ["PATH"]])}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
