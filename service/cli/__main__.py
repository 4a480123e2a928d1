"""``python -m service.cli``, which ``./winnow`` runs."""

from __future__ import annotations

from service.cli import run

if __name__ == "__main__":
    run()
