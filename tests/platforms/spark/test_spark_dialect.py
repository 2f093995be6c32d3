"""What stage files of Spark say, and what is wrong with them, each at its place."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cicd.config import GitFacts, Surroundings, check_stage, load_stage
from cicd.errors import InvalidStage
from cicd.model import Hidden, Key, Ref, Stage
from cicd.platforms.registry import DIALECTS

TEXT = """\
platform: spark
spark:
  master: spark://127.0.0.1:7077
  conf: {spark.sql.shuffle.partitions: 64}
jobs:
  - key: score
    source: jobs/score.py
    args: [--limit, 100]
    env: {API_KEY: "${env.API_KEY}"}
    conf: {spark.executor.memory: 1g}
    py_files: [jobs/features.py]
    inputs: [{name: customers, url: "s3a://b/customers", format: csv}]
    outputs: [{name: scores, url: "s3a://b/scores"}]
    resources: {executors: 2, driver_memory: 512m}
    metrics: {rows: "rows=([0-9]+)"}
    require: [{metric: rows, min: 1}]
  - key: report
    source: jobs/report.py
    inputs: [{name: scores, url: "${jobs.score.outputs.scores}"}]
"""


def around(root: Path, env: Mapping[str, str] | None = None, **more: Any) -> Surroundings:
    git = GitFacts("c0ffee", "main", remotes=("https://u:p@github.com/org/churn.git",))
    return replace(Surroundings(root, env or {}, {}, git, DIALECTS), **more)


def project(root: Path, text: str = TEXT) -> Path:
    for name, content in {
        "stages/dev.yaml": text,
        "jobs/score.py": "print(1)\n",
        "jobs/report.py": "print(2)\n",
        "jobs/features.py": "",
        "other/score.py": "",
        "app.jar": "PK",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


def findings(root: Path, text: str, env: Mapping[str, str] | None = None, **more: Any) -> list[str]:
    known = {"API_KEY": "a key of mine", **(env or {})}
    return [str(one) for one in check_stage("dev", around(project(root, text), known, **more))]


def stage_of(root: Path, text: str = TEXT, env: Mapping[str, str] | None = None) -> Stage:
    known = {"API_KEY": "a key of mine", **(env or {})}
    return load_stage("dev", around(project(root, text), known))


def changed(before: str, after: str) -> str:
    assert TEXT.count(before) == 1, before
    return TEXT.replace(before, after)


def test_a_whole_stage_is_valid_and_becomes_jobs(tmp_path: Path) -> None:
    assert findings(tmp_path, TEXT) == []
    stage = stage_of(tmp_path)
    score, report = (dict(wish.spec) for wish in stage.resources)
    assert score["args"] == ["--limit", "100"]
    assert isinstance(score["env"]["API_KEY"], Hidden)
    assert score["conf"] == {"spark.sql.shuffle.partitions": "64", "spark.executor.memory": "1g"}
    assert score["reads"] == {"customers": {"url": "s3a://b/customers", "format": "csv"}}
    assert score["resources"] == {"executors": 2, "driver_memory": "512m"}
    assert set(score["files"]) == {"jobs/score.py", "jobs/features.py"}
    assert report["reads"] == {"scores": {"url": Ref(Key("job", "score"), "outputs.scores")}}
    assert stage.target == {"master": "spark://127.0.0.1:7077"}
    assert stage.settings["namespace"] == "github.com/org/churn"
    assert "a key of mine" not in repr(stage)


@pytest.mark.parametrize(
    ("place", "env", "settings"),
    [
        ("{master: 'spark://h:1'}", {}, ("spark://h:1", "http://h:6066", "http://h:8080")),
        (
            "{master: 'spark://a:1,b:2', rest_url: 'http://r:3/', ui_url: 'https://u/x'}",
            {},
            ("spark://a:1,b:2", "http://r:3", "https://u/x"),
        ),
        (
            "{}",
            {"SPARK_MASTER": "spark://e:9", "SPARK_REST_URL": "http://e:5"},
            ("spark://e:9", "http://e:5", "http://e:8080"),
        ),
        (
            "{master: 'spark://h:1'}",
            {"SPARK_MASTER": "spark://e:9"},
            ("spark://h:1", "http://h:6066", "http://h:8080"),
        ),
    ],
)
def test_addresses_come_from_the_file_then_the_environment_then_the_master(
    tmp_path: Path, place: str, env: Mapping[str, str], settings: tuple[str, ...]
) -> None:
    text = f"platform: spark\nspark: {place}\njobs: [{{key: a, source: 's3a://b/a.py'}}]\n"
    stage = stage_of(tmp_path, text, env)
    told = stage.settings
    assert (stage.target["master"], told["rest_url"], told["ui_url"]) == settings


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SPARK_MASTER", "127.0.0.1:7077"),
        ("SPARK_MASTER", "spark:/h:7077"),
        ("SPARK_MASTER", "Spark://h:7077"),
        ("SPARK_MASTER", "spark://h"),
        ("SPARK_MASTER", "spark://h:7077\n"),
        ("SPARK_REST_URL", "h:6066"),
        ("SPARK_REST_URL", "http://user:secret@h:6066"),
        ("SPARK_UI_URL", "spark://h:8080"),
    ],
)
def test_an_address_of_the_environment_has_to_be_one_as_in_the_file(
    tmp_path: Path, name: str, text: str
) -> None:
    env = {"SPARK_MASTER": "spark://h:7077", name: text}
    stage = "platform: spark\nspark: {}\njobs: [{key: a, source: 's3a://b/a.py'}]\n"
    with pytest.raises(InvalidStage) as told:
        stage_of(tmp_path, stage, env)
    [problem] = told.value.problems
    assert problem.line == 2 and problem.rule == "wrong-format"
    assert problem.message.startswith(f"{name} must be ") and "secret" not in problem.message
    said = stage.replace(
        "{}", "{master: 'spark://h:1', rest_url: 'http://h:2', ui_url: 'http://h:3'}"
    )
    assert stage_of(tmp_path, said, env).target["master"] == "spark://h:1"


WRONG = [
    (
        "source: jobs/score.py",
        "source: jobs/scor.py",
        '"jobs/scor.py", which is not there (did',
    ),
    ("source: jobs/score.py", "source: ../score.py", "leads out of the project"),
    ("source: jobs/score.py", "source: jobs", "neither a .py nor a .jar"),
    ("source: jobs/score.py", "source: app.jar", "which class of app.jar is run? Set main_class"),
    (
        "source: jobs/score.py",
        "source: jobs/score.py\n    main_class: a.B",
        "is Python, which has no main_class: take it out",
    ),
    ("[jobs/features.py]", "[other/score.py]", '"other/score.py" has the name of jobs/score.py'),
    ("[jobs/features.py]", "[app.jar]", '"app.jar" is no module'),
    ("[jobs/features.py]", "[jobs]", '"jobs" is a folder: name a file'),
    ("driver_memory: 512m", "driver_memory: 400m", "driver_memory is 400m: Spark does not start"),
    ("driver_memory: 512m", "driver_memory: 512", "driver_memory must be text"),
    ("executors: 2", "executors: 0", "executors"),
    ("executor.memory: 1g", "executor.memory: 300000k", "spark.executor.memory is 300000k"),
    (
        "{spark.executor.memory: 1g}",
        "{spark.hadoop.fs.s3a.secret.key: x}",
        "spark.hadoop.fs.s3a.secret.key would show on the command line of the driver",
    ),
    (
        "spark.sql.shuffle.partitions: 64",
        "spark.ssl.keyPassword: x",
        "spark.ssl.keyPassword would show on the command line",
    ),
    ("spark.executor.memory: 1g", "executor.memory: 1g", "must be a name that begins with spark."),
    ("args: [--limit, 100]", "args: [--inputs, x]", "cicd itself adds --inputs"),
    ('url: "s3a://b/scores"}]', "url: a}, {name: scores, url: b}]", "has two outputs scores"),
    ("outputs.scores}", "outputs.score}", 'has no output score (did you mean "scores"?)'),
    ("${jobs.score.", "${jobs.scor.", "job/scor, which is not defined"),
    ('"rows=([0-9]+)"', '"rows=[0-9]+"', "has no group for the value"),
    ('"rows=([0-9]+)"', '"rows=(["', "is no regular expression"),
    ("metric: rows,", "metric: row,", 'has no pattern (did you mean "rows"?)'),
    ("spark://127.0.0.1:7077", "127.0.0.1:7077", "must be spark://host:7077, https"),
    ("spark://127.0.0.1:7077", "yarn:8088", "must be spark://host:7077, https"),
    ("spark://127.0.0.1:7077", "local[x]", "must be spark://host:7077, https"),
    ("  master: spark://127.0.0.1:7077", "  state: /s", "no master: set spark.master or SPARK_M"),
    ("  conf: {spark.sql", "  state: gs://b/x\n  conf: {spark.sql", "it must be a folder"),
    ("  conf: {spark.sql", "  staging: hdfs://x/y\n  conf: {spark.sql", "it must be a folder"),
    ("    metrics:", "    files: [nothing.csv]\n    metrics:", '"nothing.csv", which is not there'),
    ("s3a://b/customers", "data/none.csv", '"data/none.csv", which is not there'),
    ("s3a://b/customers", "jobs", '"jobs" is a folder: name a file, or the URL of a folder'),
    ("s3a://b/customers", "/data/c.csv", "must be relative to the project"),
    ("s3a://b/scores", "../out", 'writes to "../out", which leads out of the project'),
    ('b/scores"}]', 'b/scores", fetch: ../x}]', 'folder "../x" for scores leads out'),
    ('b/scores"}]', 'b/scores", fetch: .}]', "would be replaced as a whole: name another"),
    ('b/scores"}]', 'b/scores", fetch: jobs}]', "is replaced as a whole, and jobs/score.py is in"),
    ('b/scores"}]', 'b/scores", fetch: app.jar}]', 'folder "app.jar" for scores is a file'),
    ('b/scores"}]', 'b/scores", fetch: .cicd/x/..}]', "leads out of the project"),
    ('b/scores"}]', 'b/scores", fetch: .git}]', "is replaced as a whole, and .git is in it"),
    ('"s3a://b/scores"}]', "build/s, fetch: build}]", "is replaced as a whole, and build/s is in"),
    (
        'b/scores"}]',
        'b/scores", fetch: build/a}, {name: more, url: "s3a://b/m", fetch: build/a/b}]',
        "is replaced as a whole, and that of scores of job/score is build/a: name another",
    ),
    ('"s3a://b/scores"}]', '"gs://b/s", fetch: build/s}]', "cannot be fetched from gs://b/s: file"),
    ('"s3a://b/scores"}]', '"jdbc:x", fetch: build/s}]', "cannot be fetched from jdbc:x: file"),
    ("format: csv}]", "fetch: build/c}]", "fetch"),
    ("    metrics:", "    metrics_file: ../m.json\n    metrics:", '"../m.json" leads out of the'),
    ("    metrics:", "    metrics_file: scores/../m\n    metrics:", '"scores/../m" leads out of'),
    (
        "    metrics:",
        "    metrics_file: abfss://c/m\n    metrics:",
        "cannot be read from here",
    ),
    ("  conf: {spark.sql", "  hdfs_url: hdfs://x\n  conf: {spark.sql", "an address like http://"),
    ("key: report", "key: score", "job/score is already defined"),
    ("jobs:\n", "applications: []\njobs:\n", "write jobs"),
]


@pytest.mark.parametrize(("before", "after", "told"), WRONG)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, before: str, after: str, told: str
) -> None:
    found = findings(tmp_path, changed(before, after))
    assert any(told in one for one in found), found
    assert all(one.startswith("stages/dev.yaml:") for one in found)


def test_data_of_the_project_is_read_and_written(tmp_path: Path) -> None:
    text = changed("s3a://b/customers", "data/c.csv").replace("s3a://b/scores", "build/scores")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/c.csv").write_text("a\n1\n", encoding="utf-8")
    assert findings(tmp_path, text) == []
    spec = stage_of(tmp_path, text).resources[0].spec
    assert set(spec["files"]) == {"jobs/score.py", "jobs/features.py", "data/c.csv"}
    elsewhere = text.replace("127.0.0.1", "cluster")
    assert any('"build/scores", a folder of this' in one for one in findings(tmp_path, elsewhere))


def test_what_is_made_is_fetched_and_measured(tmp_path: Path) -> None:
    text = changed('b/scores"}]', 'b/scores", fetch: build/scores}]')
    text = text.replace('metrics: {rows: "rows=([0-9]+)"}', "metrics_file: scores/m.json")
    text = text.replace("  conf: {spark.sql", '  hdfs_url: "http://nn:9870"\n  conf: {spark.sql')
    assert findings(tmp_path, text) == []
    stage = stage_of(tmp_path, text)
    assert stage.resources[0].options.fetch == {"outputs.scores": "build/scores"}
    assert stage.resources[0].spec["metrics_file"] == "scores/m.json"
    assert stage.resources[0].spec["writes"] == {"scores": {"url": "s3a://b/scores"}}
    assert stage.settings["hdfs_url"] == "http://nn:9870"
    here = text.replace("scores/m.json", "build/m.json")
    assert findings(tmp_path, here) == []
    elsewhere = findings(tmp_path, here.replace("127.0.0.1", "cluster"))
    assert any('metrics_file "build/m.json" is a file of this' in one for one in elsewhere)


def test_workers_elsewhere_need_a_folder_that_they_see(tmp_path: Path) -> None:
    text = changed("spark://127.0.0.1:7077", "spark://cluster.example.com:7077")
    found = findings(tmp_path, text)
    assert [one.split(": ", 1)[1].partition(",")[0] for one in found] == [
        'job/score: "jobs/score.py" is a file of this machine',
        'job/score: "jobs/features.py" is a file of this machine',
        'job/report: "jobs/report.py" is a file of this machine',
    ]
    staged = text.replace("  conf: {spark.sql", "  staging: /shared/x\n  conf: {spark.sql")
    assert findings(tmp_path, staged) == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.3.2.1", "[::1]"])
def test_a_master_on_this_machine_sees_its_files(tmp_path: Path, host: str) -> None:
    assert findings(tmp_path, changed("127.0.0.1", host)) == []


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        (TEXT, True),
        (changed("  conf: {spark.sql", "  state: /shared\n  conf: {spark.sql"), False),
        (TEXT.replace("source:", "rerun: always\n    source:"), False),
    ],
)
def test_a_run_of_ci_without_a_state_is_warned_of(tmp_path: Path, text: str, warned: bool) -> None:
    for system in ("GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "JENKINS_URL"):
        found = findings(tmp_path, text, {system: "true"})
        assert ["forgets" in one for one in found] == [True] * warned
    assert findings(tmp_path, text) == []


def test_local_is_this_machine_whatever_the_file_says(tmp_path: Path) -> None:
    text = changed("spark://127.0.0.1:7077", "spark://cluster.example.com:7077")
    shared = text.replace("  conf: {spark.sql", "  state: /shared\n  conf: {spark.sql")
    known = {"API_KEY": "k", "SPARK_MASTER": "spark://e:1", "GITHUB_ACTIONS": "true"}
    assert findings(tmp_path, shared, known, stand_ins="local") == []
    stage = load_stage("dev", around(tmp_path, known, stand_ins="local"))
    told = {name: stage.settings[name] for name in ("submit", "state", "staging", "is_local")}
    assert told == {"submit": "spark-submit", "state": "", "staging": "", "is_local": True}
    assert stage.target == {"master": "local[*]"}


@pytest.mark.parametrize(
    ("master", "submit", "told"),
    [
        ("local[2]", "rest", "spark-submit"),
        ("spark://h:1", "spark-submit", "spark-submit"),
        ("spark://127.0.0.1:1", "rest", "rest"),
    ],
)
def test_who_submits_follows_from_the_master(
    tmp_path: Path, master: str, submit: str, told: str
) -> None:
    text = changed("spark://127.0.0.1:7077", f"{master}\n  submit: {submit}")
    assert findings(tmp_path, text) == []
    assert stage_of(tmp_path, text).settings["submit"] == told


@pytest.mark.parametrize(
    ("before", "after", "is_other"),
    [
        ("limit, 100", "limit, 101", True),
        ("partitions: 64", "partitions: 65", True),
        ("executors: 2", "executors: 3", True),
        ("rows=([0-9]+)", "n=([0-9]+)", False),
        ('b/scores"}]', 'b/scores", fetch: build/scores}]', False),
        ("    metrics:", "    metrics_file: scores/m.json\n    metrics:", True),
        ("min: 1", "min: 2", False),
    ],
)
def test_what_a_job_takes_in_decides_whether_it_runs_again(
    tmp_path: Path, before: str, after: str, is_other: bool
) -> None:
    one = stage_of(tmp_path).resources[0].spec["inputs"]
    other = stage_of(tmp_path, changed(before, after)).resources[0].spec["inputs"]
    assert (one != other) is is_other


def test_a_changed_module_is_a_changed_input(tmp_path: Path) -> None:
    before = stage_of(tmp_path).resources[0].spec["inputs"]
    project(tmp_path)
    (tmp_path / "jobs/features.py").write_text("x = 1\n", encoding="utf-8")
    after = load_stage("dev", around(tmp_path, {"API_KEY": "a key of mine"}))
    assert after.resources[0].spec["inputs"] != before


def test_nothing_of_pyspark_and_no_http_is_loaded_to_check_a_stage(tmp_path: Path) -> None:
    project(tmp_path)
    code = (
        "import sys; from cicd.cli.root import execute; code = execute(['validate', 'dev']); "
        "print(code, sorted({'pyspark', 'requests', 'boto3'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "API_KEY": "a key of mine"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "0 []", done.stdout + done.stderr
