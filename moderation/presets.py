"""Three ready-made strictnesses of a policy, drawn from the errors that the model's card tells of. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from moderation.policy import NEVER, Thresholds


class Preset(StrEnum):
    """How strict a site is; balanced is the model's own thresholds."""

    LENIENT = "lenient"
    BALANCED = "balanced"
    STRICT = "strict"


#: Harmless comments that a preset may hold, and reject, as a multiple of what the model's own
#: thresholds do. The model's aim is 2 in 100 held and 2 in 1,000 rejected.
FACTORS: Mapping[Preset, tuple[float, float]] = {
    Preset.LENIENT: (0.4, 0.4),
    Preset.BALANCED: (1.0, 1.0),
    Preset.STRICT: (2.5, 2.0),
}
#: No preset holds or rejects for a label that is less likely than this.
LOWEST = (0.2, 0.7)

_WIDTH = 0.1

#: Of a label: bins of equal width, each with mean score, share that was bad, and comments.
Bins = Sequence[tuple[float, float, int]]


def bars_of(
    preset: Preset, *, defaults: Thresholds, bins: Mapping[str, Bins]
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Return the thresholds that *preset* sets, as a policy has them: for holding, for rejecting.

    A label of which the card has no bins keeps the model's own.
    """
    if preset is Preset.BALANCED:
        return {}, {}
    hold, reject = FACTORS[preset]
    return (
        _moved(defaults.flag, hold, LOWEST[0], bins),
        _moved(defaults.reject, reject, LOWEST[1], bins),
    )


def _moved(
    bars: Mapping[str, float], factor: float, lowest: float, bins: Mapping[str, Bins]
) -> Mapping[str, float]:
    """Return *bars* moved so that *factor* times as many harmless comments reach each."""
    moved = {}
    for label, bar in bars.items():
        counted = bins.get(label, ())
        good = beyond(counted, bar)
        if bar >= NEVER or not good:
            continue
        at = _reached_by(counted, factor * good)
        # A bar is moved one way only, also where the card counts too few comments to tell.
        at = max(bar, at) if factor < 1 else min(bar, max(lowest, at))
        moved[label] = round(min(at, 0.999), 2)
    return moved


def beyond(bins: Bins, bar: float) -> float:
    """Return how many harmless comments of *bins* score *bar* or more."""
    total = 0.0
    for mean, bad, number in bins:
        low = int(min(mean, 0.9999) / _WIDTH) * _WIDTH
        part = min(1.0, max(0.0, (low + _WIDTH - bar) / _WIDTH))
        total += number * (1 - bad) * part
    return total


def _reached_by(bins: Bins, number: float) -> float:
    """Return the lowest score that at most *number* harmless comments of *bins* reach."""
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(bins, middle) > number else (low, middle)
    return high
