"""``make demo``: Winnow, and the blog beside it, until Ctrl-C."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from werkzeug.serving import make_server

from examples.blog.app import FIRST_COMMENT, create_app

_ROOT = Path(__file__).parents[2]
_START_SECONDS = 60
#: Events that the blog subscribes to; the withdrawal of an approval is always sent.
EVENTS = ("comment.approved", "comment.flagged", "comment.rejected", "comment.spam")


def main() -> int:
    """Start Winnow, make a site and an endpoint for the blog if it has none, and serve the blog."""
    settings = _settings()
    data = Path(settings["WINNOW_DATA_DIR"])
    winnow = f"http://127.0.0.1:{settings['WINNOW_PORT']}"
    port = int(os.environ.get("BLOG_PORT", "8026"))
    if _answers(winnow):
        sys.exit(
            f"A server runs at {winnow} already, and the demo starts one of its own. Nothing was "
            "changed. Stop that one, or set WINNOW_PORT and WINNOW_DATA_DIR for the demo."
        )
    service = subprocess.Popen([str(_ROOT / "winnow"), "up"])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        _await_ready(winnow, service)
        new = not (data / "blog" / "blog.sqlite").exists()
        blog = create_app(_account(data / "blog", port) | {"WINNOW_URL": winnow})
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        server = make_server("127.0.0.1", port, blog, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        if new:
            first = urllib.parse.urlencode(FIRST_COMMENT).encode()
            urllib.request.urlopen(f"http://127.0.0.1:{port}/comments", first, timeout=10).close()
        found = f"The blog: http://127.0.0.1:{port}/   Write a comment, then look at the desk."
        print(f"\n{found}\n", flush=True)  # also where the output goes to a file
        return service.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        service.terminate()
        service.wait()


def _await_ready(url: str, service: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while service.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    sys.exit("Winnow did not get ready; its messages above say why.")


def _account(directory: Path, port: int) -> dict[str, Any]:
    """Return the blog's key and secret, made by Winnow's command line on the first start."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = directory / "account.json"
    if not kept.exists():
        site = _ask("site", "add", "second-reel", "--url", f"http://127.0.0.1:{port}/", "--json")
        endpoint = _ask(
            "endpoint", "add", site["id"], f"http://127.0.0.1:{port}/webhooks/winnow",
            *(word for event in EVENTS for word in ("--event", event)),
            "--allow-private", "--json",
        )  # fmt: skip
        kept.touch(mode=0o600)
        made = {"WINNOW_KEY": site["key"], "WEBHOOK_SECRET": endpoint["secret"]}
        kept.write_text(json.dumps(made), encoding="utf-8")
    account: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return account | {"DATABASE": str(directory / "blog.sqlite")}


def _settings() -> dict[str, str]:
    """Return what Winnow is set to here."""
    verb = [str(_ROOT / "winnow"), "settings", "--json"]
    done = subprocess.run(verb, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(done.returncode)  # it said why
    made = map(json.loads, done.stdout.splitlines())
    return {one["name"]: one["value"] for one in made}


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _ask(*verb: str) -> dict[str, Any]:
    done = subprocess.run([str(_ROOT / "winnow"), *verb], check=True, stdout=subprocess.PIPE)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


if __name__ == "__main__":
    sys.exit(main())
