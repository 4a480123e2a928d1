"""What every benchmark answers on its command line."""

from __future__ import annotations

import sys


def help_asked(explained: str | None) -> None:
    """Print *explained*, a benchmark's docstring, and end, where -h or --help was given."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        print((explained or "").strip())
        sys.exit(0)
