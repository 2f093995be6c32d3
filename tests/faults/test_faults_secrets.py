"""Canaries in the environment, in a service key and in answers: none of them ever gets out.

All commands at their highest verbosity, in every format; what they print, write, raise, post to
GitHub, give to ``logging`` and show in the list of processes is searched.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest
from pytest_mock import MockerFixture

from cicd.automation.holder import make_holder
from cicd.automation.lock import stage_lock
from cicd.cli import root
from cicd.cli.options import Common
from cicd.cli.project import open_session
from cicd.masking import hide_secrets
from cicd.platforms.aicore import answers
from cicd.platforms.aicore.kinds import KINDS
from tests.emulator.emulator_client import commit
from tests.faults import secrets_echo
from tests.faults.faults_world import DESTINATIONS, STAGE, Faulty
from tests.faults.secrets_canaries import (
    BY_THE_WAY,
    PEM,
    PLANTED,
    PROCESSES,
    SPECIAL,
    STAGE_SECRETS,
    WORDS,
    Watch,
    key,
    logging_watched,
    plant,
)
from tests.faults.secrets_echo import SHAPES, Gateway, spellings
from tests.forges import github_server
from tests.metaflow import flow_project
from tests.sampling import IS_ALL

SCRIPT = """\
schema
init another --yes
validate dev --output OUTPUT
plan dev --offline --output OUTPUT
plan dev --output OUTPUT
plan dev --out plan.json
comment plan.json
apply dev --auto-approve --summary summary.json
status dev --output OUTPUT
doctor dev --output OUTPUT
artifacts dev --output OUTPUT
executions dev --output OUTPUT
deployments dev --output OUTPUT
list configurations dev --output OUTPUT
explain train dev --output OUTPUT
explain chat --stage dev --output OUTPUT
logs dev train chat
metrics dev train --output OUTPUT
compare dev train --output OUTPUT --out comparison.OUTPUT
compare dev train
CHANGE
plan dev --refresh-secrets --output OUTPUT
comment --stage dev --refresh-secrets
comment --stage dev --drift-issue
apply dev --auto-approve --refresh-secrets --rerun execution/train --log-format json
apply dev --auto-approve --var model=gpt-4o-mini
rollback dev chat --list --output OUTPUT
history dev --output OUTPUT
approve dev --yes = 64
notify test dev = 64
rollback dev chat --auto-approve
import copy --resource-group GROUP
promote dev copy --dry-run --output OUTPUT
promote dev copy --yes
promote copy dev --yes --pull-request = 1
template build flows = 1 3
template check flows = 1 3
template check flows --generate = 1 3
template package TrainFlow --dockerfile image = 1 3 64
emulator start --data EMULATOR
emulator status --data EMULATOR
emulator faults add --data EMULATOR status=503
emulator faults list --data EMULATOR --output OUTPUT
emulator faults clear --data EMULATOR
emulator stop --data EMULATOR
emulator reset --data EMULATOR
LOCK
status dev
unlock dev --force
stop dev chat --auto-approve
destroy dev --auto-approve --force --summary summary2.json
"""
"""One command a line, each at its highest verbosity. ``OUTPUT``: once for every format that it has;
after ``=`` the codes that it may end with, if not 0."""
PICTURE = "png"
"""The one format in which no text can be searched; it shows what the others say."""
OF_OTHERS = [name for name, (kind, _) in root.short_lists().items() if kind not in KINDS]
"""Short lists of what only other platforms have: a stage of this one has no such kind."""
SCRIPT += "".join(f"{name} dev = 64\n" for name in OF_OTHERS)
NOT_RUN = {
    ("emulator", "env"): "prints the emulator's own random login, which is what it is for",
    ("controller",): "goes on until it is stopped: tests/controller",
    ("page",): "goes on until it is stopped: tests/page",
}
"""Commands that the script leaves out, and why."""
MORE = """\
git:
  application: "${var.group}"
  path: templates
  revision: main
  repository: "REPOSITORY"
  username: "${env.GIT_USER}"
  password: "${env.GIT_PASSWORD}"
executions:
  - key: train
    configuration: {name: training, scenario_id: small, executable_id: small-train}
"""
PIN = '    - {name: pin, data: {pin: "${env.PIN}"}}\n'
TEMPLATE = """\
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata:
  name: small-train
  labels: {scenarios.ai.sap.com/id: small, ai.sap.com/version: "1.0.0"}
  annotations:
    scenarios.ai.sap.com/name: Small
    executables.ai.sap.com/name: Small training
spec:
  entrypoint: train
  templates:
    - name: train
      container: {image: docker.io/your-org/small:1, command: [echo, trained]}
"""


GENERATOR = """\
#!/bin/sh
case "$*" in
*importlib.metadata*)
  echo '{"python": "3.11", "metaflow": "2.15.0", "kubernetes": "1", "boto3": "1"}' ;;
*)
  echo "cannot log in as $AWS_ACCESS_KEY_ID with $AWS_SECRET_ACCESS_KEY" >&2
  exit 1 ;;
esac
"""
"""A Python that has Metaflow, and says what it should not."""


def commands(
    found: click.Command = root.main, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """The paths of all commands that click knows."""
    if not isinstance(found, click.Group):
        yield path
        return
    context = click.Context(found)
    for name in found.list_commands(context):
        inner = found.get_command(context, name)
        assert inner
        yield from commands(inner, (*path, name))


def command_of(line: str) -> tuple[str, ...]:
    """The path of the command that a line calls."""
    words = tuple(line.split())
    return next((path for path in KNOWN if words[: len(path)] == path), ())


KNOWN = list(commands())


def test_every_command_is_in_the_script() -> None:
    called = {command_of(line) for line in SCRIPT.splitlines()} - {()}
    assert called | NOT_RUN.keys() == set(KNOWN) and not called & NOT_RUN.keys()


@pytest.fixture
def watch(faulty: Faulty, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture) -> Watch:
    return plant(faulty, monkeypatch, mocker)


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[github_server.GitHub]:
    """What GitHub's runner sets, and its server."""
    with github_server.running() as server:
        for name, value in {
            "GITHUB_TOKEN": github_server.TOKEN,
            "GITHUB_API_URL": f"{server.url}/api/v3",
            "GITHUB_REPOSITORY": "org/repo",
            "GITHUB_REF": "refs/pull/7/merge",
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(tmp_path / "step-summary.md"),
            "GITHUB_OUTPUT": str(tmp_path / "step-output.txt"),
        }.items():
            monkeypatch.setenv(name, value)
        yield server


def prepare(faulty: Faulty, group: str) -> None:
    """A project in Git, whose remote has a login, with a stage of everything."""
    here = {"stages/dev.yaml": stage_text(faulty.root, group), "templates/train.yaml": TEMPLATE}
    here["flows/trainflow.py"] = flow_project.FLOW
    here["bin/python"] = GENERATOR
    python = f"    python: {faulty.root}/bin/python\n"
    here["stages/flows.yaml"] = flow_project.STAGE.replace("main", "other") + python
    commit(faulty.root, here)
    (faulty.root / "bin/python").chmod(0o755)
    origin = "https://me:kanary-origin@127.0.0.1:1/org/repo"
    with (faulty.root / ".git/config").open("a", encoding="utf-8") as file:
        file.write(f'[remote "origin"]\n\turl = {origin}\n')
    faulty.can_run(group, {"/app": str(faulty.root)})


def stage_text(repository: Path, group: str) -> str:
    text = STAGE.replace("artifacts:\n", PIN + "artifacts:\n", 1)
    text = text.replace("{model:", f"{{group: {group}, model:")
    return text + MORE.replace("REPOSITORY", repository.as_uri())


def test_no_command_lets_a_secret_out(
    watch: Watch, faulty: Faulty, github: github_server.GitHub
) -> None:
    group = faulty.group()
    prepare(faulty, group)
    steps = {"CHANGE": lambda: change_secrets(faulty, group), "LOCK": lock}
    with PROCESSES.watched(watch), logging_watched(watch):
        for line in SCRIPT.splitlines():
            if line in steps:
                steps[line]()
                continue
            for call in calls(line, {"GROUP": group, "EMULATOR": str(faulty.root / "emulator")}):
                result = watch.run(*call)
                codes = [int(code) for code in line.partition(" = ")[2].split()] or [0]
                assert result.code in codes, (line, result.text)
    search(watch, faulty, github)
    assert PROCESSES.started


def lock() -> None:
    """Somebody applies the stage on another machine."""
    with open_session("dev", Common()) as session:
        found = stage_lock(session)
        assert found
        found.take(make_holder("cicd apply dev", {**os.environ, "GITHUB_ACTOR": "bob"}), 600)


def search(watch: Watch, faulty: Faulty, github: github_server.GitHub) -> None:
    """Everything that is there now."""
    planted = (*PLANTED, ".git/config")
    assert watch.files(faulty.root, but=planted) > 20
    sent = [f"{r} {r.query} {json.dumps(r.body)}" for r in github.requests]
    assert sent
    for text in sent:
        watch.look("GitHub", text)
    watch.check()


def calls(line: str, values: Mapping[str, str]) -> Iterator[list[str]]:
    """The command lines that a line of the script stands for."""
    command: click.Command = root.main
    for name in command_of(line):
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), name) or command
    options = {option.name: option for option in command.params}
    words = [values.get(word, word) for word in line.partition(" = ")[0].split()]
    if "verbose" in options:
        words.append("-v")
    choice = options["output"].type if "output" in options else None
    formats = choice.choices if isinstance(choice, click.Choice) else ()
    for output in (
        [f for f in formats if f != PICTURE] if any("OUTPUT" in word for word in words) else [""]
    ):
        yield [word.replace("OUTPUT", str(output)) for word in words]


def change_secrets(faulty: Faulty, group: str) -> None:
    """Somebody has put other secrets into the destination, which can be read back."""
    entry = {"Name": group, "Type": "HTTP", "URL": "https://elsewhere", "clientId": "me",
             "clientSecret": "kanary-of-an-answer", "ProxyType": "Internet",
             "tokenServicePassword": "kanary-of-an-answer-too",
             "Authentication": "OAuth2ClientCredentials"}  # fmt: skip
    faulty.ask("PUT", DESTINATIONS, group, entry)


NETWORKED = """\
plan dev --refresh-secrets
apply dev --auto-approve --log-format json
status dev
doctor dev
artifacts dev
executions dev --output json
logs dev chat --run some-id
metrics dev --run some-id
compare dev some-id other-id
rollback dev chat --auto-approve
import copy --resource-group GROUP
stop dev chat --auto-approve
unlock dev --force
destroy dev --auto-approve
"""
"""Commands that ask the platform, each of which has a way of its own to fail."""
SAMPLE = 5
"""Every so many of them meet one shape of an answer, unless CICD_FAULTS=all."""


@pytest.fixture
def gateway(watch: Watch, faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """What says back what it was sent, before both services of the emulator."""
    (faulty.root / "templates").mkdir()
    (faulty.root / "templates/train.yaml").write_text(TEMPLATE, encoding="utf-8")
    (faulty.root / "stages/dev.yaml").write_text(
        stage_text(faulty.root, faulty.group()).partition("git:")[0], encoding="utf-8"
    )
    with secrets_echo.running(faulty.emulator.url) as server:
        for name in ("AICORE_BASE_URL", "AICORE_AUTH_URL"):
            monkeypatch.setenv(
                name, faulty.emulator.environ[name].replace(server.target, server.url)
            )
        monkeypatch.setenv("DESTINATION_BASE_URL", server.url)
        monkeypatch.setenv("DESTINATION_AUTH_URL", server.url)
        yield server


@pytest.mark.parametrize("shape", SHAPES)
def test_an_answer_that_echoes_the_login(watch: Watch, gateway: Gateway, shape: str) -> None:
    gateway.shape = shape
    gateway.echoes = lambda request: not request.endswith("/oauth/token")
    every = list(network_calls())
    first = list(SHAPES).index(shape) % SAMPLE
    for call in every if IS_ALL else every[first::SAMPLE]:
        before = len(gateway.fired)
        result = watch.run(*call)
        assert len(gateway.fired) > before, (call, result.text)
        assert result.code != root.BUG, (call, result.text)
    watch.files(watch.faulty.root, but=tuple(PLANTED))
    watch.check()


def network_calls() -> Iterator[list[str]]:
    for line in NETWORKED.splitlines():
        yield from calls(line, {"GROUP": "group"})


@pytest.mark.parametrize("shape", SHAPES)
def test_a_login_that_echoes_what_it_was_sent(
    watch: Watch, gateway: Gateway, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AICORE_CLIENT_SECRET", f"kanary-{SPECIAL}")
    gateway.shape = shape
    gateway.echoes = lambda request: request.endswith("/oauth/token")
    for command in ("plan", "doctor", "status"):
        for _ in range(3):  # the parts of a request are echoed in turn
            result = watch.run(command, "dev", "-v")
            assert result.code in {1, 4}, result.text
    watch.check()


@pytest.mark.parametrize("token", ["kanary\ntoken", "kanary-tökén→", "kanary token", " kanary"])
def test_a_token_that_no_header_can_hold(watch: Watch, gateway: Gateway, token: str) -> None:
    gateway.token = token
    for command in ("plan", "doctor"):
        assert watch.run(command, "dev", "-v").code in {1, 4}
    watch.check()


WRITES = {
    "secrets": "/admin/secrets",
    "stores": "/admin/objectStoreSecrets",
    "docker": "/admin/dockerRegistrySecrets",
    "repositories": "/admin/repositories",
    "destinations": "/subaccountDestinations",
}


@pytest.mark.parametrize("path", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("shape", ["envelope", "reason"])
def test_a_write_whose_answer_echoes_its_body(
    watch: Watch, gateway: Gateway, faulty: Faulty, path: str, shape: str
) -> None:
    sent: list[str] = []
    gateway.shape = shape

    def echoes(request: str) -> bool:
        sent.append(request)
        # the first secret is the lock
        is_lock = path == "/admin/secrets" and sum(one == request for one in sent) == 1
        return request.startswith(("POST", "PUT")) and request.endswith(path) and not is_lock

    gateway.echoes = echoes
    if "repositories" in path:
        stage = stage_text(faulty.root, faulty.group()).partition("executions:")[0]
        (faulty.root / "stages/dev.yaml").write_text(stage, encoding="utf-8")
    for log_format in ("text", "json"):
        options = ("-v", "--log-format", log_format, "--summary", f"{log_format}.json")
        result = watch.run("apply", "dev", "--auto-approve", *options)
        assert result.code in {1, 4, 6}, result.text
    assert gateway.fired
    watch.files(faulty.root, but=tuple(PLANTED))
    watch.check()


def test_a_certificate_that_cannot_be_read(
    watch: Watch, faulty: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AICORE", "DESTINATION"):
        monkeypatch.delenv(f"{name}_CLIENT_SECRET")
        monkeypatch.setenv(f"{name}_CERT_URL", "https://127.0.0.1:1")
    for _ in ("texts", "texts in place of paths"):
        for command in ("plan", "doctor"):
            assert watch.run(command, "dev", "-v", "--var", "group=some").code in {1, 4}
        for name in ("AICORE", "DESTINATION"):
            for half in ("CERT", "KEY"):
                monkeypatch.setenv(f"{name}_{half}_FILE_PATH", PEM.format("KEY", half))
    watch.files(faulty.root, but=tuple(PLANTED))
    watch.check()


@pytest.mark.parametrize("name", ["AICORE_SERVICE_KEY", "VCAP_SERVICES", "AICORE_CONFIG"])
def test_half_a_service_key(watch: Watch, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What somebody pasted wrong is not shown: it may be half a key."""
    for variable in ("SERVICE_KEY", "CLIENT_ID", "CLIENT_SECRET", "CERT_STR", "KEY_STR"):
        monkeypatch.delenv(f"AICORE_{variable}")
    monkeypatch.delenv("VCAP_SERVICES")
    for value in (key("half")[:200], key("half")[1:], f'"{key("half")}"', f"[{key('half')}]"):
        monkeypatch.setenv(name, value)
        for command in ("plan", "doctor"):
            assert watch.run(command, "dev", "-v", "--var", "group=some").code in {1, 4}
    watch.check()


def test_a_proxy_with_a_login(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AUTH", "BASE"):
        monkeypatch.setenv(f"AICORE_{name}_URL", "https://aicore.invalid")
    for command in ("plan", "doctor"):
        assert watch.run(command, "dev", "-v", "--var", "group=some").code in {1, 4}
    watch.check()


@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_an_answer_of_github_that_echoes_the_login(
    watch: Watch, faulty: Faulty, github: github_server.GitHub, status: int
) -> None:
    faulty.cicd("plan", "dev", "--offline", "--out", "plan.json", "--var", "group=some")
    said = f"bad token {github_server.TOKEN}"
    body = {"message": said, "errors": [{"message": f"Bearer {github_server.TOKEN}"}]}
    for pattern in ("GET .*/comments", "POST .*/comments"):
        github.fail(pattern, *[github_server.Reply(status, body)] * 5)
        for more in ((), ("--drift-issue",)):
            watch.run("comment", "plan.json", "-v", "--log-format", "json", *more)
    assert github.requests
    watch.check()


def test_the_report_of_a_bug(watch: Watch, faulty: Faulty, mocker: MockerFixture) -> None:
    """A real crash, in which every secret is at hand, in the spellings of messages and of code."""
    values = [
        os.environ[name] for name in {**STAGE_SECRETS, **BY_THE_WAY, **faulty.emulator.environ}
    ]
    login = str(faulty.session.headers["Authorization"])
    said = f"{values!r} {json.dumps(values)} {' '.join(values)} {{'Authorization': '{login}'}} ~q7Z"

    def broken(*_: object, **__: object) -> None:
        try:
            raise KeyError(said)
        except KeyError as error:
            raise RuntimeError(said) from error

    mocker.patch("cicd.config.check_stage", broken)
    result = watch.run("validate", "dev", "--var", "group=kanary", "--var=group=kanary")
    assert result.code == root.BUG
    report = Path(result.err.rpartition("report: ")[2].strip())
    text = report.read_text(encoding="utf-8")
    assert "RuntimeError" in text and "KeyError" in text and "validate dev" in text
    assert report.stat().st_mode & 0o777 == 0o600
    watch.look("report", text)
    watch.check()


def test_what_is_hidden_in_a_report() -> None:
    environ = {"PATH": "/usr/bin", "KEY": json.dumps({"a": ["first-secret\nline"]}), "CI": "true"}
    hidden = hide_secrets("/usr/bin 'first-secret\\nline' true {broken", environ)
    assert hidden == "/usr/bin '***' true {broken"
    assert hide_secrets("[1, 2", {"X": "[1, 2"}) == "[1, 2"
    short = {"MY_PASSWORD": "b2b", "TOKENS": "   ", "PIN": "c", "MODE": "a1b"}
    assert hide_secrets("a1b b2b c", short) == "a1b *** c"
    no_text = b"secret-\xff".decode(errors="surrogateescape")
    assert hide_secrets(f"of {no_text}", {"X": no_text}) == "of ***"


SENT = [*STAGE_SECRETS.values(), f"kanary-{SPECIAL}", "kanary", "~q7Z"]


@pytest.mark.parametrize("secret", SENT, ids=range(len(SENT)))
def test_no_spelling_of_a_secret_is_left_in_a_message(secret: str) -> None:
    encoded = base64.b64encode(secret.encode()).decode()  # as the API takes it
    for mask, more in ((secret, []), (encoded, spellings(encoded))):
        for said in spellings(secret) + more:
            told = answers.masked(f"cannot read {said} here", [mask])
            assert not any(word in told for word in WORDS), (said, told)
            assert told.startswith("cannot read ") and told.endswith((" here", "…"))
