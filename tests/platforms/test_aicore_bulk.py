"""Many stops and deletes at once: as one request where it is offered, never with another end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from pytest_mock import MockerFixture

from cicd.errors import Conflict, Denied
from cicd.model import Secret
from cicd.platforms.aicore import bulk
from cicd.platforms.aicore.api import Api
from cicd.platforms.aicore.credentials import Credentials
from cicd.platforms.aicore.login import Login
from cicd.platforms.aicore.register import Register
from cicd.platforms.aicore.rest import Http
from cicd.platforms.aicore.runs import Deployments, Executions
from cicd.platforms.aicore.tenant import ResourceGroups
from cicd.platforms.aicore.transport import open_session
from tests.platforms.aicore_world import live
from tests.platforms.stub_server import DROP, Reply, Request, StubServer, refused, running

META = {"aiApi": {"capabilities": {"bulkUpdates": {"executions": True, "deployments": False}}}}


def accept(request: Request) -> Reply:
    """What AI Core answers when every item is fine."""
    (noun,) = request.json
    items = [{"id": item["id"], "message": "scheduled"} for item in request.json[noun]]
    return Reply(202, {noun: items})


class Bench:
    """Executions and deployments of a stub; calls come from many threads at the same moment."""

    def __init__(self, stub: StubServer, url: str) -> None:
        self.stub = stub
        self.session = open_session(url)
        known = Credentials(f"{url}/v2", f"{url}/oauth/token", "me", Secret("s3cret"))
        login = Login(known, self.session)
        http = Http(f"{url}/v2", login, self.session, headers={"AI-Resource-Group": "rg"})
        api = Api(http, "rg")
        register = Register(ResourceGroups(api, "dev"), "rg", "dev")
        self.executions = Executions(api, register)
        self.deployments = Deployments(api, register)
        stub.on("GET", "/v2/lm/meta", Reply(200, META))
        stub.on("PATCH", "/v2/lm/executions", accept)

    def at_once(self, *calls: Callable[[], None]) -> list[BaseException | None]:
        """How each call ended, in their order."""
        barrier = Barrier(len(calls))

        def go(call: Callable[[], None]) -> None:
            barrier.wait()
            call()

        with ThreadPoolExecutor(len(calls)) as pool:
            return [future.exception() for future in [pool.submit(go, call) for call in calls]]

    def stops(self, *ids: str) -> list[Callable[[], None]]:
        return [partial(self.executions.stop, live("execution", id)) for id in ids]


@pytest.fixture
def bench(mocker: MockerFixture) -> Iterator[Bench]:
    # threads start at their leisure on a busy machine
    mocker.patch.object(bulk, "GATHER", 0.2)
    with running() as (stub, url):
        made = Bench(stub, url)
        yield made
        made.session.close()


def test_what_sends_for_others_keeps_no_process_from_its_end(bench: Bench) -> None:
    def seen(request: Request) -> Reply:
        threads.update((thread.name, thread.daemon) for thread in threading.enumerate())
        return accept(request)

    threads: dict[str, bool] = {}
    bench.stub.on("PATCH", "/v2/lm/executions", seen)
    assert bench.at_once(*bench.stops("e1", "e2")) == [None, None]
    assert threads["bulk"]


def test_calls_that_come_together_travel_together(bench: Bench) -> None:
    delete = partial(bench.executions.delete, live("execution", "e9"))
    assert bench.at_once(*bench.stops("e1", "e2"), delete) == [None] * 3
    (sent,) = bench.stub.sent("PATCH")
    assert sent.headers["Content-Type"] == "application/merge-patch+json"
    assert sent.headers["AI-Resource-Group"] == "rg"
    wishes = {item["id"]: item["targetStatus"] for item in sent.json["executions"]}
    assert wishes == {"e1": "STOPPED", "e2": "STOPPED", "e9": "DELETED"}
    assert bench.at_once(*bench.stops("e3", "e4")) == [None] * 2
    assert len(bench.stub.sent("GET", "/v2/lm/meta")) == 1


def test_one_alone_is_a_single_call_and_asks_for_nothing(bench: Bench) -> None:
    bench.stub.on("PATCH", "/v2/lm/executions/e1", Reply(202, {"id": "e1"}))
    bench.executions.stop(live("execution", "e1"))
    assert [request.path for request in bench.stub.sent("PATCH")] == ["/v2/lm/executions/e1"]
    assert not bench.stub.sent("GET")


def single(bench: Bench, noun: str, *ids: str) -> None:
    for id in ids:
        bench.stub.on("PATCH", f"/v2/lm/{noun}/{id}", Reply(202, {"id": id}))


@pytest.mark.parametrize("meta", [Reply(200, {}), refused(404, "no"), Reply(403, "RBAC")])
def test_where_it_is_not_offered_each_goes_alone(bench: Bench, meta: Reply) -> None:
    bench.stub.on("GET", "/v2/lm/meta", meta)
    single(bench, "executions", "e1", "e2")
    assert bench.at_once(*bench.stops("e1", "e2")) == [None] * 2
    assert not bench.stub.sent("PATCH", "/v2/lm/executions")


def test_it_is_offered_noun_by_noun(bench: Bench) -> None:
    single(bench, "deployments", "d1", "d2")
    stop = bench.deployments.stop
    calls = [partial(stop, live("deployment", id)) for id in ("d1", "d2")]

    assert bench.at_once(*calls) == [None] * 2
    assert len(bench.stub.sent("PATCH")) == 2


def test_each_caller_gets_the_error_of_its_own_item(bench: Bench) -> None:
    error = {"code": "01010076", "message": "status UNKNOWN cannot be changed"}
    items: list[dict[str, Any]] = [{"id": "e1", "message": "ok"}, {"id": "e2", "error": error}]
    bench.stub.on("PATCH", "/v2/lm/executions", Reply(202, {"executions": items}))
    bench.stub.on("PATCH", "/v2/lm/executions/e2", refused(400, "no", code="01010076"))
    bench.stub.on("GET", "/v2/lm/executions/e2", Reply(200, {"id": "e2", "status": "UNKNOWN"}))
    first, second = bench.at_once(*bench.stops("e1", "e2"))
    assert first is None and isinstance(second, Conflict)


@pytest.mark.parametrize("trouble", [DROP, refused(500, "oops"), refused(400, "off"), Reply(200)])
def test_a_lost_or_strange_answer_is_asked_again_one_by_one(bench: Bench, trouble: Reply) -> None:
    bench.stub.on("PATCH", "/v2/lm/executions", trouble)
    single(bench, "executions", "e1")
    gone = {"id": "e2", "status": "STOPPING"}  # it had taken effect, so the second one is refused
    bench.stub.on("PATCH", "/v2/lm/executions/e2", refused(412, "is STOPPING"))
    bench.stub.on("GET", "/v2/lm/executions/e2", Reply(200, gone))
    assert bench.at_once(*bench.stops("e1", "e2")) == [None] * 2


def test_a_refused_login_is_everybodys_error(bench: Bench) -> None:
    bench.stub.on("PATCH", "/v2/lm/executions", Reply(401, "Jwt is expired"))
    assert all(isinstance(e, Denied) for e in bench.at_once(*bench.stops("e1", "e2")))


def test_an_id_that_comes_twice_goes_in_two_requests(bench: Bench) -> None:
    delete = partial(bench.executions.delete, live("execution", "e1"))
    bench.stub.on("PATCH", "/v2/lm/executions/e1", Reply(202, {"id": "e1"}))
    bench.stub.on("DELETE", "/v2/lm/executions/e1", Reply(202, {"id": "e1"}))
    assert bench.at_once(*bench.stops("e1", "e2"), delete) == [None] * 3
    (sent,) = bench.stub.sent("PATCH", "/v2/lm/executions")
    assert sorted(item["id"] for item in sent.json["executions"]) == ["e1", "e2"]


def test_a_hundred_go_in_one_request(bench: Bench) -> None:
    queue = bulk.Bulk(bench.executions._api.http, "executions", bulk.Capabilities(None))  # type: ignore[arg-type]
    queue._waiting = [bulk.Item(f"e{number}", "DELETED") for number in range(150)]
    assert [len(queue._take()) for _ in range(3)] == [100, 50, 0]
