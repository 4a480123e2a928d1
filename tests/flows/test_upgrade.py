"""The ways of docs/upgrade.md: forth with each version of the data that there was, and back by a backup."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from moderation import wiring
from moderation.comment import Draft
from moderation.settings import Settings
from moderation.store import keys
from service.cli import cli
from service.cli.base import storage

Run = Callable[..., Result]
VERSION = keys.META(keys.GLOBAL)


@pytest.fixture
def data() -> Iterator[Path]:
    """An installation with a comment; a short path, for its socket."""
    directory = Path(tempfile.mkdtemp(prefix="winnow-test-"))
    with storage(Settings(data_dir=directory / "data"), fresh=True) as adapters:
        now = adapters.clock.now_ms()
        site = adapters.accounts.add_site("blog", now_ms=now)
        adapters.comments.accept(site.id, [Draft("Kept words")], backlog=9, now_ms=now)
    yield directory / "data"
    shutil.rmtree(directory)


@pytest.fixture
def run(data: Path) -> Run:
    def run(*verb: str, code: int = 0) -> Result:
        result = CliRunner(env={"WINNOW_DATA_DIR": str(data)}).invoke(cli, verb)
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return run


def set_version(data: Path, version: int) -> None:
    with storage(Settings(data_dir=data)) as adapters:
        adapters.redis.hset(VERSION, "version", version)


def stored_version(data: Path) -> int:
    from moderation.store.embedded import EmbeddedValkey  # noqa: PLC0415 - no other test goes around it

    server = EmbeddedValkey(data, "everysec", None)
    server.start()
    try:
        return int(wiring.connect(Settings(data_dir=data)).redis.hget(VERSION, "version"))
    finally:
        server.stop()


@pytest.mark.parametrize("version", range(1, wiring.DATA_VERSION + 1))
def test_data_of_every_version_so_far_is_taken(run: Run, data: Path, version: int):
    set_version(data, version)
    assert json.loads(run("site", "list", "--json").stdout)["name"] == "blog"
    assert stored_version(data) == wiring.DATA_VERSION


@pytest.mark.parametrize(
    "verb", [("site", "add", "x"), ("queue",), ("backup", "b.tar.gz"), ("up",)], ids=" ".join
)
def test_newer_data_is_refused_by_every_verb_and_left_alone(
    run: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: tuple[str, ...]
):
    monkeypatch.chdir(tmp_path)
    set_version(data, wiring.DATA_VERSION + 1)
    said = run(*verb, code=1).stderr
    assert f"the data is of version {wiring.DATA_VERSION + 1}" in said
    assert "restore the backup from before the upgrade" in said
    assert stored_version(data) == wiring.DATA_VERSION + 1
    assert list(tmp_path.iterdir()) == []


def test_the_way_back_is_the_backup_and_the_newer_data_is_kept(
    run: Run, data: Path, tmp_path: Path
):
    file = tmp_path / "before-upgrade.tar.gz"
    run("backup", str(file), "--verify")
    set_version(data, wiring.DATA_VERSION + 1)
    run("site", "list", code=1)
    assert "1 comment of 1 site" in run("restore", str(file), "--dry-run").stdout
    run("restore", str(file), "--force", "--yes")
    assert json.loads(run("site", "list", "--json").stdout)["name"] == "blog"
    assert list(data.glob("before-restore-*/appendonlydir"))
