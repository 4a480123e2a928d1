"""Nothing leaves the machine: the whole service works in a network that leads nowhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from moderation.settings import VARIABLES
from tests.support.nowhere import NOT_ALLOWED
from tests.support.service import ROOT


def test_the_whole_service_works_in_a_network_without_a_way_out(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.nowhere", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    if done.returncode == NOT_ALLOWED:
        pytest.skip("this user may not make a network namespace")
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_what_the_page_names_opens_a_connection():
    """A module of ours that gets a new way out has to be named here, and on docs/privacy.md."""
    opens = re.compile(
        r"\b(?:socket\.create_connection|socket\.socket|urlopen|urllib3\.connection|HTTPS?Connection"
        r"|smtplib\.SMTP|getaddrinfo|\.from_url\()"
    )
    found = {
        str(path.relative_to(ROOT))
        for package in ("moderation", "service", "worker", "models")
        for path in (ROOT / package).rglob("*.py")
        if opens.search(path.read_text(encoding="utf-8"))
    }
    assert found == {
        "moderation/store/client.py",  # WINNOW_REDIS_URL
        "moderation/store/embedded.py",  # the embedded server's own socket
        "moderation/wiring.py",  # WINNOW_JOBS_URL
        "service/cli/checks.py",  # doctor: endpoints' certificates, WINNOW_SMTP_URL
        "service/cli/up.py",  # its own port
        "service/front/server.py",  # listens
        "worker/attempt.py",  # endpoints
        "worker/channels/mail.py",  # WINNOW_SMTP_URL
    }
    page = (ROOT / "docs" / "privacy.md").read_text()
    for variable in VARIABLES:
        if variable.name.endswith("_URL") and variable.name != "WINNOW_PUBLIC_URL":
            assert f"`{variable.name}`" in page
