"""What a login may not do, what is not there, and what is refused: told from what is a failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cicd.errors import Denied, NotFound, PlatformError
from cicd.model import Key, Options, Resource
from cicd.platforms.base import Platform, Request
from tests.platforms.aicore_world import APPLICATION, DEPLOYMENT, EXECUTION, GROUP, group, live
from tests.platforms.stub_server import Reply, StubServer, page, refused
from tests.platforms.test_aicore_secrets import REGISTRY, STORE

RG, SECRETS = "/v2/admin/resourceGroups/rg", "/v2/admin/secrets"
GENERIC = Resource(
    Key("generic_secret", "mine"), {"name": "mine", "scope": "resource_group", "data": {}}
)
LOGS = "/v2/lm/executions/r1/logs"
RBAC = Reply(403, "RBAC: access denied")


def read_group(platform: Platform) -> list[tuple[str, str]]:
    return [(item.id, item.status.raw) for item in platform.read([GROUP])]


def tail(platform: Platform) -> list[str]:
    return [entry.text for entry in platform.tail(live("execution"), 5)]


def log(platform: Platform) -> list[str]:
    return [entry.text for entry in platform.logs(live("execution")).entries]


@pytest.mark.parametrize(
    ("ask", "path", "answer", "expected"),
    [
        (read_group, RG, RBAC, [("rg", "PROVISIONED")]),
        (read_group, RG, refused(404, "none"), []),
        (tail, LOGS, refused(404, "none"), []),
        (tail, LOGS, refused(400, "not yet"), []),
        (log, LOGS, refused(404, "none"), []),
        (log, LOGS, refused(400, "not yet"), []),
        (log, LOGS, Reply(200, {"data": {"result": []}}), []),
        (lambda p: p.find(GENERIC, frozenset()), f"{SECRETS}/mine", refused(404, "none"), None),
        (
            lambda p: p.find(APPLICATION, frozenset()),
            "/v2/admin/applications/app",
            refused(404, "none"),
            None,
        ),
    ],
)
def test_what_may_not_be_seen_or_is_not_there_is_no_failure(
    platform: Platform,
    stub: StubServer,
    ask: Callable[[Platform], Any],
    path: str,
    answer: Reply,
    expected: Any,
) -> None:
    stub.on("GET", path, answer)
    assert ask(platform) == expected


@pytest.mark.parametrize(
    ("ask", "path"),
    [
        (read_group, RG),
        (tail, LOGS),
        (log, LOGS),
        (lambda p: p.find(GENERIC, frozenset()), f"{SECRETS}/mine"),
        (lambda p: p.find(APPLICATION, frozenset()), "/v2/admin/applications/app"),
        (lambda p: p.get(live("deployment")), "/v2/lm/deployments/r1"),
    ],
)
def test_a_login_that_is_refused_is_a_failure(
    platform: Platform, stub: StubServer, ask: Callable[[Platform], Any], path: str
) -> None:
    stub.on("GET", path, Reply(401, "Jwt issuer is not configured"))
    with pytest.raises(Denied):
        ask(platform)


USER = replace(
    DEPLOYMENT, options=Options(uses=((Key("docker_registry_secret", "x"), "t.yaml:1:1"),))
)
LISTS = [
    ("dockerRegistrySecrets", [USER]),
    ("dockerRegistrySecrets", [REGISTRY]),
    ("secrets", [GENERIC]),
    ("objectStoreSecrets", [STORE]),
    ("applications", [APPLICATION]),
]


@pytest.mark.parametrize(("path", "desired"), LISTS)
def test_a_list_that_fails_is_never_an_empty_one(
    platform: Platform, stub: StubServer, path: str, desired: list[Resource]
) -> None:
    stub.otherwise = page()
    stub.on("GET", RG, Reply(200, group("PROVISIONED")))
    stub.on("GET", f"/v2/admin/{path}", Reply(401, "Jwt issuer is not configured"))
    with pytest.raises(Denied):
        platform.review(desired, platform.read([GROUP, *desired]))


@pytest.mark.parametrize(
    ("answer", "is_failure"),
    [(RBAC, False), (refused(404, "none"), False), (Reply(401, "Jwt issuer"), True)],
)
def test_a_secret_is_made_also_where_nothing_can_remember_it(
    platform: Platform, stub: StubServer, answer: Reply, *, is_failure: bool
) -> None:
    stub.on("POST", "/v2/admin/objectStoreSecrets", Reply(200, {"message": "ok"}))
    stub.on("GET", RG, answer)
    try:
        made = platform.create(STORE)
    except Denied:
        assert is_failure
    else:
        assert not is_failure and made.id == "default"


@pytest.mark.parametrize("ask", [tail, log])
def test_a_log_that_may_not_be_read_is_a_failure(
    platform: Platform, stub: StubServer, ask: Callable[[Platform], Any]
) -> None:
    stub.on("GET", LOGS, RBAC)
    with pytest.raises(Denied):
        ask(platform)


def run(status: str, **more: Any) -> Reply:
    return Reply(200, {"id": "r1", "configurationId": "c1", "status": status, **more})


@pytest.mark.parametrize("kind", ["execution", "deployment"])
@pytest.mark.parametrize(
    ("there", "is_fine"),
    [
        (run("STOPPED"), True),
        (run("STOPPING"), True),
        (run("DEAD"), True),
        (refused(404, "none"), True),
        (run("RUNNING"), False),
        (run("UNKNOWN"), False),
    ],
)
def test_a_stop_that_is_refused_is_fine_where_it_stops_or_has_ended(
    platform: Platform, stub: StubServer, kind: str, there: Reply, *, is_fine: bool
) -> None:
    stub.on("PATCH", f"/v2/lm/{kind}s/r1", refused(400, "cannot be stopped"))
    stub.on("GET", f"/v2/lm/{kind}s/r1", there)
    try:
        platform.stop(live(kind))
    except PlatformError as error:
        assert not is_fine and "cannot be stopped" in str(error)
    else:
        assert is_fine


@pytest.mark.parametrize("kind", ["execution", "deployment"])
@pytest.mark.parametrize(
    ("there", "is_fine"),
    [
        (refused(404, "none"), True),
        (run("DELETING"), True),
        (run("STOPPED", targetStatus="DELETED"), True),
        (run("STOPPED"), False),
        (run("RUNNING"), False),
    ],
)
def test_a_delete_that_is_refused_is_fine_where_it_goes_or_is_gone(
    platform: Platform, stub: StubServer, kind: str, there: Reply, *, is_fine: bool
) -> None:
    stub.on("DELETE", f"/v2/lm/{kind}s/r1", refused(400, "cannot be deleted"))
    stub.on("GET", f"/v2/lm/{kind}s/r1", there)
    try:
        platform.delete(live(kind))
    except PlatformError as error:
        assert not is_fine and "cannot be deleted" in str(error)
    else:
        assert is_fine


@pytest.mark.parametrize(("serving", "is_fine"), [("c1", True), ("c0", False)])
def test_an_update_that_is_refused_is_fine_where_it_is_as_wanted(
    platform: Platform, stub: StubServer, serving: str, *, is_fine: bool
) -> None:
    stub.on("PATCH", "/v2/lm/deployments/r1", refused(400, "it is so already"))
    stub.on("GET", "/v2/lm/deployments/r1", run("RUNNING", configurationId=serving))
    try:
        platform.update(live("deployment"), DEPLOYMENT)
    except PlatformError as error:
        assert not is_fine and "it is so already" in str(error)
    else:
        assert is_fine


def test_a_run_is_never_changed(platform: Platform, stub: StubServer) -> None:
    with pytest.raises(PlatformError, match="execution/r1 can never be changed") as error:
        platform.update(live("execution"), EXECUTION)
    assert error.value.hint == "it is run anew"
    assert not stub.requests


def test_what_answers_nowhere_yet_is_told_when_it_will(platform: Platform) -> None:
    with pytest.raises(PlatformError, match="deployment/r1 has no URL yet") as error:
        platform.invoke(live("deployment"), Request("/v2/x"))
    assert error.value.hint == "it has one once it is RUNNING"


def test_what_a_run_has_made_is_read_elsewhere(platform: Platform, tmp_path: Any) -> None:
    with pytest.raises(NotFound, match="execution/r1 has no model"):
        platform.fetch(live("execution"), "model", tmp_path)
    with pytest.raises(PlatformError, match="id of execution/r1 is in the object store") as error:
        platform.fetch(live("execution"), "id", tmp_path)
    assert (error.value.hint or "").startswith("cicd artifacts shows its URL")
    assert platform.holds(live("execution"), "id", tmp_path) is False


def test_lists_of_what_comes_and_goes_are_read_as_a_whole_or_not(
    platform: Platform, stub: StubServer
) -> None:
    stub.on("GET", "/v2/admin/dockerRegistrySecrets", page({"name": "a"}, {"name": "b"}))
    secrets = [live("docker_registry_secret", name) for name in ("a", "z")]
    assert set(platform.listed(secrets)) == {"a"}
    assert platform.listed(secrets, most=5) == {}


DESTINATIONS = "/destination-configuration/v1/subaccountDestinations"


@pytest.mark.parametrize("name", ["rg", "other", "zz"])
def test_only_a_group_that_is_there_is_surveyed(
    platform: Platform, stub: StubServer, name: str
) -> None:
    stub.otherwise = page()
    stub.on("GET", f"/v2/admin/resourceGroups/{name}", refused(404, "none"))
    stub.on("GET", DESTINATIONS, Reply(200, []))
    with pytest.raises(NotFound, match=f"there is no resource group {name}") as error:
        platform.survey({"resource_group": name})
    assert error.value.hint == "check --resource-group"


def test_what_a_survey_may_not_see_is_told_and_the_rest_found(
    platform: Platform, stub: StubServer
) -> None:
    stub.otherwise = page()
    stub.on("GET", RG, Reply(200, group("PROVISIONED")))
    stub.on("GET", DESTINATIONS, Reply(200, []))
    stub.on("GET", "/v2/admin/dockerRegistrySecrets", RBAC)
    unseen: list[str] = []
    found = platform.survey({}, lambda kind, error: unseen.append(kind))
    assert "docker_registry_secret" in unseen
    assert [str(item.key) for item in found] == ["resource_group/rg"]
