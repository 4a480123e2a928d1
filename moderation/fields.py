"""One setting of a site as one field: its parser, its bounds, and the words and widget it is shown by.

A field is declared once, in its dataclass (:class:`~moderation.policy.Policy`,
:class:`~moderation.site.Site`). The API's schema, the desk's form, ``winnow site set``, the page of
the documentation and the words of the audit trail are derived from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, Protocol, cast

from moderation import texts
from moderation.errors import InvalidInput

_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_YES, _NO = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off", ""})


class Section(StrEnum):
    """The part of a page of settings in which the desk shows a field."""

    #: Placed by hand.
    OWN = "own"
    HOLD = "hold"
    LISTS = "lists"
    AUTHORS = "authors"
    LEARNING = "learning"


class FieldKind(Protocol):
    """Kind of a field's value. Each method raises InvalidInput with what is wrong with a value."""

    #: How the desk asks for it.
    widget: ClassVar[str]

    def parse(self, text: str) -> Any:
        """Return the value that a person typed."""
        ...

    def load(self, stored: Any) -> Any:
        """Return the value that JSON kept."""
        ...

    def check(self, value: Any) -> None:
        """Check that *value* is within its bounds."""
        ...

    def takes(self) -> str:
        """Return the values taken, in a few English words."""
        ...


@dataclass(frozen=True, slots=True)
class Flag:
    """On or off."""

    widget: ClassVar[str] = "check"

    def parse(self, text: str) -> bool:
        """Return the value that a person typed."""
        if text.lower() not in _YES | _NO:
            raise InvalidInput("write yes or no")
        return text.lower() in _YES

    def load(self, stored: Any) -> bool:
        """Return the value that JSON kept."""
        return bool(stored)

    def check(self, value: Any) -> None:
        """Take either value."""

    def takes(self) -> str:
        """Return the values taken."""
        return "yes or no"


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number of *least* to *most*; where it is *optional*, None switches the rule off."""

    least: int
    most: int
    optional: bool = False
    widget: ClassVar[str] = "number"

    def parse(self, text: str) -> int | None:
        """Return the value that a person typed."""
        if not text and self.optional:
            return None
        number = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else self.least - 1
        self.check(number)
        return number

    def load(self, stored: Any) -> int | None:
        """Return the value that JSON kept."""
        return None if stored is None else int(stored)

    def check(self, value: Any) -> None:
        """Check the bounds."""
        if value is None and self.optional:
            return
        if value is None or not self.least <= value <= self.most:
            raise InvalidInput(f"a whole number of {self.least} to {self.most}")

    def takes(self) -> str:
        """Return the values taken."""
        return f"{self.least} to {self.most}{', or nothing' if self.optional else ''}"


@dataclass(frozen=True, slots=True)
class Line:
    """A text of one line."""

    longest: int
    required: bool = False
    widget: ClassVar[str] = "line"

    def parse(self, text: str) -> str:
        """Return the value that a person typed."""
        self.check(text.strip())
        return text.strip()

    def load(self, stored: Any) -> str:
        """Return the value that JSON kept."""
        return str(stored)

    def check(self, value: Any) -> None:
        """Check the length, and that it is text."""
        if self.required and not value.strip():
            raise InvalidInput("it must not be empty")
        if len(value) > self.longest:
            raise InvalidInput(f"{self.longest} characters at most")
        _check_text(value)

    def takes(self) -> str:
        """Return the values taken."""
        return f"a text of at most {self.longest} characters"


@dataclass(frozen=True, slots=True)
class Lines:
    """A list of entries, one a line.

    *readable* raises InvalidInput that names a line that is no entry; *affordable* does that, too,
    and refuses a list that costs too much as a whole.
    """

    most: int
    longest: int = 200
    readable: Callable[[Sequence[str]], object] | None = None
    affordable: Callable[[tuple[str, ...]], object] | None = None
    #: Height of the text area, in lines.
    rows: int = 3
    widget: ClassVar[str] = "lines"

    def parse(self, text: str) -> tuple[str, ...]:
        """Return each line once, without the blank ones."""
        lines = [line.strip() for line in text.splitlines()]
        if self.readable is not None:  # with the blank lines, so that it counts as people do
            self.readable(lines)
        return tuple(dict.fromkeys(filter(None, lines)))

    def load(self, stored: Any) -> tuple[str, ...]:
        """Return the value that JSON kept."""
        return tuple(stored)

    def check(self, value: Any) -> None:
        """Check the number of entries and each of them."""
        if len(value) > self.most:
            raise InvalidInput(f"a list has {self.most} entries at most")
        for entry in value:
            _check_text(entry)
        sound = self.affordable or self.readable
        if sound is not None:
            sound(tuple(value))

    def takes(self) -> str:
        """Return the values taken."""
        return f"at most {self.most} entries, one a line"


@dataclass(frozen=True, slots=True)
class Choice:
    """One member of a closed set; *labels* says what each means."""

    labels: Mapping[StrEnum, str]
    widget: ClassVar[str] = "radio"

    def parse(self, text: str) -> StrEnum:
        """Return the value that a person typed."""
        return self.load(text.strip().lower())

    def load(self, stored: Any) -> StrEnum:
        """Return the value that JSON kept."""
        for member in self.labels:
            if member == stored:
                return member
        raise InvalidInput(f"one of {', '.join(self.labels)}")

    def check(self, value: Any) -> None:
        """Check that the value is of the set."""
        self.load(value)

    def takes(self) -> str:
        """Return the values taken."""
        return ", ".join(self.labels)


@dataclass(frozen=True, slots=True)
class Choices:
    """Any number of members of a closed set, in its order; *labels* says what each means."""

    labels: Mapping[StrEnum, str]
    widget: ClassVar[str] = "checkbox"

    def parse(self, text: str) -> tuple[StrEnum, ...]:
        """Return the values that a person typed, with commas between."""
        return self.load([part.strip().lower() for part in text.split(",") if part.strip()])

    def load(self, stored: Any) -> tuple[StrEnum, ...]:
        """Return the value that JSON kept."""
        self.check(stored)
        return tuple(member for member in self.labels if member in set(stored))

    def check(self, value: Any) -> None:
        """Check that each value is of the set."""
        if not set(value) <= set(self.labels):
            raise InvalidInput(f"of {', '.join(self.labels)}")

    def takes(self) -> str:
        """Return the values taken."""
        return f"any of {', '.join(self.labels)}, with commas between"


@dataclass(frozen=True, slots=True)
class Numbers:
    """A number of *least* to *most* for some of *names*; a name that is absent has its default."""

    names: tuple[str, ...]
    least: float
    most: float
    whole: bool = False
    #: The sentence about a number that is out of bounds.
    fault: str = ""
    widget: ClassVar[str] = "numbers"

    def parse(self, text: str) -> dict[str, float]:
        """Return the values that a person typed: ``spam=0.4,insult=0.9``."""
        values: dict[str, float] = {}
        for part in filter(None, map(str.strip, text.split(","))):
            name, _, number = (piece.strip() for piece in part.partition("="))
            if not _NUMBER.fullmatch(number) or (self.whole and "." in number):
                raise InvalidInput(f"write {self.names[0]}=NUMBER, with commas between")
            values[name] = int(number) if self.whole else float(number)
        self.check(values)
        return values

    def load(self, stored: Any) -> dict[str, float]:
        """Return the value that JSON kept."""
        return dict(stored)

    def check(self, value: Any) -> None:
        """Check each name and its number. The error's field is the name."""
        for name, number in value.items():
            if name not in self.names or not self.least <= number <= self.most:
                raise InvalidInput(
                    self.fault or f"a number of {self.least} to {self.most}", field=name
                )

    def takes(self) -> str:
        """Return the values taken."""
        return f"{self.names[0]}=NUMBER of {self.least:g} to {self.most:g}, with commas between"


@dataclass(frozen=True, slots=True)
class Setting:
    """A field as the edges derive their own from it. *label* and *help* are looked up in a language."""

    name: str
    kind: FieldKind
    default: Any
    label: str
    help: str = ""
    section: Section = Section.OWN

    @property
    def text(self) -> str:
        """What it is, in English: for the API and the documentation."""
        return f"{self.label}{'' if self.label.endswith('.') else '.'} {self.help}".strip()


def setting(
    kind: FieldKind,
    default: Any,
    label: str,
    explained: str = "",
    *,
    section: Section = Section.OWN,
) -> Any:
    """Declare a field of a dataclass as a setting. A *default* that is callable makes the default."""
    declared = {"kind": kind, "label": label, "help": explained, "section": section}
    if callable(default):
        return field(default_factory=default, metadata=declared)
    return field(default=default, metadata=declared)


def settings_of(owner: Any) -> tuple[Setting, ...]:
    """Return the settings that the dataclass *owner* declares, in its order."""
    return _declared(cast(Hashable, owner))


@cache
def _declared(owner: Any) -> tuple[Setting, ...]:
    return tuple(
        Setting(
            name=one.name,
            default=one.default_factory() if one.default_factory is not MISSING else one.default,
            **one.metadata,
        )
        for one in fields(owner)
        if "kind" in one.metadata
    )


def check_settings(values: Any) -> None:
    """Raise InvalidInput that names the first setting of *values*, a dataclass, that cannot be."""
    for one in settings_of(type(values)):
        try:
            one.kind.check(getattr(values, one.name))
        except InvalidInput as problem:
            name = f"{one.name}.{problem.field}" if problem.field else one.name
            raise InvalidInput(str(problem), field=name) from None


def load_settings(owner: Any, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of *owner* that JSON kept; names that it does not declare are left out."""
    return {
        one.name: one.kind.load(stored[one.name])
        for one in settings_of(owner)
        if one.name in stored
    }


def _check_text(value: str) -> None:
    fault = texts.fault_of(value)
    if fault:
        raise InvalidInput(fault)
