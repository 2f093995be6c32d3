"""The controller against a real repository and the toy platform: pushes, drift, trouble."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture
from sqlalchemy import update

from cicd.cli.root import execute
from cicd.controller.claims import Claims
from cicd.controller.database import Database
from cicd.controller.history import Entry, KeptStage
from cicd.controller.keeping import Told
from cicd.controller.recording import Records
from cicd.controller.remembered import Remembered
from cicd.controller.running import Controller, Settings
from cicd.controller.tables import STAGE
from cicd.errors import ConnectionFailed, Denied
from cicd.model import Holder
from cicd.platforms import registry
from tests.apply.test_apply_lease import MemoryLock

STAGE_FILE = """\
platform: toy
branch: main
toy: {{box: {box}/{name}}}
jobs: [{{key: wind, script: wind.txt, knobs: {{TURNS: "{turns}"}}}}]
services: [{{key: ride, serves: "{serves}", size: 1}}]
sync: {sync}
"""
TOKEN = "tok3n-of-the-repository"


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Ana", "-c", "user.email=ana@example.com")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


class World:
    """A repository with stages, and a controller that looks when it is told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = folder / "repository"
        (self.repository / "stages").mkdir(parents=True)
        (self.repository / "wind.txt").write_text("turned $TURNS\n", encoding="utf-8")
        git(self.repository, "init", "-q", "-b", "main")
        self.url = f"sqlite:///{folder}/history.db"
        self.database = Database(self.url)
        self.told: list[Told] = []
        self.now = time.time()
        self.controller = self.started()

    def started(self, *stages: str, every: float = 3600, mirror: str = "mirror.git") -> Controller:
        return Controller(
            Settings(str(self.repository), "main", stages, every, workers=2),
            self.database,
            self.folder / mirror,
            {"PATH": os.environ["PATH"], "CICD_GIT_TOKEN": TOKEN},
            self.told.append,
            lambda: self.now,
        )

    def push(self, name: str = "dev", sync: str = "{}", turns: int = 1, serves: str = "a") -> str:
        """Commit a stage; the commit."""
        text = STAGE_FILE.format(
            box=self.folder / "box", name=name, sync=sync, turns=turns, serves=serves
        )
        return self.commit(f"stages/{name}.yaml", text)

    def commit(self, file: str, text: str) -> str:
        (self.repository / file).write_text(text, encoding="utf-8")
        git(self.repository, "add", "-A")
        git(self.repository, "commit", "-qm", f"{file} as it should be")
        return git(self.repository, "rev-parse", "HEAD")

    def look(self) -> None:
        """Fetch, and look until nothing is due any more."""
        with self.database.begin() as connection:
            connection.execute(update(STAGE).values(due_at=0))
        self.controller.fetch()
        for _ in range(20):
            if not self.controller.round():
                return
        raise AssertionError(f"it finds no end: {self.told}")

    def stage(self, name: str = "dev") -> KeptStage:
        [found] = [one for one in Remembered(self.database).stages() if one.name == name]
        return found

    def entries(self, stage: str = "dev") -> list[Entry]:
        return [*Remembered(self.database).entries(stage)]

    def live(self, kind: str, name: str = "dev") -> list[Path]:
        return sorted((self.folder / "box" / name / kind).glob("*.json"))

    def service(self, name: str = "dev") -> tuple[Path, dict[str, Any]]:
        [file] = self.live("service", name)
        return file, json.loads(file.read_text(encoding="utf-8"))

    def serves(self, name: str = "dev") -> str:
        _, service = self.service(name)
        releases = {file.stem: json.loads(file.read_text()) for file in self.live("release", name)}
        return str(releases[service["spec"]["release"]]["spec"]["serves"])

    def break_service(self) -> None:
        """What somebody does by hand: the service is gone."""
        self.service()[0].unlink()


@pytest.fixture
def world(tmp_path: Path, mocker: MockerFixture) -> Iterator[World]:
    mocker.patch.dict(registry.PLATFORMS, {"toy": "tests.platforms.toy.adapter"})
    made = World(tmp_path)
    yield made
    made.database.close()


def test_a_push_is_applied_and_what_somebody_changes_is_put_back(world: World) -> None:
    first = world.push(sync="{auto: true, heal: true}")
    world.look()
    stage = world.stage()
    assert (stage.state, stage.applied, stage.head) == ("Synced", first, first)
    [entry] = world.entries()
    assert (entry.kind, entry.commit, entry.result, entry.via) == (
        "apply",
        first,
        "applied",
        "auto",
    )
    assert entry.who.startswith("controller@") and entry.ended_at
    second = world.push(sync="{auto: true, heal: true}", serves="b")
    world.look()
    assert world.serves() == "b" and world.entries()[0].before == first
    world.break_service()
    world.look()
    assert world.serves() == "b" and world.stage().state == "Synced"
    healed = world.entries()[0]
    assert (healed.kind, healed.commit, healed.result) == ("heal", second, "applied")
    assert len(world.live("job")) == 1, "a heal runs nothing again"


def test_a_heal_goes_back_to_what_was_applied_while_a_newer_commit_waits(world: World) -> None:
    first = world.push(sync="{auto: true, heal: true}")
    world.look()
    second = world.push(sync="{heal: true}", serves="b", turns=2)
    world.look()
    assert (world.stage().state, world.stage().applied) == ("OutOfSync", first)
    world.break_service()
    world.look()
    stage = world.stage()
    assert world.serves() == "a" and len(world.live("job")) == 1
    assert (stage.state, stage.applied, stage.head) == ("OutOfSync", first, second)
    assert [entry.kind for entry in world.entries()] == ["heal", "apply"]


def test_auto_without_heal_tells_drift_and_leaves_it(world: World) -> None:
    world.push(sync="{auto: true}")
    world.look()
    world.break_service()
    world.look()
    stage = world.stage()
    assert (stage.state, world.live("service")) == ("OutOfSync", []) and stage.drift > 0
    assert "does not heal" in stage.reason


@pytest.mark.parametrize(
    ("sync", "state", "says"),
    [
        ("{auto: true, heal: true, suspend: incident 42}", "Suspended", "incident 42"),
        ("{}", "OutOfSync", "wait for somebody"),
        (
            '{auto: true, windows: [{kind: deny, cron: "* * * * *", length: 1h}]}',
            "OutOfSync",
            "waits for its window",
        ),
    ],
)
def test_what_may_not_be_changed_is_left_alone_and_seen(
    world: World, sync: str, state: str, says: str
) -> None:
    world.push(sync=sync)
    world.look()
    stage = world.stage()
    assert stage.state == state and says in stage.reason and stage.wanted == 3
    assert world.entries() == [] and not (world.folder / "box").exists()


def test_a_commit_that_fails_for_good_waits_for_a_newer_one(world: World) -> None:
    world.push(sync="{auto: true}")
    world.look()
    world.commit("wind.txt", f"the token is {TOKEN}\nfail\n")
    world.look()
    world.look()
    stage = world.stage()
    assert stage.state == "OutOfSync" and "is not tried again by itself" in stage.reason
    failed = world.entries()[0]
    assert (failed.result, len(world.entries())) == ("failed", 2)
    assert "job/wind" in failed.reason and "fail" in failed.log_tail
    assert TOKEN not in "".join(Remembered(world.database).export())
    newer = world.commit("wind.txt", "turned $TURNS at last\n")
    world.look()
    assert (world.stage().state, world.stage().applied) == ("Synced", newer)


def test_a_stage_file_that_breaks_leaves_the_last_good_commit_and_recovers(world: World) -> None:
    world.push(sync="{auto: true, heal: true}")
    world.look()
    good = (world.repository / "stages/dev.yaml").read_text(encoding="utf-8")
    for text in ("platform: toy\njbs: []\n", "{", "platform: nowhere\n"):
        world.commit("stages/dev.yaml", text)
        world.look()
        stage = world.stage()
        assert stage.state == "Degraded" and "stages/dev.yaml" in stage.reason, text
    world.break_service()
    world.look()
    assert world.stage().state == "Degraded"
    assert world.serves() == "a", "what was applied is still put back"
    world.commit("stages/dev.yaml", good)
    world.look()
    assert world.stage().state == "Synced"


def test_a_stage_that_is_gone_or_goes_to_another_branch_is_not_taken_down(world: World) -> None:
    world.push(sync="{auto: true}")
    world.push("prd", sync="{auto: true}")
    world.look()
    (world.repository / "stages/dev.yaml").unlink()
    prd = (world.repository / "stages/prd.yaml").read_text(encoding="utf-8")
    world.commit("stages/prd.yaml", prd.replace("branch: main", "branch: prd"))
    world.look()
    assert {one.name: one.state for one in Remembered(world.database).stages()} == {
        "dev": "Degraded",
        "prd": "Degraded",
    }
    assert world.service("dev") and world.service("prd")


def test_a_repository_that_is_away_does_not_keep_it_from_healing(world: World) -> None:
    first = world.push(sync="{auto: true, heal: true}")
    world.look()
    world.break_service()
    world.repository.rename(world.folder / "moved")
    world.look()
    stage = world.stage()
    assert world.serves() == "a" and (stage.state, stage.applied) == ("Unknown", first)
    assert "repository does not answer" in stage.reason


def test_a_commit_that_a_forced_push_took_away_is_still_there_to_heal_with(world: World) -> None:
    first = world.push(sync="{auto: true, heal: true}")
    world.look()
    git(world.repository, "checkout", "-q", "--orphan", "other")
    world.push(sync="{heal: true}", serves="b")
    git(world.repository, "branch", "-qM", "main")
    world.break_service()
    world.look()
    assert (world.serves(), world.stage().applied) == ("a", first)


def test_other_stages_of_the_database_are_left_to_who_keeps_them(world: World) -> None:
    world.push(sync="{auto: true}")
    world.push("prd", sync="{auto: true}")
    world.controller = world.started("d*")
    world.look()
    assert [one.name for one in Remembered(world.database).stages()] == ["dev"]
    world.controller = world.started("prd")
    world.look()
    assert world.stage("prd").state == "Synced"
    world.break_service()
    world.look()
    assert world.stage("dev").state == "Synced", "nobody has looked"


@pytest.mark.parametrize("is_away", [False, True])
def test_a_replica_that_has_not_seen_the_newest_commit_does_not_go_back(
    world: World, is_away: bool
) -> None:
    world.push(sync="{auto: true}")
    world.look()
    behind = world.started(mirror="other.git")
    behind.fetch()
    newest = world.push(sync="{auto: true}", serves="b")
    world.look()
    if is_away:
        world.repository.rename(world.folder / "moved")
    with world.database.begin() as connection:
        connection.execute(update(STAGE).values(due_at=0))
    assert behind.round()
    stage = world.stage()
    assert (world.serves(), stage.applied) == ("b", newest)
    assert stage.state == ("Unknown" if is_away else "Synced")
    assert len(world.entries()) == 2


def test_something_else_that_keeps_changing_it_stops_the_healing(world: World) -> None:
    world.push(sync="{heal: true, auto: true}")
    world.look()
    for _ in range(4):
        world.break_service()
        world.look()
        if not world.live("service"):
            break
    assert [entry.kind for entry in world.entries()] == ["heal"] * 3 + ["apply"]
    stage = world.stage()
    assert stage.state == "Degraded" and "keeps changing" in stage.reason
    world.now += 3700
    world.look()
    assert world.live("service") and world.stage().state == "Synced"


def test_what_may_pass_is_tried_again_later_and_then_no_more(
    world: World, mocker: MockerFixture
) -> None:
    expired = Denied("the login has expired", status=401)
    patched = mocker.patch("tests.platforms.toy.adapter.Toy.create", side_effect=expired)
    commit = world.push(sync="{auto: true, retry: {limit: 1, first: 1m}}")
    world.look()
    world.look()
    stage = world.stage()
    assert stage.state == "Degraded" and "login has expired" in stage.reason
    assert (len(world.entries()), stage.tries) == (1, 1)
    world.now += 100
    world.look()
    stage = world.stage()
    assert (stage.state, stage.tried, len(world.entries())) == ("OutOfSync", commit, 2)
    mocker.stop(patched)
    newer = world.push(sync="{auto: true}")
    world.look()
    assert (world.stage().state, world.stage().applied) == ("Synced", newer)


@pytest.fixture
def lock(mocker: MockerFixture) -> MemoryLock:
    """The toys can be locked."""
    locks: dict[str, MemoryLock] = {}
    mocker.patch(
        "tests.platforms.toy.adapter.Toy.lock",
        lambda toy, name: locks.setdefault(name, MemoryLock()),
    )
    return locks.setdefault("dev", MemoryLock())


def test_the_lock_of_a_replica_that_died_is_taken_over_at_once(
    world: World, lock: MemoryLock
) -> None:
    commit = world.push(sync="{auto: true}")
    world.controller.fetch()
    dead = Claims(world.database, "controller@gone/1", lease=0)
    claim = dead.take()
    assert claim
    Records(world.database).begin(claim, "apply", commit=commit)
    lock.holder = Holder(claim.run, "controller@gone/1")
    world.look()
    assert (world.stage().state, world.stage().applied) == ("Synced", commit)
    done, left = world.entries()
    assert (left.result, done.result) == ("interrupted", "applied")
    assert left.reason.startswith("taken over by controller@") and lock.holder is None


@pytest.mark.parametrize("run", ["0123456789abcdef", "controller@elsewhere/1/1/1"])
def test_the_lock_of_somebody_else_is_waited_for(world: World, lock: MemoryLock, run: str) -> None:
    world.push(sync="{auto: true}")
    lock.holder = Holder(run, "ana@laptop")
    world.look()
    stage = world.stage()
    assert (stage.state, stage.tries) == ("Degraded", 1) and "locked by ana@laptop" in stage.reason
    lock.holder = None
    world.now += 100
    world.look()
    assert world.stage().state == "Synced"


def test_a_platform_that_is_away_is_asked_again_and_nothing_is_assumed(
    world: World, mocker: MockerFixture
) -> None:
    world.push(sync="{auto: true, heal: true}")
    world.look()
    away = ConnectionFailed("no route to the toys")
    patched = mocker.patch("tests.platforms.toy.adapter.Toy.read", side_effect=away)
    world.look()
    stage = world.stage()
    assert stage.state == "Unknown" and "no route to the toys" in stage.reason and stage.due_at
    mocker.stop(patched)
    world.look()
    assert world.stage().state == "Synced" and len(world.entries()) == 1


def until(condition: Callable[[], object]) -> None:
    for _ in range(400):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come")


def test_a_stage_that_takes_long_delays_no_other_and_is_gone_on_with_later(world: World) -> None:
    world.push("dev", sync="{auto: true}")
    file = world.repository / "stages/dev.yaml"
    slow = file.read_text(encoding="utf-8").replace('TURNS: "1"', 'TURNS: "1", SECONDS: "60"')
    world.commit("stages/dev.yaml", slow)
    world.push("prd", sync="{auto: true}")
    running = threading.Thread(target=world.controller.run)
    running.start()
    try:
        until(lambda: world.live("job"))
        until(lambda: [one for one in world.told if one.stage == "prd" and one.state == "Synced"])
        assert world.stage("dev").state == "Progressing"
    finally:
        world.controller.stop()
        running.join(30)
    assert not running.is_alive()
    [entry] = world.entries()
    assert (entry.result, entry.reason) == ("interrupted", "the controller was stopped")
    [job] = world.live("job")
    record = json.loads(job.read_text(encoding="utf-8"))
    job.write_text(json.dumps({**record, "length": 0}), encoding="utf-8")
    world.controller = world.started()
    world.look()
    assert world.live("job") == [job] and world.stage().state == "Synced"


def test_the_command_ends_with_sigterm_and_history_reads_what_it_did(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commit = world.push(sync="{auto: true}")
    monkeypatch.chdir(world.repository)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def end() -> None:
        try:
            until(lambda: [s for s in Remembered(world.database).stages() if s.state == "Synced"])
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    ending = threading.Thread(target=end)
    ending.start()
    folder = str(world.folder / "kept")
    try:
        assert execute(["controller", "--database", world.url, "--folder", folder]) == 0
    finally:
        ending.join(30)
        for number, handler in before.items():
            signal.signal(number, handler)
    told = capsys.readouterr().err
    assert "upgrade done" in told and "stopped" in told
    assert execute(["history", "dev", "--database", world.url, "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    [applied] = document["applies"]
    assert (applied["commit"], applied["author"]) == (commit, "Ana")
    assert applied["by"].startswith("controller@") and "controller" in applied["sources"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--repository", "https://ana:s3cr3t@example.com/x.git"), "set CICD_GIT_TOKEN"),
        (("--repository", "http://example.com/x.git"), "is no address"),
        (("--repository", "ext::sh -c touch% /tmp/x"), "is no address"),
        (("--repository", "--upload-pack=touch"), "is no address"),
        (("--database", "postgresql://ana:s3cr3t@db/history"), "set CICD_DATABASE"),
        (("--database", "mysql://db/history"), "no such database"),
        (("--every", "5"), "--every"),
    ],
)
def test_what_would_leak_or_run_something_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert execute(["controller", *arguments]) == 64
    told = capsys.readouterr().err
    assert says in told and "s3cr3t" not in told
