"""Answers that are not what the documentation says: no secret, no stack trace, no second job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cicd.errors import CicdError, ConnectionFailed, LostAnswer, PlatformError
from cicd.model import State
from cicd.platforms.spark.calls import ONCE, Calls
from cicd.platforms.spark.containers import ContainerLogs
from cicd.platforms.spark.kubernetes import of_pod
from cicd.platforms.spark.livy import LivySubmitter
from cicd.platforms.spark.logs import Chunk, next_page
from cicd.platforms.spark.managers import Managers
from cicd.platforms.spark.manifest import Manifest
from cicd.platforms.spark.master import Master
from cicd.platforms.spark.pods import Pods
from cicd.platforms.spark.process import ProcessSubmitter
from cicd.platforms.spark.rest import RestSubmitter
from cicd.platforms.spark.runs import Run
from cicd.platforms.spark.webhdfs import HdfsPlace
from cicd.platforms.spark.yarn import YarnSubmitter
from tests.platforms.spark.test_spark_kubernetes import pod
from tests.platforms.stub_server import Reply, StubServer, running

TOKEN = "aB3dEf9h" * 150
"""Longer than what a message quotes."""
TICKET = "ticket-of-one-read-zZ9"
RUN = Run("cicd.dev.score.1", "score", {}, submission="x@0")
JOB = Manifest("cicd.dev.score.1", "file:///job.py")


class _Login:
    source = "SPARK_TOKEN"

    def token(self) -> str:
        return TOKEN

    def forget(self, token: str) -> bool:
        return False


@pytest.fixture(scope="module")
def server() -> Iterator[StubServer]:
    with running() as (stub, url):
        stub.url = url
        yield stub


@pytest.fixture
def calls(server: StubServer) -> Iterator[Calls]:
    found = Calls(_Login(), [server.url], retries=ONCE)
    yield found
    found.close()


ECHOES = [
    Reply(403, {"message": f"no such token: {TOKEN}"}),
    Reply(500, f"<html><title>Bearer {TOKEN}</title></html>"),
    Reply(400, f"{'x' * 250} {TOKEN}"),
    Reply(200, {"echo": TOKEN}),
    Reply(200, {"success": False, "message": f"refused: {TOKEN}"}),
    Reply(307, "", {"Location": f"ftp://h/?t={TOKEN}"}),
    Reply(307, "", {"Location": f"http://u:{TOKEN}@h/"}),
]


@pytest.mark.parametrize("reply", ECHOES)
def test_no_answer_puts_a_token_into_a_message_also_where_that_is_cut(
    server: StubServer, calls: Calls, reply: Reply
) -> None:
    server.otherwise = reply
    url = server.url
    for submitter in (LivySubmitter(calls, url), RestSubmitter(calls, "spark://h", url, url)):
        with pytest.raises(PlatformError) as caught:
            submitter.submit(JOB)
        assert TOKEN[:8] not in repr(caught.value) + caught.value.hint


def test_a_good_answer_without_an_id_is_a_lost_one(server: StubServer, calls: Calls) -> None:
    server.otherwise = Reply(200, {"id": "0"})
    with pytest.raises(LostAnswer):
        LivySubmitter(calls, server.url).submit(JOB)


@pytest.mark.parametrize(
    "place",
    [
        f"http://127.0.0.1:99999/x?delegation={TICKET}",
        f"http://[bad/x?delegation={TICKET}",
        f"ftp://h/x?delegation={TICKET}",
        f"http://{'a' * 70}.h/x?delegation={TICKET}",
        f"http://u:{TICKET}@127.0.0.1:1/x",
        f"http://127.0.0.1:1/x?delegation={TICKET}",
        f"?delegation={TICKET}",
        f"http://h\u00e9/?delegation={TICKET}",
        "",
    ],
)
def test_a_redirect_to_whatever_is_an_error_that_tells_nothing_of_its_query(
    server: StubServer, calls: Calls, place: str
) -> None:
    server.otherwise = Reply(307, "", {"Location": place})
    for ask in (
        lambda: b"".join(calls.content(f"{server.url}/f")),
        lambda: calls.json("GET", f"{server.url}/f"),
    ):
        with pytest.raises(PlatformError) as caught:
            ask()
        assert TICKET not in repr(caught.value) and not isinstance(caught.value, LostAnswer)


WRONG: list[Any] = [None, "x", 7, [], {}, [None], ["x"], [[]], True, 1e400]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_pod_that_is_made_of_anything_has_some_state(wrong: Any) -> None:
    ended = {"terminated": {"exitCode": 0}}
    for told in (
        {**pod("Running"), "status": wrong},
        {**pod("Running", ended), "spec": wrong},
        {**pod("Failed", ended), "metadata": wrong},
        pod("Pending", conditions=wrong),
        pod("Pending", initContainerStatuses=wrong),
        pod("Pending", {"waiting": wrong}),
        pod("Pending", {"waiting": {"reason": wrong}}),
        pod("Failed", {"terminated": {"exitCode": wrong, "reason": wrong}}),
        {**pod("Running"), "status": {"phase": wrong, "containerStatuses": wrong}},
    ):
        assert isinstance(of_pod(told).state, State)
    assert of_pod({**pod("Succeeded"), "status": wrong}).state is State.UNKNOWN


class _Nowhere(ProcessSubmitter):
    """A machine that has submitted nothing, and on which nobody is to look for that."""

    def __init__(self) -> None:
        pass

    def find(self, run: Run) -> str:
        raise AssertionError("it was taken for one that is not there")


Ask = Callable[[Calls, str], Any]
DECIDING: list[tuple[str, Callable[[Any], Any], Ask]] = [
    (
        "pods",
        lambda rows: {"kind": "PodList", "items": rows},
        lambda calls, url: Pods(calls, url, "n").labelled({"a": "b"}),
    ),
    (
        "batches",
        lambda rows: {"total": 1, "sessions": rows},
        lambda calls, url: LivySubmitter(calls, url).find(RUN),
    ),
    (
        "applications",
        lambda rows: {"apps": {"app": rows}},
        lambda calls, url: YarnSubmitter(_Nowhere(), Managers(calls, [url]), "ann").find(RUN),
    ),
    (
        "drivers",
        lambda rows: {"activedrivers": rows},
        lambda calls, url: RestSubmitter(calls, "spark://h", url, url).find(RUN),
    ),
    (
        "files",
        lambda rows: {"FileStatuses": {"FileStatus": rows}},
        lambda calls, url: HdfsPlace("hdfs://h/out", url, calls, "ann").files(),
    ),
]


@pytest.mark.parametrize(("what", "made", "ask"), DECIDING)
@pytest.mark.parametrize("wrong", ["x", 7, {"a": None}, [None], ["x"], [[]]])
def test_a_list_that_is_none_does_not_say_that_there_is_nothing(
    server: StubServer,
    calls: Calls,
    wrong: Any,
    what: str,
    made: Callable[[Any], Any],
    ask: Ask,
) -> None:
    server.otherwise = Reply(200, made(wrong))
    with pytest.raises(ConnectionFailed, match=f"it lists no {what}"):
        ask(calls, server.url)


@pytest.mark.parametrize("told", [{}, {"activedrivers": []}, {"status": "ALIVE"}])
def test_a_page_without_drivers_is_not_that_of_a_master(
    server: StubServer, calls: Calls, told: Any
) -> None:
    server.otherwise = Reply(200, told)
    with pytest.raises(ConnectionFailed, match="lists no drivers"):
        Master(calls, server.url).drivers()


@pytest.mark.parametrize("wrong", WRONG)
def test_doctor_looks_at_answers_that_are_made_of_anything(
    server: StubServer, calls: Calls, wrong: Any
) -> None:
    url = server.url
    yarn = YarnSubmitter(_Nowhere(), Managers(calls, [url]), "ann")
    for told in (
        {"clusterMetrics": wrong},
        {"clusterMetrics": {"availableVirtualCores": wrong}},
        {"status": "ALIVE", "cores": wrong, "workers": wrong},
        {"status": wrong, "total": wrong},
    ):
        server.otherwise = Reply(200, told)
        assert yarn._nodes().check == "workers"
        assert [one.check for one in Master(calls, url).examine(2)] == ["workers"]
        assert Pods(calls, url, "n").may("get", "pods") is False
        assert next(LivySubmitter(calls, url).examine()).check == "submission"


@pytest.mark.parametrize(
    ("encoding", "sign"), [("latin-1", "ü"), ("cp1252", "€ß"), ("cp932", "表")]
)
@pytest.mark.parametrize("size", [64, 100, 257])
def test_a_log_of_bytes_that_are_no_text_has_its_lines_wherever_it_is_cut(
    monkeypatch: pytest.MonkeyPatch, encoding: str, sign: str, size: int
) -> None:
    monkeypatch.setattr("cicd.platforms.spark.logs.FULL", size)
    lines = [f"{number} {sign * (number % 7)} {'x' * (number % 23)}" for number in range(90)]
    content = ("\n".join(lines) + "\n").encode(encoding)

    def read(offset: int, count: int) -> Chunk:
        return Chunk.of_bytes(content, offset, count)

    page, found = next_page(read, "", 0, is_over=True), list[str]()
    found += [entry.text for entry in page.entries]
    while not page.is_last:
        page = next_page(read, page.cursor, 0, is_over=True)
        found += [entry.text for entry in page.entries]
    assert found == content.decode(errors="replace").splitlines()


def test_a_long_log_of_a_container_comes_once_and_its_end_anew(
    server: StubServer, calls: Calls
) -> None:
    text = "".join(f"line {number}\n" for number in range(1000))
    logs = ContainerLogs(calls, "")
    page = f"{server.url}/node/containerlogs/container_1/ann"
    server.otherwise = Reply(200, text)
    before, at, found = len(server.requests), 0, ""
    while (chunk := logs.part(page, "stdout", at, 500)).text:
        found, at = found + chunk.text, chunk.end
    assert found == text and len(server.requests) - before == 3
    server.otherwise = Reply(200, f"{text}more\n")
    assert logs.part(page, "stdout", at, 500).text == "more\n"
    server.otherwise = Reply(404, "gone")
    with pytest.raises(CicdError):
        logs.part(page, "stdout", 0, 500)
