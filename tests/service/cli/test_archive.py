"""backup and restore, on the embedded server: a copy while it runs, and a safe way back."""

from __future__ import annotations

import io
import json
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from moderation.comment import Draft
from moderation.installation import newest_backup
from moderation.settings import Settings
from moderation.vault import secret_path
from service.cli import cli
from service.cli.base import storage

Run = Callable[..., Result]


@pytest.fixture
def data() -> Path:
    """A short path: a socket's address holds a hundred bytes."""
    directory = Path(tempfile.mkdtemp(prefix="winnow-test-"))
    yield directory / "data"
    shutil.rmtree(directory)


@pytest.fixture
def run(data: Path) -> Run:
    def run(*verb: str, code: int = 0, directory: Path = data) -> Result:
        result = CliRunner(env={"WINNOW_DATA_DIR": str(directory)}).invoke(cli, verb)
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return run


@contextmanager
def opened(data: Path):
    with storage(Settings(data_dir=data), fresh=True) as adapters:
        yield adapters


def fill(data: Path, name: str = "blog") -> str:
    """Return a key of a new site with a comment."""
    with opened(data) as adapters:
        now = adapters.clock.now_ms()
        site = adapters.accounts.add_site(name, now_ms=now)
        adapters.comments.accept(site.id, [Draft("Kept words")], backlog=9, now_ms=now)
        return site.id


def contents(data: Path) -> tuple[list[str], int]:
    with opened(data) as adapters:
        names = [site.name for site in adapters.accounts.sites()]
        return names, adapters.comments.counts().get("pending", 0)


def test_a_backup_restores_comments_sites_and_the_secret(run: Run, data: Path, tmp_path: Path):
    fill(data)
    file = tmp_path / "backup.tar.gz"
    said = run("backup", str(file)).stdout
    assert said.startswith("1 comment of 1 site, ")
    assert f", from {data} to {file}" in said
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    fresh = data.with_name("fresh")
    restored = run("restore", str(file), directory=fresh)
    assert restored.stderr == f"restored 1 comment of 1 site to {fresh}\n"
    assert contents(fresh) == (["blog"], 1)
    assert secret_path(Settings(data_dir=fresh)).read_bytes() == (data / "secret.key").read_bytes()
    assert stat.S_IMODE((fresh / "secret.key").stat().st_mode) == 0o600


def test_a_backup_is_taken_while_the_service_runs(run: Run, data: Path, tmp_path: Path):
    """What comes after it belongs to the next one."""
    file = tmp_path / "backup.tar.gz"
    fill(data)
    with opened(data) as adapters:
        run("backup", str(file))
        adapters.accounts.add_site("later", now_ms=adapters.clock.now_ms())
        percentage = adapters.redis.config_get("auto-aof-rewrite-percentage")
        assert set(percentage.values()) & {"100", b"100"}, "the server may rewrite its files again"
    fresh = data.with_name("fresh")
    run("restore", str(file), directory=fresh)
    assert contents(fresh) == (["blog"], 1)


def test_restore_does_not_touch_a_running_service(run: Run, data: Path, tmp_path: Path):
    fill(data)
    file = tmp_path / "backup.tar.gz"
    run("backup", str(file))
    with opened(data):
        refused = run("restore", str(file), "--force", "--yes", code=1)
    assert "already running" in refused.stderr


def test_restore_puts_what_was_there_aside_and_only_by_force(run: Run, data: Path, tmp_path: Path):
    file = tmp_path / "backup.tar.gz"
    fill(data, "first")
    run("backup", str(file))
    fill(data, "second")
    assert "--force" in run("restore", str(file), code=1).stderr
    assert contents(data) == (["first", "second"], 2)
    run("restore", str(file), "--force", "--yes")
    assert contents(data) == (["first"], 1)
    (aside,) = data.glob("before-restore-*")
    old = data.with_name("old")
    shutil.move(aside, old)
    assert contents(old) == (["first", "second"], 2)


def test_a_backup_overwrites_no_file(run: Run, data: Path, tmp_path: Path):
    fill(data)
    file = tmp_path / "precious.txt"
    file.write_text("precious")
    assert "is there already" in run("backup", str(file), code=1).stderr
    assert file.read_text() == "precious"


def archive(path: Path, *names: str, kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w:gz") as made:
        for name in names:
            member = tarfile.TarInfo(name)
            member.type = kind
            member.linkname = "/etc/passwd"
            made.addfile(member, io.BytesIO())
    return path


@pytest.mark.parametrize(
    "names, kind",
    [
        (["../evil"], tarfile.REGTYPE),
        (["/etc/evil"], tarfile.REGTYPE),
        (["appendonlydir/../../evil"], tarfile.REGTYPE),
        (["appendonlydir/.."], tarfile.REGTYPE),
        (["secret.key"], tarfile.SYMTYPE),
        (["appendonlydir/x"], tarfile.LNKTYPE),
        (["winnow.lock"], tarfile.REGTYPE),
        ([], tarfile.REGTYPE),
    ],
)
def test_what_is_no_backup_is_refused(
    run: Run, data: Path, tmp_path: Path, names: list[str], kind: bytes
):
    """An archive from elsewhere must not write where it likes."""
    file = archive(tmp_path / "evil.tar.gz", *names, kind=kind)
    assert "no backup of Winnow's" in run("restore", str(file), code=1).stderr
    assert not (data / "appendonlydir").exists()
    assert sorted(path.name for path in data.iterdir()) == ["winnow.lock"]


def test_a_torn_backup_is_refused(run: Run, data: Path, tmp_path: Path):
    fill(data)
    file, torn = tmp_path / "backup.tar.gz", tmp_path / "torn.tar.gz"
    run("backup", str(file))
    torn.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    fresh = data.with_name("fresh")
    assert "no backup" in run("restore", str(torn), code=1, directory=fresh).stderr
    assert not (fresh / "secret.key").exists()


def test_a_backup_is_verified_by_loading_it(run: Run, data: Path, tmp_path: Path):
    fill(data)
    file = tmp_path / "backup.tar.gz"
    answer = json.loads(run("backup", str(file), "--verify", "--json").stdout)
    assert (answer["comments"], answer["sites"], answer["verified"]) == (1, 1, True)
    assert (answer["data"], answer["bytes"]) == (str(data), file.stat().st_size)
    assert [path.name for path in tmp_path.iterdir()] == ["backup.tar.gz"]


def test_a_dry_run_says_what_a_backup_holds_and_changes_nothing(
    run: Run, data: Path, tmp_path: Path
):
    fill(data)
    file, torn = tmp_path / "backup.tar.gz", tmp_path / "torn.tar.gz"
    run("backup", str(file))
    fresh = data.with_name("fresh")
    said = run("restore", str(file), "--dry-run", directory=fresh).stdout
    assert f"sound and holds 1 comment of 1 site. It would go to {fresh}." in said
    assert not fresh.exists()
    fill(data, "later")
    assert "--force puts aside" in run("restore", str(file), "--dry-run").stdout
    assert contents(data) == (["blog", "later"], 2)
    torn.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert "no backup" in run("restore", str(torn), "--dry-run", code=1).stderr


def test_doctor_knows_the_newest_backup(run: Run, data: Path, tmp_path: Path):
    fill(data)
    assert newest_backup(data) is None
    run("backup", str(tmp_path / "backup.tar.gz"))
    age, file = newest_backup(data)
    assert (file, age < 60) == (str(tmp_path / "backup.tar.gz"), True)


def test_a_redis_of_ones_own_is_left_to_its_own_tools(tmp_path: Path, redis_url: str):
    environ = {"WINNOW_REDIS_URL": redis_url, "WINNOW_DATA_DIR": str(tmp_path)}
    result = CliRunner(env=environ).invoke(cli, ["backup", str(tmp_path / "x")])
    assert result.exit_code == 1
    assert "its own tools" in result.stderr
