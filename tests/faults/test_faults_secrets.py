"""Canaries in the environment, in a service key and in answers: none of them ever gets out.

All commands at their highest verbosity, in every format; what they print, write, raise and show in
the list of processes is searched.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from cicd.cli import console, root
from tests.faults.faults_world import STAGE, Faulty

CANARIES = {
    "S3": "canary-s3-secret",
    "DOCKER": '{"auths": {"https://h": {"auth": "canary-docker"}}}',
    "API": "canary-api-key",
    "GIT_PASSWORD": "canary-git-password",
    "GITHUB_TOKEN": "canary-github-token",
    "UNUSED_NAME": "canary-of-a-variable-that-nobody-names",
    "VCAP_SERVICES": json.dumps({"aicore": [{"credentials": {"clientsecret": "canary-vcap"}}]}),
}
WORDS = ("canary", "Y2FuYXJ5")  # the same in base64
WITH_GIT = (
    "git: {application: '${var.group}', path: templates, revision: main, "
    "repository: 'https://127.0.0.1:1/${var.group}', "
    "username: me, password: '${env.GIT_PASSWORD}'}\n"
)


class Watch:
    """Everything that a command lets out."""

    def __init__(self, faulty: Faulty) -> None:
        self.faulty = faulty
        self.found: list[str] = []
        known = faulty.emulator.environ
        self.words = (
            *WORDS,
            known["AICORE_CLIENT_SECRET"],
            known["DESTINATION_CLIENT_SECRET"],
            base64.b64encode(known["AICORE_CLIENT_SECRET"].encode()).decode(),
        )

    def look(self, what: str, text: str) -> None:
        self.found += [f"{what}: {word}" for word in self.words if word in text]

    def run(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> None:
        result = self.faulty.cicd(*arguments)
        assert result.code in codes, result.text
        self.look(" ".join(arguments), result.text)

    def files(self) -> None:
        """Every file of the project."""
        for path in self.faulty.root.rglob("*"):
            if path.is_file():
                self.look(path.name, path.read_text(encoding="utf-8", errors="replace"))


@contextmanager
def processes_watched(watch: Watch) -> Iterator[None]:
    """The command lines of all processes are looked at all the time."""
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(0.005):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    watch.look("process list", path.read_bytes().decode(errors="replace"))
                except OSError:
                    continue

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()


@pytest.fixture
def watch(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> Watch:
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)
    return Watch(faulty)


def test_no_command_lets_a_secret_out(watch: Watch, faulty: Faulty) -> None:
    group = faulty.group()
    here = ("--var", f"group={group}")
    loud = ("-v", "--log-format", "json", *here)
    with processes_watched(watch):
        watch.run("validate", "dev", *here)
        for output in ("text", "json", "markdown", "html"):
            watch.run("plan", "dev", "-v", "--output", output, *here)
        watch.run("plan", "dev", "--out", "plan.json", *here)
        watch.run("apply", "dev", "--auto-approve", "--summary", "summary.json", *loud)
        change_secrets(faulty, group)
        for output in ("text", "json", "markdown", "html"):
            watch.run("plan", "dev", "-v", "--refresh-secrets", "--output", output, *here)
        watch.run("apply", "dev", "--auto-approve", "--refresh-secrets", *loud)
        for command in ("status", "doctor", "artifacts", "executions"):
            watch.run(command, "dev", *loud, codes=(0, 1, 4))
        watch.run("logs", "dev", "deployment/chat", *loud)
        watch.run("import", "copy", "--resource-group", group)
        watch.run("promote", "dev", "copy", "--yes")
        watch.run("rollback", "dev", "chat", "--auto-approve", *loud, codes=(0, 1, 5))
        watch.run("stop", "dev", "deployment/chat", "--auto-approve", *loud)
        watch.run("destroy", "dev", "--auto-approve", "--force", *loud)
        watch.run("schema")
    watch.files()
    assert not watch.found


def change_secrets(faulty: Faulty, group: str) -> None:
    """Somebody has put other secrets into the destination, which can be read back."""
    known = faulty.emulator.environ
    url = f"{known['DESTINATION_BASE_URL']}/destination-configuration/v1/subaccountDestinations"
    form = {
        "grant_type": "client_credentials",
        "client_id": known["DESTINATION_CLIENT_ID"],
        "client_secret": known["DESTINATION_CLIENT_SECRET"],
    }
    with requests.Session() as session:
        token = session.post(f"{faulty.emulator.url}/oauth/token", data=form, timeout=10).json()
        session.headers["Authorization"] = f"Bearer {token['access_token']}"
        entry = {"Name": group, "Type": "HTTP", "URL": "https://elsewhere", "clientId": "me",
                 "clientSecret": "canary-of-an-answer", "ProxyType": "Internet",
                 "Authentication": "OAuth2ClientCredentials"}  # fmt: skip
        session.put(url, json=entry, timeout=10).raise_for_status()


ECHOES = {
    "secret.create": f"{base64.b64encode(b'canary-api-key').decode()} canary-api-key",
    "object_store_secret.create": "'canary-s3-secret'",
    "docker_registry_secret.create": f"{CANARIES['DOCKER']} auth=canary-docker",
}


@pytest.mark.parametrize("operation", ECHOES)
@pytest.mark.parametrize("status", [400, 500])
def test_a_server_that_echoes_what_it_was_sent(
    watch: Watch, faulty: Faulty, operation: str, status: int
) -> None:
    said = f"cannot parse {ECHOES[operation]}"
    before = 2 if operation == "secret.create" else 0  # the lock is a secret too
    rule = {"operation": operation, "after": before, "status": status, "message": said}
    for output in ("text", "json"):
        with faulty.emulator.faults(rule) as rules:
            options = ("--var", f"group={faulty.group()}", "--log-format", output, "-v")
            watch.run("apply", "dev", "--auto-approve", *options, codes=(1,))
            assert rules.fired
    assert not watch.found


def test_a_password_of_a_repository_that_cannot_be_reached(watch: Watch, faulty: Faulty) -> None:
    (faulty.root / "templates").mkdir()
    stage = faulty.root / "stages" / "dev.yaml"
    stage.write_text(WITH_GIT + STAGE, encoding="utf-8")
    with processes_watched(watch):
        options = ("--var", f"group={faulty.group()}", "-v", "--log-format", "json")
        watch.run("apply", "dev", "--auto-approve", *options, codes=(1, 3, 6))
    assert not watch.found


def test_the_report_of_a_bug(watch: Watch, faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    words = " ".join([*CANARIES.values(), faulty.emulator.environ["AICORE_SERVICE_KEY"]])

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"{words} canary-docker canary-vcap {words!r}")

    monkeypatch.setattr("cicd.config.check_stage", broken)
    result = faulty.cicd("validate", "dev")
    assert result.code == root.BUG
    report = Path(result.err.rpartition("report: ")[2].strip())
    text = report.read_text(encoding="utf-8")
    report.unlink()
    assert "RuntimeError" in text and "validate dev" in text
    watch.look("report", text)
    assert not watch.found


def test_what_is_hidden_in_a_report() -> None:
    environ = {"PATH": "/usr/bin", "KEY": json.dumps({"a": ["first-secret\nline"]}), "CI": "true"}
    hidden = console.hide_secrets("/usr/bin 'first-secret\\nline' true {broken", environ)
    assert hidden == "/usr/bin '***' true {broken"
    assert console.hide_secrets("[1, 2", {"X": "[1, 2"}) == "[1, 2"
