"""Installs the built wheel where nothing else is, and has it do the main job: ``make test-wheel``.

A new environment, another HOME, no checkout on any path. The wheel is built here; what it depends on comes
from the package index or pip's and uv's caches, at the versions of requirements.txt.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from pathlib import Path

from tests.support.service import ROOT, descendants, free_port

UV = ROOT / ".venv" / "bin" / "uv"
_START_SECONDS = 60


def main() -> int:
    """Build, install, run; print each step that passed."""
    with tempfile.TemporaryDirectory(
        prefix="winnow-wheel-"
    ) as temporary:  # short: sockets lie below
        place = Path(temporary)
        wheel = build(place)
        winnow = install(wheel, place)
        environ = {"HOME": str(place / "home"), "PATH": "/usr/bin:/bin"}
        (place / "home").mkdir()
        size = sum(one.stat().st_size for one in (place / "env").rglob("*") if one.is_file())
        print(
            f"installed: {size / 1e6:.0f} MB with Python's own files, wheel {wheel.stat().st_size / 1e6:.0f} MB"
        )
        printed = run(winnow, environ, "--version")
        assert re.fullmatch(r"winnow \d+\.\d+\.\d+ \(data version \d+, API v1\)\n", printed), (
            printed
        )
        refused = subprocess.run(
            [winnow, "site", "list"], env=environ, capture_output=True, check=False
        )
        assert b"`winnow init` makes a new one" in refused.stderr, refused.stderr
        completion = run(winnow, environ | {"_WINNOW_COMPLETE": "bash_source"})
        assert "_winnow_completion" in completion
        assert "shipped" in run(winnow, environ, "model", "list")
        print("its verbs answer: --version, model list, the shell's completion")
        main_job(winnow, environ)
        print("1 passed, 0 failed")
    return 0


def build(place: Path) -> Path:
    """Return the wheel of this checkout; its own files are left alone."""
    source = place / "source"
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(ROOT / name, source / name) if same_disk(ROOT, place) else (
                source / name
            ).write_bytes((ROOT / name).read_bytes())
    subprocess.run([UV, "build", "--quiet", "--wheel", "--out-dir", place, source], check=True)
    (wheel,) = place.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for part in (
        "encoder/encoder.onnx",
        "lua/base.lua",
        "desk/base.html",
        "LC_MESSAGES/messages.mo",
    ):
        assert any(part in name for name in names), f"{part} is not in the wheel"
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "data/"))]
    print(f"built {wheel.name}: {len(names)} files")
    return wheel


def same_disk(one: Path, other: Path) -> bool:
    """Tell whether files can be linked from one place to the other."""
    return one.stat().st_dev == other.stat().st_dev


def install(wheel: Path, place: Path) -> Path:
    """Return the program, installed as pipx and `uv tool install` do: alone in an environment."""
    environment = place / "env"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    subprocess.run(
        [
            UV, "pip", "install", "--quiet", "--python", environment / "bin" / "python",
            "--only-binary", ":all:", "--constraint", ROOT / "requirements.txt", wheel,
        ],
        check=True,
    )  # fmt: skip
    return environment / "bin" / "winnow"


def run(winnow: Path, environ: dict[str, str], *verb: str) -> str:
    """Return what a verb prints, called from / as cron would."""
    done = subprocess.run(
        [winnow, *verb], env=environ, cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (verb, done.stdout, done.stderr)
    return done.stdout


def main_job(winnow: Path, environ: dict[str, str]) -> None:
    """Start it, send a good comment and spam, decide on one; stop it, and nothing is left behind."""
    port = free_port()
    started = time.monotonic()
    process = subprocess.Popen(
        [winnow, "up"], env=environ | {"WINNOW_PORT": str(port)}, cwd="/", text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        key = ""
        for line in process.stdout:
            if found := re.search(r"Site key +(\S+)", line):
                key = found[1]
            if "Everything is kept in" in line:
                assert str(Path(environ["HOME"]) / ".local/share/winnow") in line, line
                break
        assert key, "it did not start"
        good = submit(port, key, "My sister's children loved the soup; thank you for the recipe!")
        print(f"first verdict {time.monotonic() - started:.1f} s after its start: {good['status']}")
        assert good["status"] == "approved", good
        bad = submit(port, key, "CHEAP VIAGRA online!!! http://pills.example/buy $$$ 100% FREE")
        assert bad["status"] in {"flagged", "rejected", "spam"}, bad
        run(winnow, environ, "decide", good["id"], "reject")
        shown = json.loads(run(winnow, environ, "show", good["id"], "--json"))
        assert shown["status"] == "rejected", shown
        everyone = descendants(process.pid)
        held = sum(proportional(pid) for pid in everyone)
        print(f"in memory: {held / 1e6:.0f} MB (PSS of {len(everyone)} processes)")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    backup = Path(environ["HOME"]) / "backup.tar.gz"
    print(run(winnow, environ, "backup", str(backup), "--verify").strip())


def submit(port: int, key: str, content: str) -> dict[str, str]:
    """Return a comment with its verdict."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/comments",
        data=json.dumps({"content": content}).encode(),
        headers={
            "Authorization": f"Bearer {key}", "Content-Type": "application/json", "Prefer": "wait=20",
        },
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=_START_SECONDS) as answer:
        return json.loads(answer.read())


def proportional(pid: int) -> int:
    """Return a process's memory in bytes, shared pages counted by their share."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return int(re.search(r"^Pss: +(\d+)", text, re.MULTILINE)[1]) * 1024


if __name__ == "__main__":
    sys.exit(main())
