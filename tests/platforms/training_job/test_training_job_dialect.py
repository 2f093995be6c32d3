"""What stage files of the training-job API say. C7 to C22 are rows of the operator's parameters."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cicd.config import load_stage
from cicd.config.references import reference
from cicd.errors import CicdError, InvalidStage
from cicd.model import Hidden, Key, Ref
from cicd.platforms import registry
from cicd.platforms.registry import DIALECTS
from cicd.platforms.training_job import submission
from tests.platforms.training_job.samples import (
    ENV,
    JOB,
    PLACE,
    TEXT,
    around,
    findings,
    project,
    spec_of,
    stage_of,
)


def changed(before: str, after: str) -> str:
    assert TEXT.count(before) == 1, before
    return TEXT.replace(before, after)


def test_a_whole_stage_is_valid_and_becomes_datasets_and_jobs(tmp_path: Path) -> None:
    assert findings(tmp_path, TEXT) == []
    stage = stage_of(tmp_path)
    assert [str(wish.key) for wish in stage.resources] == ["dataset/data/t.csv", "job/train"]
    spec = spec_of(stage)
    assert spec["data"] == {"t.csv": Ref(Key("dataset", "data/t.csv"))}
    assert set(spec["files"]) == {"train.py", "data/t.csv"}
    assert stage.target == {"api_url": "https://jobs.example.com"}


OPERATOR = """\
platform: training_job
training_job:
  jobAPI: https://jobs.example.com
  oauthTokenUrl: https://login.example.com/oauth/token
  oauthClientId: ${env.ID}
  oauthClientSecret: ${env.PROOF}
  version: v2
jobs:
  - jobName: train
    script: train.py
    image: tensorflow/tensorflow:1.4.0
    completionTime: 1h
    env: '[{"name": "TEST_DATA", "value": "t.csv"}]'
    data_input: {t.csv: data/t.csv}
    resources: '{"cpus": 1, "gpus": 0, "memory": 2048}'
    requirements: tensorflow==1.4.0
    pythonMajorVersion: 3
"""


def test_the_spellings_of_the_operator_mean_the_same(tmp_path: Path) -> None:
    env = {"ID": "me", "PROOF": "a secret of mine"}
    assert findings(tmp_path, OPERATOR, env) == []
    theirs, ours = stage_of(tmp_path, OPERATOR, env), stage_of(tmp_path)
    assert spec_of(theirs) == spec_of(ours)
    assert theirs.target == ours.target
    assert theirs.settings["client_secret"].reveal() == "a secret of mine"
    assert "a secret of mine" not in repr(theirs)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("env: {TEST_DATA: t.csv}", "env: [{name: TEST_DATA, value: t.csv}]"),
        ("completion_time: 1h", "completionTime: 1h"),
        ("python_major_version: 3", "pythonMajorVersion: 3"),
        ("requirements: [tensorflow==1.4.0]", 'requirements: "tensorflow==1.4.0"'),
        ("requirements: [tensorflow==1.4.0]", 'requirements: ["# why", tensorflow==1.4.0, ""]'),
        ("resources: {cpus: 1, gpus: 0, memory: 2048}", "resources: {cpus: 1, memory: 2048}"),
    ],
)
def test_each_spelling_alone_means_the_same(before: str, after: str, tmp_path: Path) -> None:
    text = changed(before, after)
    if after.endswith('""]'):  # an empty line is no package, and nothing to write
        text = text.replace(', ""]', "]")
    assert spec_of(stage_of(tmp_path, text))["inputs"] == spec_of(stage_of(tmp_path))["inputs"]


WRONG = [
    # C7, C8: id and secret of the client
    ("C7", "plain", PLACE.replace("{api", "{client_id: me, api") + JOB, "credential"),
    ("C8", "secret", PLACE.replace("{api", "{client_secret: x, api") + JOB, "credential"),
    # C9, C10: where tokens and the API are
    (
        "C9",
        "type",
        TEXT.replace('"https://login.example.com/oauth/token"', "7"),
        "token_url must be",
    ),
    ("C9", "no URL", TEXT.replace("https://login.example.com/oauth", "login"), "an address like"),
    ("C10", "type", TEXT.replace('"https://jobs.example.com"', "[]"), "api_url must be text"),
    ("C10", "login", TEXT.replace("jobs.example", "me:pw@jobs.example"), "looks like a credential"),
    # C11: its name
    ("C11", "value", changed("key: train\n", "key: train\n    name: a/b\n"), "name"),
    (
        "C11",
        "twice",
        changed("key: train\n", "key: train\n    name: a\n    jobName: b\n"),
        "twice|second",
    ),
    # C12: the environment
    ("C12", "type", changed("{TEST_DATA: t.csv}", "7"), "env must be a map, not 7"),
    ("C12", "JSON", changed("{TEST_DATA: t.csv}", "'[{]'"), "env must be a map"),
    (
        "C12",
        "twice",
        changed("{TEST_DATA: t.csv}", "[{name: A, value: b}, {name: A, value: c}]"),
        '"A" twice',
    ),
    (
        "C12",
        "name",
        changed("{TEST_DATA: t.csv}", "{a b: c}"),
        'the name "a b" in jobs[0].env must',
    ),
    ("C12", "name", changed("{TEST_DATA: t.csv}", "[{name: größe, value: c}]"), '"größe"'),
    ("C12", "no name", changed("{TEST_DATA: t.csv}", '{"": c}'), 'the name "" in jobs[0].env'),
    # C13: the image
    (
        "C13",
        "missing",
        changed("    image: tensorflow/tensorflow:1.4.0\n", ""),
        '"image" is missing',
    ),
    ("C13", "empty", changed("tensorflow/tensorflow:1.4.0", '""'), "image is empty"),
    # C14: the time
    ("C14", "missing", changed("    completion_time: 1h\n", ""), '"completion_time" is missing'),
    ("C14", "type", changed("completion_time: 1h", "completion_time: []"), "must be text"),
    # C15: what it needs
    ("C15", "text", changed("cpus: 1", "cpus: one"), "cpus must be a whole number"),
    ("C15", "truth", changed("cpus: 1", "cpus: true"), "cpus must be a whole number"),
    ("C15", "part", changed("cpus: 1", "cpus: 1.5"), "cpus must be a whole number"),
    (
        "C15",
        "missing",
        changed("    resources: {cpus: 1, gpus: 0, memory: 2048}\n", ""),
        "neither resources",
    ),
    (
        "C15",
        "both",
        changed("    resources:", "    resourcePlanId: basic\n    resources:"),
        "keep one of the two",
    ),
    (
        "C15",
        "JSON",
        changed("{cpus: 1, gpus: 0, memory: 2048}", '\'{"cpus": "1", "memory": 1}\''),
        "cpus must be a whole number",
    ),
    # C16: what pip installs
    ("C16", "type", changed("[tensorflow==1.4.0]", "{a: b}"), "requirements must be"),
    (
        "C16",
        "file",
        changed("[tensorflow==1.4.0]", "requirement.txt"),
        'did you mean "requirements.txt"',
    ),
    ("C16", "encoding", changed("[tensorflow==1.4.0]", "latin.txt"), "is no text in UTF-8"),
    # C17: Python
    (
        "C17",
        "four",
        changed("python_major_version: 3", "python_major_version: 4"),
        "must be at most 3",
    ),
    (
        "C17",
        "one",
        changed("python_major_version: 3", "python_major_version: 1"),
        "must be at least 2",
    ),
    (
        "C17",
        "text",
        changed("python_major_version: 3", 'python_major_version: "3"'),
        "a whole number",
    ),
    # C18: the version of the API
    ("C18", "value", TEXT.replace("{api_url", "{version: a/b, api_url"), "version"),
    # C19: the script
    ("C19", "missing", changed("    script: train.py\n", ""), '"script" is missing'),
    (
        "C19",
        "file",
        changed("script: train.py", "script: trian.py"),
        'is not there (did you mean "train.py"?)',
    ),
    ("C19", "folder", changed("script: train.py", "script: data"), "is a folder"),
    (
        "C19",
        "outside",
        changed("script: train.py", "script: ../train.py"),
        "leads out of the project",
    ),
    # C20: unknown ones
    ("C20", "unknown", changed("script:", "skript: x\n    script:"), 'did you mean "script"'),
    (
        "C20",
        "place",
        changed("    script:", "    oauthTokenUrl: x\n    script:"),
        "training_job: {token_url",
    ),
    # C22: data
    (
        "C22",
        "missing",
        changed("data/t.csv}", "data/u.csv}"),
        'data file "data/u.csv" is not there',
    ),
    ("C22", "outside", changed("{t.csv: data", "{../t.csv: data"), "leads out of the project"),
    ("C22", "absolute", changed("{t.csv: data", "{/t.csv: data"), "must be relative"),
    ("C22", "taken", changed("{t.csv: data", "{train.py: data"), "is what the script is called"),
    ("C22", "folder", changed("data/t.csv}", "data}"), "is a folder"),
    (
        "C22",
        "both",
        changed("data/t.csv}", "data/t.csv, t.csv/a: data/t.csv}"),
        '"t.csv" is a file and no folder',
    ),
    (
        "C22",
        "below",
        changed("{t.csv:", "{train.py/a: data/t.csv, t.csv:"),
        '"train.py" is a file and no folder',
    ),
    ("C22", "bucket", changed("data/t.csv}", "s3://data}"), "must be like s3://bucket/key"),
    ("C22", "nothing", changed("data/t.csv}", '"s3://"}'), "must be like s3://bucket/key"),
    ("C22", "no bucket", changed("data/t.csv}", '"s3:///key"}'), "must be like s3://bucket/key"),
    # what comes of it
    (
        "C6",
        "outside",
        changed("    data:", "    outputs: {saved_model: ../x}\n    data:"),
        "leads out of the project",
    ),
    (
        "C6",
        "all",
        changed("    data:", "    outputs: {saved_model: .}\n    data:"),
        "replaced as a whole",
    ),
    (
        "C6",
        "file",
        changed("    data:", "    outputs: {saved_model: train.py}\n    data:"),
        "is a file",
    ),
    *(
        (
            "C6",
            folder,
            changed("    data:", f"    outputs: {{saved_model: {folder}}}\n    data:"),
            said,
        )
        for folder, said in {
            "train.py/model": "is below a file: train.py",
            "data": "data/t.csv is in it",
            "./stages/": "stages is in it",
            ".git": ".git is in it",
        }.items()
    ),
    ("C6", "unknown", changed("    data:", "    outputs: {model: x}\n    data:"), "saved_model"),
    (
        "metric",
        "pattern",
        changed("    data:", '    metrics: {a: "("}\n    data:'),
        "no regular expression",
    ),
    ("metric", "group", changed("    data:", "    metrics: {a: b}\n    data:"), "no group"),
    (
        "metric",
        "gate",
        changed("    data:", "    require: [{metric: a, min: 1}]\n    data:"),
        "no pattern",
    ),
]


@pytest.mark.parametrize("folder", ["build/model", "./build/model", "build", "build/model/b"])
def test_c6_no_saved_model_is_put_in_place_of_that_of_another_job(
    folder: str, tmp_path: Path
) -> None:
    text = changed("    data:", "    outputs: {saved_model: build/model}\n    data:")
    second = JOB.partition("\n")[2].replace("key: train", "key: other")
    second += f"    outputs: {{saved_model: {folder}}}\n"
    [found] = findings(tmp_path, text + second)
    assert "that of job/train is build/model" in found
    assert findings(tmp_path, text + second.replace(folder, "build/models")) == []


@pytest.mark.parametrize(("row", "what", "text", "said"), WRONG)
def test_what_is_wrong_with_a_parameter_is_told_once_at_its_line(
    row: str, what: str, text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "latin.txt").write_bytes("# größe\nnumpy\n".encode("latin-1"))
    found = findings(tmp_path, text)
    assert len(found) == 1, found
    assert any(part in found[0] for part in said.split("|")), found[0]
    file, line, column, _ = found[0].split(":", 3)
    assert file == "stages/dev.yaml" and int(line) > 1 and int(column) > 0
    with pytest.raises(InvalidStage):
        stage_of(tmp_path, text, {"ID": "x"})


def test_a_file_that_nobody_may_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/loop.csv").symlink_to("loop.csv")  # also root cannot read that
    [found] = findings(tmp_path, changed("data/t.csv}", "data/loop.csv}"))
    assert "cannot be read" in found


def test_who_says_nowhere_where_the_api_is_hears_of_it(tmp_path: Path) -> None:
    text = "platform: training_job\n" + JOB
    assert [found.partition(": ")[2] for found in findings(tmp_path, text)] == [
        "warning: no api_url: set training_job.api_url or TRAINING_JOB_API_URL",
        "warning: no token_url: set training_job.token_url or TRAINING_JOB_TOKEN_URL",
    ]
    with pytest.raises(InvalidStage, match="no token_url"):
        stage_of(tmp_path, text, {"TRAINING_JOB_API_URL": "https://jobs.example.com"})


KEY = {
    "clientid": "me",
    "clientsecret": "a secret of mine",
    "url": "https://login.example.com",
    "serviceurls": {"JOB_SUBMISSION_API_URL": "https://jobs.example.com"},
}


@pytest.mark.parametrize(
    "env",
    [
        {"TRAINING_JOB_SERVICE_KEY": json.dumps(KEY)},
        {"TRAINING_JOB_SERVICE_KEY": json.dumps({"credentials": KEY})},
        {"VCAP_SERVICES": json.dumps({"x": [{"label": "ml-foundation", "credentials": KEY}]})},
        {
            "TRAINING_JOB_API_URL": "https://jobs.example.com/",
            "TRAINING_JOB_TOKEN_URL": "https://login.example.com/oauth/token",
        },
    ],
)
def test_where_the_api_is_also_a_key_or_a_binding_tells(
    env: dict[str, str], tmp_path: Path
) -> None:
    stage = stage_of(tmp_path, "platform: training_job\n" + JOB, env)
    assert stage.target == {"api_url": "https://jobs.example.com"}
    assert "a secret of mine" not in repr(stage)


def test_a_script_may_stand_in_the_file_itself(tmp_path: Path) -> None:
    text = changed("script: train.py", 'script: |\n      print("hi")\n      print(1)')
    spec = spec_of(stage_of(tmp_path, text))
    assert spec["source"] == 'print("hi")\nprint(1)\n'
    assert submission.command(spec).startswith(
        "pip3 install -r requirements.txt && python3 script.py"
    )


def test_a_script_of_one_line_may_stand_in_the_file_itself(tmp_path: Path) -> None:
    spec = spec_of(stage_of(tmp_path, changed("script: train.py", "script: |\n      print(1)")))
    assert (spec["script"], spec["source"]) == ("script.py", "print(1)\n")


def test_requirements_may_stand_in_a_file(tmp_path: Path) -> None:
    text = changed("[tensorflow==1.4.0]", "requirements.txt")
    assert spec_of(stage_of(tmp_path, text))["requirements"] == ["numpy==1.26.4", "scipy"]


SECOND = """\
  - key: use
    script: train.py
    image: python:3
    completion_time: 1h
    resource_plan_id: basic
    data: {model: "${jobs.train.artifacts.saved_model}"}
    env: {MODEL: "${jobs.train.artifacts.saved_model}"}
"""


def test_a_job_takes_the_model_of_another(tmp_path: Path) -> None:
    spec = spec_of(stage_of(tmp_path, TEXT + SECOND), "use")
    model = Ref(Key("job", "train"), "artifacts.saved_model")
    assert spec["data"] == {"model": model} and spec["env"] == {"MODEL": model}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            'jobs.train.artifacts.saved_model}"}\n    env',
            'jobs.trian.artifacts.saved_model}"}\n    env',
            'did you mean "train"',
        ),
        (
            'jobs.train.artifacts.saved_model}"}\n    env',
            'jobs.train.artifacts.model}"}\n    env',
            "write artifacts.saved_model",
        ),
        ("key: use", "key: train", "already defined"),
        ("image: python:3", 'image: "${jobs.train.artifacts.saved_model}"', "is possible in"),
    ],
)
def test_a_reference_that_leads_nowhere_is_told(
    before: str, after: str, said: str, tmp_path: Path
) -> None:
    text = SECOND.replace(before, after)
    assert text != SECOND
    found = findings(tmp_path, TEXT + text)
    assert found and said in found[0], found
    assert sum("trian" in line for line in found) <= 1, found


def test_texts_of_the_environment_stay_hidden_and_count_as_inputs(tmp_path: Path) -> None:
    text = changed("{TEST_DATA: t.csv}", '{API_TOKEN: "${env.TOKEN}"}')
    one, two = (stage_of(tmp_path, text, {"TOKEN": value}) for value in ("first one", "second one"))
    assert isinstance(spec_of(one)["env"]["API_TOKEN"], Hidden)
    assert spec_of(one)["inputs"] != spec_of(two)["inputs"]
    assert "first one" not in repr(one)


@pytest.mark.parametrize("name", ["train.py", "data/t.csv", "requirements.txt"])
def test_the_content_of_files_is_an_input(name: str, tmp_path: Path) -> None:
    text = changed("[tensorflow==1.4.0]", "requirements.txt")
    before = spec_of(stage_of(tmp_path, text))["inputs"]
    assert spec_of(stage_of(tmp_path, text))["inputs"] == before
    (tmp_path / name).write_text("scipy==1\n", encoding="utf-8")
    assert spec_of(load_stage("dev", around(tmp_path)))["inputs"] != before


def test_gates_patterns_and_folders_are_no_inputs(tmp_path: Path) -> None:
    more = """\
    outputs: {saved_model: build/model}
    metrics: {accuracy: "accuracy=([0-9.]+)"}
    require: [{metric: accuracy, min: 0.9}]
    timeout: 2h
"""
    before, after = stage_of(tmp_path), stage_of(tmp_path, TEXT + more)
    assert spec_of(before)["inputs"] == spec_of(after)["inputs"]
    [job] = [wish for wish in after.resources if wish.key.kind == "job"]
    assert job.options.fetch == {"artifacts.saved_model": "build/model"}
    assert job.options.timeout == 7200.0


def test_two_projects_on_one_api_do_not_meet(tmp_path: Path) -> None:
    project(tmp_path)
    remotes = [
        ("https://github.com/a/one",),
        ("git@github.com:a/one.git",),
        ("https://me:secret-of-mine@github.com/a/two.git",),
        (),
    ]
    names = []
    for urls in remotes:
        loaded = load_stage("dev", around(tmp_path, remotes=urls))
        names.append(loaded.settings["namespace"])
    assert names == ["github.com/a/one", "github.com/a/one", "github.com/a/two", ""]
    named = TEXT.replace("{api_url", "{namespace: churn, api_url")
    assert stage_of(tmp_path, named).settings["namespace"] == "churn"


def test_the_schema_for_editors_knows_the_platform() -> None:
    root = Path(__file__).parents[3]
    schema = json.loads((root / "config.schema.json").read_text(encoding="utf-8"))
    [branch] = [
        one
        for one in schema["allOf"]
        if one["if"]["properties"]["platform"]["const"] == "training_job"
    ]
    assert branch["then"] == {"$ref": "#/$defs/training_job"}
    job = schema["$defs"]["training_job"]["$defs"]["Job"]
    assert {"script", "image", "completion_time"} <= set(job["required"])


def test_a_check_loads_neither_boto3_nor_an_http_library(tmp_path: Path) -> None:
    project(tmp_path)
    code = (
        "import sys\nfrom cicd.cli.root import execute\n"
        "assert execute(['validate', 'dev']) == 0\n"
        "print([name for name in ('boto3', 'botocore', 'requests') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_without_boto3_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_of(tmp_path)
    for name in [name for name in sys.modules if name.startswith("cicd.platforms.training_job.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(CicdError) as caught:
        registry.connect(stage, ENV)
    assert "needs boto3" in str(caught.value) and "[training-job]" in str(caught.value)


def test_references_have_one_form() -> None:
    forms = DIALECTS["training_job"].REFERENCES
    found = reference("jobs.a-b.artifacts.saved_model", forms)
    assert found == Ref(Key("job", "a-b"), "artifacts.saved_model")
    assert reference("jobs.a.id", forms) is None


def test_c3_the_body_is_what_the_api_asks_for(tmp_path: Path) -> None:
    spec = spec_of(stage_of(tmp_path))
    assert yaml.safe_load(submission.body(spec)) == {
        "job": {
            "name": "train",
            "env": [{"name": "TEST_DATA", "value": "t.csv"}],
            "execution": {
                "command": "pip3 install -r requirements.txt && python3 train.py --test_data=t.csv",
                "completionTime": "1h",
                "image": "tensorflow/tensorflow:1.4.0",
                "resources": {"cpus": 1, "gpus": 0, "memory": 2048},
            },
        }
    }
