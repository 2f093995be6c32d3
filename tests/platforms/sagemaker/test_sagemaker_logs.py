"""Lines of several instances as one log: in order, each once, whatever CloudWatch's pages are."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from cicd.model import Key, LiveResource, LogEntry, State, Status
from cicd.platforms.base import Platform
from cicd.platforms.sagemaker import logs
from cicd.platforms.sagemaker.logs import instance_of
from tests.platforms.sagemaker.stand_in import StandIn, platform_of, refused, standing_in

JOB = LiveResource(
    Key("training_job", "train"), "dev--train--1", {}, Status(State.RUNNING, "InProgress")
)
ENDPOINT = LiveResource(
    Key("endpoint", "churn"), "churn", {}, Status(State.RUNNING, "InService"), {}
)
Line = tuple[int, str]


@dataclass
class CloudWatch:
    """Streams of lines with their times (ms). ``page``: so many lines at once; ``empty``: so many
    pages without a line before each that has some; ``day``: tokens of another are not known."""

    streams: dict[str, list[Line]]
    page: int = 3
    empty: int = 0
    day: int = 1
    page_of_streams: int = 50
    seen: dict[str, int] = field(default_factory=dict)

    def describe(self, asked: Mapping[str, Any]) -> Any:
        prefix = asked.get("logStreamNamePrefix", "")
        assert not (prefix and asked.get("orderBy")), "AWS refuses both together"
        names = sorted(name for name in self.streams if name.startswith(prefix))
        if asked.get("orderBy") == "LastEventTime":
            names.sort(key=lambda name: self.streams[name][-1][0], reverse=asked["descending"])
        if not names:
            return refused("ResourceNotFoundException", "The specified log group does not exist.")
        begin = int(asked.get("nextToken", 0))
        end = begin + min(int(asked["limit"]), self.page_of_streams)
        more = {"nextToken": str(end)} if end < len(names) else {}
        return {"logStreams": [{"logStreamName": name} for name in names[begin:end]], **more}

    def events(self, asked: Mapping[str, Any]) -> Any:
        lines = self.streams[asked["logStreamName"]]
        if not asked.get("startFromHead"):
            return {"events": told(lines[-asked["limit"] :]), "nextForwardToken": "f/1/0/0"}
        early = sum(at < asked.get("startTime", 0) for at, _ in lines)
        token = asked.get("nextToken", f"f/{self.day}/{early}/0")
        day, place, blank = map(int, token[2:].split("/"))
        if day != self.day:
            return refused("InvalidParameterException", "The specified nextToken is invalid.")
        found = lines[place : place + self.page]
        if found and blank < self.empty:
            return {"events": [], "nextForwardToken": f"f/{day}/{place}/{blank + 1}"}
        place += len(found)
        following = f"f/{day}/{place}/{0 if found else blank}"
        return {"events": told(found), "nextForwardToken": following}


def told(lines: Sequence[Line]) -> list[dict[str, Any]]:
    return [{"timestamp": at, "message": text, "ingestionTime": at} for at, text in lines]


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with standing_in() as found:
        yield found


@pytest.fixture(scope="module")
def platform(server: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with platform_of(server, tmp_path_factory.mktemp("logs")) as found:
        yield found


def tell(server: StandIn, found: CloudWatch) -> CloudWatch:
    server.asked.clear()
    server.operations |= {"DescribeLogStreams": found.describe, "GetLogEvents": found.events}
    return found


def drained(
    platform: Platform, live: LiveResource, cursor: str = "", since: int | None = None
) -> tuple[list[LogEntry], str]:
    """All lines until there are none, and the cursor behind them."""
    lines: list[LogEntry] = []
    for _ in range(200):
        page = platform.logs(live, cursor, since=since)
        lines += page.entries
        cursor = page.cursor
        if page.is_last:
            return lines, cursor
    raise AssertionError("this never ends")


def of_job(**hosts: list[Line]) -> dict[str, list[Line]]:
    return {f"{JOB.id}/{host.replace('_', '-')}-1700000000": lines for host, lines in hosts.items()}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("empty", "many"), [(0, 5000), (2, 5000), (0, 3), (1, 1)])
def test_lines_of_several_instances_are_one_log_in_the_order_of_time(
    seed: int,
    empty: int,
    many: int,
    server: StandIn,
    platform: Platform,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logs, "MANY", many)
    dice = random.Random(seed)
    hosts: dict[str, list[Line]] = {}
    for number in range(1, 5):
        times = sorted(dice.randrange(1, 12) for _ in range(dice.randrange(12)))
        hosts[f"algo_{number}"] = [(at, f"{number}: {n}") for n, at in enumerate(times)]
    tell(server, CloudWatch(of_job(**hosts), page=dice.randrange(1, 5), empty=empty))
    found, _ = drained(platform, JOB)
    times = [entry.time for entry in found]
    assert times == sorted(times)
    for number in range(1, 5):
        mark = f"[algo-{number}] "
        own = [entry.text.removeprefix(mark) for entry in found if entry.text.startswith(mark)]
        assert own == [text for _, text in hosts[f"algo_{number}"]]


def test_a_job_on_one_instance_says_nothing_of_it(server: StandIn, platform: Platform) -> None:
    tell(server, CloudWatch(of_job(algo_1=[(1, "a\n"), (1, "b "), (2, " c")])))
    assert [entry.text for entry in drained(platform, JOB)[0]] == ["a", "b", " c"]


@pytest.mark.parametrize("page_of_streams", [50, 7])
def test_no_instance_is_left_out_however_many_there_are(
    page_of_streams: int, server: StandIn, platform: Platform
) -> None:
    hosts = {f"algo_{number}": [(number, "here")] for number in range(1, 121)}
    tell(server, CloudWatch(of_job(**hosts), page_of_streams=page_of_streams))
    assert len(drained(platform, JOB)[0]) == 120


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ([(1, "a"), (2, "b")], [(3, "c")]),
        ([(1, "a"), (2, "b"), (2, "c"), (2, "d")], [(2, "e"), (3, "f")]),
        ([(5, "a")] * 7, [(5, "z")]),
        ([], [(1, "a")]),
    ],
)
@pytest.mark.parametrize("days", [0, 1])
def test_a_kept_cursor_goes_on_where_it_was_also_when_its_tokens_are_known_no_more(
    first: list[Line], later: list[Line], days: int, server: StandIn, platform: Platform
) -> None:
    hosts = of_job(algo_1=list(first), algo_2=[(1, "other"), (2, "more")])
    watch = tell(server, CloudWatch(hosts))
    before, cursor = drained(platform, JOB)
    assert len(before) == len(first) + 2
    assert drained(platform, JOB, cursor)[0] == []
    watch.day += days
    hosts[f"{JOB.id}/algo-1-1700000000"] += later
    found, cursor = drained(platform, JOB, cursor)
    assert [entry.text for entry in found] == [f"[algo-1] {text}" for _, text in later]
    assert drained(platform, JOB, cursor)[0] == []


def test_an_instance_that_comes_later_is_read_from_its_beginning(
    server: StandIn, platform: Platform
) -> None:
    hosts = of_job(algo_1=[(1, "a")])
    tell(server, CloudWatch(hosts))
    _, cursor = drained(platform, JOB)
    hosts |= of_job(algo_2=[(1, "b"), (2, "c")])
    found, _ = drained(platform, JOB, cursor)
    assert [entry.text for entry in found] == ["[algo-2] b", "[algo-2] c"]


def test_since_counts_for_every_instance_and_every_page(
    server: StandIn, platform: Platform
) -> None:
    lines = [(at, str(at)) for at in range(1, 12)]
    tell(server, CloudWatch(of_job(algo_1=lines, algo_2=lines), page=2))
    found, _ = drained(platform, JOB, since=8 * 10**6)
    assert [entry.time // 10**6 for entry in found] == [8, 8, 9, 9, 10, 10, 11, 11]


def test_the_end_of_a_log_is_read_without_its_beginning(
    server: StandIn, platform: Platform
) -> None:
    lines = [(at, str(at)) for at in range(1, 1001)]
    tell(server, CloudWatch(of_job(algo_1=lines, algo_2=lines[:-1]), page=10))
    found = platform.tail(JOB, 3)
    assert [entry.text for entry in found] == ["[algo-1] 999", "[algo-2] 999", "[algo-1] 1000"]
    assert server.count("GetLogEvents") == 2
    assert platform.tail(LiveResource(Key("model", "m"), "m", {}, JOB.status), 3) == ()


def test_of_an_endpoint_the_newest_instances_are_read(server: StandIn, platform: Platform) -> None:
    """It has new ones with each update, and those that are gone keep their streams."""
    streams = {f"main/i-{number:03}": [(number, "up")] for number in range(1, 81)}
    tell(server, CloudWatch(streams))
    found, _ = drained(platform, ENDPOINT)
    assert [entry.time // 10**6 for entry in found] == [*range(31, 81)]
    assert found[-1].text == "[main/i-080] up"


def test_a_log_that_is_not_there_yet_has_no_lines(server: StandIn, platform: Platform) -> None:
    tell(server, CloudWatch({}))
    assert drained(platform, JOB) == ([], "")
    assert platform.tail(JOB, 5) == []


def test_a_log_that_may_not_be_read_says_so(server: StandIn, platform: Platform) -> None:
    tell(server, CloudWatch(of_job(algo_1=[(1, "a")])))
    text = "User is not authorized to perform: logs:GetLogEvents"
    server.operations["GetLogEvents"] = lambda asked: refused("AccessDeniedException", text)
    with pytest.raises(Exception, match="logs:GetLogEvents"):
        platform.logs(JOB)


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        ("dev--train--1/algo-2-1700000000", "algo-2"),
        ("dev--score--1/i-0c5c36e3a6a9e4f30-1700000000", "i-0c5c36e3a6a9e4f30"),
        ("main/i-0c5c36e3a6a9e4f30", "main/i-0c5c36e3a6a9e4f30"),
        ("plain", "plain"),
    ],
)
def test_an_instance_is_called_as_people_know_it(stream: str, said: str) -> None:
    assert instance_of(stream) == said
