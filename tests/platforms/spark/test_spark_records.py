"""What is remembered of runs stays small: so many of each job, all that have not ended, and so few
requests to S3, however many there were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cicd.model import LiveResource
from cicd.platforms.recorded import Records
from cicd.platforms.spark.adapter import Spark, connect
from cicd.platforms.spark.runs import KEEP, KIND, Run, Runs, may_be_of, name_of
from cicd.platforms.spark.s3 import Bucket
from cicd.threads import together
from tests.platforms.contract import wait_for
from tests.platforms.spark.samples import job, stage_of, write_home, write_program


def a_run(number: int, key: str = "score", **more: Any) -> Run:
    """One that has ended, the later the larger its number."""
    name = name_of("dev", key, "0123456789abcdef", f"{key} {number}")
    created = f"2026-11-01T00:00:00.{number:06}+00:00"
    known: dict[str, Any] = {"token": f"t{number}", "submission": f"driver-{key}-{number}"}
    known |= {"state": "SUCCEEDED", "ended": created, "marks": {"cicd.inputs": "0123456789abcdef"}}
    return Run(name, key, job(key).spec, **{"created": created, **known, **more})


def write(platform: Spark, runs: list[Run]) -> None:
    """As they were before: nobody has removed any."""
    with together(8) as pool:
        list(pool.map(lambda run: platform._records.add(KIND, run.name, asdict(run)), runs))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_program(tmp_path, "print(1)")
    write_home(tmp_path / "home")
    return tmp_path


@contextmanager
def connected(root: Path, **settings: Any) -> Iterator[Spark]:
    """What the next command would have."""
    home = str(root / "home")
    told = {"submit": "spark-submit", "spark_home": home, **settings}
    found = connect(stage_of(root, "", [job(), job("report")], **told), {})
    try:
        yield found
    finally:
        found.close()


@contextmanager
def counted(platform: Spark) -> Iterator[list[str]]:
    """The requests that S3 gets meanwhile, as they are sent; of a folder, what is read of it."""
    found: list[str] = []  # many threads append
    records: Any = platform._records

    def count(request: Any, **_: Any) -> None:
        found.append("LIST" if "list-type=" in request.url else request.method)

    def told(word: str, whole: Callable[..., Any], *given: Any) -> Any:
        found.append(word)
        return whole(*given)

    if isinstance(records, Records):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(records, "ids", partial(told, "LIST", records.ids))
            patch.setattr(records, "read", partial(told, "GET", records.read))
            yield found
        return
    platform.recall("connects")
    events = records._bucket._client.meta.events
    events.register("before-send.s3", count)
    yield found
    events.unregister("before-send.s3", count)


@pytest.mark.parametrize(
    ("store", "count"), [("s3", 1), ("s3", 10), ("s3", KEEP + 10), ("folder", 500)]
)
def test_requests_of_a_plan_are_few_however_many_runs_there_were(
    project: Path, place: str, store: str, count: int
) -> None:
    """One list and a document for each that is kept; the first apply removes what was too many."""
    state = f"{place}-{count}" if store == "s3" else str(project / "state")
    with connected(project, state=state) as first:
        write(first, [a_run(number) for number in range(count)])
        write(first, [a_run(number, "report") for number in range(3)])
        made = first.create(job(), "new", {})
        wait_for(first, made, "FINISHED")
        assert len(first._records.ids(KIND)) == min(count, KEEP) + 1 + 3
    with connected(project, state=state) as later, counted(later) as sent:
        found = later.read([job()])
        assert found[-1].id == made.id
        assert Counter(sent) == {"LIST": 1, "GET": min(count, KEEP) + 1}
        sent.clear()
        assert later.get(found[-1]).status.raw == "FINISHED"
        assert Counter(sent) == {"GET": 1}
        sent.clear()
        later.read([job("report")])
        assert Counter(sent) == {"LIST": 1, "GET": 3}


def test_the_newest_are_kept_and_all_that_have_not_ended(project: Path) -> None:
    going = {3, 17}
    old = [
        a_run(number, **({"state": "", "ended": ""} if number in going else {}))
        for number in range(2 * KEEP)
    ]
    with connected(project) as spark:
        write(spark, old)
        spark.create(job(), "new", {})
        kept = {run.name for run in Runs(spark._records).all("score")}
        expected = {run.name for run in old[-KEEP:]} | {old[number].name for number in going}
        assert kept - {run.name for run in old} and expected < kept
        assert len(kept) == len(expected) + 1


@pytest.mark.parametrize("place_of_state", ["folder", "s3"])
def test_two_who_remove_at_once_are_no_trouble(
    project: Path, place: str, place_of_state: str
) -> None:
    """Each has seen all of them before the other removed any."""
    state = str(project / "state") if place_of_state == "folder" else place
    with connected(project, state=state) as one, connected(project, state=state) as other:
        write(one, [a_run(number) for number in range(KEEP + 20)])
        mine, theirs = Runs(one._records), Runs(other._records)
        seen, also_seen = mine.all("score"), theirs.all("score")
        mine.prune(seen)
        assert len(theirs.prune(also_seen)) == 20
        assert [run.name for run in mine.all()] == [run.name for run in seen[-KEEP:]]


def test_one_that_is_removed_while_it_is_read_is_left_out(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(project) as spark:
        runs = [a_run(number) for number in range(4)]
        write(spark, runs)
        names = spark._records.ids(KIND)
        Runs(spark._records).forget(runs[1])
        monkeypatch.setattr(Records, "ids", lambda *_: names)
        assert [run.name for run in Runs(spark._records).all("score")] == [
            run.name for run in (runs[0], *runs[2:])
        ]


def test_what_this_machine_has_of_a_run_goes_with_it(project: Path) -> None:
    with connected(project) as spark:
        first = wait_for(spark, spark.create(job(), "first", {}), "FINISHED")
        [folder] = (project / ".cicd/spark").glob("*/processes")
        assert [path.name for path in folder.iterdir()] == [first.facts["application"]]
        write(spark, [a_run(number, created=f"2099-{number:04}") for number in range(KEEP)])
        second = wait_for(spark, spark.create(job(), "second", {}), "FINISHED")
        assert [path.name for path in folder.iterdir()] == [second.facts["application"]]
        spark.delete(second)
        assert list(folder.iterdir()) == []


def test_a_live_one_is_looked_up_by_its_name_or_its_id(project: Path) -> None:
    with connected(project) as spark:
        write(spark, [run := a_run(1), a_run(2)])
        [found, _] = spark.read([job()])
        assert spark.get(found).id == run.submission
        bare: LiveResource = replace(found, facts={})
        assert spark.get(bare).facts["application"] == run.name


@pytest.mark.parametrize(
    ("key", "other", "may_be"),
    [
        ("score", "score", True),
        ("score", "report", False),
        ("score", "core", False),
        ("a.b", "a.b", True),
        ("größe", "größe", True),
        ("a b", "a-b", True),  # which the document itself then tells
        ("x" * 100, "x" * 100, True),
    ],
)
def test_a_name_tells_whose_run_it_is(key: str, other: str, may_be: bool) -> None:
    for stage in ("dev", "org/repo.x/dev", "score"):
        for inputs in ("", "0123456789abcdef"):
            assert may_be_of(name_of(stage, key, inputs, "t"), other) is may_be


def test_keys_whose_names_look_alike_have_runs_of_their_own(project: Path) -> None:
    with connected(project) as spark:
        write(spark, [a_run(1, "b"), a_run(2, "a.b"), a_run(3, "a-b"), a_run(4, "a b")])
        runs = Runs(spark._records)
        for key in ("b", "a.b", "a-b", "a b"):
            assert [run.key for run in runs.all(key)] == [key]
        assert len(runs.all()) == 4


def test_another_bucket_is_not_touched(project: Path, place: str) -> None:
    beside = Bucket(f"{place}-beside")
    beside.write("job/keep.json", b"{}")
    with connected(project, state=place) as spark:
        write(spark, [a_run(number) for number in range(KEEP + 2)])
        spark.create(job(), "new", {})
    assert beside.keys("") == ["job/keep.json"]
