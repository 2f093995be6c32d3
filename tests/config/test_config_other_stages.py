"""``${stages.NAME.…}``: what a stage takes from another one, whatever the platforms of the two."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd.config import GitFacts, Surroundings, check_stage, load_stage
from cicd.config.other_stages import file_beside, taken_from
from cicd.config.plain_dialect import completed
from cicd.errors import Problem
from cicd.platforms.registry import DIALECTS
from cicd.values import Key, Ref
from tests.config.config_sample import write_repository
from tests.platforms.toy import dialect

TRAIN = """\
platform: spark
spark: {master: "local[*]"}
variables: {place: build}
jobs:
  - key: fit
    source: fit.py
    outputs: [{name: model, url: "${var.place}/model"}]
"""
SERVE = """\
aicore: {resource_group: houses}
artifacts:
  - key: model
    name: houses
    kind: model
    scenario_id: houses
    url: "${stages.train.jobs.fit.outputs.model}"
"""
SAGEMAKER = """\
platform: sagemaker
sagemaker: {region: eu-central-1, role: "arn:aws:iam::123456789012:role/ML", bucket: models}
training_jobs:
  - key: fit
    image: i
    instance: {type: ml.m5.large}
    inputs: {train: "${stages.train.jobs.fit.outputs.model}"}
"""
JOBS = """\
platform: training_job
training_job: {api_url: "https://jobs.example.com", token_url: "https://login.example.com"}
jobs:
  - key: fit
    script: fit.py
    image: i
    completion_time: 1h
    resource_plan_id: starter
    env: {FROM: TAKEN}
"""
TOY = """\
platform: toy
toy: {box: b}
services: [{key: web, serves: "TAKEN"}]
"""


def around(root: Path, **variables: str) -> Surroundings:
    dialects = {**DIALECTS, "toy": completed(dialect)}
    env = {"TOY_BOX": "b"}
    return Surroundings(root, env, variables, GitFacts("0" * 40, "main"), dialects)


def taking(text: str) -> str:
    return SERVE.replace("${stages.train.jobs.fit.outputs.model}", text)


def project(root: Path, **stages: str) -> Path:
    (root / "stages").mkdir(exist_ok=True)
    (root / "fit.py").write_text("print(1)\n", encoding="utf-8")
    for name, text in stages.items():
        path = root / "stages" / f"{name.replace('_', '.')}.yaml"
        path.write_text(text, encoding="utf-8")
    return root


def found(root: Path, stage: str = "serve", **variables: str) -> list[Problem]:
    return [one for one in check_stage(stage, around(root, **variables)) if one.rule != "no-git"]


def told(root: Path, stage: str = "serve") -> list[str]:
    return [f"{one.line}: {one.message}" for one in found(root, stage)]


@pytest.mark.parametrize(
    ("text", "output"),
    [
        (SERVE, "outputs.model"),
        (SAGEMAKER, "outputs.model"),
        (JOBS.replace("TAKEN", '"${stages.train.jobs.fit.id}"'), "id"),
        (TOY.replace("TAKEN", "${stages.train.jobs.fit.outputs.model}"), "outputs.model"),
    ],
    ids=["aicore", "sagemaker", "training_job", "toy"],
)
def test_a_stage_of_each_platform_takes_from_one_of_another(
    tmp_path: Path, text: str, output: str
) -> None:
    root = project(tmp_path, train=TRAIN, serve=text)
    assert [one for one in found(root) if one.severity == "error"] == []
    stage = load_stage("serve", around(root), needs_credentials=False)
    assert stage.others == ("train",)
    shown = repr([wish.spec for wish in stage.resources])
    assert repr(Ref(Key("job", "fit"), output, "train")) in shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "${stages.trian.jobs.fit.outputs.model}",
            'names no stage of stages (did you mean "train"?)',
        ),
        ("${stages.test.jobs.fit.outputs.model}", "names no stage of stages (there are: train)"),
        (
            "${stages.train.jobs.fitt.outputs.model}",
            'does not define job/fitt (did you mean "fit"?)',
        ),
        ("${stages.train.jobs.fit.outputs.modle}", 'has no output modle (did you mean "model"?)'),
        ("${stages.train.jobs.fit.metrics.r2}", "is nothing that stage train has"),
        ("${stages.train.execution.fit.id}", "is nothing that stage train has"),
        ("${stages.train}", "is nothing that stage train has"),
        (
            "${stages.serve.artifacts.model.id}",
            "is of this stage itself: write ${artifacts.model.id}",
        ),
        ("ai://default/${stages.train.jobs.fit.outputs.model}", "so it must stand alone"),
    ],
)
def test_what_another_stage_does_not_have_is_told_at_its_line(
    tmp_path: Path, text: str, said: str
) -> None:
    root = project(tmp_path, train=TRAIN, serve=taking(text))
    [line] = told(root)
    assert line.startswith("7: ") and said in line


def test_it_stands_where_a_platform_can_take_it(tmp_path: Path) -> None:
    text = SERVE.replace("name: houses", 'name: "${stages.train.jobs.fit.id}"')
    [line] = told(project(tmp_path, train=TRAIN, serve=text))
    assert line.startswith("4: ${stages.train.jobs.fit.id} is possible in ")
    assert "url, description and labels of an artifact" in line


def test_stages_that_need_each_other_are_refused_at_their_lines(tmp_path: Path) -> None:
    back = TRAIN.replace(
        "source: fit.py", 'source: fit.py\n    args: ["${stages.serve.artifacts.model.id}"]'
    )
    root = project(tmp_path, train=back, serve=SERVE)
    assert told(root) == [
        "7: stages need each other: serve -> train -> serve: take one reference out"
    ]
    assert told(root, "train")[-1] == (
        "7: stages need each other: train -> serve -> train: take one reference out"
    )


def test_a_circle_of_three_is_told_and_one_beside_it_is_not(tmp_path: Path) -> None:
    def job(other: str) -> str:
        line = f'source: fit.py\n    args: ["${{stages.{other}.jobs.fit.id}}"]'
        return TRAIN.replace("source: fit.py", line)

    root = project(tmp_path, a=job("b"), b=job("c"), c=job("a"), d=job("a"))
    [line] = [line for line in told(root, "a") if "each other" in line]
    assert line.startswith("7: stages need each other: a -> b -> c -> a")
    assert [line for line in told(root, "d") if "each other" in line] == []


def test_a_stage_whose_file_cannot_be_read_is_named_with_why(tmp_path: Path) -> None:
    root = project(tmp_path, train="jobs: [", serve=SERVE)
    [line] = told(root)
    assert "is of a stage whose file cannot be read: stages/train.yaml:" in line


def test_what_is_wrong_with_the_other_stage_is_told_there_alone(tmp_path: Path) -> None:
    wrong = TRAIN.replace("outputs:", "resources: {executors: none}\n    outputs:")
    root = project(tmp_path, train=wrong, serve=SERVE)
    assert told(root) == []
    assert len(told(root, "train")) == 1


def test_variables_of_the_command_line_go_to_the_stages_that_have_them(tmp_path: Path) -> None:
    root = project(tmp_path, train=TRAIN, serve=f"variables: {{kind: model}}\n{SERVE}")
    assert found(root, kind="dataset") == []
    assert found(root, place="x") == [], "train has it, and serve takes from train"
    assert found(root, "train", kind="dataset") == []
    assert [one.message for one in found(root, plaice="x")] == [
        "no such variable: declare it under variables"
    ]


def test_a_variable_may_hold_it_and_a_name_may_have_dots(tmp_path: Path) -> None:
    text = SERVE.replace("${stages.train.jobs.fit.outputs.model}", "${var.from}")
    text = f'variables: {{from: "${{stages.train.eu.jobs.fit.outputs.model}}"}}\n{text}'
    root = project(tmp_path, train_eu=TRAIN, serve=text)
    assert told(root) == []
    path = root / "stages/serve.yaml"
    assert taken_from(path, around(root)) == ["train.eu"]
    assert file_beside(path, "train.eu") == root / "stages/train.eu.yaml"


def test_a_plain_text_that_looks_so_is_none(tmp_path: Path) -> None:
    text = taking("ai://default/a").replace(
        "kind: model", 'kind: model\n    description: "$${stages.x.y}"'
    )
    root = project(tmp_path, serve=text)
    assert told(root) == []
    assert taken_from(root / "stages/serve.yaml", around(root)) == []


PROCESSING = """\
platform: sagemaker
sagemaker: {region: eu-central-1, role: "arn:aws:iam::123456789012:role/ML", bucket: models}
processing_jobs:
  - {key: fit, image: i, instance: {type: ml.m5.large}, outputs: {model: "s3://models/m"}}
"""


@pytest.mark.parametrize(
    ("train", "text", "said"),
    [
        (PROCESSING, "processing_jobs.fit.outputs.model", ""),
        (PROCESSING, "processing_jobs.fit.outputs.modle", 'has no output modle (did you mean "mo'),
        (PROCESSING, "processing_jobs.fit.id", ""),
        (JOBS.replace("TAKEN", "x"), "jobs.fit.artifacts.saved_model", ""),
        (JOBS.replace("TAKEN", "x"), "jobs.fit.artifacts.model", "write artifacts.saved_model"),
        (TOY.replace("TAKEN", "x"), "services.web.id", ""),
        (
            TOY.replace("TAKEN", "x"),
            "services.wep.id",
            'does not define service/wep (did you mean "',
        ),
        (
            taking("ai://default/a"),
            "artifacts.model.id",
            "",
        ),
    ],
)
def test_each_platform_says_what_others_can_have_of_it(
    tmp_path: Path, train: str, text: str, said: str
) -> None:
    root = project(tmp_path, train=train, serve=taking(f"${{stages.train.{text}}}"))
    lines = told(root)
    assert [line[:3] for line in lines] == (["7: "] if said else [])
    assert said in "".join(lines)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("executions.train.artifacts.model", ""),
        (
            "executions.train.artifacts.modle",
            'execution/train of stage dev has no artifact "modle", which executable trainer does '
            'not put out (did you mean "model"?)',
        ),
        ("executions.trian.artifacts.model", "stage dev does not define execution/trian"),
        ("deployments.serve.url", ""),
    ],
)
def test_templates_tell_what_runs_of_another_stage_put_out(
    tmp_path: Path, output: str, said: str
) -> None:
    root = project(write_repository(tmp_path), serve=taking(f"${{stages.dev.{output}}}"))
    problems = [one for one in found(root) if one.rule == "unknown-reference"]
    assert [one.line for one in problems] == ([7] if said else [])
    assert said in "".join(one.message for one in problems)
