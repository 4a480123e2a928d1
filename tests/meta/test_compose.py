"""The deployment files are held against the code, since no Docker is at hand to run them."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import shlex
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from moderation.settings import VARIABLES, Settings, from_env
from moderation.store.embedded import WHAT_WINNOW_NEEDS

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = ["web", "worker", "more-workers", "deliver"]


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile as (instruction, rest), continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line.strip()]


def said(instruction: str) -> list[str]:
    return [rest for name, rest in instructions() if name == instruction]


def substituted(value: object) -> str:
    """Return *value* as compose fills it in when the shell has none of its variables."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value)).replace("$$", "$")


def command_of(service: str) -> list[str]:
    """Return what the container of *service* runs."""
    container = SERVICES[service]
    entrypoint = container.get("entrypoint") or json.loads(said("ENTRYPOINT")[-1])
    own = [] if "entrypoint" in container else json.loads(said("CMD")[-1])
    return [*entrypoint, *container.get("command", own)]


def assert_exists(argv: list[str]) -> None:
    """Fail unless *argv* begins with a module or a verb of ours that is there."""
    if argv[:2] == ["python", "-m"]:
        assert importlib.util.find_spec(f"{argv[2]}.__main__"), f"there is no module {argv[2]}"
        return
    assert argv[0] == "./winnow"
    cli = importlib.import_module("service.cli").cli
    assert argv[1] in cli.commands, f"winnow knows no verb {argv[1]}"


@pytest.mark.parametrize("service", OURS)
def test_each_container_s_command_exists(service):
    assert_exists(command_of(service))


@pytest.mark.parametrize(
    "service, word",
    [("worker", "screening"), ("more-workers", "screening"), ("deliver", "delivery")],
)
def test_a_container_of_workers_is_healthy_while_its_own_processes_beat(service: str, word: str):
    known = importlib.import_module("worker.alive").BEATING
    assert word in known
    check = SERVICES[service]["healthcheck"]["test"]
    assert check == ["CMD", "python", "-m", "worker.alive", word]


def test_the_image_s_own_command_exists():
    assert_exists([*json.loads(said("ENTRYPOINT")[-1]), *json.loads(said("CMD")[-1])])


def test_commands_in_the_comments_exist():
    """What an operator copies from the first lines works."""
    cli = importlib.import_module("service.cli").cli
    for line in re.findall(
        r"^#.*\./winnow (.+)$", (ROOT / "docker-compose.yml").read_text(), re.MULTILINE
    ):
        command = cli
        for word in shlex.split(line):
            if not hasattr(command, "commands") or word.isupper():
                break
            assert word in command.commands, f"winnow knows no `{line}`"
            command = command.commands[word]


@pytest.mark.parametrize("service", OURS)
def test_each_variable_is_known_and_its_value_is_accepted(service, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("redis://:x@valkey:6379/0\n")
    environment = {
        name: str(secret) if name.endswith("_FILE") else substituted(value)
        for name, value in SERVICES[service]["environment"].items()
    }
    from_env(environment)
    assert all(name.startswith("WINNOW_") for name in environment)


@pytest.mark.parametrize("service", OURS)
def test_secrets_come_from_files_that_the_container_is_given(service):
    secret_names = {variable.name for variable in VARIABLES if variable.secret}
    for name, value in SERVICES[service]["environment"].items():
        assert name not in secret_names, f"{name} is a secret: use {name}_FILE"
        if name.endswith("_FILE"):
            assert Path(value).parent == Path("/run/secrets")
            assert Path(value).name in SERVICES[service]["secrets"]


def test_every_secret_is_declared_and_kept_out_of_git_and_of_the_image():
    given = {secret for container in SERVICES.values() for secret in container.get("secrets", [])}
    assert given == set(COMPOSE["secrets"])
    assert all(
        declared["file"].startswith("./secrets/") for declared in COMPOSE["secrets"].values()
    )
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    assert passes_dockerignore("secrets/secret_key") is False


def test_the_ports_agree():
    """The settings' default, the image, the published port, the health check and the links."""
    port = str(Settings().port)
    assert said("EXPOSE") == [port]
    assert [mapping.rsplit(":", 1)[1] for mapping in SERVICES["web"]["ports"]] == [port]
    assert f":{port}/healthz" in SERVICES["web"]["healthcheck"]["test"][-1]
    assert substituted(SERVICES["web"]["environment"]["WINNOW_PUBLIC_URL"]).endswith(f":{port}")
    assert "WINNOW_PORT" not in SERVICES["web"]["environment"]


def test_only_this_machine_reaches_the_web_and_nobody_reaches_valkey():
    assert all(mapping.startswith("127.0.0.1:") for mapping in SERVICES["web"]["ports"])
    assert "ports" not in SERVICES["valkey"]
    assert SERVICES["valkey"]["networks"] == ["data"]
    assert COMPOSE["networks"]["data"] == {"internal": True}


@pytest.mark.parametrize("service", ["worker", "more-workers", "deliver"])
def test_all_but_the_web_can_be_scaled(service):
    """A fixed name or a published port can be had by one container only."""
    assert not {"container_name", "ports", "hostname"} & set(SERVICES[service])


def test_every_process_has_a_container_and_the_profile_has_more_workers():
    verbs = [command_of(service)[1] for service in OURS]
    assert verbs == ["web", "worker", "worker", "deliver"]
    assert SERVICES["more-workers"]["profiles"] == ["many"]
    assert not [one for one in SERVICES if one != "more-workers" and SERVICES[one].get("profiles")]


@pytest.mark.parametrize("service", SERVICES)
def test_each_container_can_do_no_more_than_it_needs(service):
    container = SERVICES[service]
    assert container["read_only"] is True
    (temporary,) = container["tmpfs"]
    assert temporary.startswith("/tmp:size=")
    assert {"noexec", "nosuid", "nodev"} <= set(temporary.split(","))
    assert container["pids_limit"] <= 512
    assert re.fullmatch(r"\d+g", substituted(container["mem_limit"]))
    assert container["memswap_limit"] == container["mem_limit"]
    assert container["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in container["security_opt"]
    assert container["healthcheck"]["test"]
    assert "privileged" not in container
    if service not in OURS:
        assert container["user"] not in {"root", "0"}


def test_the_image_runs_as_nobody_in_particular():
    uid, _, gid = said("USER")[-1].partition(":")
    assert int(uid) > 0
    assert int(gid) > 0


@pytest.mark.parametrize(
    "image",
    [
        said("ARG")[0].partition("=")[2],
        SERVICES["web"]["build"]["args"]["PYTHON_IMAGE"],
        SERVICES["valkey"]["image"],
    ],
)
def test_images_are_pinned_to_a_release(image):
    """A digest may be put in their place: both images come from a variable."""
    assert {rest.split()[0] for rest in said("FROM")} == {"${PYTHON_IMAGE}"}
    assert re.fullmatch(r"[a-z/]+:\d+\.\d+\.\d+-[a-z]+(-[a-z]+)?", substituted(image))


def test_the_image_is_built_in_stages_and_the_last_one_only_copies():
    assert len(said("FROM")) == 2
    last = max(number for number, (name, _) in enumerate(instructions()) if name == "FROM")
    assert {name for name, _ in instructions()[last + 1 :]}.isdisjoint({"RUN", "ADD"})


def test_valkey_may_not_fill_its_container():
    """While it rewrites its file it may need twice its memory."""
    most = substituted(SERVICES["valkey"]["environment"]["MAXMEMORY"])
    limit = substituted(SERVICES["valkey"]["mem_limit"])
    assert int(limit.rstrip("g")) >= 2 * int(most.rstrip("gb"))
    assert '--maxmemory "$$MAXMEMORY"' in SERVICES["valkey"]["command"][0]


def test_valkey_is_told_what_the_embedded_one_is_told():
    words = shlex.split(" ".join(SERVICES["valkey"]["command"]).replace("\\\n", " "))
    options = {
        word.removeprefix("--"): words[number + 1]
        for number, word in enumerate(words)
        if word.startswith("--")
    }
    assert dict(WHAT_WINNOW_NEEDS).items() <= options.items()
    assert options["appendfsync"] in {"everysec", "always"}
    assert options["dir"] == "/data"
    assert SERVICES["valkey"]["volumes"] == ["valkey-data:/data"]


def passes_dockerignore(path: str) -> bool:
    """Say whether *path* is in the build's context, as far as our few patterns go."""
    passes = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        bare = pattern.removeprefix("!")
        if any(fnmatch(part, bare) for part in (path, path.split("/", maxsplit=1)[0])):
            passes = pattern.startswith("!")
    return passes


def test_what_the_image_copies_is_there_and_in_the_context():
    copied = [rest.split()[:-1] for rest in said("COPY") if not rest.startswith("--from")]
    for source in (source for sources in copied for source in sources):
        assert (ROOT / source).exists(), f"{source} is not in the repository"
        assert passes_dockerignore(source), f"{source} is kept out by .dockerignore"
    assert not passes_dockerignore(".git")
    assert not passes_dockerignore("data")
