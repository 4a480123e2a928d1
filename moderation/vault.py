"""The installation's one secret, and everything that is hashed, sealed or signed with it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from moderation.errors import BadSettings, NoInstallation
from moderation.settings import Settings

#: A secret that a person typed must not be guessable from a hash.
MIN_LENGTH = 32
_NONCE_BYTES = 12


class Vault:
    """Derives a separate key for each purpose."""

    def __init__(self, secret: bytes) -> None:
        """Derive everything from *secret*."""
        self._secret = secret
        self._digest_key = self.derive("digests")
        self._cipher = AESGCM(self.derive("sealing"))

    @classmethod
    def open(cls, settings: Settings, *, fresh: bool = True) -> Self:
        """Return the vault of this installation; a *fresh* one gets its ``secret.key`` here.

        Raises BadSettings when the secret is too short or its file cannot be used.
        """
        if settings.secret_key:
            if len(settings.secret_key) < MIN_LENGTH:
                raise BadSettings(
                    f"WINNOW_SECRET_KEY is shorter than {MIN_LENGTH} characters; "
                    "`openssl rand -hex 32` makes a good one"
                )
            return cls(settings.secret_key.encode())
        return cls(_kept_secret(secret_path(settings), fresh=fresh))

    def derive(self, purpose: str) -> bytes:
        """Return 32 bytes that are this installation's own, for *purpose* alone."""
        info = f"winnow {purpose}".encode()
        return HKDF(SHA256(), length=32, salt=None, info=info).derive(self._secret)

    @property
    def fingerprint(self) -> str:
        """A value that differs between secrets and reveals nothing of them."""
        return hashlib.sha256(self.derive("fingerprint")).hexdigest()[:16]

    def digest(self, text: str) -> str:
        """Return the digest under which a key or token is stored, from which it cannot be recovered."""
        return hmac.digest(self._digest_key, text.encode("utf-8", "surrogatepass"), "sha256").hex()

    def seal(self, text: str, *, about: str) -> str:
        """Return *text* encrypted, to be opened for the same *about* alone."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, text.encode(), about.encode())
        return base64.b64encode(sealed).decode()

    def unseal(self, sealed: str, *, about: str) -> str:
        """Return what :meth:`seal` sealed. Raises BadSettings when another secret sealed it."""
        raw = base64.b64decode(sealed)
        nonce, text = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, text, about.encode()).decode()
        except InvalidTag:
            raise BadSettings(
                "stored secrets were encrypted with another secret key; "
                "bring back the secret.key (or WINNOW_SECRET_KEY) that made them"
            ) from None


def new_password() -> str:
    """Return a password that nobody guesses and anybody can type."""
    return "-".join(secrets.token_hex(2) for _ in range(4))


def secret_path(settings: Settings) -> Path:
    """Return where the secret is kept unless WINNOW_SECRET_KEY gives it."""
    return settings.data_dir / "secret.key"


def _kept_secret(path: Path, *, fresh: bool) -> bytes:
    try:
        if not path.exists():
            if not fresh:
                raise NoInstallation(
                    f"{path} is not there: bring it back from a backup, or give the key that the "
                    "data was made with by WINNOW_SECRET_KEY_FILE"
                )
            _make_secret(path)
        secret = path.read_bytes().strip()
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as problem:
        raise BadSettings(
            f"{path} cannot be used: {problem.strerror}; "
            "set WINNOW_DATA_DIR to a directory of your own, or WINNOW_SECRET_KEY_FILE"
        ) from None
    if mode & 0o077:
        raise BadSettings(f"{path} can be read by others; run `chmod 600 {path}`")
    if len(secret) < MIN_LENGTH:
        raise BadSettings(f"{path} is damaged: it holds too little; bring it back from a backup")
    return secret


def _make_secret(path: Path) -> None:
    """Write a new secret atomically; of several processes the first one's is kept."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(32).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)
        except FileExistsError:
            return
    finally:
        fresh.unlink()
