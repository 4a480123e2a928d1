"""Where this installation lies and how it is set: one answer for every process and every verb.

The settings stand in one file, ``winnow.env``; the environment wins over it. The first of these places
that has the file is read, and no other:

1. the file that ``WINNOW_SETTINGS`` names;
2. the data directory, which ``WINNOW_DATA_DIR`` names;
3. where neither variable is set: the default data directory, then ``/etc/winnow``.

Where nothing names an installation, a Winnow of this user that runs is taken.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from moderation.errors import BadSettings, NoInstallation
from moderation.settings import PREFIX, Settings, from_env

#: Name of the settings file, in the data directory or in :data:`MACHINE`.
FILE_NAME = "winnow.env"
#: Where a package or an administrator puts the settings of a machine's only installation.
MACHINE = Path("/etc/winnow") / FILE_NAME
#: Variables that say where the settings are; they are not settings of Winnow's behaviour.
SETTINGS_VARIABLE, DATA_VARIABLE = PREFIX + "SETTINGS", PREFIX + "DATA_DIR"
_MODEL_VARIABLE = PREFIX + "MODEL"
#: What the embedded server keeps its data in, inside the data directory.
AOF = "appendonlydir"

#: Says, in the data directory, when the newest backup was taken.
_BACKUP_NOTE = "last-backup.json"
#: Where the packages lie: the checkout, or site-packages.
CODE = Path(__file__).parents[1]
#: Where Winnow was cloned to; None when it was installed as a package.
CHECKOUT = CODE if (CODE / "winnow").is_file() else None

_LINE = re.compile(r"(?:export )?(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?P<value>.*)")
_LONGEST_FILE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Installation:
    """The settings of an installation, and how it was found."""

    settings: Settings
    #: What named it, for people: "WINNOW_DATA_DIR", a file, or "the default".
    named_by: str
    file: Path | None = None
    #: Variables that the file sets and the environment does not.
    from_file: frozenset[str] = field(default=frozenset())
    #: Variables that neither says, as the Winnow that runs was started with.
    as_served: frozenset[str] = field(default=frozenset())

    @property
    def data(self) -> Path:
        """Its data directory, absolute."""
        return self.settings.data_dir

    def require(self) -> None:
        """Raise NoInstallation unless the data directory has data that this user may touch.

        An installation with an external Redis keeps its data there: see :func:`wiring.require`.
        """
        if self.settings.redis_url:
            return
        if not has_data(self.data):
            raise NoInstallation(self._nothing())
        owner = self.data.stat().st_uid
        if owner != os.geteuid():
            raise NoInstallation(
                f"{self.data} belongs to the user {_user(owner)}, and files made here by "
                f"{_user(os.geteuid())} would stop that Winnow; run this as "
                f"`sudo -u {_user(owner)} ./winnow ...`"
            )

    def environment(self) -> dict[str, str]:
        """Return what a process needs in its environment to find the same installation."""
        named = {DATA_VARIABLE: str(self.data)}
        return named | ({SETTINGS_VARIABLE: str(self.file)} if self.file else {})

    def _nothing(self) -> str:
        others = [str(one.data) for one in running() if one.data != self.data]
        hint = f" Winnow runs in {' and in '.join(others)}." if others else ""
        return (
            f"there is no Winnow in {self.data} (named by {self.named_by}).{hint} Set "
            f"{DATA_VARIABLE} to the directory that has one; `./winnow init` makes a new one"
        )


@dataclass(frozen=True, slots=True)
class Served:
    """An installation that runs: its data directory, and its settings file if it has one."""

    data: Path
    file: Path | None
    #: Variables of where it listens, as it was started.
    address: Mapping[str, str]


def find(environ: Mapping[str, str], *, starts: bool = False) -> Installation:
    """Return the installation that *environ* means. Raises BadSettings with what is wrong.

    A process that *starts* a Winnow does not mean another one that runs already.
    """
    path = _settings_file(environ)
    given = _read(path) if path else {}
    nobody = SETTINGS_VARIABLE not in environ and DATA_VARIABLE not in environ and path is None
    named_by, data = _data_directory(environ, path, given)
    if not starts and nobody and (served := _only_one_served(data)):
        named_by, data, path = "the Winnow that runs", served.data, served.file
        given = _read(path) if path else {}
    own = {name: value for name, value in environ.items() if name != SETTINGS_VARIABLE}
    merged = {name: text for name, text in given.items() if not _overridden(name, environ)}
    # A port that only the shell of `up` named is where it is for every other shell, too.
    address = {} if starts else _address_served(data)
    try:
        settings = from_env({**address, **merged, **own})
    except BadSettings as problem:
        raise BadSettings(f"{problem} (settings file: {path})" if path else str(problem)) from None
    return Installation(
        replace(settings, data_dir=data),
        named_by,
        path,
        frozenset(merged) - frozenset(own),
        frozenset(address) - frozenset(merged) - frozenset(own),
    )


def has_data(data: Path) -> bool:
    """Tell whether an embedded server ever kept anything in this directory."""
    return (data / AOF).is_dir()


def default_data() -> Path:
    """Return the data directory that nobody named."""
    if CHECKOUT:
        return CHECKOUT / "data"
    # No XDG_DATA_HOME: cron and a terminal would see two installations.
    return Path.home() / ".local" / "share" / "winnow"


# -- the settings file -------------------------------------------------------------------------------


def _settings_file(environ: Mapping[str, str]) -> Path | None:
    if named := environ.get(SETTINGS_VARIABLE):
        path = Path(named).absolute()
        if not path.is_file():
            raise BadSettings(f"{SETTINGS_VARIABLE}={named}: there is no such file")
        return path
    if data := environ.get(DATA_VARIABLE):
        places = [Path(data).absolute() / FILE_NAME]
    else:
        places = [default_data() / FILE_NAME, MACHINE]
    return next((place for place in places if place.is_file()), None)


def _read(path: Path) -> dict[str, str]:
    """Return what a settings file says: ``NAME=value`` lines, as systemd and Compose read them.

    Only the forms that both read alike are taken: a plain value, or one in quotes without escapes.
    """
    try:
        text = path.read_bytes()[: _LONGEST_FILE_BYTES + 1].decode("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8"
        raise BadSettings(f"the settings file {path} cannot be read: {why}") from None
    if len(text) > _LONGEST_FILE_BYTES:
        raise BadSettings(f"the settings file {path} is longer than 64 KB")
    given: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not (line := line.strip()) or line.startswith("#"):
            continue
        name, value = _setting(line, where=f"{path}, line {number}")
        if name.endswith("_FILE") or name == _MODEL_VARIABLE:
            value = str(path.parent / value)
        if name in given:
            raise BadSettings(f"{path}, line {number}: {name} is set twice")
        given[name] = value
    return given


def _setting(line: str, *, where: str) -> tuple[str, str]:
    found = _LINE.fullmatch(line)
    if not found:
        raise BadSettings(f"{where}: write NAME=value, without spaces around the sign")
    name, value = found["name"], found["value"].strip()
    if not name.startswith(PREFIX) or name == SETTINGS_VARIABLE:
        raise BadSettings(f"{where}: {name} is no setting; docs/settings.md lists them all")
    quote = value[:1] if value[:1] in {"'", '"'} else ""
    if quote:
        if len(value) < 2 or value[-1] != quote:
            raise BadSettings(f"{where}: the quotes around the value of {name} do not match")
        value = value[1:-1]
    if "\\" in value or (quote and quote in value):
        raise BadSettings(
            f"{where}: {name} has a backslash or a quote inside, which systemd and Compose read "
            f"differently; give a secret by {name}_FILE"
        )
    return name, value


def _overridden(name: str, environ: Mapping[str, str]) -> bool:
    """Tell whether the environment gives this setting, as a value or as the name of a file."""
    base = name.removesuffix("_FILE")
    return base in environ or f"{base}_FILE" in environ


# -- the data directory ------------------------------------------------------------------------------


def _data_directory(
    environ: Mapping[str, str], path: Path | None, given: Mapping[str, str]
) -> tuple[str, Path]:
    """Return what names the data directory, and the directory; relative to the directory of the caller."""
    if named := environ.get(DATA_VARIABLE):
        return DATA_VARIABLE, Path(named).resolve()
    if path and (named := given.get(DATA_VARIABLE)):
        return str(path), (path.parent / named).resolve()
    if path and path.parent == default_data():
        return str(path), path.parent.resolve()
    return "default", default_data().resolve()


def _only_one_served(data: Path) -> Served | None:
    """Return the one that runs elsewhere, None if none does. Raises BadSettings if several could be meant."""
    others = [one for one in running() if one.data != data]
    if len(others) > 1 or (others and has_data(data)):
        here = f", and {data} has data, too" if has_data(data) else ""
        raise BadSettings(
            f"Winnow runs in {' and in '.join(str(one.data) for one in others)}{here}; "
            f"set {DATA_VARIABLE} to the one that you mean"
        )
    return others[0] if others else None


def _address_served(data: Path) -> Mapping[str, str]:
    """Return where the installation in *data* listens, as variables; none if it does not run."""
    return next((one.address for one in running() if one.data == data), {})


# -- the newest backup -------------------------------------------------------------------------------


def note_backup(data: Path, file: Path) -> None:
    """Note in the data directory that a backup was taken now."""
    note = {"at": round(time.time()), "file": str(file.absolute())}
    (data / _BACKUP_NOTE).write_text(json.dumps(note), encoding="utf-8")


def newest_backup(data: Path) -> tuple[float, str] | None:
    """Return the age of the newest backup, in seconds, and its file; None if none was ever taken."""
    try:
        note = json.loads((data / _BACKUP_NOTE).read_text(encoding="utf-8"))
        return time.time() - note["at"], note["file"]
    except (OSError, ValueError, KeyError):
        return None


# -- which ones run ----------------------------------------------------------------------------------


@contextlib.contextmanager
def announced(installation: Installation) -> Iterator[None]:
    """Let this user's command line find *installation* for as long as it is served."""
    data, file = installation.data, installation.file
    note = _notes() / hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    settings = installation.settings
    address = {"WINNOW_HOST": settings.host, "WINNOW_PORT": str(settings.port)}
    if settings.public_url:
        address["WINNOW_PUBLIC_URL"] = settings.public_url
    with contextlib.suppress(OSError):  # a service's user may have no home: a file names it then
        note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        served = [str(data), str(file) if file else None, address]
        note.write_text(json.dumps(served), encoding="utf-8")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            note.unlink()


def running() -> list[Served]:
    """Return the installations that a Winnow of this user serves now, by data directory."""
    found = []
    with contextlib.suppress(OSError):
        for note in _notes().iterdir():
            with contextlib.suppress(OSError, ValueError):
                data, file, *more = json.loads(note.read_text(encoding="utf-8"))
                if is_served(Path(data)):
                    address = more[0] if more else {}  # of a release before
                    found.append(Served(Path(data), Path(file) if file else None, address))
                else:
                    note.unlink()  # what a kill -9 left
    return sorted(found, key=lambda served: served.data)


def is_served(data: Path) -> bool:
    """Tell whether a process holds this data directory."""
    try:
        with (data / "winnow.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _notes() -> Path:
    return Path.home() / ".local" / "state" / "winnow" / "running"


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
