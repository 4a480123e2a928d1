"""The desk's fields for a site's settings, derived from the settings' declarations.

A setting is one field of the form, or one for each of its names: ``flag_at_spam``, ``text_days_spam``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flask_babel import LazyString, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    Field,
    FloatField,
    IntegerField,
    RadioField,
    SelectChoice,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from moderation.errors import InvalidInput
from moderation.fields import (
    Choice,
    Choices,
    Flag,
    Line,
    Lines,
    Numbers,
    Setting,
    Whole,
    settings_of,
)
from service.desk.words import later, word

#: Percent of a score; people read 40 more easily than 0.4.
_HUNDRED = 100
_NO_DAYS = later("A number of days.")


def fields_for(setting: Setting) -> dict[str, Field]:
    """Return the fields of a form in which *setting* is typed, by name."""
    if isinstance(setting.kind, Numbers):
        return {f"{setting.name}_{name}": _number(setting, name) for name in setting.kind.names}
    return {setting.name: _field(setting)}


def _field(setting: Setting) -> Field:
    label = lazy_gettext(setting.label)
    match setting.kind:
        case Flag():
            return BooleanField(label)
        case Whole(least, most, optional):
            given = Optional() if optional else InputRequired(_NO_DAYS)
            return IntegerField(label, [given, NumberRange(least, most)])
        case Line(longest, required):
            return StringField(label, [*([InputRequired()] * required), Length(max=longest)])
        case Choice(labels):
            return RadioField(label, choices=_choices(labels))
        case Choices(labels):
            return SelectMultipleField(label, choices=_choices(labels))
        case _:
            return TextAreaField(label)


def _choices(labels: Mapping[Any, str]) -> list[SelectChoice]:
    return [SelectChoice(member.value, lazy_gettext(label)) for member, label in labels.items()]


def _number(setting: Setting, name: str) -> Field:
    kind = cast(Numbers, setting.kind)
    if kind.whole:
        bounds = [InputRequired(_NO_DAYS), NumberRange(kind.least, kind.most)]
        return IntegerField(LazyString(lambda: word(name).capitalize()), bounds)
    percents = NumberRange(
        round(kind.least * _HUNDRED),
        round(kind.most * _HUNDRED),
        later("A percentage of 0 to 100; 101: never."),
    )
    return FloatField(lazy_gettext(setting.label), [Optional(), percents])


def fill(form: FlaskForm, values: Any) -> None:
    """Show the settings of *values*, a dataclass, in *form*."""
    for one in settings_of(type(values)):
        value = getattr(values, one.name)
        match one.kind:
            case Lines():
                form[one.name].data = "\n".join(value)
            case Choice():
                form[one.name].data = value.value
            case Choices():
                form[one.name].data = [member.value for member in value]
            case Numbers(names, _, most, whole):
                for name in names:
                    field = form[f"{one.name}_{name}"]
                    if whole:
                        field.data = value.get(name, most)
                    else:
                        field.data = round(value[name] * _HUNDRED, 2) if name in value else None
            case _:
                form[one.name].data = value


def typed_into(form: FlaskForm, owner: type) -> dict[str, Any] | None:
    """Return *owner* with the submitted settings; None if any is invalid, with errors on its fields."""
    sound, typed = form.validate(), {}
    for one in settings_of(owner):
        try:
            typed[one.name] = _typed(form, one)
        except InvalidInput as problem:
            sound = False
            if not form[one.name].errors:
                say_beside(form, problem, one.name)
    return typed if sound else None


def _typed(form: FlaskForm, setting: Setting) -> Any:
    match setting.kind:
        case Line() | Lines() as kind:
            return kind.parse(form[setting.name].data or "")
        case Choice() | Choices() as kind:
            return kind.load(form[setting.name].data)
        case Numbers(names, _, _, whole):
            numbers = {name: form[f"{setting.name}_{name}"].data for name in names}
            return {
                str(name): number if whole else round(number / _HUNDRED, 4)
                for name, number in numbers.items()
                if number is not None
            }
        case _:
            return form[setting.name].data


def say_beside(form: FlaskForm, problem: InvalidInput, name: str = "") -> None:
    """Show *problem* beside the field that it names."""
    field = (name or str(problem.field)).replace(".", "_")
    text = str(problem)
    form[field if field in form else name].errors = [f"{text[:1].upper()}{text[1:]}."]
