"""What every test may ask for."""

from __future__ import annotations

pytest_plugins = ["tests.support.valkey", "tests.support.world"]
