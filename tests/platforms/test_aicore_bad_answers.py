"""What the server may do wrong, and what the adapter makes of it: lists, refusals, words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_mock import MockerFixture

from cicd.apply.job import Job, Shared
from cicd.apply.outcome import exit_code, failure
from cicd.automation.result import exit_code as command_code
from cicd.automation.result import summary_of
from cicd.errors import (
    CicdError,
    Conflict,
    ConnectionFailed,
    Denied,
    NotFound,
    PlatformError,
    TimedOut,
)
from cicd.logs import Polling
from cicd.model import Action, Change, Key, LiveResource, Plan, Resource, State, Status
from cicd.plan import make_plan
from cicd.platforms.aicore import listing
from cicd.platforms.aicore.kinds import KINDS
from cicd.platforms.base import Platform
from tests.platforms.aicore_world import (
    APPLICATION,
    ARTIFACT,
    CONFIGURATION,
    GROUP,
    LIVE_RUN,
    group,
    live,
    stage,
)
from tests.platforms.stub_server import Reply, Request, StubServer, page, refused

SAME: dict[str, dict[str, Any]] = {
    "artifacts": {**ARTIFACT.spec, "scenarioId": "s"},
    "configurations": {
        **CONFIGURATION.spec,
        "scenarioId": "s",
        "executableId": "x",
        "parameterBindings": [{"key": "my_param", "value": "1"}],
        "inputArtifactBindings": [{"key": "in", "artifactId": "a1"}],
    },
}


def moving(order: Callable[[int], list[int]], kind: str) -> Callable[[Request], Reply]:
    """A list whose order is another one at each request; number 0 is the one that is wanted."""
    asked = iter(range(1000))

    def answer(request: Request) -> Reply:
        skip, top = int(request.query.get("$skip", 0)), int(request.query["$top"])
        numbers = order(next(asked))[skip : skip + top]
        return page(
            *({"id": f"i{n}", "name": "other"} if n else {"id": "i0"} | SAME[kind] for n in numbers)
        )

    return answer


NUMBERS = list(range(25))
ORDERS: dict[str, tuple[Callable[[int], list[int]], int]] = {
    "calm": (lambda n: NUMBERS[::-1], 3),
    # what lay on the second page lies on the first one while the second is read
    "turned round": (lambda n: NUMBERS[12:] + NUMBERS[:12] if n % 2 else NUMBERS, 12),
    "turned round once": (lambda n: NUMBERS[::-1] if n == 1 else NUMBERS, 9),
    "newer ones in front": (lambda n: [*range(100 + n, 100, -1), *NUMBERS[::-1]], 3),
    "newer ones at the end": (lambda n: [*NUMBERS, *range(100, 100 + n)], 3),
    "shuffled each time": (lambda n: NUMBERS[7 * n % 25 :] + NUMBERS[: 7 * n % 25], 12),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("wish", [ARTIFACT, CONFIGURATION], ids=["artifacts", "configurations"])
def test_a_list_that_moves_while_it_is_read_hides_nothing(
    platform: Platform,
    stub: StubServer,
    mocker: MockerFixture,
    wish: Resource,
    order: str,
) -> None:
    mocker.patch.object(listing, "PAGE", 10)
    kind = f"{wish.key.kind}s"
    ordered, most = ORDERS[order]
    stub.on("GET", f"/v2/lm/{kind}", moving(ordered, kind))
    found = platform.read([wish])
    assert {f"i{n}" for n in NUMBERS} <= {item.id for item in found}
    assert len({item.id for item in found}) == len(found)
    assert len(stub.sent("GET", f"/v2/lm/{kind}")) <= most
    (change,) = make_plan(stage(), [wish], found, KINDS, created_at="").changes
    assert (change.action, change.id) == (Action.NO_OP, "i0")


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Reply(401, "Jwt is expired"), Denied, "cicd doctor looks into it"),
        (Reply(403, "RBAC: access denied"), Denied, 'resource group "rg"'),
        (refused(400, "Quota exceeded for deployments"), PlatformError, "ask for more in a ticket"),
        (refused(403, "quota of the tenant is used up"), PlatformError, "ask for more in a ticket"),
        (refused(409, "Quota exceeded"), PlatformError, "ask for more in a ticket"),
        (refused(400, "unknown plan"), PlatformError, "unknown plan"),
    ],
)
def test_a_refused_create_says_what_to_do(
    platform: Platform, stub: StubServer, answer: Reply, kind: type[PlatformError], words: str
) -> None:
    stub.on("POST", "/v2/lm/artifacts", answer)
    with pytest.raises(kind, match=words) as caught:
        platform.create(ARTIFACT)
    assert type(caught.value) is kind and "POST /v2/lm/artifacts: " in str(caught.value)


def test_a_list_without_an_end_is_given_up(
    platform: Platform, stub: StubServer, mocker: MockerFixture
) -> None:
    mocker.patch.object(listing, "PAGE", 10)
    mocker.patch.object(listing, "MOST", 100)

    def answer(request: Request) -> Reply:
        first = int(request.query.get("$skip", 0))
        return page(*({"id": f"a{n}", "name": "x"} for n in range(first, first + 10)))

    stub.on("GET", "/v2/lm/artifacts", answer)
    with pytest.raises(ConnectionFailed, match="lists more than 100 items"):
        platform.browse("artifact")
    assert len(stub.sent("GET")) == 11


@pytest.mark.parametrize("content", [{"resources": [None]}, {"resources": [{"name": "x"}]}])
@pytest.mark.parametrize("kind", ["artifact", "configuration", "execution", "deployment"])
def test_what_has_no_id_is_no_answer_of_the_platform(
    platform: Platform, stub: StubServer, kind: str, content: Any
) -> None:
    stub.on("GET", f"/v2/lm/{kind}s", Reply(200, content))
    with pytest.raises(ConnectionFailed, match="check the base URL"):
        platform.browse(kind)
    stub.on("GET", f"/v2/lm/{kind}s/x", Reply(200, {"status": "RUNNING"}))
    with pytest.raises(ConnectionFailed, match="no id"):
        platform.get(LiveResource(Key(kind, "x"), "x", {}, Status(State.UNKNOWN, "")))


def test_a_taken_application_name_is_another_tenants_only_where_we_have_none(
    platform: Platform, stub: StubServer
) -> None:
    stub.on("POST", "/v2/admin/applications", refused(400, "application app already exists"))
    with pytest.raises(Conflict, match=r"another tenant .* choose another git\.application"):
        platform.create(APPLICATION)
    stub.on("GET", "/v2/admin/applications/app", Reply(200, {"applicationName": "app"}))
    with pytest.raises(Conflict, match="already exists") as caught:
        platform.create(APPLICATION)
    assert not caught.value.hint


def test_an_application_without_a_repository_is_told_before_anything_is_sent(
    platform: Platform, stub: StubServer
) -> None:
    spec = {name: value for name, value in APPLICATION.spec.items() if name != "repository"}
    with pytest.raises(PlatformError, match=r"no application \"app\".*set git\.repository"):
        platform.create(Resource(APPLICATION.key, spec))
    assert not stub.requests


def test_a_group_in_error_tells_the_text_and_a_cure(platform: Platform, stub: StubServer) -> None:
    path = "/v2/admin/resourceGroups/rg"
    stub.on("GET", path, Reply(200, group("ERROR")))
    status = platform.get(live("resource_group", "rg")).status
    assert status.state is State.FAILED and status.message.startswith("delete the group")
    stub.on("GET", path, Reply(200, {**group("ERROR"), "statusMessage": "no namespace"}))
    (found,) = platform.read([GROUP])
    assert found.status.message.startswith("no namespace (delete the group and create it again")
    assert found.notes == (
        "is ERROR: no namespace; what is in it cannot be seen, so all of it is new",
    )


@pytest.mark.parametrize("word", ["HIBERNATED", "completed?", "", 7, "SUCCEEDED"])
def test_a_status_of_a_newer_api_is_shown_and_never_a_success(
    platform: Platform, stub: StubServer, word: Any
) -> None:
    document = {**LIVE_RUN, "status": word, "novel": {"a": [1]}, "createdAt": "Unknown"}
    stub.on("GET", "/v2/lm/executions/r1", Reply(200, document))
    found = platform.get(live("execution"))
    assert found.status.state is State.UNKNOWN
    assert found.status.raw == str(word or "UNKNOWN") and found.created_at == ""


CODES = [
    (Denied("no"), 4),
    (ConnectionFailed("no"), 4),
    (NotFound("no"), 1),
    (TimedOut("late"), 6),
    (CicdError("no"), 1),
    (ValueError("a bug"), 1),
]


def told(text: str, cause: Exception) -> CicdError:
    """An error in words of apply, about a call that failed."""
    error = CicdError(f"{text}: {cause}")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(("error", "code"), CODES)
def test_an_outcome_carries_the_exit_code_of_its_error(error: Exception, code: int) -> None:
    assert exit_code(error) == code
    # rolled back after a timeout: that is a failure, not something that goes on
    rolled_back = told("rolled back", error)
    assert exit_code(rolled_back) == (1 if isinstance(error, TimedOut) else code)


@pytest.mark.parametrize(
    ("errors", "code", "result"),
    [
        ([], 0, "applied"),
        ([Denied("no")], 4, "not_connected"),
        ([Denied("no"), ConnectionFailed("no")], 4, "not_connected"),
        ([TimedOut("late"), TimedOut("late")], 6, "timed_out"),
        ([Denied("no"), CicdError("no")], 1, "failed"),
        ([Denied("no"), TimedOut("late")], 1, "failed"),
        ([ValueError("a bug"), TimedOut("late")], 1, "failed"),
    ],
)
def test_a_command_ends_with_the_code_that_all_its_failures_share(
    platform: Platform, errors: list[Exception], code: int, result: str
) -> None:
    change = Change(ARTIFACT.key, Action.CREATE, "new", desired=ARTIFACT)
    plan = Plan("dev", "aicore", {}, "", "", (change,), "")
    shared = Shared(plan, platform, Polling(), lambda: 0.0)
    outcomes = [failure(Job(shared, change, waits=True), error) for error in errors]
    assert command_code(outcomes) == code
    assert summary_of(plan, outcomes)["result"] == result
    assert "a bug" not in "".join(outcome.error for outcome in outcomes)
