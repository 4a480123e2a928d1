"""``make test-deploy``: what deploy/ and docs/observe/ hold, with the real programs from Debian.

Needs root. The proxies run in a network namespace of their own, as `comments.example.org` on port 443;
the units run under a real systemd, booted in a container over a copy-on-write view of this machine.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.service import ROOT, Running, running
from tests.support.waiting import wait_until

DEPLOY = ROOT / "deploy"
PACKAGES = {
    "caddy": "caddy", "nginx": "nginx-light", "promtool": "prometheus",
    "systemd-nspawn": "systemd-container", "systemd-analyze": "systemd", "ip": "iproute2",
    "unshare": "util-linux", "openssl": "openssl",
}  # fmt: skip
NAME = "comments.example.org"
#: A reader's address, which is not this machine's to Winnow; of the range for documentation.
READER = "198.51.100.7"
HAM = "My sister's children loved the soup; thank you for writing the recipe down!"
MOST_EXPOSED = 3.0


def main(words: list[str]) -> int:
    """Run the parts that were named, or all; print each claim that held."""
    if os.geteuid() != 0:
        print("only root can install the programs and make namespaces", file=sys.stderr)
        return 1
    if words[:1] == ["--inside"]:  # of a network namespace
        PARTS[words[1]]()
        return 0
    install()
    wanted = words or list(PARTS)
    for name in wanted:
        if name in ALONE:
            again = [sys.executable, "-m", "tests.integration.deploy", "--inside", name]
            subprocess.run(["unshare", "--net", *again], cwd=ROOT, check=True)
        else:
            PARTS[name]()
    print(f"{len(wanted)} passed, 0 failed")
    return 0


def install() -> None:
    """Install what is missing."""
    missing = sorted({PACKAGES[program] for program in PACKAGES if shutil.which(program) is None})
    if missing:
        environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing],
            check=True, env=environ, stdout=subprocess.DEVNULL,
        )  # fmt: skip


# -- proxies -----------------------------------------------------------------------------------------


def caddy() -> None:
    """Claim: the Caddyfile as printed serves the desk and the API, and shows Winnow the reader."""
    with behind_proxy() as (winnow, place):
        # Certificates of its own: Let's Encrypt is out of reach here. The rest is as printed.
        own = "{\n\tlocal_certs\n\tskip_install_trust\n\tadmin off\n}\n"
        config = place / "Caddyfile"
        config.write_text(own + on_port(DEPLOY / "proxies" / "Caddyfile", winnow))
        environ = {"HOME": str(place), "PATH": os.environ["PATH"]}
        command = ["caddy", "run", "--config", config, "--adapter", "caddyfile"]
        with program(command, place, environ):
            proxied("Caddy", winnow)


def nginx() -> None:
    """Claim: the same of nginx."""
    with behind_proxy() as (winnow, place):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
             "-subj", f"/CN={NAME}", "-keyout", place / "privkey.pem", "-out", place / "fullchain.pem"],
            check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        server = on_port(DEPLOY / "proxies" / "nginx.conf", winnow)
        server = re.sub(r"/etc/letsencrypt/live/[^/]+/", f"{place}/", server)
        config = place / "nginx.conf"
        config.write_text(
            f"user root; daemon off; pid {place}/nginx.pid; error_log {place}/error.log;\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{server}\n}}\n"
        )
        with program(["nginx", "-c", config, "-e", place / "error.log"], place):
            proxied("nginx", winnow)


@contextmanager
def behind_proxy() -> Iterator[tuple[Running, Path]]:
    """Run a Winnow that is set as the proxies' files say."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "address", "add", f"{READER}/32", "dev", "lo"], check=True)
    with tempfile.TemporaryDirectory(prefix="winnow-proxy-") as temporary:
        place = Path(temporary)
        variables = dict(
            re.findall(
                r"^#\s+(WINNOW_\w+)=(\S+)",
                (DEPLOY / "proxies" / "nginx.conf").read_text(),
                re.MULTILINE,
            )
        )
        with running(place / "data", **variables) as winnow:
            yield winnow, place


def on_port(snippet: Path, winnow: Running) -> str:
    return snippet.read_text().replace("127.0.0.1:8025", f"127.0.0.1:{winnow.port}")


@contextmanager
def program(
    command: list[Any], place: Path, environ: dict[str, str] | None = None
) -> Iterator[None]:
    """Run a proxy until it has answered what is asked of it."""
    with (place / "proxy.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environ)
    try:
        wait_until(
            lambda: process.poll() is not None or answered(), message="the proxy's first answer"
        )
        assert process.poll() is None, (place / "proxy.log").read_text()
        yield
    finally:
        process.terminate()
        process.wait(30)


def answered() -> bool:
    try:
        return ask("GET", "/healthz")[0] == 200
    except OSError:
        return False


def ask(
    method: str, path: str, content: Any = None, **headers: str
) -> tuple[int, bytes, http.client.HTTPMessage]:
    """Return what a reader elsewhere is answered by https://comments.example.org."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # its own certificate
    plain = socket.create_connection((READER, 443), timeout=30, source_address=(READER, 0))
    connection = http.client.HTTPSConnection(NAME)
    connection.sock = context.wrap_socket(plain, server_hostname=NAME)
    body = content if isinstance(content, bytes | None) else json.dumps(content).encode()
    try:
        connection.request(
            method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}
        )
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def proxied(name: str, winnow: Running) -> None:
    """Hold a proxy to what the page about it promises."""
    key = {"Authorization": f"Bearer {winnow.key}", "Content_Type": "application/json"}
    status, body, _ = ask("POST", "/v1/comments", {"content": HAM}, Prefer="wait=20", **key)
    made = json.loads(body)
    assert (status, made["status"]) == (201, "approved") or made["status"] == "approved", made
    assert made["links"]["desk"].startswith(f"https://{NAME}/"), made["links"]
    batch = {"comments": [{"content": f"{n} {HAM * 20}"} for n in range(1000)]}
    status, body, _ = ask("POST", "/v1/comments/batch", batch, **key)
    assert status in {200, 202}, (status, body[:300])
    # Addresses of this machine may read the metrics: a forged header must not make one.
    for forged in ("127.0.0.1", "127.0.0.1, 127.0.0.1"):
        assert ask("GET", "/metrics", X_Forwarded_For=forged)[0] in {401, 403, 404}
    status, body, headers = ask("GET", "/desk/sign-in")
    token = re.search(rb'name="csrf_token"[^>]*value="([^"]+)"', body)
    cookie = headers.get("Set-Cookie", "")
    assert "Secure" in cookie, cookie
    form = f"csrf_token={token[1].decode()}&name=admin&password={winnow.password}".encode()
    status, body, headers = ask(
        "POST", "/desk/sign-in", form, Cookie=cookie.partition(";")[0],
        Content_Type="application/x-www-form-urlencoded", Referer=f"https://{NAME}/desk/sign-in",
    )  # fmt: skip
    assert status in {302, 303}, (status, body[:500])
    print(
        f"{name}: API, a batch of 1.5 MB, links, signing in; /metrics stays closed to a forged header"
    )


# -- systemd -----------------------------------------------------------------------------------------


def units() -> None:
    """Claim: each unit is one that systemd takes, and exposes little."""
    for unit in sorted((DEPLOY / "systemd").glob("*.service")):
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        exposed = float(re.search(r"level for \S+: ([\d.]+)", done.stdout)[1])
        assert exposed < MOST_EXPOSED, (unit.name, exposed)
        print(f"{unit.name}: exposure {exposed}, below {MOST_EXPOSED}")


#: What operate.md says, as the administrator types it, and what must be true afterwards.
SCRIPT = """#!/bin/bash
set -euxo pipefail
trap 'rc=$?; [ $rc -eq 0 ] || { journalctl --no-pager -n 60 -u "winnow*"; }; echo $rc > /result; systemctl poweroff --force' EXIT
ip link set lo up
@SETUP@
wait_ready() { for _ in $(seq 120); do curl -fsS http://127.0.0.1:8025/readyz >/dev/null 2>&1 && return; sleep 0.5; done; return 1; }
wait_ready
winnow() { runuser -u winnow -- /opt/winnow/winnow "$@"; }
cd /
key=$(winnow site add blog --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["key"])')
curl -fsS http://127.0.0.1:8025/v1/comments -H "Authorization: Bearer $key" -H "Content-Type: application/json" \
  -H "Prefer: wait=20" -d '{"content": "@HAM@"}' | grep -q '"status": *"approved"'
winnow doctor || [ $? -eq 1 ]
! /opt/winnow/winnow site add phantom
systemctl start winnow-backup.service
ls /var/backups/winnow/winnow-*.tar.gz
winnow restore --dry-run /var/backups/winnow/winnow-*.tar.gz | grep 'holds 1 comment'
systemctl restart winnow.service
wait_ready
curl -fsS "http://127.0.0.1:8025/v1/comments" -H "Authorization: Bearer $key" | grep -q soup
systemctl stop winnow.service
! pgrep -u winnow
[ "$(systemctl show -p Result --value winnow.service)" = success ]
# The parts, each in a unit of its own, over a Valkey of one's own.
valkey=$(find /opt/winnow/.venv -name valkey-server -type f -perm -1 2>/dev/null | head -1)
install -d -m 700 -o winnow -g winnow /var/lib/winnow/own
systemd-run --unit=valkey --uid=winnow "$valkey" --port 6379 --appendonly yes --save '' --dir /var/lib/winnow/own \
  --maxmemory-policy noeviction
echo 'WINNOW_REDIS_URL=redis://127.0.0.1:6379/0' >> /etc/winnow/winnow.env
systemctl start winnow-web winnow-worker winnow-deliver
wait_ready
key=$(winnow site add parts --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["key"])')
curl -fsS http://127.0.0.1:8025/v1/comments -H "Authorization: Bearer $key" -H "Content-Type: application/json" \
  -H "Prefer: wait=20" -d '{"content": "@HAM@"}' | grep -q '"status": *"approved"'
systemctl stop winnow-web winnow-worker winnow-deliver
for unit in winnow-web winnow-worker winnow-deliver; do
  [ "$(systemctl show -p Result --value $unit.service)" = success ]
done
"""

TRIAL = """[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/trial.sh
StandardOutput=append:/trial.log
StandardError=append:/trial.log
"""


def systemd() -> None:
    """Claim: the units run under a real systemd, set up by the commands of operate.md."""
    with tempfile.TemporaryDirectory(prefix="winnow-systemd-") as temporary:
        place = Path(temporary)
        for name in ("upper", "work", "root"):
            (place / name).mkdir()
        options = f"lowerdir=/,upperdir={place}/upper,workdir={place}/work"
        subprocess.run(
            ["mount", "-t", "overlay", "overlay", "-o", options, place / "root"], check=True
        )
        root = place / "root"
        try:
            (root / "etc" / "machine-id").write_text("")
            checkout(root / "opt" / "winnow")
            page = (ROOT / "docs" / "operate.md").read_text()
            setup = re.search(r"<!-- test-deploy -->\n+```console\n(.*?)```", page, re.DOTALL)[1]
            commands = re.sub(r"^[$#] ", "", setup, flags=re.MULTILINE)
            script = SCRIPT.replace("@SETUP@", commands).replace("@HAM@", HAM.replace("'", ""))
            (root / "trial.sh").write_text(script)
            (root / "trial.sh").chmod(0o755)
            (root / "etc" / "systemd" / "system" / "trial.service").write_text(TRIAL)
            subprocess.run(
                ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "-D", root,
                 "--private-network", "--boot", "systemd.unit=multi-user.target",
                 "systemd.wants=trial.service"],
                check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, timeout=300,
            )  # fmt: skip
            result = root / "result"
            log = (root / "trial.log").read_text() if (root / "trial.log").exists() else "no log"
            assert result.exists(), log[-6000:]
            assert result.read_text().strip() == "0", log[-6000:]
        finally:
            subprocess.run(["umount", "--lazy", root], check=True)
    print(
        "systemd: operate.md's commands, main job, backup, restart, stop; and the parts over a Valkey"
    )


def checkout(place: Path) -> None:
    """Copy this checkout, with an environment that Debian's own Python runs."""
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "benchmarks/")):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place / name)
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", place / ".venv"], check=True)
    subprocess.run(
        [ROOT / ".venv" / "bin" / "uv", "pip", "install", "--quiet", "--require-hashes",
         "--only-binary", ":all:", "--python", place / ".venv" / "bin" / "python",
         "-r", place / "requirements.txt"],
        check=True,
    )  # fmt: skip


# -- Prometheus --------------------------------------------------------------------------------------


def alerts() -> None:
    """Claim: promtool takes the rules, each alert fires when it should, and none while all is well."""
    place = ROOT / "docs" / "observe"
    for verb in (
        ["check", "rules", "alerts.yml"],
        ["test", "rules", "alerts_test.yml", "alerts_weeks_test.yml"],
    ):
        done = subprocess.run(
            ["promtool", *verb], cwd=place, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    print("alerts: each fires in its test, and none while all is well")


PARTS: dict[str, Callable[[], None]] = {
    "caddy": caddy,
    "nginx": nginx,
    "units": units,
    "systemd": systemd,
    "alerts": alerts,
}
#: These run in a network namespace of their own.
ALONE = ("caddy", "nginx")

if __name__ == "__main__":
    started = time.monotonic()
    status = main(sys.argv[1:])
    print(f"{time.monotonic() - started:.0f} s")
    sys.exit(status)
