"""A promoted model judges within seconds, everywhere, and a rollback gives the old verdicts back."""

from __future__ import annotations

import copy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from models import artifacts
from tests.support.service import ROOT, Running, running
from tests.support.waiting import wait_until

TEXT = "Thank you for the second recipe, we had it on Sunday."


def another(directory: Path) -> str:
    """Save an artifact that finds everything a little worse; return its version."""
    shipped = artifacts.load()
    ways = copy.deepcopy(shipped.manifest["ways"])
    for way in ways.values():
        for label, (slope, shift) in way["calibration"].items():
            way["calibration"][label] = [slope, shift + 1.5]
    changed = replace(shipped, manifest={**shipped.manifest, "ways": ways})
    return artifacts.save(changed, directory).version


def model(winnow: Running, *verb: str) -> str:
    """Return what `./winnow model VERB` prints."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "service.cli", "model", *verb],
        env=winnow.environ, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def verdict(winnow: Running) -> dict[str, Any]:
    """Return what the workers say of the text in a new comment by nobody they know.

    An author whom they know gains trust with each comment.
    """
    answer = winnow.judged(TEXT)
    return {name: answer[name] for name in ("scores", "model", "verdict", "reasons")}


def judged_by(winnow: Running, version: str) -> dict[str, Any] | None:
    found = verdict(winnow)
    return found if found["model"] == version else None


def door(winnow: Running, key: str) -> Any:
    """Return what the web process itself scores, through Perspective's door."""
    asked = {
        "comment": {"text": TEXT},
        "requestedAttributes": {"TOXICITY": {}, "SPAM": {}},
        "doNotStore": True,
    }
    path = f"/v1alpha1/comments:analyze?key={key}"
    status, answer = winnow.ask("POST", path, asked)
    assert status == 200, answer
    return answer["attributeScores"]


def tree(directory: Path) -> set[tuple[str, int]]:
    return {(str(path), path.stat().st_mtime_ns) for path in directory.rglob("*") if path.is_file()}


def test_a_promoted_model_judges_within_seconds_and_a_rollback_gives_equal_verdicts(
    tmp_path: Path,
):
    version = another(tmp_path / "candidate")
    shipped = artifacts.read_manifest()["version"]
    checkout = tree(ROOT / "models" / "artifacts")
    with running(tmp_path / "data") as winnow:
        key = winnow.cli("key", "add", "demo", "--kind", "door")["key"]
        before, at_the_door = verdict(winnow), door(winnow, key)
        assert before["model"] == shipped
        model(winnow, "promote", str(tmp_path / "candidate"))
        changed = wait_until(lambda: judged_by(winnow, version), message="the new model")
        assert changed["scores"] != before["scores"]
        wait_until(lambda: door(winnow, key) != at_the_door, message="the new model in the web")
        model(winnow, "rollback")
        assert wait_until(lambda: judged_by(winnow, shipped), message="the old model") == before
        wait_until(lambda: door(winnow, key) == at_the_door, message="the old model in the web")
    assert tree(ROOT / "models" / "artifacts") == checkout
