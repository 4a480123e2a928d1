"""The secret of an installation: made once, kept private, never mixed up."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from moderation.errors import BadSettings
from moderation.settings import Settings
from moderation.vault import Vault, secret_path

SECRET = "a secret key that is long enough for anybody"


def test_a_secret_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path):
    """Two processes that open the same directory must agree on every hash."""
    settings = Settings(data_dir=tmp_path / "data")
    first, second = Vault.open(settings), Vault.open(settings)
    assert first.digest("wk_1") == second.digest("wk_1")
    assert stat.S_IMODE(secret_path(settings).stat().st_mode) == 0o600
    assert [path.name for path in settings.data_dir.iterdir()] == ["secret.key"]


def test_a_secret_from_the_settings_writes_no_file(tmp_path: Path):
    settings = Settings(data_dir=tmp_path / "data", secret_key=SECRET)
    assert Vault.open(settings).fingerprint == Vault(SECRET.encode()).fingerprint
    assert not settings.data_dir.exists()


def test_a_short_secret_is_refused(tmp_path: Path):
    with pytest.raises(BadSettings, match="shorter than 32"):
        Vault.open(Settings(data_dir=tmp_path, secret_key="short"))


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path):
    """A copy made by `cp` or `scp` often has lost its mode; say which command repairs it."""
    settings = Settings(data_dir=tmp_path)
    Vault.open(settings)
    secret_path(settings).chmod(0o644)
    with pytest.raises(BadSettings, match="chmod 600"):
        Vault.open(settings)


def test_a_damaged_secret_is_refused_and_not_replaced(tmp_path: Path):
    """A fresh one would make every key worthless without a word."""
    settings = Settings(data_dir=tmp_path)
    secret_path(settings).touch(mode=0o600)
    with pytest.raises(BadSettings, match="damaged"):
        Vault.open(settings)


def test_no_two_purposes_share_a_key():
    vault = Vault(SECRET.encode())
    assert len({vault.derive(purpose) for purpose in ("a", "b", "digests", "sealing")}) == 4


def test_what_was_sealed_is_opened_for_the_same_purpose_alone():
    """An endpoint's secret must not open when someone moves it to another endpoint."""
    vault = Vault(SECRET.encode())
    sealed = vault.seal("whsec_1", about="endpoint 1")
    assert vault.unseal(sealed, about="endpoint 1") == "whsec_1"
    assert "whsec_1" not in sealed
    with pytest.raises(BadSettings):
        vault.unseal(sealed, about="endpoint 2")


def test_another_secret_cannot_open_it():
    sealed = Vault(SECRET.encode()).seal("whsec_1", about="endpoint 1")
    with pytest.raises(BadSettings, match="another secret key"):
        Vault(b"another secret key that is just as long").unseal(sealed, about="endpoint 1")
