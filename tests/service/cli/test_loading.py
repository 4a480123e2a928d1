"""A verb loads its own modules, and no other verb's."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "verb",
    [pytest.param("up", id="the service"), pytest.param("key", id="a small verb")],
)
def test_a_verb_loads_no_importer_archive_or_mail(verb: str):
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; from service.cli import cli; cli.commands[{verb!r}]; print(*sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"chardet", "tarfile", "smtplib", "sqlite3", "tqdm"} & set(loaded)
