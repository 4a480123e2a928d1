"""Tests of rules import the rules alone: no Flask, no storage and no model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
RULES = ("actor", "comment", "identity", "insight", "lists", "policy", "values")
HEAVY = {"flask", "numpy", "onnxruntime", "redis", "rq", "sklearn", "scipy", "pydantic", "werkzeug"}
#: Megabytes that a process with the tests of all these may have; one with the application has 100.
MOST_MB = 70

#: Collects test files, as `pytest FILE...` does, and tells what that loaded.
_COLLECT = """
import json, pathlib, re, sys
import pytest

class Count:
    def pytest_collection_finish(self, session):
        self.tests = len(session.items)

count = Count()
options = ["-n", "0", "-q", "--collect-only", "-p", "no:cacheprovider"]
pytest.main([*options, *sys.argv[1:]], plugins=[count])
loaded = sorted({name.partition(".")[0] for name in sys.modules})
# Not ru_maxrss, which a process takes over from the one that started it. Only Linux has this file.
status = pathlib.Path("/proc/self/status")
peak = re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text()) if status.exists() else None
megabytes = int(peak[1]) // 1024 if peak else 0
print(json.dumps({"tests": count.tests, "loaded": loaded, "megabytes": megabytes}))
"""


def test_the_tests_of_rules_load_neither_the_application_nor_storage_nor_the_model():
    files = [f"tests/moderation/test_{name}.py" for name in RULES]
    run = [sys.executable, "-c", _COLLECT, *files]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout.splitlines()[-1])
    assert measured["tests"] > 400
    assert not HEAVY & set(measured["loaded"])
    assert measured["megabytes"] < MOST_MB
