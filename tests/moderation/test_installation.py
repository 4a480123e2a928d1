"""Which installation a shell means: one rule for the service, its workers and every verb."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from moderation import installation
from moderation.errors import BadSettings, NoInstallation
from moderation.installation import AOF, announced, find, is_served, running


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home of its own, and no installation of the machine's that runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(installation, "MACHINE", tmp_path / "etc" / "winnow.env")
    monkeypatch.setattr(installation, "CHECKOUT", None)
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@contextmanager
def served(data: Path, **environ: str) -> Iterator[None]:
    """Hold a data directory as `up` does in a shell with *environ*, and say so."""
    (data / AOF).mkdir(parents=True)
    with (data / "winnow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with announced(find({"WINNOW_DATA_DIR": str(data)} | environ, starts=True)):
            yield


def test_a_directory_that_is_named_brings_its_settings(home: Path):
    file = write(
        home / "here" / "winnow.env", "# ours\n\nWINNOW_PORT=9000\nexport WINNOW_WORKERS='3'"
    )
    found = find({"WINNOW_DATA_DIR": str(home / "here")})
    assert (found.settings.port, found.settings.workers) == (9000, 3)
    assert (found.file, found.data, found.named_by) == (file, home / "here", "WINNOW_DATA_DIR")
    assert found.from_file == {"WINNOW_PORT", "WINNOW_WORKERS"}


def test_the_environment_wins_over_the_file(home: Path):
    write(home / "winnow.env", "WINNOW_PORT=9000\nWINNOW_SECRET_KEY_FILE=key")
    environ = {"WINNOW_DATA_DIR": str(home), "WINNOW_PORT": "1", "WINNOW_SECRET_KEY": "a" * 32}
    found = find(environ)
    assert (found.settings.port, found.settings.secret_key) == (1, "a" * 32)
    assert not found.from_file


def test_the_machines_file_names_the_directory_for_every_shell(home: Path):
    write(home / "etc" / "winnow.env", "WINNOW_DATA_DIR=../srv\nWINNOW_PORT=9000")
    found = find({})
    assert (found.data, found.settings.port) == (home / "srv", 9000)
    assert found.named_by == str(home / "etc" / "winnow.env")


def test_the_machines_file_is_not_mixed_with_another_directory(home: Path):
    """Settings of one installation must not reach the data of another."""
    write(home / "etc" / "winnow.env", "WINNOW_PORT=9000")
    found = find({"WINNOW_DATA_DIR": str(home / "trial")})
    assert (found.file, found.settings.port) == (None, 8025)


def test_paths_in_the_file_are_relative_to_it(home: Path):
    write(home / "etc" / "key", "k" * 32)
    write(home / "etc" / "winnow.env", "WINNOW_SECRET_KEY_FILE=key\nWINNOW_MODEL=models")
    found = find({})
    assert found.settings.secret_key == "k" * 32
    assert found.settings.model == str(home / "etc" / "models")


def test_children_find_the_same_installation(home: Path):
    write(home / "etc" / "winnow.env", "WINNOW_DATA_DIR=../srv\nWINNOW_PORT=9000")
    found = find({})
    again = find(found.environment())
    assert (again.settings, again.file) == (found.settings, found.file)


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("WINNOW_PORT = 1", "line 1: write NAME=value"),
        ("\nport=1", "line 2: port is no setting"),
        ("WINNOW_PROT=1", "unknown setting WINNOW_PROT"),
        ("WINNOW_SETTINGS=/x", "WINNOW_SETTINGS is no setting"),
        ("WINNOW_PORT=1\nWINNOW_PORT=2", "set twice"),
        ("WINNOW_MAIL_FROM='a", "do not match"),
        ('WINNOW_MAIL_FROM="a\\"b"', "differently"),
        ("WINNOW_PORT=much", "a port lies in"),
        ("\udc80", "not UTF-8"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(home: Path, text: str, sentence: str):
    file = home / "winnow.env"
    file.write_text(text, errors="surrogateescape")
    with pytest.raises(BadSettings, match=sentence) as problem:
        find({"WINNOW_DATA_DIR": str(home)})
    assert str(file) in str(problem.value)


def test_a_named_file_must_be_there(home: Path):
    with pytest.raises(BadSettings, match="no such file"):
        find({"WINNOW_SETTINGS": str(home / "none.env")})


def test_a_shell_that_names_nothing_means_the_winnow_that_runs(home: Path):
    write(home / "srv" / "winnow.env", "WINNOW_PORT=9000")
    with served(home / "srv"):
        found = find({})
        assert (found.data, found.settings.port) == (home / "srv", 9000)
        assert found.named_by == "the Winnow that runs"
        found.require()
        assert find({}, starts=True).data == home / ".local/share/winnow"
    assert running() == []
    assert find({}).data == home / ".local/share/winnow"


def test_a_port_that_only_the_shell_of_up_named_is_known_to_every_other_shell(home: Path):
    elsewhere = {"WINNOW_PORT": "9000", "WINNOW_PUBLIC_URL": "https://a.example"}
    here = {"WINNOW_DATA_DIR": str(home / "srv")}
    with served(home / "srv", **elsewhere):
        for environ in ({}, here):
            assert "WINNOW_PORT" in find(environ).as_served
            settings = find(environ).settings
            assert (settings.port, settings.url) == (9000, "https://a.example")
        assert find(here | {"WINNOW_PORT": "1"}).settings.port == 1
        assert find(here, starts=True).settings.port == 8025
        assert find({"WINNOW_DATA_DIR": str(home / "other")}).settings.port == 8025
    assert find(here).settings.port == 8025


def test_where_several_could_be_meant_none_is_taken(home: Path):
    with served(home / "one"):
        (home / ".local/share/winnow" / AOF).mkdir(parents=True)
        with pytest.raises(BadSettings, match="has data, too; set WINNOW_DATA_DIR"):
            find({})
        with served(home / "two"), pytest.raises(BadSettings, match=r"one and in .*two"):
            find({})
        assert find({"WINNOW_DATA_DIR": str(home / "two")}).data == home / "two"


def test_those_that_run_are_told_in_the_order_of_their_directories(home: Path):
    """Their notes are named by hashes, whose order would differ from home to home."""
    with served(home / "d"), served(home / "b"), served(home / "a"), served(home / "c"):
        assert [one.data.name for one in running()] == ["a", "b", "c", "d"]


def test_what_a_kill_left_is_not_taken_for_running(home: Path):
    with served(home / "srv"):
        (note,) = (home / ".local/state/winnow/running").iterdir()
        left = note.read_bytes()
    note.write_bytes(left)
    assert not is_served(home / "srv")
    assert running() == []
    assert not note.exists()


def test_a_directory_of_somebody_else_is_refused(home: Path):
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    (home / "srv" / AOF).mkdir(parents=True)
    os.chown(home / "srv", 65534, 65534)
    with pytest.raises(NoInstallation, match="sudo -u nobody"):
        find({"WINNOW_DATA_DIR": str(home / "srv")}).require()
