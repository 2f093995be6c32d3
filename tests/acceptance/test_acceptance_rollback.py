"""A deployment that never drops: failed updates, rollback, replacement, stop. One emulator, and
commands called in this process; each test leaves the deployment serving."""

from __future__ import annotations

import json
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from cicd.automation.rollback import explain_next
from cicd.cli import apply, plan, rollback, stop
from cicd.errors import CicdError, Usage
from cicd.model import Action, Change, Key, LiveResource, Ref, Resource, State, Status
from tests.acceptance.conftest import SMALL, Project, make_project, token

GROUP = "small-dev"
STAGE = (
    SMALL["stages/dev.yaml"]
    .replace("variables: {", 'variables: {greeting: hi, ttl: "24h", ')
    .replace("{greeting: hi}", '{greeting: "${var.greeting}"}')
    .replace("smoke_test:", 'ttl: "${var.ttl}"\n            drain: 2s\n            smoke_test:')
    .replace("contains: hi", "contains: hello")
)

pytestmark = pytest.mark.slow
CRASHES = 'if os.environ["GREETING"] == "crash":\n    sys.exit("cannot greet like that")\n'


@dataclass
class World:
    """The project with what is asked of its one deployment."""

    project: Project
    capture: pytest.CaptureFixture[str] | None = None

    def run(self, command: click.Command, *arguments: str) -> tuple[int, str]:
        """One command in this process: its exit code, and all that it said."""
        assert self.capture
        self.capture.readouterr()
        code = command.main(["dev", *arguments, "--local"], "cicd", standalone_mode=False)
        said = self.capture.readouterr()
        return int(code or 0), said.out + said.err

    def apply(self, *variables: str) -> tuple[int, str]:
        options = [part for text in variables for part in ("--var", text)]
        return self.run(apply.command, "--auto-approve", *options)

    def plan(self, *variables: str) -> str:
        options = [part for text in variables for part in ("--var", text)]
        code, said = self.run(plan.command, *options)
        assert code == 0, said
        return said

    def rollback(self, *arguments: str) -> tuple[int, str]:
        return self.run(rollback.command, "serve", "--auto-approve", *arguments)

    def history(self) -> list[dict[str, Any]]:
        assert self.capture
        self.capture.readouterr()
        rollback.command.main(
            ["dev", "deployment/serve", "--list", "--output", "json", "--local"],
            "cicd",
            standalone_mode=False,
        )
        found: list[dict[str, Any]] = json.loads(self.capture.readouterr().out)
        return found

    def deployments(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.project.api("/lm/deployments", GROUP)["resources"]
        return found

    def serving(self) -> dict[str, Any]:
        (found,) = [d for d in self.deployments() if d["status"] == "RUNNING"]
        return found

    def request(self, url: str) -> urllib.request.Request:
        bearer = token(self.project.emulator_environment())
        headers = {"Authorization": f"Bearer {bearer}", "AI-Resource-Group": GROUP}
        return urllib.request.Request(f"{url}/v1/greet", headers=headers)

    def greet(self) -> str:
        with urllib.request.urlopen(self.request(self.serving()["deploymentUrl"])) as answer:
            return str(answer.read().decode())


class Client(threading.Thread):
    """Sends 20 requests a second and keeps what it gets."""

    def __init__(self, request: urllib.request.Request) -> None:
        super().__init__(daemon=True)
        self.request = request
        self.answers: list[str] = []
        self.failures: list[str] = []
        self.is_done = threading.Event()

    def run(self) -> None:
        while not self.is_done.is_set():
            started = time.monotonic()
            try:
                with urllib.request.urlopen(self.request, timeout=20) as answer:
                    self.answers.append(answer.read().decode())
            except (urllib.error.URLError, OSError) as error:
                self.failures.append(repr(error))
            self.is_done.wait(max(0.0, 0.05 - (time.monotonic() - started)))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    root: Path = tmp_path_factory.mktemp("rollback") / "small"
    root.mkdir()
    made = make_project(root)
    for path, text in {**SMALL, "stages/dev.yaml": STAGE}.items():
        made.write(path, text)
    made.edit(
        "src/serve.py", "    def do_GET", "    log_message = lambda *_: None\n\n    def do_GET"
    )
    made.edit("src/serve.py", 'print("listening"', CRASHES + 'print("listening"')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for name in os.environ.keys() - made.environ.keys():
            patch.delenv(name)
        for name, value in made.environ.items():
            patch.setenv(name, value)
        yield made
        made.stop()


@pytest.fixture
def world(project: Project, capsys: pytest.CaptureFixture[str]) -> World:
    """Serving ``hi hello``."""
    world = World(project, capsys)
    code, said = world.apply()
    assert code == 0, said
    return world


def test_an_update_that_crashes_leaves_the_old_one_serving_twice(world: World) -> None:
    """Nobody notices: no request fails, before, while and after; the verdict stays the same."""
    before = world.serving()
    client = Client(world.request(before["deploymentUrl"]))
    client.start()
    verdicts = [world.apply("greeting=crash") for _ in range(2)]
    client.is_done.set()
    client.join(30)
    for code, said in verdicts:
        assert code == 1, said
        assert f"rolled back to configuration {before['configurationId']}" in said
        assert "cannot greet like that" in said
    assert client.failures == []
    assert set(client.answers) == {"hi hello"}
    assert len(client.answers) >= 20
    after = world.serving()
    assert (after["id"], after["configurationId"]) == (before["id"], before["configurationId"])
    assert len(world.deployments()) == 1
    (failed,) = [item for item in world.history() if item["failed"]]
    assert not failed["running"]
    assert failed["fields"][0]["after"] == "crash"
    assert "DEAD" in failed["failed"]


def test_a_plan_says_that_it_undoes_a_rollback(world: World) -> None:
    hi = world.serving()["configurationId"]
    assert world.apply("greeting=hola")[0] == 0
    assert "undoes" not in world.plan("greeting=other")
    assert world.rollback()[0] == 0
    assert world.serving()["configurationId"] == hi
    assert f"undoes the rollback to {hi[:8]}: takes" in world.plan("greeting=hola")
    # what goes on to something else brings back nothing
    assert "undoes" not in world.plan("greeting=other")
    assert "undoes" not in world.plan()
    assert world.apply("greeting=hola")[0] == 0
    assert "undoes" not in world.plan()
    assert world.apply()[0] == 0


@pytest.mark.parametrize("greeting", ["servus", "grüezi", "a b"])
def test_what_failed_its_smoke_test_is_marked_until_it_passes(world: World, greeting: str) -> None:
    """Also where it runs well otherwise; going back without an id leaves it out."""
    stage = world.project.root / "stages/dev.yaml"
    before = stage.read_text(encoding="utf-8")
    never = before.replace("expect: {contains: hello}", "timeout: 2s, expect: {contains: no}")
    stage.write_text(never, encoding="utf-8")
    code, said = world.apply(f"greeting={greeting}")
    assert code == 1, said
    marked = {item["id"]: item["failed"] for item in world.history() if item["failed"]}
    (tried,) = [
        i for i, why in marked.items() if why.startswith("smoke test GET /v1/greet got 200")
    ]
    shown = world.run(rollback.command, "serve", "--list")[1]
    assert f"✗ {tried}" in shown
    stage.write_text(before, encoding="utf-8")
    code, said = world.apply(f"greeting={greeting}")
    assert code == 0, said
    assert [item["failed"] for item in world.history() if item["id"] == tried] == [""]


def test_back_to_what_ran_before_and_what_the_next_apply_makes_of_it(world: World) -> None:
    """By default the one before; one that crashes is itself rolled back."""
    hi = world.serving()["configurationId"]
    assert world.apply("greeting=moin")[0] == 0
    moin = world.serving()["configurationId"]
    history = world.history()
    assert [item["id"] for item in history if item["running"]] == [moin]
    assert history[0]["id"] == moin
    fields = {item["id"]: item["fields"] for item in history}
    assert fields[hi] == [{"path": "parameter_bindings.greeting", "before": "moin", "after": "hi"}]

    to_crash = {"path": "parameter_bindings.greeting", "before": "moin", "after": "crash"}
    crashing = [id for id, differing in fields.items() if differing == [to_crash]]
    if crashing:  # the test before has left it
        code, said = world.rollback("--to", crashing[0])
        assert code == 1, said
        assert f"rolled back to configuration {moin}" in said
        assert world.greet() == "moin hello"

    code, said = world.rollback("--to", hi[:13])
    assert code == 0, said
    assert f"deployment/serve runs configuration {hi} now, as stages/dev.yaml asks for" in said
    assert world.greet() == "hi hello"


@pytest.mark.parametrize(("asks", "named"), [("c-new", "c-new"), (Ref(Key("x", "y")), "another")])
def test_the_end_of_a_rollback_says_what_the_next_apply_makes_of_it(
    asks: str | Ref, named: str
) -> None:
    key = Key("deployment", "serve")
    change = Change(key, Action.UPDATE, "", desired=Resource(key, {"configuration": asks}))
    target = LiveResource(Key("configuration", "c"), "c-old", {}, Status(State.SUCCEEDED, ""))
    said = explain_next(change, target, "stages/dev.yaml", "configuration")
    assert said.startswith("deployment/serve runs configuration c-old now; stages/dev.yaml still")
    assert f"asks for {named}" in said
    assert said.endswith("unless the change is reverted in Git")


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("sreve",), Usage, "dev has no deployment sreve .it has: deployment/serve"),
        (("execution/train",), Usage, "execution/train is no deployment"),
        (("serve", "--to", "no-such-id"), Usage, "has no configuration no-such-id"),
        (("serve", "--output", "json"), Usage, "is for --list"),
    ],
)
def test_what_cannot_be_rolled_back_is_said(
    world: World, arguments: tuple[str, ...], error: type[CicdError], text: str
) -> None:
    with pytest.raises(error, match=text):
        world.run(rollback.command, *arguments)


def test_a_stopped_one_is_rolled_back_by_a_new_one_and_its_destination(world: World) -> None:
    hi = world.serving()["configurationId"]
    assert world.apply("greeting=moin")[0] == 0
    before = world.serving()["id"]
    code, said = world.run(stop.command, "serve", "train", "--auto-approve")
    assert code == 0, said
    assert "execution/train: nothing to stop" in said
    assert "cannot be resumed: the next apply makes a new one, with a new URL" in said
    assert [d["status"] for d in world.deployments()] == ["STOPPED"]
    code, said = world.run(stop.command, "deployment/*", "--auto-approve")
    assert (code, "is STOPPED already" in said) == (0, True), said

    code, said = world.rollback("--to", hi)
    assert code == 0, said
    assert "~ destination/SMALL" in said
    assert "draining" not in said
    assert world.greet() == "hi hello"
    assert before not in {d["id"] for d in world.deployments()}


def test_a_new_ttl_is_a_new_deployment_and_the_old_one_drains(world: World) -> None:
    """Create, wait, test, switch the destination, drain, stop, delete: no request fails."""
    before = world.serving()
    code, said = world.apply("ttl=23h")
    assert code == 0, said
    told = [
        "deployment/serve │ replacing",
        "-> 200 hi hello",
        "destination/SMALL │ applied",
        "deployment/serve │ draining for 2 s",
        "deployment/serve │ STOPPED",
        "deployment/serve │ applied",
    ]
    places = [said.find(text) for text in told]
    assert -1 not in places, said
    assert places == sorted(places), said
    after = world.serving()
    assert (after["ttl"], after["id"] == before["id"]) == ("23h", False)
    assert [d["id"] for d in world.deployments()] == [after["id"]]
