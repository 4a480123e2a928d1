"""Every setting, once: its variable, its type, its default and what it is for."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from moderation.errors import BadSettings
from moderation.wording import ENGLISH, languages

PREFIX = "WINNOW_"
#: What the guides call a blog's own variables; a shell may have them beside ours.
OF_CLIENTS = frozenset({"WINNOW_URL", "WINNOW_KEY", "WINNOW_SECRET"})
_DATA = Path("data")


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable as the documentation shows it."""

    name: str
    field: str
    default: Any
    help: str
    secret: bool = False


#: An ordinary whole number: int() takes "1_0" and digits of every script, too.
_WHOLE = re.compile(r"[0-9]{1,9}")
_RATE = re.compile(r"[1-9][0-9]{0,8} ?/ ?(second|minute|hour|day)s?")
_HOST = re.compile(r"[A-Za-z0-9._:%-]{1,253}")
_MEMORY = re.compile(r"[1-9][0-9]{0,12}([kmg]b?)?", re.IGNORECASE)
_SENDER = re.compile(r"[^@\s<>]+@[^@\s<>]+|[^@<>\r\n]+ <[^@\s<>]+@[^@\s<>]+>")
_LONGEST_SECONDS = 10 * 365 * 86_400
_SHORTEST_TOKEN = 16
_SHORTEST_PASSWORD = 10


def _flag(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError("write 1 or 0")


def _one_of(*words: str) -> Callable[[str], str]:
    by_name = {word.lower(): word for word in words}

    def parse(text: str) -> str:
        if text.lower() not in by_name:
            raise ValueError(f"write {', '.join(words[:-1])} or {words[-1]}")
        return by_name[text.lower()]

    return parse


def _like(pattern: re.Pattern[str], fault: str, *, empty: bool = False) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not pattern.fullmatch(text) and not (empty and not text):
            raise ValueError(fault)
        return text

    return parse


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _hosts(text: str) -> tuple[str, ...]:
    for name in _names(text):
        if not _HOST.fullmatch(name):
            raise ValueError(f"{name} is no host name; write names without scheme, path or spaces")
    return _names(text)


def _networks(text: str) -> tuple[str, ...]:
    for name in _names(text):
        try:
            ipaddress.ip_network(name, strict=False)
        except ValueError:
            raise ValueError(f"{name} is neither an address nor a network") from None
    return _names(text)


def _web_address(text: str) -> str:
    try:
        parts = urlsplit(text)
        sound = (
            parts.scheme in {"http", "https"}
            and parts.hostname
            and parts.port != 0
            and not (parts.username or parts.password or parts.query or parts.fragment)
            and re.fullmatch(r"[!-~]+", text)
        )
    except ValueError:
        sound = False
    if text and not sound:
        raise ValueError("write http://name or https://name, with a port or a path if need be")
    return text


def _redis(text: str) -> str:
    if text and not text.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("write redis://host:6379/0, rediss://... or unix:///path")
    return text


def _schedule(text: str) -> tuple[float, ...]:
    return tuple(_seconds(part) for part in _names(text))


def _whole(least: int, most: int, fault: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text) if _WHOLE.fullmatch(text) else -1
        if not least <= number <= most:
            raise ValueError(fault)
        return number

    return parse


_port = _whole(1, 65_535, "a port lies in 1..65535")
_positive = _whole(1, 999_999_999, "write a whole number of at least 1")
_count = _whole(0, 999_999_999, "write a whole number, 0 for none")
_few = _whole(1, 1024, "write a whole number of 1 to 1024")
_files = _whole(64, 1_000_000, "write a whole number of 64 to 1000000")


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= _LONGEST_SECONDS:  # NaN isn't, either
        raise ValueError("write a number above 0, ten years of seconds at most")
    return number


def _token(text: str) -> str:
    if text and (len(text) < _SHORTEST_TOKEN or not re.fullmatch("[!-~]+", text)):
        raise ValueError(f"write at least {_SHORTEST_TOKEN} letters, digits and marks")
    return text


def _first_password(text: str) -> str:
    if text and len(text) < _SHORTEST_PASSWORD:
        raise ValueError(f"write at least {_SHORTEST_PASSWORD} characters")
    return text


def _mail_server(text: str) -> str:
    if text and not text.startswith(("smtp://", "smtps://")):
        raise ValueError("write smtp://user:password@host:587 or smtps://user:password@host")
    return text


def _setting(parse: Callable[[str], Any], default: Any, text: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"parse": parse, "help": text, "secret": secret})


@dataclass(frozen=True, slots=True)
class Settings:
    """How this installation runs; read once by :func:`from_env` and handed down."""

    host: str = _setting(
        _like(_HOST, "write a name or an address"), "127.0.0.1", "Address to listen on."
    )
    port: int = _setting(_port, 8025, "Port to listen on.")
    public_url: str = _setting(
        _web_address,
        "",
        "Where browsers reach the desk; links are built from it. Default: http://HOST:PORT.",
    )
    allowed_hosts: tuple[str, ...] = _setting(
        _hosts, (), "Further names that browsers may call Winnow by, with commas between."
    )
    trusted_proxies: tuple[str, ...] = _setting(
        _networks,
        (),
        "Addresses or networks, comma-separated, whose X-Forwarded-* headers are believed.",
    )
    data_dir: Path = _setting(  # noqa: RUF009 - a Path is as frozen as the text beside it
        Path, _DATA, "Where the embedded Valkey and secret.key live."
    )
    redis_url: str = _setting(
        _redis, "", "A Redis or Valkey of your own in place of the embedded one.", secret=True
    )
    jobs_url: str = _setting(
        _redis, "", "Where RQ keeps its jobs. Default: WINNOW_REDIS_URL.", secret=True
    )
    cluster: bool = _setting(
        _flag, default=False, text="WINNOW_REDIS_URL is a Valkey or Redis Cluster."
    )
    wait_replicas: int = _setting(
        _count,
        0,
        "Answer for a comment or a decision only once this number of replicas has it (not with a Cluster).",
    )
    shards: int = _setting(_few, 1, "Hash slots for sites; fixed when a data set is made.")
    workers: int = _setting(_few, 2, "Screening processes.")
    web_threads: int = _setting(_few, 16, "Threads of the web process that run requests.")
    short_way: bool = _setting(
        _flag,
        True,  # noqa: FBT003 - the default
        "off: every request goes through Flask, also the two kinds that are else answered without it.",
    )
    connections: int = _setting(
        _files, 8192, "Open connections of the web process; over it, the idlest are closed."
    )
    fsync: str = _setting(
        _one_of("always", "everysec"),
        "everysec",
        "always: no acknowledged write is ever lost; everysec: up to 2 s can be.",
    )
    maxmemory: str = _setting(
        _like(_MEMORY, "write bytes, such as 512mb", empty=True),
        "",
        "Memory limit of the embedded Valkey, such as 512mb.",
    )
    secret_key: str = _setting(
        str,
        "",
        "Encrypts door keys and endpoint secrets. Default: made and kept in DATA_DIR/secret.key.",
        secret=True,
    )
    first_password: str = _setting(
        _first_password,
        "",
        "Password of the moderator admin, whom the first start makes; changed at the first sign-in. "
        "Default: made up and printed once.",
        secret=True,
    )
    backlog: int = _setting(
        _positive, 50_000, "Unscreened comments at most; over it clients get 503."
    )
    site_rate: str = _setting(
        _like(_RATE, "write a number and a time, such as 600/minute"),
        "60000/minute",
        "Comments that one site may submit.",
    )
    login_rate: str = _setting(
        _like(_RATE, "write a number and a time, such as 600/minute"),
        "10/minute",
        "Sign-ins that one address may try.",
    )
    second_factor: str = _setting(
        _one_of("optional", "admins", "everyone"),
        "optional",
        "Who needs a second factor to use the desk: optional, admins or everyone.",
    )
    metrics_token: str = _setting(
        _token,
        "",
        "Bearer token that Prometheus sends to read /metrics; without one only this machine may read it.",
        secret=True,
    )
    undo_seconds: float = _setting(
        _seconds, 5.0, "Undo window of a decision, in seconds; its webhook waits as long."
    )
    bulk_undo_seconds: float = _setting(
        _seconds, 30.0, "Undo window of a bulk decision, in seconds."
    )
    batch_seconds: float = _setting(
        _seconds,
        5.0,
        "Longest scoring of one batch, in seconds; a worker that takes longer is killed.",
    )
    lease_seconds: float = _setting(
        _seconds,
        10.0,
        "Lease of a batch, in seconds; a batch held for longer is given to another worker.",
    )
    webhook_schedule: tuple[float, ...] = _setting(
        _schedule,
        (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400),
        "Seconds between attempts at one delivery; after the last it has failed.",
    )
    webhook_timeout: float = _setting(
        _seconds,
        15.0,
        "Longest delivery attempt, in seconds; a longer one fails and is tried again.",
    )
    smtp_url: str = _setting(
        _mail_server,
        "",
        "A mail server for reminders and for links for a new password: smtp://user:password@host:587 or smtps://...",
        secret=True,
    )
    mail_from: str = _setting(
        _like(_SENDER, "write name@host or Name <name@host>"),
        "winnow@localhost",
        "Sender of Winnow's e-mails: name@host or Name <name@host>.",
    )
    language: str = _setting(
        _one_of(*languages()),
        ENGLISH,
        "Language of e-mails and reminders to a moderator who has not signed in yet; then it is their browser's.",
    )
    event_days: float = _setting(
        _seconds,
        7.0,
        "Retention of the event stream, in days; an older cursor is answered with 410.",
    )
    mail_link_days: float = _setting(
        _seconds,
        7.0,
        "Validity of a deciding link in an e-mail, in days, at sites that allow such links.",
    )
    log_level: str = _setting(
        _one_of("DEBUG", "INFO", "WARNING", "ERROR"), "INFO", "DEBUG, INFO, WARNING or ERROR."
    )
    log_format: str = _setting(
        _one_of("json", "console", "auto"), "auto", "json, console, or auto: console on a terminal."
    )
    model: str = _setting(
        str,
        "",
        "Directory of promoted models. Default: DATA_DIR/models; while it is empty the shipped model is used.",
    )
    encoder: bool = _setting(
        _flag,
        True,  # noqa: FBT003 - the default
        "The sentence encoder; off: n-grams and signals score alone, in less than a tenth of the time.",
    )
    hurry_after: float = _setting(
        _seconds,
        30.0,
        "Wait of the oldest comment, in seconds, from which the encoder reads only what n-grams are unsure of.",
    )

    @property
    def url(self) -> str:
        """The address that links are built from, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def models(self) -> Path:
        """Where promoted models lie. Raises BadSettings if the directory that was set isn't there."""
        if not self.model:
            return self.data_dir / "models"
        if not Path(self.model).is_dir():
            raise BadSettings(f"WINNOW_MODEL={self.model}: there is no such directory")
        return Path(self.model)


#: What the documentation, the command line and the deployment files are held against.
VARIABLES: tuple[Variable, ...] = tuple(
    Variable(
        PREFIX + setting.name.upper(),
        setting.name,
        setting.default,
        setting.metadata["help"],
        setting.metadata["secret"],
    )
    for setting in fields(Settings)
)


def from_env(environ: Mapping[str, str]) -> Settings:
    """Return the settings of *environ*.

    A secret may come from a file instead, named by ``<VARIABLE>_FILE``. Raises BadSettings that
    names the variable and what it takes; a ``WINNOW_`` name that means nothing is one, since it
    is most likely misspelt.
    """
    known = {variable.name for variable in VARIABLES}
    known |= {variable.name + "_FILE" for variable in VARIABLES if variable.secret}
    known |= OF_CLIENTS
    unknown = sorted(name for name in environ if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise BadSettings(f"unknown setting {', '.join(unknown)}; docs/settings.md lists them all")
    values = {}
    for setting in fields(Settings):
        text = _read(environ, PREFIX + setting.name.upper(), secret=setting.metadata["secret"])
        if text is None:
            continue
        try:
            values[setting.name] = setting.metadata["parse"](text)
        except ValueError as problem:
            name = PREFIX + setting.name.upper()
            shown = "" if setting.metadata["secret"] else f"={text}"
            raise BadSettings(f"{name}{shown}: {problem}. {setting.metadata['help']}") from None
    return Settings(**values)


def _read(environ: Mapping[str, str], name: str, *, secret: bool) -> str | None:
    text, path = environ.get(name), environ.get(name + "_FILE") if secret else None
    if text is not None and path:
        raise BadSettings(f"set {name} or {name}_FILE, not both")
    if not path:
        return text
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as problem:
        raise BadSettings(f"{name}_FILE={path} cannot be read: {problem.strerror}") from None
