"""What a job has made is fetched and read from each place where it may be (A19); what is not there,
cut off or garbage is said."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cicd.errors import ConnectionFailed, NotFound, PlatformError
from cicd.model import Gate, Key, LiveResource, Options, Resource, State, Status
from cicd.platforms.spark.adapter import Spark, connect
from cicd.platforms.spark.manifest import manifest
from cicd.platforms.spark.metrics import MOST, place_of, read
from cicd.platforms.spark.s3 import Bucket
from cicd.platforms.spark.webhdfs import site_of
from tests.platforms.spark.hdfs_stand_in import Hdfs, hdfs
from tests.platforms.spark.samples import job, stage_of

FILES = {
    "_SUCCESS": "",
    "part-0.csv": "a\n1\n",
    "day=1/part-1.csv": "größe\n",
    "day=1/100% of it/p.csv": "x",
}
PLACES = ["file", "s3a", "hdfs"]
Put = Callable[[str, str], None]
"""Put a text at a place: below a name where it is, or there."""


@pytest.fixture
def name_node() -> Iterator[Hdfs]:
    with hdfs() as found:
        yield found


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the output is."""
    if request.param == "s3a":
        return f"s3a{request.getfixturevalue('place')[2:]}/scores"
    return (
        f"file://{tmp_path}/out/scores" if request.param == "file" else "hdfs://nn:8020/out/scores"
    )


@pytest.fixture
def put(request: pytest.FixtureRequest, tmp_path: Path, url: str, name_node: Hdfs) -> Put:
    bucket = Bucket(url.rpartition("/")[0]) if url.startswith("s3a") else None

    def write(name: str, text: str) -> None:
        if url.startswith("file"):
            path = tmp_path / "out" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif bucket:
            bucket.write(name, text.encode())
        else:
            name_node.files[f"/out/{name}"] = text

    return write


@pytest.fixture
def spark(tmp_path: Path, name_node: Hdfs) -> Iterator[Spark]:
    found = connect(stage_of(tmp_path, "http://127.0.0.1:1", hdfs_url=name_node.url), {})
    yield found
    found.close()


def made(url: str, **spec: Any) -> LiveResource:
    """A job that has written there."""
    known = {"writes": {"scores": {"url": url}}, **spec}
    outputs = {"id": "driver-1", "outputs.scores": url}
    status = Status(State.SUCCEEDED, "FINISHED")
    return LiveResource(Key("job", "score"), "driver-1", known, status, outputs)


def fetched(spark: Spark, url: str, folder: Path) -> dict[str, str] | None:
    folder.mkdir(parents=True, exist_ok=True)
    files = spark.fetch(made(url), "outputs.scores", folder)
    if files is None:
        return None
    return {file.relative_to(folder).as_posix(): file.read_text("utf-8") for file in files}


@pytest.mark.parametrize("url", PLACES, indirect=True)
def test_a19_a_folder_is_fetched_with_all_its_parts(
    spark: Spark, put: Put, url: str, tmp_path: Path
) -> None:
    """And not what is beside it and begins with its name."""
    for name, text in FILES.items():
        put(f"scores/{name}", text)
    put("scores-old/part-0.csv", "old")
    heard: list[tuple[int, int]] = []
    spark.listen(lambda key, done, total: heard.append((done, total)))
    folder = tmp_path / "here"
    assert fetched(spark, url, folder) == FILES
    size = sum(len(text.encode()) for text in FILES.values())
    assert heard[-1] == (size, size)
    assert spark.holds(made(url), "outputs.scores", folder)


@pytest.mark.parametrize("url", PLACES, indirect=True)
def test_a19_one_file_is_fetched_under_its_name(
    spark: Spark, put: Put, url: str, tmp_path: Path
) -> None:
    put("scores", "1\n")
    put("scores.bak", "old")
    assert fetched(spark, url, tmp_path / "here") == {"scores": "1\n"}
    assert fetched(spark, f"{url}/", tmp_path / "there") == {"scores": "1\n"}


@pytest.mark.parametrize("url", PLACES, indirect=True)
def test_a19_what_is_not_there_is_no_failure(spark: Spark, url: str, tmp_path: Path) -> None:
    if url.startswith("s3a"):
        Bucket(url).write("other", b"")  # the bucket is there
        url = f"{url}/none"
    assert fetched(spark, url, tmp_path / "here") is None
    with pytest.raises(NotFound, match="has no output outputs"):
        spark.fetch(made(url), "outputs.other", tmp_path)


def link_to(name: str, folder: Path) -> Path:
    link = folder.parent / "link"
    link.symlink_to(name)
    return link


CHANGES: dict[str, Callable[[Path, Put], object]] = {
    "written over": lambda here, put: (here / "part-0.csv").write_text("a, longer"),
    "touched": lambda here, put: os.utime(here / "part-0.csv", (1, 1)),
    "one more": lambda here, put: (here / "more.csv").write_text(""),
    "one less": lambda here, put: (here / "_SUCCESS").unlink(),
    "a link": lambda here, put: link_to("day=1", here).replace(here / "_SUCCESS"),
    "one more there": lambda here, put: put("scores/part-2.csv", "new"),
    "written anew there": lambda here, put: put("scores/part-0.csv", "a\n1\n2\n"),
}


@pytest.mark.parametrize("url", PLACES, indirect=True)
def test_a_folder_that_differs_is_fetched_again(
    spark: Spark, put: Put, url: str, tmp_path: Path
) -> None:
    for number, change in enumerate(CHANGES.values()):
        for name, text in FILES.items():
            put(f"scores/{name}", text)
        folder = tmp_path / f"here-{number}"
        fetched(spark, url, folder)
        assert spark.holds(made(url), "outputs.scores", folder)
        change(folder, put)
        assert not spark.holds(made(url), "outputs.scores", folder)


@pytest.mark.parametrize("name", ["..", ".", "a/b", "../../etc/cron.d/x", "/etc/x", "c:/x"])
def test_no_name_leads_out_of_the_folder(
    spark: Spark, name_node: Hdfs, tmp_path: Path, name: str
) -> None:
    name_node.files["/out/scores/part-0.csv"] = "1"
    name_node.names = [name]
    with pytest.raises(PlatformError, match="would leave"):
        fetched(spark, "hdfs://nn/out/scores", tmp_path / "here")
    assert not list((tmp_path / "here").rglob("*"))


@pytest.mark.parametrize(("key", "said"), [("../x", "leave"), ("a//b", "leave"), ("p/x", "both")])
def test_no_key_of_s3_leads_out_of_the_folder(
    spark: Spark, place: str, tmp_path: Path, key: str, said: str
) -> None:
    """Keys are no paths: one may be a file and a folder, too."""
    bucket = Bucket(f"{place}/{len(key)}{key[0]}/scores")
    for name in ("p", key):
        bucket.write(name, b"1")
    match = "would leave" if said == "leave" else "as a file and as a folder"
    with pytest.raises(PlatformError, match=match):
        fetched(spark, bucket.url("").rstrip("/"), tmp_path / "here")
    assert not list((tmp_path / "here").rglob("*"))


def test_what_does_not_come_whole_is_no_success(
    spark: Spark, name_node: Hdfs, tmp_path: Path
) -> None:
    name_node.files["/out/scores"], name_node.cuts = "0123456789", 3
    with pytest.raises(ConnectionFailed, match="7 bytes of scores came, which has 10"):
        fetched(spark, "hdfs://nn/out/scores", tmp_path / "here")


def test_hdfs_sends_on_or_answers_itself_and_is_asked_as_somebody(
    spark: Spark, name_node: Hdfs, tmp_path: Path
) -> None:
    name_node.files["/out/scores"] = "1"
    for name_node.is_direct in (False, True):
        name_node.stub.requests.clear()
        folder = tmp_path / str(name_node.is_direct)
        assert fetched(spark, "hdfs:///out/scores", folder) == {"scores": "1"}
        asked = [request.path for request in name_node.stub.requests]
        opened = "/webhdfs/v1/out/scores"
        assert asked == [opened, opened] + ([] if name_node.is_direct else ["/data"])
        assert name_node.stub.requests[0].query["user.name"]


def test_a_name_node_that_asks_for_kerberos_gets_a_ticket(name_node: Hdfs, tmp_path: Path) -> None:
    """By curl, which a script stands in for."""
    row = "127.0.0.1\\tFALSE\\t/\\tFALSE\\t0\\thadoop.auth\\ta=b"
    (tmp_path / "curl").write_text(f"#!/bin/sh\nprintf '200\\n{row}\\n'\n", encoding="utf-8")
    (tmp_path / "curl").chmod(0o755)
    name_node.files, name_node.cookie = {"/out/scores/part-0": "1"}, "hadoop.auth=a=b"
    stage = stage_of(tmp_path, "http://127.0.0.1:1", hdfs_url=name_node.url)
    found = connect(stage, {"PATH": f"{tmp_path}:/bin:/usr/bin"})
    assert fetched(found, "hdfs:///out/scores", tmp_path / "here") == {"part-0": "1"}
    asked = [request.headers.get("Cookie") for request in name_node.stub.requests]
    assert asked[:2] == [None, name_node.cookie]
    found.close()


@pytest.mark.parametrize(
    ("url", "said", "site"),
    [
        ("hdfs://nn:8020/x", "", "http://nn:9870"),
        ("hdfs://[::1]:8020/x", "", "http://[::1]:9870"),
        ("hdfs://nn:8020/x", "https://knox/gateway/default/", "https://knox/gateway/default"),
        ("hdfs:///x", "http://nn:50070", "http://nn:50070"),
        ("webhdfs://nn:50070/x", "http://other:1", "http://nn:50070"),
        ("swebhdfs://nn:9871/x", "", "https://nn:9871"),
    ],
)
def test_the_web_address_of_hdfs(url: str, said: str, site: str) -> None:
    assert site_of(url, said) == site


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("hdfs:///x", "set spark.hdfs_url"),
        ("abfss://c@a.dfs.core.windows.net/x", "cannot be read from here"),
        ("jdbc://db/x", "cannot be read from here"),
        ("hdfs://127.0.0.1:8020/x", "cannot reach"),
    ],
)
def test_a_place_that_nobody_can_read_is_told(tmp_path: Path, url: str, match: str) -> None:
    found = connect(stage_of(tmp_path, "http://127.0.0.1:1"), {})
    found._outputs._calls._sleep = lambda _: None
    with pytest.raises(PlatformError) as error:
        fetched(found, url, tmp_path / "here")
    assert match in f"{error.value} {error.value.hint}"
    found.close()


# -- the file of metrics -------------------------------------------------------------------------


def wish(*gates: Gate, **spec: Any) -> Resource:
    found = job("score", "FINISHED", **spec)
    return Resource(found.key, found.spec, Options(require=gates))


def measured(tmp_path: Path, node: Hdfs, asked: Resource, live: LiveResource) -> LiveResource:
    stage = stage_of(tmp_path, "http://127.0.0.1:1", [asked], hdfs_url=node.url)
    found = connect(stage, {})
    found._metrics._lines = lambda _: [(1, "rows=7"), (2, "accuracy=0.1")]
    try:
        return found._metrics.measured(live)
    finally:
        found.close()


@pytest.mark.parametrize("url", PLACES, indirect=True)
@pytest.mark.parametrize("name", ["scores/metrics.json", "scores/metrics.json/part-00000-x.json"])
def test_a_file_of_metrics_is_read_from_each_place_and_joins_what_is_printed(
    put: Put, url: str, tmp_path: Path, name_node: Hdfs, name: str
) -> None:
    """Also as Spark writes it: a folder with one part, and what does not count beside it."""
    put(name, '{"accuracy": 0.9, "by": {"größe": 3}}')
    if name.endswith("x.json"):
        put("scores/metrics.json/_SUCCESS", "")
        put("scores/metrics.json/.part-00000-x.json.crc", "crc")
    patterns = {"accuracy": "accuracy=(.*)", "rows": "rows=(.*)"}
    for said in ("scores/metrics.json", f"{url}/metrics.json"):
        asked = wish(metrics=patterns, metrics_file=said)
        found = measured(tmp_path, name_node, asked, made(url))
        assert found.metrics == {"rows": 7.0, "accuracy": 0.9, "by.größe": 3.0}
        assert found.notes == ()


BAD = {
    "there is none": None,
    "it is no JSON": "{accuracy: 0.9}",
    "it has no numbers by name": "[1, 2]",
    "it may have": "[" + "1," * (MOST // 2) + "1]",
    "two lines": '{"a": 1}\n{"a": ',
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("url", PLACES, indirect=True)
def test_a_file_of_metrics_that_is_none_is_said_and_fails_no_job(
    put: Put, url: str, tmp_path: Path, name_node: Hdfs
) -> None:
    for number, (said, text) in enumerate(BAD.items()):
        file = f"scores/{number}.json"
        if text is not None:
            put(file, text)
        elif url.startswith("s3a"):
            Bucket(url).write("other", b"")
        asked = wish(metrics={"rows": "rows=(.*)"}, metrics_file=file)
        found = measured(tmp_path, name_node, asked, made(url))
        assert found.metrics == {"rows": 7.0}
        [note] = found.notes
        assert note.startswith(f"metrics_file {url}/{number}.json: ")
        expected = {"it may have": "and may have", "two lines": "no JSON", "deep": "no JSON"}
        assert expected.get(said, said) in note


def test_many_parts_are_no_file_of_metrics(put_parts: str, tmp_path: Path, name_node: Hdfs) -> None:
    found = measured(tmp_path, name_node, wish(metrics_file="scores/m"), made(put_parts))
    assert found.notes == (
        f"metrics_file {put_parts}/m: it has 3 parts: let the job write one (coalesce(1))",
    )


@pytest.fixture
def put_parts(name_node: Hdfs) -> str:
    for number in range(3):
        name_node.files[f"/out/scores/m/part-{number}"] = "{}"
    return "hdfs://nn/out/scores"


@pytest.mark.parametrize("has_gate", [True, False])
def test_a_gate_fails_with_what_is_wrong_with_the_file_and_only_where_it_needs_it(
    tmp_path: Path, has_gate: bool
) -> None:
    gates = [Gate("rows", 1), *([Gate("accuracy", 0.5)] if has_gate else [])]
    file = str(tmp_path / "none.json")
    asked = wish(*gates, metrics={"rows": "rows=(.*)"}, metrics_file=f"file://{file}")
    found = connect(stage_of(tmp_path, "http://127.0.0.1:1", [asked]), {})
    found._metrics._lines = lambda _: [(1, "rows=7")]
    if has_gate:
        with pytest.raises(PlatformError, match=r"none\.json: there is none"):
            found._metrics.gated(made("file:///x"))
    else:
        assert found._metrics.gated(made("file:///x")) == {"rows": 7.0}
    found.close()


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("scores/metrics.json", "s3a://b/scores/metrics.json"),
        ("scores", "s3a://b/scores"),
        ("plain/m.json", "<build/plain/m.json>"),
        ("build/m.json", "<build/m.json>"),
        ("hdfs://nn/scores/m.json", "<hdfs://nn/scores/m.json>"),
    ],
)
def test_where_a_file_of_metrics_is(said: str, url: str) -> None:
    writes = {"scores": {"url": "s3a://b/scores/"}, "plain": {"url": "build/plain"}}
    found = place_of({"writes": writes}, said, lambda text: f"<{text}>")
    assert found in {url, f"<{url}>"}


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ('{"a": 1}', [("a", 1.0, 0)]),
        ('\ufeff{"a": 1, "b": true, "c": "x", "d": null}\r\n', [("a", 1.0, 0)]),
        ('{"a": 1}\n{"a": 2}\r\n\n', [("a", 1.0, 0), ("a", 2.0, 1)]),
        ('{"a": {"b": [1]}, "c": 2e3}', [("c", 2000.0, 0)]),
        ('{"big": 1' + "0" * 400 + ', "a": 1}', [("a", 1.0, 0)]),
    ],
)
def test_numbers_of_json_and_of_lines_of_json(
    text: str, points: list[tuple[str, float, int]]
) -> None:
    found = read(text.encode())
    assert [(point.name, point.value, point.step) for point in found] == points


def test_a_job_is_told_where_its_file_is_to_be() -> None:
    said = "scores/metrics.json"
    told = manifest(job(metrics_file=said).spec, "n", {said: "s3a://b/scores/metrics.json"})
    assert told.environment == {"CICD_METRICS_FILE": "s3a://b/scores/metrics.json"}
    own = manifest(job(metrics_file=said, env={"CICD_METRICS_FILE": "x"}).spec, "n", {})
    assert own.environment == {"CICD_METRICS_FILE": "x"}
