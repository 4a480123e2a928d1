"""``python -m service.cli``, which ``./winnow`` runs."""

from __future__ import annotations

from service.cli import cli
from service.cli.context import PROGRAM

if __name__ == "__main__":
    cli(prog_name=PROGRAM)
