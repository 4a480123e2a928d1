"""Every setting, once: its variable, its type, its default and what it is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from moderation.errors import BadSettings

PREFIX = "WINNOW_"
_DATA = Path("data")


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable as the documentation shows it."""

    name: str
    field: str
    default: Any
    help: str
    secret: bool = False


def _flag(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError("write 1 or 0")


def _fsync(text: str) -> str:
    if text not in {"always", "everysec"}:
        raise ValueError("write always or everysec")
    return text


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _schedule(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in _names(text))


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise ValueError("a port lies in 1..65535")
    return port


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("write a whole number of at least 1")
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("write a whole number, 0 for none")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if number <= 0:
        raise ValueError("write a number of seconds above 0")
    return number


def _mail_server(text: str) -> str:
    if text and not text.startswith(("smtp://", "smtps://")):
        raise ValueError("write smtp://user:password@host:587 or smtps://user:password@host")
    return text


def _setting(parse: Callable[[str], Any], default: Any, text: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"parse": parse, "help": text, "secret": secret})


@dataclass(frozen=True, slots=True)
class Settings:
    """How this installation runs; read once by :func:`from_env` and handed down."""

    host: str = _setting(str, "127.0.0.1", "Address to listen on.")
    port: int = _setting(_port, 8025, "Port to listen on.")
    public_url: str = _setting(
        str,
        "",
        "Where browsers reach the desk; links are built from it. Default: http://HOST:PORT.",
    )
    allowed_hosts: tuple[str, ...] = _setting(
        _names, (), "Further names that browsers may call Winnow by, with commas between."
    )
    trusted_proxies: tuple[str, ...] = _setting(
        _names,
        (),
        "Addresses or networks, comma-separated, whose X-Forwarded-* headers are believed.",
    )
    data_dir: Path = _setting(  # noqa: RUF009 - a Path is as frozen as the text beside it
        Path, _DATA, "Where the embedded Valkey and secret.key live."
    )
    redis_url: str = _setting(
        str, "", "A Redis or Valkey of your own in place of the embedded one.", secret=True
    )
    jobs_url: str = _setting(
        str, "", "Where RQ keeps its jobs. Default: WINNOW_REDIS_URL.", secret=True
    )
    cluster: bool = _setting(
        _flag, default=False, text="WINNOW_REDIS_URL is a Valkey or Redis Cluster."
    )
    wait_replicas: int = _setting(
        _count,
        0,
        "Answer for a comment or a decision only once so many replicas have it (not with a Cluster).",
    )
    shards: int = _setting(_positive, 1, "Hash slots for sites; fixed when a data set is made.")
    workers: int = _setting(_positive, 2, "Screening processes.")
    web_threads: int = _setting(_positive, 16, "Threads of the web process that run requests.")
    connections: int = _setting(
        _positive, 8192, "Open connections of the web process; over it, the idlest are closed."
    )
    fsync: str = _setting(
        _fsync,
        "everysec",
        "always: no acknowledged write is ever lost; everysec: up to 2 s can be.",
    )
    maxmemory: str = _setting(str, "", "Memory limit of the embedded Valkey, such as 512mb.")
    secret_key: str = _setting(
        str,
        "",
        "Encrypts door keys and endpoint secrets. Default: made and kept in DATA_DIR/secret.key.",
        secret=True,
    )
    backlog: int = _setting(
        _positive, 50_000, "Unscreened comments at most; over it clients get 503."
    )
    site_rate: str = _setting(str, "60000/minute", "Comments that one site may submit.")
    login_rate: str = _setting(str, "10/minute", "Sign-ins that one address may try.")
    undo_seconds: float = _setting(_seconds, 5.0, "How long a decision can be undone unannounced.")
    bulk_undo_seconds: float = _setting(_seconds, 30.0, "The same for decisions on many at once.")
    batch_seconds: float = _setting(
        _seconds, 5.0, "A worker that scores one batch for longer is killed."
    )
    lease_seconds: float = _setting(
        _seconds, 10.0, "A batch held for longer goes back to its lists."
    )
    webhook_schedule: tuple[float, ...] = _setting(
        _schedule,
        (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400),
        "Seconds between the attempts at one delivery.",
    )
    webhook_timeout: float = _setting(
        _seconds, 15.0, "Seconds that one attempt at delivery may take."
    )
    smtp_url: str = _setting(
        _mail_server,
        "",
        "A mail server for moderators' reminders: smtp://user:password@host:587 or smtps://...",
        secret=True,
    )
    mail_from: str = _setting(str, "winnow@localhost", "Who the reminders are from.")
    event_days: float = _setting(_seconds, 7.0, "Days for which the event stream is kept.")
    log_level: str = _setting(str.upper, "INFO", "DEBUG, INFO, WARNING or ERROR.")
    log_format: str = _setting(str, "auto", "json, console, or auto: console on a terminal.")
    model: str = _setting(str, "", "A directory with an artifact in place of the shipped one.")

    @property
    def url(self) -> str:
        """The address that links are built from, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


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
    unknown = sorted(name for name in environ if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise BadSettings(f"unknown setting {', '.join(unknown)}; docs/settings.md lists them all")
    told = {}
    for setting in fields(Settings):
        text = _read(environ, PREFIX + setting.name.upper(), secret=setting.metadata["secret"])
        if text is None:
            continue
        try:
            told[setting.name] = setting.metadata["parse"](text)
        except ValueError as problem:
            name = PREFIX + setting.name.upper()
            shown = "" if setting.metadata["secret"] else f"={text}"
            raise BadSettings(f"{name}{shown}: {problem}. {setting.metadata['help']}") from None
    return Settings(**told)


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
