"""``make test-clients``: unmodified clients, from their registries, against a running Winnow.

PyPI's `akismet` (both clients), `openai` and `google-api-python-client`; npm's `akismet-api` and
`perspective-api-client`; Waline's `waline-plugin-llm-reviewer`; our own two, built as packages; and npm's
webhook verifiers (npm_webhooks.py). Each is installed into a
throw-away directory. Those with an address of their own built in are sent to Winnow without a
change to their files: akismet.py by the `http_client` that it takes, perspective-api-client by a
module that node loads first and that sends its one address elsewhere.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.integration import npm_webhooks
from tests.integration.guides import tried
from tests.support.service import ROOT, running

PYPI = ("akismet==25.10.1", "openai==3.54.0", "google-api-python-client==2.202.0")
WALINE = "waline-plugin-llm-reviewer@0.0.5"
NPM = ("akismet-api@6.0.0", "perspective-api-client@3.1.0", WALINE)
OURS = ROOT / "integrations" / "clients"

HAM = "What a season finale! I did not see that coming, and the music was lovely."
SPAM = (
    "CHEAP VIAGRA and CIALIS online!!! Best casino bonus, click here now: "
    "http://pills.example/buy http://casino.example/win 100% FREE $$$"
)
INSULT = "You are a worthless idiot and everybody hates you, shut up you stupid moron."

#: Waline's plugin as Waline calls it, before it saves a comment.
NODE_WALINE = """
const plugin = require("waline-plugin-llm-reviewer");
const { URL, KEY, HAM, SPAM } = process.env;
const reviewer = (key) => plugin({ openaiBaseUrl: URL, openaiModel: "winnow", openaiApiKey: key });
const saved = async (comment, key = KEY, type = "guest") => {
  const data = { comment };
  await reviewer(key).hooks.preSave.call({ ctx: { state: { userInfo: { type } } } }, data);
  return data.status;
};
console.log = () => {};
(async () => {
  for (const [name, found, wanted] of [
    ["a fan is approved", await saved(HAM), "approved"],
    ["spam is spam", await saved(SPAM), "spam"],
    ["a wrong key holds", await saved(HAM, "0123456789ab"), "waiting"],
    ["what is no comment is held", await saved(""), "waiting"],
  ]) {
    if (found !== wanted) throw new Error(`${name}: ${found}`);
    console.info("ok", name);
  }
})().catch((problem) => { console.error(problem); process.exit(1); });
"""

#: Our own client, from its wheel.
CLIENT = """
import os
from datetime import UTC, datetime

import winnow_client
from winnow_client import Author, Comment, Past, Winnow

assert "site-packages" in winnow_client.__file__
with Winnow(os.environ["URL"], os.environ["SITE_KEY"]) as winnow:
    author = Author(name="Py", email="py@mail.example")
    answer = winnow.submit(Comment(os.environ["HAM"], "py1", author), wait_seconds=5)
    assert answer.status == "approved", answer
    assert winnow.submit(Comment(os.environ["SPAM"], "py2", author), wait_seconds=5).status == "spam"
    history = [Past(Comment(f"Old {n}.", f"py-h{n}"), datetime(2020, 1, 1, tzinfo=UTC), "approved") for n in range(250)]
    assert {one.outcome for one in winnow.remember(history)} == {"new"}
    assert winnow.decide(answer.id, "spam", moderator="ada").status == "spam"
    assert winnow.erase_author(email="py@mail.example") == 2
print("ok submits, remembers, decides, erases")
"""

AKISMET = """
import asyncio, os
import akismet, httpx

URL, KEY, HAM, SPAM = (os.environ[name] for name in ("URL", "KEY", "HAM", "SPAM"))
CONFIG = akismet.Config(key=KEY, url="https://blog.example/")


def sent_to_winnow(request):
    assert request.url.host == "rest.akismet.com", request.url
    target = httpx.URL(URL)
    request.url = request.url.copy_with(scheme="http", host=target.host, port=target.port)
    request.headers["Host"] = f"{target.host}:{target.port}"


async def sent_to_winnow_too(request):
    sent_to_winnow(request)


def comment(text, **more):
    return {"user_ip": "203.0.113.9", "comment_content": text, "comment_type": "comment", **more}


def expect(name, found, wanted):
    assert found == wanted, f"{name}: {found!r} is not {wanted!r}"
    print("ok", name)


def sync():
    http = httpx.Client(event_hooks={"request": [sent_to_winnow]}, timeout=10)
    client = akismet.SyncClient.validated_client(config=CONFIG, http_client=http)
    expect("sync: a key is verified", client.verify_key(), True)
    expect("sync: a wrong key is not", client.verify_key("0123456789ab", CONFIG.url), False)
    expect("sync: ham", client.comment_check(**comment(HAM, comment_author="A fan")), akismet.CheckResponse.HAM)
    found = client.comment_check(**comment(SPAM, comment_author="cheap pills"))
    expect("sync: spam", found in (akismet.CheckResponse.SPAM, akismet.CheckResponse.DISCARD), True)
    expect("sync: guaranteed spam", client.comment_check(**comment("x", comment_author="akismet-guaranteed-spam")), akismet.CheckResponse.SPAM)
    expect("sync: submit spam", client.submit_spam(**comment(HAM, comment_author="A fan")), True)
    expect("sync: submit ham", client.submit_ham(**comment(SPAM, comment_author="cheap pills")), True)
    expect("sync: usage", sorted(client.usage_limit()), ["limit", "percentage", "throttled", "usage"])
    expect("sync: sites", "total" in client.key_sites(), True)
    expect("sync: sites as CSV", client.key_sites(result_format="csv").startswith("Active sites for"), True)
    try:
        akismet.SyncClient.validated_client(config=akismet.Config("0123456789ab", CONFIG.url), http_client=http)
    except akismet.APIKeyError:
        print("ok sync: a wrong key is refused at the start")
    else:
        raise AssertionError("a wrong key was taken")


async def asynchronous():
    http = httpx.AsyncClient(event_hooks={"request": [sent_to_winnow_too]}, timeout=10)
    client = await akismet.AsyncClient.validated_client(config=CONFIG, http_client=http)
    expect("async: a key is verified", await client.verify_key(), True)
    found = await client.comment_check(**comment(HAM + " Again!"))
    expect("async: ham", found, akismet.CheckResponse.HAM)
    found = await client.comment_check(**comment(SPAM + " more"))
    expect("async: spam", found in (akismet.CheckResponse.SPAM, akismet.CheckResponse.DISCARD), True)
    expect("async: submit spam", await client.submit_spam(**comment(HAM + " Again!")), True)
    expect("async: submit ham", await client.submit_ham(**comment(SPAM + " more")), True)
    expect("async: usage", (await client.usage_limit())["limit"], "none")


sync()
asyncio.run(asynchronous())
"""

OPENAI = """
import os
import openai

client = openai.OpenAI(api_key=os.environ["KEY"], base_url=os.environ["URL"] + "/v1")


def expect(name, found, wanted):
    assert found == wanted, f"{name}: {found!r} is not {wanted!r}"
    print("ok", name)


answer = client.moderations.create(input=os.environ["HAM"])
expect("a fan is not flagged", answer.results[0].flagged, False)
answer = client.moderations.create(input=[os.environ["HAM"], os.environ["INSULT"]], model="omni-moderation-latest")
expect("each of several is answered", [one.flagged for one in answer.results], [False, True])
expect("harassment is named", answer.results[1].categories.harassment, True)
expect("all categories are there", len(answer.results[1].category_scores.model_dump(by_alias=True)) >= 13, True)
answer = client.moderations.create(input=[{"type": "text", "text": os.environ["INSULT"]}], model="omni-moderation-latest")
expect("content parts are read", answer.results[0].flagged, True)
try:
    client.moderations.create(input=[{"type": "image_url", "image_url": {"url": "https://blog.example/a.png"}}])
except openai.BadRequestError as problem:
    expect("an image is refused clearly", "image" in str(problem).lower(), True)
else:
    raise AssertionError("an image was taken")
try:
    openai.OpenAI(api_key="0123456789ab", base_url=os.environ["URL"] + "/v1").moderations.create(input="x")
except openai.AuthenticationError:
    print("ok a wrong key is an authentication error")
else:
    raise AssertionError("a wrong key was taken")
"""

GOOGLE = """
import os
from googleapiclient import discovery, errors

client = discovery.build(
    "commentanalyzer", "v1alpha1", developerKey=os.environ["KEY"], static_discovery=False,
    discoveryServiceUrl=os.environ["URL"] + "/$discovery/rest?version=v1alpha1",
)


def expect(name, found, wanted):
    assert found == wanted, f"{name}: {found!r} is not {wanted!r}"
    print("ok", name)


def score(text, **more):
    body = {"comment": {"text": text}, "requestedAttributes": {"TOXICITY": {}, "INSULT": {}}, **more}
    return client.comments().analyze(body=body).execute()


def value(answer, name="TOXICITY"):
    return answer["attributeScores"][name]["summaryScore"]["value"]


expect("a fan scores low", value(score(os.environ["HAM"])) < 0.5, True)
answer = score(os.environ["INSULT"], languages=["en"], clientToken="1", spanAnnotations=True, doNotStore=True)
expect("an insult scores high", value(answer, "INSULT") > 0.5, True)
expect("the token comes back", answer["clientToken"], "1")
body = {"comment": {"text": "x"}, "attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}}, "clientToken": "2"}
expect("a suggestion is taken", client.comments().suggestscore(body=body).execute()["clientToken"], "2")
try:
    score(" ")
except errors.HttpError as problem:
    expect("an empty comment is refused in Google's words", (problem.resp.status, "non-empty" in str(problem)), (400, True))
else:
    raise AssertionError("an empty comment was taken")
"""

NODE_AKISMET = """
const { AkismetClient } = require("akismet-api");
const { URL: url, KEY: key, HAM: ham, SPAM: spam } = process.env;
const base = { host: `rest.akismet.test:${new URL(url).port}`, protocol: "http", blog: "https://blog.example/" };
const client = new AkismetClient({ ...base, key });
const expect = (name, found, wanted) => {
  if (found !== wanted) throw new Error(`${name}: ${found} is not ${wanted}`);
  console.log("ok", name);
};
(async () => {
  expect("a key is verified", await client.verifyKey(), true);
  expect("a wrong key is not", await new AkismetClient({ ...base, key: "0123456789ab" }).verifyKey(), false);
  const about = (content) => ({ ip: "203.0.113.9", useragent: "Mozilla/5.0", content, name: "somebody" });
  expect("ham", await client.checkSpam(about(ham + " From node.")), false);
  expect("spam", await client.checkSpam(about(spam + " node")), true);
  await client.submitSpam(about(ham + " From node."));
  await client.submitHam(about(spam + " node"));
  console.log("ok both reports are taken");
})().catch((problem) => { console.error(problem); process.exit(1); });
"""

NODE_PERSPECTIVE = """
const Perspective = require("perspective-api-client");
const { KEY: key, HAM: ham, INSULT: insult } = process.env;
const client = new Perspective({ apiKey: key });
const expect = (name, found, wanted) => {
  if (found !== wanted) throw new Error(`${name}: ${found} is not ${wanted}`);
  console.log("ok", name);
};
const value = (answer, name) => answer.attributeScores[name].summaryScore.value;
(async () => {
  expect("a fan scores low", value(await client.analyze(ham), "TOXICITY") < 0.5, true);
  const answer = await client.analyze(insult, { attributes: ["toxicity", "insult", "severe_toxicity"] });
  expect("an insult scores high", value(answer, "INSULT") > 0.5, true);
  await new Perspective({ apiKey: "0123456789ab" }).analyze(ham).then(
    () => { throw new Error("a wrong key was taken"); },
    (problem) => expect("a wrong key is refused in words", /API key not valid/.test(problem.message), true),
  );
})().catch((problem) => { console.error(problem); process.exit(1); });
"""

#: Loaded by node before the client: the client's built-in address leads to Winnow, and so does the
#: name in which akismet-api puts the key first.
ELSEWHERE = """
const dns = require("dns"), http = require("http"), https = require("https");
const lookup = dns.lookup;
dns.lookup = (name, options, then) => {
  if (!/^([0-9a-f]{12}\\.)?rest\\.akismet\\.test$/.test(name)) return lookup(name, options, then);
  return lookup("127.0.0.1", options, then);
};
const { hostname, port } = new URL(process.env.URL);
https.request = (options, ...rest) => {
  if (options.hostname !== "commentanalyzer.googleapis.com") throw new Error(`asked for ${options.hostname}`);
  return http.request({ ...options, protocol: "http:", hostname, port, agent: undefined }, ...rest);
};
"""


def python_clients(directory: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, bool]]:
    """Install PyPI's clients and yield which of them passed."""
    subprocess.run([sys.executable, "-m", "venv", directory / "venv"], check=True)
    python = directory / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "--disable-pip-version-check", "-qq", "install", *PYPI]
    subprocess.run(install, check=True)
    wheels = directory / "wheels"
    build = [python, "-m", "pip", "--disable-pip-version-check", "-q", "wheel", "--no-deps"]
    subprocess.run([*build, "-w", wheels, _copied(OURS / "python", directory)], check=True)
    (wheel,) = wheels.glob("winnow_client-*.whl")
    subprocess.run([*install[: -len(PYPI)], wheel], check=True)
    scripts = {
        "akismet": AKISMET, "openai": OPENAI, "google-api": GOOGLE, "winnow-client": CLIENT,
    }  # fmt: skip
    for name, script in scripts.items():
        path = directory / f"{name}.check.py"
        path.write_text(script, encoding="utf-8")
        yield f"PyPI {name}", _passed([python, path], environ, directory)


def node_clients(directory: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, bool]]:
    """Install npm's clients and yield which of them passed."""
    install = ["npm", "install", "--silent", "--no-fund", "--no-audit", *NPM]
    subprocess.run(install, cwd=directory, check=True)
    (directory / "elsewhere.cjs").write_text(ELSEWHERE, encoding="utf-8")
    for name, script in (
        ("akismet-api", NODE_AKISMET),
        ("perspective-api-client", NODE_PERSPECTIVE),
        (WALINE, NODE_WALINE),
    ):
        path = directory / f"{name}.check.cjs"
        path.write_text(script, encoding="utf-8")
        yield (
            f"npm {name}",
            _passed(["node", "--require", "./elsewhere.cjs", path], environ, directory),
        )
    pack = ["npm", "pack", "--silent", _copied(OURS / "javascript", directory)]
    packed = subprocess.run(pack, cwd=directory, check=True, capture_output=True, text=True)
    install = ["npm", "install", "--silent", "--no-fund", "--no-audit", packed.stdout.strip()]
    subprocess.run(install, cwd=directory, check=True)
    test = directory / "client.test.mjs"
    shutil.copy(OURS / "javascript" / "test" / "client.test.js", test)
    yield "npm winnow-client", _passed(["node", "--test", test], environ, directory)


def _copied(source: Path, directory: Path) -> Path:
    """Return a copy of a package's sources, so that building leaves nothing among ours."""
    return Path(shutil.copytree(source, directory / f"source-{source.name}"))


def _passed(words: list[Any], environ: Mapping[str, str], directory: Path) -> bool:
    """Run a client's script and show what it says."""
    done = subprocess.run(
        words, env=dict(environ), cwd=directory, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    print(done.stdout, end="")
    if done.returncode:
        print(done.stderr, file=sys.stderr)
    return done.returncode == 0


def main() -> int:
    """Return 0 when every client passed."""
    with (
        tempfile.TemporaryDirectory() as directory,
        running(Path(directory) / "data", WINNOW_LOG_LEVEL="warning") as winnow,
    ):
        key = _door_key(winnow.run("key", "add", "demo", "--kind", "door", "--json"))
        environ = {
            "HOME": directory,
            "PATH": winnow.environ["PATH"],
            "URL": winnow.url,
            "KEY": key,
            "SITE_KEY": winnow.key,
            "HAM": HAM,
            "SPAM": SPAM,
            "INSULT": INSULT,
        }
        results = list(python_clients(Path(directory), environ))
        if shutil.which("npm"):
            results += node_clients(Path(directory), environ)
        else:
            print("npm is not installed: its clients were not tried", file=sys.stderr)
    status = npm_webhooks.main()
    for name, passed in results:
        print(f"{name}: {'passed' if passed else 'FAILED'}")
    failed = [name for name, passed in results if not passed]
    if (f"npm {WALINE}", True) in results:
        tried("waline", WALINE.replace("@", " "), by="test-clients")
    print(f"{len(results) - len(failed)} clients passed, {len(failed)} failed")
    return status or len(failed)


def _door_key(line: str) -> str:
    answer: dict[str, str] = json.loads(line)
    return answer["key"]


if __name__ == "__main__":
    sys.exit(main())
