"""``python -m service.cli``, which ``./winnow`` runs."""

from __future__ import annotations

from service.cli import cli

if __name__ == "__main__":
    cli(prog_name="winnow")
