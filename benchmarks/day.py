"""A day of comments through workers, second by second, from what one comment costs.

Arithmetic, not a measurement: arrivals follow a curve of hours as blogs have it, with bursts of an hour
in which five times as much comes in. Workers read by the encoder at the given rate a core; what
waits longer than ``WINNOW_HURRY_AFTER`` is read in a hurry, by n-grams where they are sure.

    .venv/bin/python -m benchmarks.day 100

prints the cores that the month's millions need for a verdict within a second at the 99th percentile,
and within a minute.
"""

from __future__ import annotations

import json
import random
import sys

from benchmarks._asked import help_asked

#: Share of a day's comments by hour, UTC, for readers of one continent: quiet at night.
HOURS = (1, 0.6, 0.4, 0.3, 0.3, 0.5, 1, 2, 3, 4, 5, 5.5, 6, 6, 6, 6, 6.2, 6.5, 7, 7.5, 8, 7, 4, 2)
#: Bursts a day, and how many times as much comes in while one lasts.
BURSTS, BURST_SECONDS, BURST_TIMES = 2, 3600, 5
#: Comments that a core reads in a second: 317 characters on average, of many languages. In a hurry it
#: read 880 good comments of blogs, sparing the encoder 96 in 100; half of that is reckoned with.
READ, HURRIED = 100.0, 440.0
HURRY_AFTER_SECONDS = 30.0
MILLIONS = (1, 10, 100, 1000)


def arrivals(a_month: float, seed: int = 1) -> list[float]:
    """Return the comments of each second of a day."""
    draw = random.Random(seed)
    a_day, whole = a_month / 30, sum(HOURS)
    rates = [a_day * HOURS[second // 3600] / whole / 3600 for second in range(86_400)]
    for _ in range(BURSTS):
        start = draw.randrange(8 * 3600, 22 * 3600)
        for second in range(start, min(start + BURST_SECONDS, 86_400)):
            rates[second] *= BURST_TIMES
    return [max(0.0, draw.gauss(rate, rate**0.5)) for rate in rates]


def waits(coming: list[float], cores: float) -> list[tuple[float, float]]:
    """Return for each second how long what comes waits, in seconds, and how much comes."""
    backlog, found = 0.0, []
    for number in coming:
        read = (HURRIED if backlog > HURRY_AFTER_SECONDS * READ * cores else READ) * cores
        backlog = max(0.0, backlog + number - read)
        found.append((backlog / read, number))
    return found


def percentile(found: list[tuple[float, float]], share: float) -> float:
    """Return the wait that *share* of all comments do not exceed."""
    seen, whole = 0.0, sum(number for _, number in found)
    for wait, number in sorted(found):
        seen += number
        if seen >= share * whole:
            return wait
    return 0.0


def cores_for(coming: list[float], seconds: float, share: float = 0.99) -> float:
    """Return the fewest cores with which *share* of the comments wait no longer than *seconds*."""
    low, high = 0.0, max(coming) / READ + 1
    while high - low > 0.01 * high:
        middle = (low + high) / 2
        if percentile(waits(coming, middle), share) <= seconds:
            high = middle
        else:
            low = middle
    return high


def main(*millions: int) -> None:
    """Print cores by millions a month; the last line is JSON."""
    figures = {}
    for number in millions or MILLIONS:
        coming = arrivals(number * 1e6)
        prompt, relaxed = cores_for(coming, 1), cores_for(coming, 60)
        mean, peak = sum(coming) / 86_400, max(coming)
        print(
            f"{number:,} million a month: {mean:,.1f}/s on average, {peak:,.0f}/s at the peak; "
            f"{prompt:.2f} cores for 1 s, {relaxed:.2f} for 60 s"
        )
        figures[number] = {"cores_1s": round(prompt, 2), "cores_60s": round(relaxed, 2)}
    print(json.dumps(figures))


if __name__ == "__main__":
    help_asked(__doc__)
    main(*map(int, sys.argv[1:]))
