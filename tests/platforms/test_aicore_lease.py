"""Locks as secrets of a resource group, against the emulator; times against a server of our own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from cicd.emulator.api import limits
from cicd.errors import Conflict, Denied
from cicd.model import Holder, Key, Resource
from cicd.platforms import registry
from cicd.platforms.aicore.lease import secret_name
from cicd.platforms.base import Lock, Platform
from tests.emulator import emulator_client
from tests.emulator.emulator_client import Client
from tests.platforms import stub_server
from tests.platforms.aicore_world import connected, stage
from tests.platforms.stub_server import Reply, StubServer

ME = Holder(
    run="0123456789abcdef",
    name="ada@läptop",
    command="cicd apply dev",
    link="https://ci.example.com/org/repo/actions/runs/1?a=b&c=d",
    machine="0123",
    process="1.2",
)
SECRETS = "/v2/admin/secrets"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with emulator_client.running(tmp_path_factory.mktemp("emulator")) as found:
        yield found


def connect(client: Client, group: str) -> Platform:
    known = client.world.credentials
    environ = {
        "AICORE_BASE_URL": f"{client.url}/v2",
        "AICORE_AUTH_URL": client.url,
        "AICORE_CLIENT_ID": known.client_id,
        "AICORE_CLIENT_SECRET": known.client_secret,
    }
    return registry.connect(stage(target={"resource_group": group}, resources=()), environ)


@pytest.fixture
def platform(client: Client) -> Iterator[Platform]:
    made = connect(client, "default")
    try:
        yield made
    finally:
        made.close()


def lock_of(platform: Platform, name: str) -> Lock:
    lock = platform.lock(name)
    assert lock
    return lock


def test_a_lock_from_the_first_to_the_last_call(platform: Platform) -> None:
    lock = lock_of(platform, "dev")
    assert lock.look() is None
    taken = lock.take(ME, 60)
    assert taken.since < taken.until
    assert lock.look() == taken
    assert replace(taken, since="", until="") == ME
    with pytest.raises(Conflict):
        lock_of(platform, "dev").take(replace(ME, run="other"), 60)
    lock.renew(taken, 600)
    renewed = lock.look()
    assert renewed
    assert (renewed.run, renewed.since) == (ME.run, taken.since)
    assert renewed.until > taken.until
    lock.drop()
    lock.drop()
    assert lock.look() is None


def test_locks_of_two_stages_are_two(platform: Platform) -> None:
    locks = [lock_of(platform, name) for name in ("one", "two")]
    for lock in locks:
        lock.take(ME, 60)
    for lock in locks:
        lock.drop()


def test_an_expired_lock_says_so(platform: Platform) -> None:
    lock = lock_of(platform, "expired")
    lock.take(ME, -1)
    found = lock.look()
    assert found
    assert found.has_expired
    lock.drop()


def test_nobody_sees_a_lock_among_the_secrets(client: Client, platform: Platform) -> None:
    body = {"name": "a-real-one", "data": {"key": "dmFsdWU="}}
    client.send("POST", SECRETS, body, status=200)
    lock = lock_of(platform, "hidden")
    lock.take(ME, 60)
    group = Resource(Key("resource_group", "default"), {"name": "default"})
    everything = platform.read([group], everything=True)
    secrets = [live.id for live in everything if live.key.kind == "generic_secret"]
    assert secrets == ["a-real-one"]
    assert [live.id for live in platform.browse("generic_secret")] == ["a-real-one"]
    lock.drop()


def test_a_group_that_is_not_there_has_no_lock(client: Client) -> None:
    platform = connect(client, "nowhere")
    try:
        with pytest.raises(Denied):
            lock_of(platform, "dev").take(ME, 60)
    finally:
        platform.close()


def test_texts_that_are_too_long_are_cut(platform: Platform) -> None:
    lock = lock_of(platform, "long")
    lock.take(replace(ME, link="x" * 10_000), 60)
    found = lock.look()
    assert found
    assert 100 < len(found.link) < 5000
    lock.drop()


@pytest.mark.parametrize(
    "name", ["dev", "Dev", "dev/gate", "d_e.v", "x" * 300, "ümläut", "-", "a-" * 40]
)
def test_every_stage_has_a_name_for_its_lock(name: str) -> None:
    found = secret_name(name)
    rule = limits.GENERIC_SECRET
    assert rule.pattern
    assert re.fullmatch(rule.pattern, found)
    assert len(found) <= 63
    assert found != secret_name(name + "2")


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with stub_server.running() as (server, url):
        server.url = url
        yield server


def test_what_has_expired_is_for_the_clock_of_the_platform_to_say(stub: StubServer) -> None:
    """Ours may be ten minutes off: its Date header tells."""
    there = datetime.now(UTC) - timedelta(minutes=10)
    date = {"Date": format_datetime(there, usegmt=True)}
    name = secret_name("dev")
    with connected(stub) as platform:
        lock = lock_of(platform, "dev")
        stub.on("GET", f"{SECRETS}/{name}", shown(name, there + timedelta(minutes=1), date))
        first = lock.look()
        stub.on("GET", f"{SECRETS}/{name}", shown(name, there - timedelta(minutes=1), date))
        second = lock.look()
        assert first
        assert second
        assert (first.has_expired, second.has_expired) == (False, True)
        stub.on("POST", SECRETS, Reply(200, {"name": name}, date))
        taken = lock.take(ME, 120)
    end = datetime.fromisoformat(taken.until)
    assert timedelta(seconds=100) < end - there < timedelta(seconds=180)


@pytest.mark.parametrize("minutes", [-10, 10])
def test_the_first_request_of_all_is_put_right_by_its_answer(
    stub: StubServer, minutes: int
) -> None:
    """Ten minutes behind, a lock by our own clock would be over before it begins."""
    there = datetime.now(UTC) + timedelta(minutes=minutes)
    date = {"Date": format_datetime(there, usegmt=True)}
    name = secret_name("dev")
    stub.on("POST", SECRETS, Reply(200, {"name": name}, date))
    ours = shown(name, there, date, run=ME.run)
    stub.on("GET", f"{SECRETS}/{name}", ours)
    stub.on("PATCH", f"{SECRETS}/{name}", Reply(200, {}, date))
    with connected(stub) as platform:
        taken = lock_of(platform, "dev").take(ME, 120)
    [put_right] = stub.sent("PATCH")
    end = next(x["value"] for x in put_right.json["labels"] if x["key"].endswith("cicd.until"))
    assert end == taken.until
    assert abs(datetime.fromisoformat(end) - there - timedelta(seconds=120)) < timedelta(minutes=1)


@pytest.mark.parametrize("is_there", [False, True])
def test_a_lock_that_was_taken_away_as_it_was_made_is_not_ours(
    stub: StubServer, is_there: bool
) -> None:
    there = datetime.now(UTC) + timedelta(minutes=10)
    date = {"Date": format_datetime(there, usegmt=True)}
    name = secret_name("dev")
    stub.on("POST", SECRETS, Reply(200, {"name": name}, date))
    if is_there:
        stub.on("GET", f"{SECRETS}/{name}", shown(name, there, date))
    with connected(stub) as platform, pytest.raises(Conflict):
        lock_of(platform, "dev").take(ME, 120)
    assert not stub.sent("PATCH")


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01T00:00:00Z"])
def test_a_lock_without_an_end_blocks_nobody(stub: StubServer, text: str) -> None:
    name = secret_name("dev")
    labels = [{"key": "ext.ai.sap.com/cicd.until", "value": text}]
    stub.on("GET", f"{SECRETS}/{name}", Reply(200, {"name": name, "labels": labels}))
    with connected(stub) as platform:
        found = lock_of(platform, "dev").look()
    assert found
    assert found.has_expired


def shown(name: str, until: datetime, headers: dict[str, str], run: str = "r") -> Reply:
    labels = {"run": run, "until": until.strftime("%Y-%m-%dT%H:%M:%SZ")}
    pairs = [{"key": f"ext.ai.sap.com/cicd.{key}", "value": labels[key]} for key in labels]
    body = {"name": name, "createdAt": "2026-01-01T00:00:00Z", "labels": pairs}
    return Reply(200, body, headers)
