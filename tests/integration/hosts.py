"""``make test-hosts``: real Isso and Django, from PyPI, with the files of docs/integrate/.

Django has our package, integrations/django. Installs both into a throw-away environment (Isso has no wheel: a C compiler is needed).
"""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from integrations import wheel
from tests.integration.guides import tried
from tests.support.service import ROOT, Running, free_port, running
from tests.support.waiting import wait_until

PAGES, CLIENT = ROOT / "docs" / "integrate", ROOT / "examples" / "blog" / "winnow.py"
PACKAGES = ["isso", "Django", "django-contrib-comments", "setuptools<81"]
HAM = "My sister's children loved the soup; thank you for writing the recipe down!"
PASSWORD = "a long password of 7 words"
SPAM = (
    "CHEAP VIAGRA online!!! Best casino bonus, click here: http://pills.example/buy $$$ 100% FREE"
)


def isso(home: Path, python: Path, winnow: Running) -> None:
    """Claim: what readers post to Isso is shown when Winnow approves it, and not otherwise."""
    port, database = free_port(), home / "comments.db"
    url = f"http://127.0.0.1:{port}"
    (home / "isso.cfg").write_text(f"""
[general]
dbpath = {database}
host = https://garden.example
[moderation]
enabled = true
[server]
listen = {url}
[guard]
enabled = false
""")

    def post(text: str) -> None:
        form = json.dumps({"text": text, "author": "Grace", "title": "Beans"}).encode()
        headers = {"Content-Type": "application/json", "Origin": "https://garden.example"}
        request = urllib.request.Request(f"{url}/new?uri=/beans/", form, headers)
        with urllib.request.urlopen(request, timeout=15) as answer:
            assert answer.status == 202, "accepted for moderation"

    def shown() -> list[str]:
        status, body = fetched(urllib.request.Request(f"{url}/?uri=/beans/&plain=1"))
        assert status in {200, 404}, body  # 404: no comments yet
        return [one["text"] for one in json.loads(body)["replies"]] if status == 200 else []

    environ = {**os.environ, "WINNOW_URL": winnow.url, "WINNOW_KEY": winnow.key}
    beside = home / "isso-sidecar"
    beside.mkdir()
    shutil.copy(PAGES / "isso" / "moderate.py", beside)
    shutil.copy(CLIENT, beside)
    with (
        process([python.parent / "isso", "-c", home / "isso.cfg", "run"], url, log=home / "isso.log"),
        process([python, beside / "moderate.py", database, "https://garden.example"],
                env=environ, log=home / "moderate.log"),
    ):  # fmt: skip
        post(HAM)
        post(SPAM)
        wait_until(lambda: shown() == [HAM], message="the comment in Isso")


SITE = """
import os, sys
from django.conf import settings
from django.http import HttpResponse
from django.template import engines
from django.urls import include, path

settings.configure(
    SECRET_KEY="x", DEBUG=True, ROOT_URLCONF=__name__, SITE_ID=1, ALLOWED_HOSTS=["*"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"]}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sites",
                    "django.contrib.sessions",
                    "django.contrib.messages", "django.contrib.admin", "django_comments", "django_winnow", "garden"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
                "django.middleware.csrf.CsrfViewMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
                "django.contrib.messages.middleware.MessageMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.template.context_processors.request",
                            "django.contrib.auth.context_processors.auth",
                            "django.contrib.messages.context_processors.messages"]}}],
    WINNOW_URL=os.environ["WINNOW_URL"], WINNOW_KEY=os.environ["WINNOW_KEY"],
    WINNOW_SECRETS=os.environ["WINNOW_SECRET"].split(), STATIC_URL="/static/", DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
import django
django.setup()
from django.contrib import admin
from garden.models import Post

PAGE = '''{% load comments %}{% get_comment_list for post as found %}
{% for one in found %}<q>{{ one.comment }}</q>{% endfor %}{% render_comment_form for post %}'''


def page(request):
    post, _ = Post.objects.get_or_create(title="Beans")
    return HttpResponse(engines["django"].from_string(PAGE).render({"post": post}, request))


urlpatterns = [path("beans", page), path("comments/", include("django_comments.urls")),
               path("winnow", include("django_winnow.urls")), path("admin/", admin.site.urls)]
if __name__ == "__main__":
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""
MODELS = """
from django.db import models


class Post(models.Model):
    title = models.CharField(max_length=100)

    def get_absolute_url(self):
        return "/beans"

    def __str__(self):
        return self.title
"""


def django(home: Path, python: Path, winnow: Running) -> None:
    """Claim: a comment is hidden until Winnow approves it, and hidden again when that is undone."""
    app, port = home / "django" / "garden", free_port()
    app.mkdir(parents=True)
    (app / "__init__.py").touch()
    (app / "models.py").write_text(MODELS)
    site, url = home / "django" / "site_.py", f"http://127.0.0.1:{port}"
    site.write_text(SITE)
    events = [
        word
        for one in ("approved", "spam", "rejected", "flagged")
        for word in ("--event", f"comment.{one}")
    ]
    made = winnow.cli("endpoint", "add", "demo", f"{url}/winnow", "--allow-private", *events)
    environ = {
        **os.environ,
        "DATABASE": str(home / "django.db"),
        "WINNOW_URL": winnow.url,
        "WINNOW_KEY": winnow.key,
        "WINNOW_SECRET": made["secret"],
    }

    def manage(*words: str) -> str:
        done = subprocess.run(
            [python, site, *words],
            env={**environ, "DJANGO_SUPERUSER_PASSWORD": PASSWORD},
            check=True,
            capture_output=True,
        )
        return done.stdout.decode()

    manage("migrate", "--run-syncdb")
    assert "No changes detected" in manage(
        "makemigrations", "--check", "--dry-run", "django_winnow"
    )
    manage("createsuperuser", "--noinput", "--username", "ada", "--email", "ada@mail.example")
    jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    browser = urllib.request.build_opener(jar)

    def shown() -> list[str]:
        with browser.open(f"{url}/beans", timeout=15) as answer:
            return [
                one.replace("&#x27;", "'")
                for one in re.findall("<q>(.*?)</q>", answer.read().decode())
            ]

    def post(text: str) -> None:
        with browser.open(f"{url}/beans", timeout=15) as answer:
            form = answer.read().decode()
        sent = {}
        for field in re.findall("<input[^>]*>", form):
            name, value = (re.search(f'{one}="([^"]*)"', field) for one in ("name", "value"))
            if name:
                sent[name[1]] = value[1] if value else ""
        sent |= {"name": "Grace", "email": "grace@mail.example", "comment": text}
        sent.pop("preview", None)
        browser.open(
            f"{url}/comments/post/", urllib.parse.urlencode(sent).encode(), timeout=15
        ).close()

    serve = [python, site, "runserver", "--noreload", f"127.0.0.1:{port}"]
    with process(serve, f"{url}/beans", env=environ, log=home / "django.log"):
        post(HAM + " (Django)")
        post(SPAM)
        wait_until(lambda: shown() == [HAM + " (Django)"], message="the comment in Django")
        there = winnow.ask("GET", "/v1/comments?limit=10")[1]["items"]
        (comment,) = [one for one in there if one["content"] == HAM + " (Django)"]
        assert (comment["external_id"], comment["post"]["title"]) == ("1", "Beans"), comment
        winnow.cli("decide", comment["id"], "spam")
        wait_until(lambda: shown() == [], message="the withdrawal in Django")
        forged = urllib.request.Request(f"{url}/winnow", b"{}", {"webhook-id": "evt_1"})
        assert fetched(forged)[0] == 401
        with winnow.away():
            post(HAM + " (Away)")
            assert shown() == []
            assert "0 submitted, 1 wait" in manage("winnow_retry")
        assert "1 submitted, 0 wait" in manage("winnow_retry")
        wait_until(
            lambda: shown() == [HAM + " (Away)"], message="what was posted while Winnow was away"
        )
        spam_in_the_admin(url)
        assert shown() == []
        there = winnow.ask("GET", "/v1/comments?limit=10")[1]["items"]
        (comment,) = [one for one in there if one["content"] == HAM + " (Away)"]
        by = comment["history"][-1]["by"]
        assert (comment["status"], by["kind"], by["name"]) == ("spam", "blog", "ada"), comment


def spam_in_the_admin(url: str) -> None:
    """Log in as the superuser, and call the newest screening spam."""
    admin = urllib.request.build_opener(
        urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    )
    with admin.open(f"{url}/admin/login/?next=/admin/", timeout=15) as answer:
        token = re.search('csrfmiddlewaretoken" value="([^"]+)"', answer.read().decode())[1]
    form = {"csrfmiddlewaretoken": token, "username": "ada", "password": PASSWORD}
    login = urllib.parse.urlencode(form | {"next": "/admin/"}).encode()
    admin.open(f"{url}/admin/login/", login, timeout=15).close()
    with admin.open(f"{url}/admin/django_winnow/screening/", timeout=15) as answer:
        listed = answer.read().decode()
    assert "/desk/comments/" in listed, listed[-2000:]
    token = re.search('csrfmiddlewaretoken" value="([^"]+)"', listed)[1]
    row = re.search('name="_selected_action" value="([0-9]+)"', listed)[1]
    form = {"csrfmiddlewaretoken": token, "action": "spam", "_selected_action": row}
    action = urllib.parse.urlencode(form).encode()
    admin.open(f"{url}/admin/django_winnow/screening/", action, timeout=15).close()


def fetched(request: urllib.request.Request) -> tuple[int, bytes]:
    """Return status and body, whatever the status."""
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code, problem.read()


@contextmanager
def process(
    command: list[object], url: str = "", *, log: Path, env: dict[str, str] | None = None
) -> Iterator[None]:
    """Run a command, from when *url* answers on."""
    with log.open("wb") as out:
        started = subprocess.Popen(list(map(str, command)), env=env, stdout=out, stderr=out)

    def answers() -> bool:
        assert started.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    try:
        if url:
            wait_until(answers, message=url)
        yield
    except BaseException:
        sys.stderr.write(log.read_text()[-3000:])
        raise
    finally:
        started.terminate()
        started.wait(15)


def main() -> int:
    """Return 0 when every claim holds."""
    with tempfile.TemporaryDirectory(prefix="winnow-hosts-") as directory:
        home = Path(directory)
        venv.create(home / "venv", with_pip=True)
        python = home / "venv" / "bin" / "python"
        install = [python, "-m", "pip", "--disable-pip-version-check", "-qq", "install", *PACKAGES]
        subprocess.run(install, check=True)
        for package in ("clients/python", "django"):
            wheel.build(ROOT / "integrations" / package, home / "wheels")
        wheels = list((home / "wheels").glob("*.whl"))
        assert len(wheels) == 2, wheels
        subprocess.run([*install[: -len(PACKAGES)], *wheels], check=True)
        frozen = subprocess.run([python, "-m", "pip", "freeze"], check=True, capture_output=True)
        wanted = ("isso", "django")
        versions = [
            line.replace("==", " ")
            for line in frozen.stdout.decode().splitlines()
            if "==" in line and line.lower().startswith(wanted)
        ]
        print(", ".join(versions))
        with running(home / "winnow", WINNOW_UNDO_SECONDS="0.5") as winnow:
            for host in (isso, django):
                host(home, python, winnow)
                print(f"  ok    {host.__name__}")
    for host in ("isso", "django"):
        named = [one for one in versions if one.lower().startswith(host)]
        tried(host, *named, by="test-hosts")
    print("2 passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
