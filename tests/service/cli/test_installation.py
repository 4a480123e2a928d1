"""No verb makes a second, empty Winnow by accident: the phantom, tried in ten ways."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.service import Running, command, running

COMMENT = {"content": "What a season finale!", "external_id": "1"}


@pytest.fixture(scope="module")
def winnow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A Winnow that was started in another terminal, with WINNOW_DATA_DIR set there alone."""
    with running(tmp_path_factory.mktemp("real") / "data") as started:
        started.judged(**COMMENT)
        yield started


def shell(
    winnow: Running, *verb: str, code: int = 0, **environ: str
) -> subprocess.CompletedProcess:
    """Run a verb in another shell of the same user, which knows nothing of the first one's settings."""
    known = {name: winnow.environ[name] for name in ("HOME", "PATH", "PYTHONPATH")}
    done = subprocess.run(
        command(*verb), env=known | environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == code, (done.stdout, done.stderr)
    return done


def test_1_a_backup_without_the_variable_has_the_comments_of_the_running_one(
    winnow: Running, tmp_path: Path
):
    done = shell(winnow, "backup", str(tmp_path / "b.tar.gz"))
    assert done.stdout.startswith("1 comment of 1 site, ")
    assert str(winnow.data) in done.stdout


def test_2_a_key_made_without_the_variable_opens_the_running_one(winnow: Running):
    made = json.loads(shell(winnow, "key", "add", "demo", "--json").stdout)
    assert winnow.ask("GET", "/v1/comments", key=made["key"])[0] == 200


def test_3_a_token_made_without_the_variable_opens_the_running_one(winnow: Running):
    made = json.loads(shell(winnow, "token", "add", "--json").stdout)
    assert winnow.ask("GET", "/v1/sites", key=made["token"])[0] == 200


WRITING = [
    ("site", "add", "blog"),
    ("token", "add"),
    ("moderator", "add", "ada"),
    ("demo", "seed"),
    ("stats",),
    ("queue", "demo"),
]


@pytest.mark.parametrize("verb", WRITING, ids=" ".join)
def test_4_a_misspelt_directory_is_refused_and_not_made(
    winnow: Running, tmp_path: Path, verb: tuple[str, ...]
):
    typo = tmp_path / "dta"
    said = shell(winnow, *verb, code=1, WINNOW_DATA_DIR=str(typo)).stderr
    assert f"there is no Winnow in {typo} (named by WINNOW_DATA_DIR)" in said
    assert f"Winnow runs in {winnow.data}" in said
    assert not typo.exists()


def test_5_a_backup_of_an_empty_directory_is_refused(winnow: Running, tmp_path: Path):
    empty, file = tmp_path / "empty", tmp_path / "b.tar.gz"
    empty.mkdir()
    shell(winnow, "backup", str(file), code=1, WINNOW_DATA_DIR=str(empty))
    assert not file.exists()
    assert list(empty.iterdir()) == []


def test_6_a_relative_directory_means_nothing_elsewhere(winnow: Running, tmp_path: Path):
    done = subprocess.run(
        command("site", "list"), cwd=tmp_path, capture_output=True, check=False, timeout=60,
        env=winnow.environ | {"WINNOW_DATA_DIR": "data"},
    )  # fmt: skip
    assert done.returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_7_doctor_in_the_wrong_shell_leaves_no_secret(winnow: Running, tmp_path: Path):
    said = shell(winnow, "doctor", code=2, WINNOW_DATA_DIR=str(tmp_path / "dta")).stdout
    assert "does not exist" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["web", "worker", "deliver"])
def test_8_a_process_alone_makes_no_installation(winnow: Running, tmp_path: Path, verb: str):
    shell(winnow, verb, code=1, WINNOW_DATA_DIR=str(tmp_path / "dta"))
    assert list(tmp_path.iterdir()) == []


def test_9_an_empty_database_of_a_redis_is_refused(winnow: Running, tmp_path: Path, redis_url: str):
    said = shell(
        winnow, "site", "add", "blog", code=1,
        WINNOW_REDIS_URL=redis_url, WINNOW_SECRET_KEY="s" * 32, WINNOW_DATA_DIR=str(tmp_path / "d"),
    ).stderr  # fmt: skip
    assert "the Redis of WINNOW_REDIS_URL holds no Winnow" in said


def test_10_cron_reads_the_same_file_as_the_service(winnow: Running, tmp_path: Path):
    """Cron has no variables but those of its file: WINNOW_SETTINGS names all the others."""
    file = tmp_path / "winnow.env"
    file.write_text(f"WINNOW_DATA_DIR={winnow.data}\nWINNOW_PORT={winnow.port}\n")
    printed = shell(winnow, "settings", "--json", WINNOW_SETTINGS=str(file)).stdout.splitlines()
    values = {one["name"]: (one["value"], one["set_by"]) for one in map(json.loads, printed)}
    assert values["WINNOW_PORT"] == (str(winnow.port), str(file))
    assert values["WINNOW_DATA_DIR"] == (str(winnow.data), str(file))
    assert "demo" in shell(winnow, "site", "list", WINNOW_SETTINGS=str(file)).stdout


def test_init_makes_what_every_other_verb_then_finds(winnow: Running, tmp_path: Path):
    data, file = tmp_path / "data", tmp_path / "etc" / "winnow.env"
    environ = {"WINNOW_DATA_DIR": str(data), "HOME": str(tmp_path)}
    said = shell(winnow, "init", "--settings", str(file), **environ)
    assert said.stdout.split() == ["data", str(data), "settings", str(file)]
    assert f"Set WINNOW_SETTINGS={file}" in said.stderr
    assert file.stat().st_mode & 0o077 == 0
    alone = {"WINNOW_SETTINGS": str(file), "HOME": str(tmp_path)}
    shell(winnow, "site", "add", "blog", **alone)
    assert "blog" in shell(winnow, "site", "list", **alone).stdout
    assert "already" in shell(winnow, "init", code=1, **environ).stderr
    assert list((tmp_path / "etc").iterdir()) == [file]
