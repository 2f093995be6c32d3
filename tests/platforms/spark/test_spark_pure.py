"""What is submitted, what words mean, how logs are cut: pure tables."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from cicd.model import State
from cicd.platforms.spark import statuses
from cicd.platforms.spark.logs import Chunk, next_page
from cicd.platforms.spark.manifest import ASSETS_FILE, assets_module, manifest, named_files
from cicd.platforms.spark.master import order_of
from cicd.platforms.spark.rest import MODULES, OPTIONS, request
from cicd.platforms.spark.runs import name_of

SPEC: dict[str, Any] = {
    "key": "score",
    "source": "jobs/score.py",
    "args": ["--limit", "100"],
    "env": {"API_KEY": "k"},
    "conf": {"spark.sql.shuffle.partitions": "64"},
    "py_files": ["jobs/features.py", "s3a://b/more.zip"],
    "packages": ["org.apache.spark:spark-avro_2.12:3.5.1"],
    "reads": {"customers": {"url": "s3a://b/customers", "format": "csv"}},
    "writes": {"scores": {"url": "s3a://b/grüße"}},
    "resources": {"executors": 2, "executor_memory": "1g", "driver_memory": "2g"},
}
PLACES = {name: f"file:///staged/{name}" for name in ("jobs/score.py", "jobs/features.py")}
PLACES[ASSETS_FILE] = "file:///staged/cicd_assets.py"
INPUTS = '[{"name": "customers", "url": "s3a://b/customers", "format": "csv"}]'
OUTPUTS = '[{"name": "scores", "url": "s3a://b/grüße"}]'


def test_a15_a_manifest_says_all_that_is_submitted() -> None:
    found = manifest(SPEC, "cicd.dev.score.1", PLACES)
    assert found.options("spark://m:7077", "client") == [
        *("--master", "spark://m:7077", "--deploy-mode", "client"),
        *("--name", "cicd.dev.score.1"),
        *("--conf", "spark.executor.instances=2", "--conf", "spark.cores.max=2"),
        *("--conf", "spark.executor.cores=1", "--conf", "spark.executor.memory=1g"),
        *("--conf", "spark.driver.memory=2g", "--conf", "spark.sql.shuffle.partitions=64"),
        "--py-files",
        "file:///staged/cicd_assets.py,file:///staged/jobs/features.py,s3a://b/more.zip",
        *("--packages", "org.apache.spark:spark-avro_2.12:3.5.1"),
        "file:///staged/jobs/score.py",
        *("--limit", "100", "--inputs", INPUTS, "--outputs", OUTPUTS),
    ]


def test_a16_inputs_and_outputs_reach_a_job_in_three_ways(tmp_path: Path) -> None:
    found = manifest(SPEC, "n", PLACES)
    environment = dict(found.environment)
    assert environment.pop("API_KEY") == "k"
    assert environment == {"CICD_INPUT_ASSETS": INPUTS, "CICD_OUTPUT_ASSETS": OUTPUTS}
    assert found.arguments[-4:] == ("--inputs", INPUTS, "--outputs", OUTPUTS)
    (tmp_path / ASSETS_FILE).write_text(assets_module(SPEC, PLACES), encoding="utf-8")
    module = runpy.run_path(str(tmp_path / ASSETS_FILE))
    assert (module["INPUTS"], module["OUTPUTS"]) == (json.loads(INPUTS), json.loads(OUTPUTS))


def test_a_job_that_reads_and_writes_nothing_gets_nothing_added() -> None:
    found = manifest({"source": "hdfs://x/a.jar", "main_class": "a.B"}, "n", {})
    assert found.options("m", "cluster")[-3:] == ["--class", "a.B", "hdfs://x/a.jar"]
    assert not found.environment and not found.py_files


@pytest.mark.parametrize(
    ("asked", "conf"),
    [
        ({"executors": 3, "executor_cores": 2}, ("3", "6", "2")),
        ({"executors": 3}, ("3", "3", "1")),
        ({"executor_cores": 2}, (None, None, "2")),
        ({}, (None, None, None)),
    ],
)
def test_executors_are_counted_as_each_master_counts_them(asked: Any, conf: Any) -> None:
    found = manifest({"source": "a.py", "resources": asked}, "n", {}).conf
    names = ("spark.executor.instances", "spark.cores.max", "spark.executor.cores")
    assert tuple(found.get(name) for name in names) == conf


def test_what_conf_says_goes_before_resources() -> None:
    spec = {"source": "a.py", "resources": {"executors": 3}, "conf": {"spark.cores.max": "1"}}
    assert manifest(spec, "n", {}).conf["spark.cores.max"] == "1"


def test_files_of_the_project_are_read_and_written_where_the_driver_has_them() -> None:
    spec = {"source": "s3a://b/a.py", "reads": {"a": {"url": "data/a.csv", "format": "csv"}}}
    spec["writes"] = {"b": {"url": "build/b"}}
    places = {"data/a.csv": "file:///staged/a.csv", "build/b": "file:///project/build/b"}
    places[ASSETS_FILE] = "file:///staged/cicd_assets.py"
    told = manifest(spec, "n", places).environment
    assert json.loads(told["CICD_INPUT_ASSETS"]) == (
        [{"name": "a", "url": "file:///staged/a.csv", "format": "csv"}]
    )
    assert json.loads(told["CICD_OUTPUT_ASSETS"]) == (
        [{"name": "b", "url": "file:///project/build/b"}]
    )
    assert "file:///staged/a.csv" in assets_module(spec, places)
    assert named_files(spec) == ["data/a.csv"]


def test_files_of_the_project_are_told_from_addresses() -> None:
    assert named_files(SPEC) == ["jobs/score.py", "jobs/features.py"]


@pytest.mark.parametrize(
    ("version", "before", "after"),
    [
        ("3.5.9", None, MODULES),
        ("3.2.1", "-Da=b", f"{MODULES} -Da=b"),
        ("3.5.9", MODULES, MODULES),
        ("4.3.0", None, None),
        ("4.0.0", "-Da=b", "-Da=b"),
        ("10.1.0", None, None),
    ],
)
def test_options_of_java_are_added_for_3_and_never_twice(
    version: str, before: str | None, after: str | None
) -> None:
    conf = {OPTIONS: before} if before else {}
    body = request(manifest({"source": "a.py", "conf": conf}, "n", {}), "spark://m:1", version)
    assert body["sparkProperties"].get(OPTIONS) == after
    assert not [part for part in body["appArgs"] if part.startswith(OPTIONS)]


def test_a9_a_request_runs_spark_submit_on_a_worker() -> None:
    body = request(manifest(SPEC, "cicd.n", PLACES), "spark://m:7077", "4.3.0")
    assert body["mainClass"] == "org.apache.spark.deploy.SparkSubmit"
    assert body["appArgs"][:6] == (
        ["--master", "spark://m:7077", "--deploy-mode", "client", "--name", "cicd.n"]
    )
    assert body["environmentVariables"]["API_KEY"] == "k"
    assert "k" not in [*body["appArgs"], *body["sparkProperties"].values()]
    wanted = {"spark.app.name": "cicd.n", "spark.driver.memory": "2g", "spark.driver.cores": "1"}
    assert wanted.items() <= body["sparkProperties"].items()
    # what the driver's machine is given is said once
    assert "spark.driver.memory=2g" not in body["appArgs"]


@pytest.mark.parametrize(
    ("word", "state", "shown"),
    [
        ("SUBMITTED", State.PENDING, "WAITING"),
        ("RUNNING", State.RUNNING, "RUNNING"),
        ("RELAUNCHING", State.RUNNING, "RUNNING"),
        ("FINISHED", State.SUCCEEDED, "FINISHED"),
        ("FAILED", State.FAILED, "FAILED"),
        ("ERROR", State.FAILED, "FAILED"),
        ("KILLED", State.STOPPED, "KILLED"),
        ("UNKNOWN", State.UNKNOWN, "UNKNOWN"),
        ("EXPLODED", State.UNKNOWN, "UNKNOWN"),
        ("", State.UNKNOWN, "UNKNOWN"),
    ],
)
def test_a10_a14_words_of_a_master(word: str, state: State, shown: str) -> None:
    status = statuses.of_driver(word)
    assert (status.state, status.raw) == (state, shown)


def test_submissions_are_in_the_order_of_their_making() -> None:
    made = ["driver-20261130175959-0009", "driver-20261130180000-0001"]
    made += ["driver-20261130180000-10000", "driver-20261201000000-0000"]
    assert sorted(sorted(made), key=order_of) == made


def test_names_are_the_same_for_the_same_try_only() -> None:
    one = name_of("churn/dev", "score", "0123456789", "token")
    assert one == name_of("churn/dev", "score", "0123456789", "token")
    assert one.startswith("cicd.churn-dev.score.01234567.")
    others = {name_of("churn/dev", "score", "0123456789", other) for other in ("other", "", "")}
    assert len({one, *others}) == 4


# logs


def reading(content: bytes, most: int = 1 << 18) -> Any:
    """What a worker answers for a log."""

    def read(offset: int, size: int) -> Chunk:
        start = min(offset, len(content))
        end = min(start + min(size, most), len(content))
        text = content[start:end].decode(errors="replace")
        return Chunk.of_page(f"==== Bytes {start}-{end} of {len(content)} of /w/out ====\n{text}")

    return read


def told(content: bytes, cursor: str = "", *, is_over: bool = True, most: int = 1 << 18) -> Any:
    found: list[str] = []
    while True:
        page = next_page(reading(content, most), cursor, 0, is_over=is_over)
        found += [entry.text for entry in page.entries]
        cursor = page.cursor
        if page.is_last:
            return found, cursor


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"one\n", ["one"]),
        (b"one\ntwo", ["one", "two"]),
        (b"one\r\ntwo\r\n", ["one", "two"]),
        (b"\n\none\n", ["", "", "one"]),
        ("grüße\nдва\n".encode(), ["grüße", "два"]),
        (b"==== Bytes 0-1 of 2 of x ====\n", ["==== Bytes 0-1 of 2 of x ===="]),
        (b"bad \xff byte\nnext\n", ["bad \ufffd byte", "next"]),
        (b"a\x0bb\x1cc\xc2\x85d\n", ["a\x0bb\x1cc\x85d"]),
    ],
)
def test_lines_of_a_log(content: bytes, lines: list[str]) -> None:
    found, cursor = told(content)
    assert found == lines
    assert told(content + b"more\n", cursor)[0] == ["more"]


def test_a_line_without_its_end_is_not_told_before_it_has_one() -> None:
    found, cursor = told(b"one\ntw", is_over=False)
    assert found == ["one"]
    assert told(b"one\ntwo\n", cursor, is_over=False)[0] == ["two"]


@pytest.mark.parametrize("most", [7, 8, 9, 10, 11, 12, 13, 64])
def test_pages_that_end_within_a_character_lose_none(most: int) -> None:
    lines = ["äöü", "ßß", "日本", "x"] * 5
    content = "".join(f"{line}\n" for line in lines).encode()
    assert told(content, most=most)[0] == lines


def test_a_log_that_was_rolled_begins_anew() -> None:
    _, cursor = told(b"one\ntwo\nthree\n")
    assert told(b"four\n", cursor)[0] == ["four"]


def test_a_log_that_is_not_there_for_a_while_is_not_told_twice() -> None:
    content = b"one\ntwo\n"
    _, cursor = told(content)
    assert told(b"", cursor) == ([], cursor)
    assert told(content + b"three\n", cursor)[0] == ["three"]


def test_an_answer_that_is_no_page_of_a_log_is_none() -> None:
    assert Chunk.of_page("<html>login</html>").text == ""
