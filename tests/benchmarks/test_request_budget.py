"""The budget of requests, counted: what a plan and an apply ask a platform, however long the stage.

The server holds answers back until a whole wave of requests waits for one, so a client that asks
one after the other what could be asked at once never ends its plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlencode

import pytest
import requests
from pytest_mock import MockerFixture

from benchmarks.aicore import SCENARIO, World, fill, running
from cicd.apply import execute
from cicd.errors import NotFound
from cicd.model import Action, Key, Outcome, Plan, Ref, Resource, Result, Secret, Stage
from cicd.plan import make_plan
from cicd.platforms import registry
from cicd.platforms.base import Platform
from cicd.platforms.destination.entries import COLLECTION, Destinations, batches

COMMIT = "c" * 40
GROUP = Resource(Key("resource_group", "rg"), {"name": "rg"})
APPLICATION = Resource(
    Key("application", "app"),
    {
        "name": "app",
        "repository": "https://h/r",
        "path": "templates",
        "revision": "main",
        "commit": COMMIT,
        "executables": {
            name: {"scenario_id": SCENARIO, "version": "1.0"}
            for name in ("bench-train-0", "bench-serve-0")
        },
    },
)
REPOSITORY = Resource(Key("repository", "r"), {"name": "r", "url": "https://h/r"})


def resources(count: int) -> list[Resource]:
    """So many each of artifacts, executions, deployments and destinations."""
    made = [GROUP, REPOSITORY, APPLICATION]
    for number in range(count):
        data = Key("artifact", f"data-{number}")
        name = f"Data {number}"
        spec = {"name": name, "kind": "dataset", "url": f"ai://default/{number}"}
        made.append(Resource(data, {**spec, "scenario_id": SCENARIO}))
        made += _run("execution", number, {"data": Ref(data)})
        model = Ref(Key("execution", f"execution-{number}"), "artifacts.model")
        made += _run("deployment", number, {"model": model})
        deployment = Key("deployment", f"deployment-{number}")
        url = {"name": f"D{number}", "url": Ref(deployment, "url")}
        made.append(Resource(Key("destination", f"D{number}"), url))
    return made


def _run(kind: str, number: int, inputs: dict[str, Ref]) -> list[Resource]:
    executable = {"execution": "bench-train-0", "deployment": "bench-serve-0"}[kind]
    name = f"{kind}-{number}"
    names = {"scenario_id": SCENARIO, "executable_id": executable}
    configuration = Key("configuration", f"{kind}/{number}")
    bindings = {"parameter_bindings": {}, "input_artifact_bindings": inputs}
    run = {**names, "configuration": Ref(configuration), "configuration_name": name}
    return [
        Resource(configuration, {**names, "name": name, **bindings}),
        Resource(Key(kind, name), {**run, **({"inputs": "1"} if kind == "execution" else {})}),
    ]


def synced() -> World:
    """A server whose application is at the wanted commit."""
    world = World()
    spec = APPLICATION.spec
    place = {"path": spec["path"], "revision": "main", "repositoryUrl": spec["repository"]}
    world.lists["/admin/applications"] = {"app": {"applicationName": "app", **place}}
    repository = {"name": "r", "url": spec["repository"], "status": "COMPLETED"}
    world.lists["/admin/repositories"] = {"r": repository}
    source = {"repoURL": spec["repository"], "path": spec["path"], "revision": COMMIT}
    status = {"syncStatus": "Synced", "message": "", "source": source}
    world.lists["status"] = {"app": {**status, "syncFinishedAt": "2026-01-01T00:00:00Z"}}
    return world


@contextmanager
def connected(url: str, desired: Sequence[Resource]) -> Iterator[tuple[Platform, Stage]]:
    """A platform with a login that has asked for nothing yet."""
    names = {"BASE_URL": url, "AUTH_URL": url, "CLIENT_ID": "me", "CLIENT_SECRET": "s"}
    environ = {f"{p}_{n}": v for p in ("AICORE", "DESTINATION") for n, v in names.items()}
    target = {"resource_group": "rg"}
    stage = Stage("dev", "dev.yaml", "/", "aicore", target, None, tuple(desired), commit=COMMIT)
    platform = registry.connect(stage, environ)
    try:
        yield platform, stage
    finally:
        platform.close()


def planned(platform: Platform, stage: Stage) -> Plan:
    desired = platform.complete(stage.resources)
    problems, live = platform.review(desired, platform.read(desired))
    assert not problems
    return make_plan(stage, desired, live, platform.kinds, created_at="now")


def applied(url: str, desired: Sequence[Resource]) -> Plan:
    """The plan that was applied without a failure."""
    with connected(url, desired) as (platform, stage):
        plan = planned(platform, stage)
        ends = [e for e in execute(plan, platform) if isinstance(e, Outcome)]
    assert {end.result for end in ends} <= {Result.APPLIED, Result.UNCHANGED}, ends
    return plan


@pytest.mark.parametrize("count", [1, 40])
def test_a_plan_without_changes_costs_the_same_whatever_the_number(count: int) -> None:
    world = synced()
    desired = resources(count)
    with running(world) as url:
        applied(url, desired)
        world.counts.requests.clear()
        with connected(url, desired) as (platform, stage):
            plan = planned(platform, stage)
    assert not plan.has_changes, [c for c in plan.changes if c.action != "no_op"][:3]
    further = (count - 1) // 10  # one metrics request takes ten runs
    assert len(world.counts.requests) <= 12 + further, world.counts.kinds
    assert world.counts.most_connections <= 10


def test_a_plan_is_three_round_trips_one_after_the_other() -> None:
    world = synced()
    desired = resources(2)
    with running(world) as url:
        applied(url, desired)
        # the logins of both services · all lists · the tags of runs
        world.waves += [2, 9, 1]
        with connected(url, desired) as (platform, stage):
            assert not planned(platform, stage).has_changes
    assert not world.waves


def test_an_apply_sends_one_request_for_each_thing_that_it_makes() -> None:
    world = synced()
    fill(world, 50)
    count = 12
    with running(world) as url:
        plan = applied(url, resources(count))
    sent = Counter(r.split()[0] + " " + r.rpartition("/")[2] for r in world.counts.requests)
    assert plan.summary[Action.CREATE] + plan.summary[Action.RUN] == 6 * count
    writes = {
        "POST artifacts": count,
        "POST configurations": 2 * count,
        "POST executions": count,
        "POST deployments": count,
        "POST subaccountDestinations": count,
        "PATCH metrics": count,  # what a run was started for is written down with it
        "POST token": 2,
    }
    # which deployment or run is of which key is kept in labels, and those of many at once
    assert sent.pop("PATCH rg") <= count
    assert {name: n for name, n in sent.items() if not name.startswith("GET")} == writes
    assert world.counts.most_connections <= 10


def test_destinations_are_asked_for_by_name_within_the_length_of_a_url() -> None:
    names = [f"AI_CORE_{number:03d}_{'x' * (number % 190)}" for number in range(300)]
    portions = batches(names)
    assert [name for portion in portions for name in portion] == names
    for portion in portions:
        listed = ", ".join(f"'{name}'" for name in portion)
        assert len(urlencode({"$filter": f"Name in ({listed})"})) < 3100
    assert batches([]) == []


def test_a_service_that_ignores_the_filter_hands_over_no_stranger() -> None:
    world = World()
    world.lists["destinations"] = {name: {"Name": name} for name in ("A", "B", "STRANGER")}
    names = ["A", "B", "MISSING"]

    def call(method: str, path: str, **_: object) -> object:
        if path != COLLECTION:
            raise NotFound("no such destination")
        return list(world.lists["destinations"].values())

    assert [live.id for live in Destinations(call).read(names)] == ["A", "B"]


def test_every_further_kind_is_one_list_and_all_of_them_are_four_round_trips() -> None:
    world = synced()
    desired = resources(2)
    with running(world) as url:
        applied(url, desired)
        secret = {"data": {"k": Secret("v")}}
        desired += [
            Resource(Key("node_reservation", "infer.s"), {"name": "infer.s", "count": 0}),
            Resource(Key("docker_registry_secret", "d"), {"name": "d", **secret}),
            Resource(Key("object_store_secret", "o"), {"name": "o", "type": "S3", **secret}),
            *(
                Resource(Key("generic_secret", scope), {"name": "g", "scope": scope, **secret})
                for scope in ("resource_group", "tenant", "all_resource_groups")
            ),
            Resource(Key("schedule", "s"), {"name": "s", "cron": "0 0 * * 0", "active": True}),
            _chat(),
        ]
        world.counts.requests.clear()
        # beside the nine: nodes, three sorts of secrets, one of them in three scopes, schedules,
        # executables and models of the platform: more than connections; then two pages of the
        # configurations, as one of them is not there
        world.waves += [2, 10, 8, 1, 1, 1]
        with connected(url, desired) as (platform, stage):
            wishes = platform.complete(stage.resources)
            platform.review(wishes, platform.read(wishes))
    assert not world.waves
    assert len(world.counts.requests) == 12 + 9 + 2, world.counts.kinds
    # logins, scopes, pages
    assert len(set(world.counts.requests)) == len(world.counts.requests) - 1 - 2 - 2


def _chat() -> Resource:
    """A configuration of a scenario that the platform brings along."""
    names = {"name": "Chat", "scenario_id": "foundation-models", "executable_id": "azure-openai"}
    bindings = {"parameter_bindings": {"modelName": "gpt-4o"}, "input_artifact_bindings": {}}
    return Resource(Key("configuration", "chat"), {**names, **bindings})


def serving(count: int) -> list[Resource]:
    """So many each of artifacts, configurations, deployments and destinations."""
    made: list[Resource] = [GROUP]
    for number in range(count):
        data = Key("artifact", f"data-{number}")
        spec = {"name": f"Data {number}", "kind": "model", "url": f"ai://default/{number}"}
        made.append(Resource(data, {**spec, "scenario_id": SCENARIO}))
        made += _run("deployment", number, {"model": Ref(data)})
        url = Ref(Key("deployment", f"deployment-{number}"), "url")
        name = f"D{number}"
        made.append(Resource(Key("destination", name), {"name": name, "url": url}))
    return made


@pytest.mark.parametrize(("count", "there"), [(5, 0), (20, 4000), (60, 150)])
def test_what_is_read_in_an_apply_does_not_grow_with_it(count: int, there: int) -> None:
    world = World(delay=0.01)
    fill(world, there)
    with running(world) as url:
        applied(url, serving(count))
    writes = 4 * count
    # a write of labels is two requests, and takes as long as a number of others
    told = world.counts.kinds
    labels = told["PATCH /v2/admin/resourceGroups/rg"] + told["GET /v2/admin/resourceGroups/rg"]
    assert labels <= 8 + count // 3, told
    assert not told["GET /v2/lm/deployments/ID/logs"]
    assert len(world.counts.requests) - labels - writes <= 20, told


def test_what_the_environment_says_of_a_host_is_not_asked_for_each_request(
    mocker: MockerFixture,
) -> None:
    asked = []
    before = requests.Session.merge_environment_settings

    def merge(self: requests.Session, url: str, *given: object) -> object:
        asked.append(url)
        return before(self, url, *given)  # type: ignore[arg-type]

    mocker.patch.object(requests.Session, "merge_environment_settings", merge)
    world = World()
    with running(world) as url:
        applied(url, serving(10))
    # the logins of two services, and each of the two once; two threads may be the first
    assert len(asked) <= 2 + 2 + 2 < len(world.counts.requests)
