"""What changed between two states of some settings, and how to take it back. Pure.

A change tells of each setting that differs, by its dotted name: ``{"before": 1, "after": 2}``, one
of the two left out where the setting was not there; of a list ``{"added": [...], "removed":
[...]}``; and for a secret ``{"hidden": True}``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from typing import Any

from moderation.errors import Conflict

Change = Mapping[str, Any]


def difference(
    old: Mapping[str, Any], new: Mapping[str, Any], *, secret: Collection[str] = ()
) -> dict[str, Change]:
    """Return what differs in *new*, by setting; of the *secret* ones only that they differ."""
    before, after = dict(_settings(old)), dict(_settings(new))
    changes: dict[str, Change] = {}
    for name in sorted(before.keys() | after.keys()):
        if name in before and name in after and before[name] == after[name]:
            continue
        top = name.partition(".")[0]
        changes[top if top in secret else name] = (
            {"hidden": True} if top in secret else _change(name, before, after)
        )
    return {name: change for name, change in changes.items() if change}


def can_be_taken_back(changes: Mapping[str, Change]) -> bool:
    """Tell whether *changes* say enough to be undone: nothing in them is hidden."""
    return bool(changes) and not any("hidden" in change for change in changes.values())


def taken_back(now: Mapping[str, Any], changes: Mapping[str, Change]) -> dict[str, Any]:
    """Return the settings *now* as they would be without *changes*, all of them or none.

    Raises Conflict when one of them is not any more what it was changed to.
    """
    current, back = dict(_settings(now)), deepcopy(dict(now))
    for name, change in changes.items():
        if "added" in change:
            entries, added = list(current.get(name, ())), set(change["added"])
            if not added <= set(entries) or set(change["removed"]) & set(entries):
                raise Conflict(f"{name} has changed again since; nothing was reverted")
            kept = [entry for entry in entries if entry not in added]
            _put(back, name, [*kept, *change["removed"]])
        elif "hidden" in change:
            raise Conflict(f"{name} is secret, so what it was before is not kept")
        elif current.get(name, _NOTHING) != change.get("after", _NOTHING):
            raise Conflict(f"{name} has changed again since; nothing was reverted")
        else:
            _put(back, name, change.get("before", _NOTHING))
    return back


_NOTHING = object()


def _settings(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in nested.items():
        if isinstance(value, Mapping):
            yield from _settings(value, f"{prefix}{name}.")
        else:
            yield prefix + name, list(value) if isinstance(value, tuple) else value


def _change(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Change:
    old, new = before.get(name), after.get(name)
    if isinstance(old, list) and isinstance(new, list):
        had, has = set(old), set(new)
        added = [entry for entry in new if entry not in had]
        removed = [entry for entry in old if entry not in has]
        # The order of a list means nothing, so that a mere reordering is no change.
        return {"added": added, "removed": removed} if added or removed else {}
    states = {"before": before, "after": after}
    return {word: state[name] for word, state in states.items() if name in state}


def _put(into: dict[str, Any], name: str, value: Any) -> None:
    *path, last = name.split(".")
    for step in path:
        into = into.setdefault(step, {})
    if value is _NOTHING:
        into.pop(last, None)
    else:
        into[last] = value
