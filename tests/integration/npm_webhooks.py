"""``make test-clients``: npm's own verifiers take what we sign, and nothing that was changed.

Installs ``standardwebhooks`` and ``svix`` from the npm registry into a throw-away directory.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from moderation import signing

VERIFIER = """
const { Webhook } = require(process.argv[2]);
const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
let wrong = 0;
for (const one of cases) {
  let taken = true;
  try { new Webhook(one.secret).verify(one.body, one.headers); } catch { taken = false; }
  if (taken !== one.good) { console.error(`${process.argv[2]}: ${one.name} was ${taken ? "taken" : "refused"}`); wrong += 1; }
}
process.exit(wrong ? 1 : 0);
"""


def cases(prefix: str) -> list[dict[str, object]]:
    """Return signed messages, good and bad; *prefix* is what a library calls its headers."""
    old, new, other = (signing.new_secret() for _ in range(3))
    body, now = b'{"type":"comment.approved","data":{"id":"1"}}', int(time.time())

    def case(name: str, secret: str, good: bool, *, at: int = now, sent: bytes = body) -> dict:
        headers = signing.headers([old, new], "evt_1_1_1_approved", at, body)
        named = {key.replace("webhook-", prefix): value for key, value in headers.items()}
        return {
            "name": name, "secret": secret, "good": good, "headers": named, "body": sent.decode(),
        }  # fmt: skip

    return [
        case("the old secret during rotation", old, good=True),
        case("the new secret during rotation", new, good=True),
        case("a wrong secret", other, good=False),
        case("an old timestamp", old, good=False, at=now - 3600),
        case("a changed byte", old, good=False, sent=body.replace(b'"1"', b'"2"')),
    ]


def main() -> int:
    """Return 0 when both libraries judge every case rightly."""
    if shutil.which("npm") is None:
        print("npm is not installed: its webhook verifiers were not tried", file=sys.stderr)
        return 0
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "verify.cjs").write_text(VERIFIER, encoding="utf-8")
        install = [
            "npm",
            "install",
            "--silent",
            "--no-fund",
            "--no-audit",
            "standardwebhooks",
            "svix",
        ]
        subprocess.run(install, cwd=directory, check=True)
        status = 0
        for library, prefix in (("standardwebhooks", "webhook-"), ("svix", "svix-")):
            body = json.dumps(cases(prefix)).encode()
            done = subprocess.run(
                ["node", "verify.cjs", library], cwd=directory, input=body, check=False
            )
            print(f"{library}: {'5 passed, 0 failed' if done.returncode == 0 else 'FAILED'}")
            status |= done.returncode
    return status


if __name__ == "__main__":
    sys.exit(main())
