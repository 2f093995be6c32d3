"""The command line starts an emulator of the training-job API, tells how to meet it, breaks it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from cicd.automation import local
from cicd.cli.emulator_faults import add, words
from cicd.emulator.host import control
from cicd.emulator.host.doors import FRONT_DOORS
from cicd.emulator.host.folder import Endpoint
from cicd.model import Stage
from tests import forked
from tests.emulator.training_job.training_job_client import Service, document

NAMES = [f"TRAINING_JOB_{name}" for name in ("API_URL", "TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET")]


class Emulator:
    """The commands, for an emulator of one folder."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._environ = {"PATH": os.environ["PATH"], "HOME": str(data.parent)}

    def cicd(self, *arguments: str, code: int = 0) -> str:
        line = ("emulator", *arguments, "--data", str(self.data))
        ended = forked.run(line, cwd=self.data.parent, env=self._environ)
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr

    def env(self, *options: str) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.cicd("env", *options).splitlines())


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    made = Emulator(tmp_path_factory.mktemp("started") / "data")
    yield made
    control.stop(made.data)


@pytest.fixture(scope="module")
def client(emulator: Emulator) -> Iterator[Service]:
    emulator.cicd("start", "--training-job")
    with requests.Session() as session:
        session.trust_env = False
        yield Service(emulator.env(), session)


@pytest.fixture(autouse=True)
def _without_faults() -> None:
    """Here the emulator is another process."""


def test_env_says_no_more_than_what_was_asked_for(tmp_path: Path) -> None:
    plain = Emulator(tmp_path / "data")
    plain.cicd("start")
    try:
        before = plain.env()
        assert not set(NAMES) & set(before)
        # of one that runs already too
        plain.cicd("start", "--training-job")
        after = plain.env()
        assert set(after) == {*before, *NAMES}
        assert {name: after[name] for name in before} == before
        plain.cicd("stop")
        plain.cicd("start")
        assert plain.env() == after
    finally:
        plain.cicd("stop")


def test_a_job_is_run_with_what_env_prints(emulator: Emulator, client: Service) -> None:
    client.sign_in()
    job_id = client.run("cat x > model", {"x": b"1"})
    assert client.files(job_id) == {"x": b"1", "model": b"1"}
    script = f'{emulator.cicd("env", "--export")}\necho "$TRAINING_JOB_CLIENT_SECRET"'
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == client.login[1]
    assert shlex.quote(client.login[0]) in emulator.cicd("env", "--export")


def test_the_secret_is_in_no_file_and_no_log(emulator: Emulator, client: Service) -> None:
    client.sign_in()
    token = str(client.session.headers["Authorization"]).partition(" ")[2]
    secrets = [client.login[1], client.storage()["secretKey"], token]
    for path in emulator.data.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(secret.encode() in content for secret in secrets), path


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        (["--operation", "training_job.token.create", "status=401"], 401),
        (["--path", "/training_job/oauth/*", "status=503"], 503),
        (["--kind", "training_job", "status=429", "retry-after=1"], 429),
        (["--method", "GET", "--operation", "*.token.create", "lost=500"], 500),
    ],
)
def test_the_command_line_breaks_it(
    emulator: Emulator, client: Service, rule: list[str], status: int
) -> None:
    emulator.cicd("faults", "add", "--times", "1", *rule)
    url, query = client.variables[NAMES[1]], {"grant_type": "client_credentials"}
    answers = [requests.get(url, params=query, auth=client.login, timeout=30) for _ in "12"]
    assert [answer.status_code for answer in answers] == [status, 200]
    assert "fired 1" in emulator.cicd("faults", "list")
    emulator.cicd("faults", "clear")


def test_a_slip_in_a_rule_is_told(emulator: Emulator, client: Service) -> None:
    said = emulator.cicd("faults", "add", "--operation", "training_job.job.crate", "reset", code=64)
    assert "training_job.job.create" in said
    said = emulator.cicd("faults", "add", "lifetime=soon", code=64)
    assert "lifetime" in said


DOCUMENT = Path(__file__).parents[3] / "docs/training-job.md"
RULES = re.findall(r"^\| .* \| `(--[^`]+)`", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_rules_of_the_documentation_are_rules(emulator: Emulator, client: Service) -> None:
    assert len(RULES) > 10
    endpoint = control.status(emulator.data)
    assert endpoint
    for line in RULES:
        given = add.make_context("add", shlex.split(line)).params
        rule = {name: value for name, value in given.items() if value is not None}
        rule |= words(rule.pop("effects"))
        body = {name.replace("_", "-"): value for name, value in rule.items()}
        [added] = control.ask(endpoint, "POST", "/emulator/faults", body)["rules"]
        control.ask(endpoint, "DELETE", f"/emulator/faults/{added['id']}")


def stage(platform: str, **target: str) -> Stage:
    return Stage("dev", "cicd/dev.yaml", "", platform, target, None, ())


def test_local_meets_the_front_door_of_the_platform(emulator: Emulator, client: Service) -> None:
    endpoint = control.status(emulator.data)
    assert isinstance(endpoint, Endpoint)
    real = {
        "TRAINING_JOB_API_URL": "https://real.example.com",
        "TRAINING_JOB_SERVICE_KEY": "{}",
        "AICORE_CLIENT_SECRET": "real",
        "VCAP_SERVICES": "{}",
        "PATH": "/bin",
    }
    found = local.environment(endpoint, stage("training_job"), real)
    assert found == {"PATH": "/bin", **{name: client.variables[name] for name in NAMES}}
    of_aicore = local.environment(endpoint, stage("aicore", resource_group="x"), real)
    assert of_aicore["AICORE_RESOURCE_GROUP"] == "x"
    assert of_aicore["AICORE_CLIENT_SECRET"] != "real"


def test_local_tells_what_stands_in_for_an_image(
    emulator: Emulator, client: Service, tmp_path: Path
) -> None:
    endpoint = control.status(emulator.data)
    assert endpoint
    images = {"team/own:1": {"env": {"FROM": "the stage file"}}}
    declared = Stage("dev", "", "", "training_job", {}, None, (), local={"images": images})
    local.tell_stand_ins(endpoint, declared, tmp_path)
    client.sign_in()
    job_id = client.submit("echo $FROM", execution={"image": "team/own:1"})
    client.wait(job_id, "SUCCESSFUL")
    assert "the stage file\n" in client.log(job_id)
    others = stage("aicore", resource_group="default")
    local.tell_stand_ins(endpoint, others, tmp_path)
    answer = client.send("POST", f"/jobs/{job_id[:-1]}0", json=document())
    assert answer.status_code in (201, 409)


def test_every_front_door_is_called_like_a_platform() -> None:
    for door in FRONT_DOORS:
        assert door.name.replace("_", "").isalnum() and door.name.islower()
        assert door.prefix == f"/{door.name}" and door.about
        assert control.group_of(door.name, "default") == door.group
    assert control.group_of("aicore", "team") == "team"
