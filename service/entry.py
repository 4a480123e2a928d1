"""The program ``winnow`` of the installed package."""

from __future__ import annotations

import os


def main() -> None:
    """Run the command line under the name that it was installed by."""
    os.environ.setdefault("_WINNOW_CALLED", "winnow")
    from service.cli import run  # noqa: PLC0415 - reads the name when it is imported

    run()
