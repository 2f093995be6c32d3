"""What stage files of SageMaker say, and what is wrong with them, without a network."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cicd.model import Key, Ref
from tests.platforms.sagemaker.samples import PLACE, ROLE, TEXT, findings, spec_of, stage_of

DOCUMENT = Path(__file__).parents[3] / "docs/sagemaker.md"
RECIPES = DOCUMENT.read_text("utf-8").partition("## Recipes\n")[2].partition("\n## ")[0]
MODELS = """\
models:
  - {key: churn, image: img:1, data: "s3://bucket/churn.tar.gz"}
  - {key: candidate, image: img:1, data: "s3://bucket/candidate.tar.gz"}
"""


def changed(before: str, after: str) -> str:
    assert TEXT.count(before) >= 1, before
    return TEXT.replace(before, after, 1)


def test_a_whole_stage_is_valid_and_becomes_jobs_models_configs_and_endpoints(
    tmp_path: Path,
) -> None:
    assert findings(tmp_path, TEXT) == []
    stage = stage_of(tmp_path)
    assert [str(wish.key) for wish in stage.resources] == [
        "training_job/train",
        "model/churn",
        "endpoint_config/churn",
        "endpoint/churn",
    ]
    train = spec_of(stage, "training_job/train")
    assert train["channels"] == {"train": {"url": "s3://bucket/train"}}
    assert train["output"] == "s3://sagemaker-eu-central-1-123456789012/cicd/dev/output"
    assert set(train["files"]) == {"src/train.py", "src/inference.py"}
    config = spec_of(stage, "endpoint_config/churn")
    assert config["models"] == {name: Ref(Key("model", "churn")) for name in ("main", "trial")}
    assert config["weights"] == {"main": 3.0, "trial": 1.0}
    assert spec_of(stage, "endpoint/churn")["weights"] == config["weights"]
    assert spec_of(stage, "model/churn")["data"] == Ref(Key("training_job", "train"), "model")
    assert spec_of(stage, "endpoint/churn")["config"] == Ref(Key("endpoint_config", "churn"))


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("role/ml", "user/ml", 2, "the ARN of a role"),
        ("region: eu-central-1", "region: Frankfurt", 2, "a region like eu-central-1"),
        ("name: churn-dev", "name: churn_dev", 22, "letters, digits and hyphens"),
        ("name: churn-dev", "name: churn-", 22, "letters, digits and hyphens"),
        ("name: churn-dev", f"name: {'c' * 64}", 22, "63"),
        ("name: trial", "name: main", 19, "two variants are called main"),
        ("ml.m5.large, count: 1}\n", "m5.large, count: 1}\n", 10, "an instance type"),
        ("ml.m5.large, count: 1}\n", "ml.m5.large, count: 0}\n", 10, "1"),
        ("s3://bucket/train", "https://bucket/train", 9, "an address like s3://bucket/folder"),
        ('{train: "s3', '{"tr ain": "s3', 9, "letters, digits, dots, - and _"),
        ("accuracy=([0-9.]+)", "accuracy=[0-9.]+", 12, "has 0 groups"),
        ("accuracy=([0-9.]+)", "(accuracy)=([0-9.]+)", 12, "has 2 groups"),
        ("accuracy=([0-9.]+)", "accuracy=(", 12, "is no regular expression"),
        ("metric: accuracy", "metric: acuracy", 13, 'did you mean "accuracy"'),
        ("entry_point: train.py", "entry_point: trian.py", 7, 'did you mean "train.py"'),
        ("    entry_point: train.py\n", "", 6, "source_dir needs entry_point"),
        ("source_dir: src", "source_dir: scr", 6, "is not there"),
        ("image: img:1\n", "image: img:1\n    algorithm: xgboost\n", 4, "one of image and algor"),
        ("{epochs: 20", f"{{epochs: {'x' * 2501}", 8, "longer than 2500"),
        ("{epochs: 20", "{sagemaker_program: x", 8, "for the platform's own use"),
        ("model: churn, instance", "model: chrun, instance", 19, "model/chrun, which is not def"),
        ("config: churn, dep", "config: chrun, dep", 22, "endpoint_config/chrun, which is not"),
        ("${training_jobs.train.model}", "${training_jobs.trian.model}", 15, "training_job/trian"),
        ("${training_jobs.train.model}", "model.tar.gz", 15, "an address like s3://bucket/mod"),
        (", weight: 3}", ", serverless: {memory_mb: 1024, max_concurrency: 1}}", 19, "one of inst"),
        ("step: {percent: 10}", "step: {percent: 60}", 22, "at most 50 percent"),
        (", step: {percent: 10}", "", 22, "canary needs step"),
        ("traffic: canary, step", "rolling", 22, "not for several variants"),
        ("img:1, data", "AKIAIOSFODNN7EXAMPLE, data", 15, "looks like an AWS access key"),
        ("weight: 3}", "weight: -1}", 19, "0"),
        ("${training_jobs.train.model}", "s3://My_Models/m.tar.gz", 15, "buckets have 3 to 63"),
        ("${training_jobs.train.model}", "s3://m/m.tar.gz", 15, "buckets have 3 to 63"),
        ("${training_jobs.train.model}", "out/model.tar.gz", 15, "model.tar.gz: upload it first"),
    ],
)
def test_what_is_wrong_is_told_at_its_line(
    tmp_path: Path, before: str, after: str, line: int, said: str
) -> None:
    found = findings(tmp_path, changed(before, after))
    assert any(one.startswith(f"{line}: ") and said in one for one in found), found


SERVERLESS = "serverless: {memory_mb: 2048, max_concurrency: 5}"
INSTANCE = "instance: {type: ml.m5.large, count: 1}"


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        (((INSTANCE, SERVERLESS),), "deployment is not for serverless variants"),
        ((("ml.m5.large", "ml.inf1.xlarge"),), "deployment is not for ml.inf1 instances"),
        (((", weight: 3", ", weight: 0"), ("count: 1}}", "count: 1}, weight: 0}")), "a weight abo"),
        (((", weight: 3", ", shadow: true"), ("count: 1}}", "count: 1}, shadow: true}")), "shadow"),
        (((INSTANCE, "serverless: {memory_mb: 1500, max_concurrency: 5}"),), "1024"),
        (((INSTANCE, "serverless: {memory_mb: 1024, max_concurrency: 201}"),), "200"),
        (
            ((INSTANCE, f"{SERVERLESS[:-1]}, provisioned: 6}}"),),
            "provisioned is above max_concurrency",
        ),
        (
            (
                (INSTANCE, SERVERLESS),
                ("    variants:", "    data_capture: {url: s3://bucket/kept}\n    variants:"),
            ),
            "data_capture is not for serverless variants",
        ),
    ],
)
def test_what_excludes_each_other_is_told_with_the_reason(
    tmp_path: Path, edits: tuple[tuple[str, str], ...], said: str
) -> None:
    jobs, served = TEXT.split("models:\n")
    for before, after in edits:
        assert before in served, before
        served = served.replace(before, after)
    found = findings(tmp_path, f"{jobs}models:\n{served}")
    assert any(said in one for one in found), found


def test_a_place_that_nobody_tells_is_missing_once_for_each_part(tmp_path: Path) -> None:
    text = TEXT.replace(f'sagemaker: {{region: eu-central-1, role: "{ROLE}"}}\n', "")
    found = findings(tmp_path, text)
    assert [one.partition(": ")[2].partition(":")[0] for one in found] == ["no region", "no role"]
    assert findings(tmp_path, text, {"AWS_REGION": "eu-west-1", "SAGEMAKER_ROLE": ROLE}) == []


def test_hyperparameters_of_an_image_of_ones_own_are_texts(tmp_path: Path) -> None:
    text = TEXT.replace("    source_dir: src\n    entry_point: train.py\n", "")
    spec = spec_of(
        stage_of(tmp_path, text.replace("rate: 0.1", "flag: true")), "training_job/train"
    )
    assert spec["hyperparameters"] == {"epochs": "20", "flag": "true"}


def test_without_boto3_a_stage_is_checked_and_a_plan_says_what_to_install(tmp_path: Path) -> None:
    stage_of(tmp_path)
    code = (
        "import sys; sys.modules |= dict.fromkeys(('boto3', 'botocore')); "
        "from cicd.cli.root import execute; "
        "print([execute([command, 'dev']) for command in ('validate', 'plan')])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines()[-1] == "[0, 1]"
    assert "pip install 'aicore-cicd[sagemaker]'" in told.stderr


NAMES = """
variables: {where: dev}
endpoints:
  - {key: churn, name: "churn-${var.where}", config: churn}
"""


@pytest.mark.parametrize(
    ("second", "place"),
    [
        ('{key: other, name: "churn-${stage}", config: churn}', "name"),
        ("{key: other, name: churn-dev, config: churn}", "name"),
        ('{key: other, name: "${env.ENDPOINT}", config: churn}', "name"),
    ],
)
def test_two_endpoints_of_one_name_are_told_however_they_come_by_it(
    tmp_path: Path, second: str, place: str
) -> None:
    served = TEXT.partition("endpoints:\n")[0]
    text = f"{served}{NAMES}  - {second}\n"
    found = findings(tmp_path, text, {"ENDPOINT": "churn-dev"})
    [said] = [one for one in found if "duplicate-name" in one]
    assert "its name churn-dev is that of endpoint/churn too" in said
    assert said.startswith(f"{len(text.splitlines())}: ")


def test_an_endpoint_without_a_name_gets_none_that_another_has(tmp_path: Path) -> None:
    served = TEXT.partition("endpoints:\n")[0]
    text = f"{served}endpoints:\n  - {{key: a, config: churn}}\n"
    assert findings(tmp_path, f"{text}  - {{key: b, config: churn}}\n") == []
    [said] = findings(tmp_path, f"{text}  - {{key: b, name: dev--a, config: churn}}\n")
    assert "its name dev--a is that of endpoint/a too" in said


def test_a_model_that_is_there_without_the_stage_is_named_as_it_is(tmp_path: Path) -> None:
    text = TEXT.replace("name: trial, model: churn", "name: trial, model: bought-2024")
    assert findings(tmp_path, text) == []
    [wish] = [
        one for one in stage_of(tmp_path, text).resources if one.key.kind == "endpoint_config"
    ]
    assert wish.spec["models"] == {"main": Ref(Key("model", "churn")), "trial": "bought-2024"}
    [(key, place)] = wish.options.uses
    assert (str(key), place.rpartition(":")[0]) == ("model/bought-2024", "stages/dev.yaml:20")


PROCESSING = """
processing_jobs:
  - key: clean
    instance: {type: ml.m5.large}
    image: img:1
    source_dir: src
    entry_point: train.py
"""


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("entry_point: train.py", "entry_point: trian.py", 'did you mean "train.py"'),
        ("    source_dir: src\n", "", "entry_point needs source_dir"),
        ("img:1\n", 'img:1\n    inputs: {code: "s3://bucket/c"}\n', "code is for source_dir"),
    ],
)
def test_a_script_of_a_processing_job_is_checked(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    text = TEXT + PROCESSING
    spec = spec_of(stage_of(tmp_path, text), "processing_job/clean")
    assert (spec["command"], spec["entry_point"]) == (["python3"], "train.py")
    assert set(spec["files"]) == {"src/train.py", "src/inference.py"}
    job = text.rpartition("processing_jobs:")[2]
    assert before in job
    found = findings(tmp_path, text.replace(job, job.replace(before, after)))
    assert any(said in one for one in found), found


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ("mian: {min: 1, max: 2, target: 7}", 'mian is no variant that answers (did you mean "ma'),
        ("main: {min: 3, max: 2, target: 7}", "the min of main is above its max"),
        ("main: {min: 0, max: 2, target: 7}", "min"),
        ("main: {min: 1, max: 2, target: 0}", "target"),
        ("main: {min: 1, max: 2}", "target"),
        ("main: {min: 1, max: 2, target: 7, metric: cpu}", "invocations"),
        ("main: {min: 1, max: 2, target: 7, scale_in: soon}", "scale_in"),
    ],
)
def test_how_a_variant_is_scaled_is_checked(tmp_path: Path, bounds: str, said: str) -> None:
    text = TEXT.replace("config: churn, dep", f"config: churn, autoscaling: {{{bounds}}}, dep")
    found = findings(tmp_path, text)
    assert any(one.startswith("22: ") and said in one for one in found), found


def test_a_variant_that_is_serverless_scales_by_itself(tmp_path: Path) -> None:
    text = TEXT.replace("instance: {type: ml.m5.large, count: 1}, weight", f"{SERVERLESS}, weight")
    text = text.replace("config: churn, deployment: {traffic: canary, step: {percent: 10}}", "BOTH")
    scaled = "config: churn, autoscaling: {main: {min: 1, max: 2, target: 7}}"
    found = findings(tmp_path, text.replace("BOTH", scaled))
    assert [one for one in found if "main is serverless, and scales by itself" in one]


PACKAGES = """
model_packages:
  - {key: churn, group: churn, model: churn, approval: approved, metadata: {team: ml}}
"""


def test_a_model_package_has_the_containers_of_its_model(tmp_path: Path) -> None:
    text = TEXT.replace("img:1, data:", "img:1, source_dir: src, entry_point: inference.py, data:")
    stage = stage_of(tmp_path, text + PACKAGES)
    spec, model = spec_of(stage, "model_package/churn"), spec_of(stage, "model/churn")
    [container] = spec["containers"]
    assert "source_dir" not in container
    assert container == {name: model[name] for name in container}
    assert spec["sources"] == {container["source"]: "src"}
    assert spec["content_types"] == spec["response_types"] == ["application/json"]
    pending = stage_of(tmp_path, (text + PACKAGES).replace("approval: approved, ", ""))
    assert "approval" not in spec_of(pending, "model_package/churn")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("model: churn, app", "model: chrun, app", "refers to model/chrun, which is not defined"),
        ("model: churn, app", "model: bought, app", "refers to model/bought, which is not defi"),
        ("group: churn,", "group: churn_x,", "letters, digits and hyphens"),
        ("approved,", "accepted,", "approved"),
        ("{team: ml}", '{"cicd:stage": ml}', "not cicd:"),
        ("{key: churn, group", "{key: churn, instance_types: [m5], group", "instance type"),
    ],
)
def test_what_is_wrong_with_a_model_package_is_told(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    assert findings(tmp_path, TEXT + PACKAGES) == []
    assert PACKAGES.count(before) == 1
    found = findings(tmp_path, TEXT + PACKAGES.replace(before, after))
    assert any(said in one for one in found), found


def test_a_model_is_made_of_a_package_of_the_stage_and_never_one_of_that(tmp_path: Path) -> None:
    more = '  - {key: bought, package: "${model_packages.churn.arn}"}\n'
    text = TEXT.replace("endpoint_configs:", f"{more}endpoint_configs:") + PACKAGES
    stage = stage_of(tmp_path, text)
    assert spec_of(stage, "model/bought")["package"] == Ref(Key("model_package", "churn"), "arn")
    found = findings(tmp_path, text.replace("model: churn, app", "model: bought, app"))
    assert any("model bought is made of a package" in one for one in found), found


@pytest.mark.parametrize(
    ("model", "variants", "said"),
    [
        ("image: i", "{MAIN}, {MAIN2}", "only where it is the only one"),
        (
            "image: i, vpc: {subnets: [a], security_groups: [b]}",
            "{MAIN}",
            "only where its model has no vpc",
        ),
        ("image: i, network_isolation: true", "{MAIN}", "its model has no network_isolation"),
        ("containers: [{image: i}, {image: j}]", "{MAIN}", "its model has one container"),
        ("image: i", "{MAIN}", ""),
    ],
)
def test_what_aws_does_not_serve_without_instances_is_told(
    tmp_path: Path, model: str, variants: str, said: str
) -> None:
    main = f"{{name: main, model: m, {SERVERLESS}}}"
    variants = variants.replace("{MAIN}", main).replace("{MAIN2}", main.replace("main", "other"))
    text = f"{PLACE}models: [{{key: m, {model}}}]\n"
    text += f"endpoint_configs:\n  - {{key: c, variants: [{variants}]}}\n"
    found = findings(tmp_path, text)
    assert any(said in one for one in found) if said else found == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("platform: sagemaker\n", "", 'unknown key "sagemaker" (add "platform: sagemaker")'),
        ("    source_dir: src", "    env: {A: b}\n    source_dir: src", 'mean "environment"?'),
        ("max_runtime: 1h", "max_runtime: 3600", "a time like 90s, 15m or 2h, not 3600"),
        ("config: churn, dep", "config: churn, timeout: 20, dep", "15m or 2h, not 20"),
        ("config: churn, dep", "config: churn, timeout: true, dep", "must be text, not true"),
    ],
)
def test_what_people_write_who_know_the_api_is_told_with_what_to_write(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    found = findings(tmp_path, changed(before, after))
    assert any(said in one for one in found), found


LONG = "x" * 300
MODEL = "models: [{key: m, image: i}]\n"
ON = "instance: {type: ml.m5.large}"


def job(more: str) -> str:
    return f"training_jobs: [{{key: t, image: i, {ON}, {more}}}]\n"


def processed(more: str) -> str:
    return f"processing_jobs: [{{key: p, image: i, {ON}, {more}}}]\n"


def transformed(more: str) -> str:
    return f'transform_jobs: [{{key: t, model: m, input: "s3://bucket/x", {ON}, {more}}}]\n{MODEL}'


def served(variant: str = "", deployment: str = "", names: str = "a b") -> str:
    endpoints = [
        f"  - {{key: e{index}, name: {name}, config: c, deployment: {{{deployment}}}}}\n"
        for index, name in enumerate(names.split())
    ]
    variants = f"[{{name: v, model: m, {variant or ON}}}]"
    config = f"endpoint_configs: [{{key: c, variants: {variants}}}]\n"
    return f"{MODEL}{config}endpoints:\n{''.join(endpoints)}"


def many(count: int, value: str = "x") -> str:
    return ", ".join(f"n{index}: {value}" for index in range(count))


DATA = '"s3://bucket/x"'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (job(f"environment: {{A: {LONG + LONG}}}"), "A is longer than 512 characters"),
        (f"models: [{{key: m, image: i, environment: {{A: {LONG + LONG}}}}}]\n", ""),
        (f"models: [{{key: m, image: i, environment: {{A: {4 * LONG}}}}}]\n", "than 1024 char"),
        (
            f"models: [{{key: m, containers: [{{image: i, environment: {{A: {4 * LONG}}}}}]}}]\n",
            "10",
        ),
        (processed(f"environment: {{A: {LONG}}}"), "A is longer than 256 characters"),
        (processed(f"environment: {{{LONG}: a}}"), "a name of more than 256 characters"),
        (transformed(f"environment: {{{many(17)}}}"), "more than 16 variables"),
        (job(f"environment: {{{many(101)}}}"), "more than 100 variables"),
        (job(f"tags: {{{many(51)}}}"), "more than 45"),
        (job('tags: {"cicd:stage": mine}'), "not aws:… or cicd:…"),
        (job(f"metrics: {{{many(41, '(a)')}}}"), "more than 40"),
        (job("max_runtime: 29d"), "max_runtime is 29d, and AWS takes 1s to 28d"),
        (processed("max_runtime: 10d"), "max_runtime is 10d, and AWS takes 1s to 9d"),
        (job("spot: true, max_runtime: 2h, max_wait: 1h"), "at least max_runtime, which is 2h"),
        (job("spot: true, max_runtime: 2h, max_wait: 2h"), ""),
        (job("vpc: {subnets: [a b], security_groups: [sg-1]}"), "an id like subnet-0a1b"),
        (f"training_jobs: [{{key: t, image: a b, {ON}}}]\n", "without blanks"),
        (f"training_jobs: [{{key: t, image: i, {ON[:-1]}, volume_gb: 20000}}}}]\n", "16384"),
        (processed(f"arguments: [{LONG}]"), "longer than 256 characters"),
        (processed(f"inputs: {{{many(11, DATA)}}}"), "more than 10 inputs"),
        (processed(f"inputs: {{{many(10, DATA)}}}"), ""),
        (
            processed(f"inputs: {{{many(10, DATA)}}}, source_dir: src, entry_point: train.py"),
            "of which source_dir is one",
        ),
        (processed(f"outputs: {{{many(11, DATA)}}}"), "more than 10 outputs"),
        (transformed("max_payload_mb: 90, max_concurrent: 2"), "is 180, and AWS takes 100"),
        (transformed("max_payload_mb: 50, max_concurrent: 2"), ""),
        ("models: [{key: m, package: a/b/c}]\n", "neither the name nor the ARN"),
        ("models: [{key: m, containers: [{image: i}], data: 's3://bucket/x'}]\n", "data is of one"),
        (
            "models: [{key: m, containers: [{image: i}], environment: {A: b}}]\n",
            "environment is of",
        ),
        ("models: [{key: m, image: i, execution: Direct}]\n", "how several containers are asked"),
        (
            "models: [{key: m, execution: Direct, containers: [{image: i}, {image: i}]}]\n",
            "Direct asks them by it",
        ),
        (
            "models: [{key: m, containers: [{image: i, hostname: a}, {image: i}]}]\n",
            "needs a hostname where one has one",
        ),
        (served(f"{ON}, startup_timeout: 30s"), "startup_timeout is 30s, and AWS takes 1m to 1h"),
        (served(deployment="traffic: canary, step: {percent: 10}, wait: 2h"), "takes 0s to 1h"),
        (served(deployment="termination_wait: 61m"), "AWS takes 0s to 1h"),
        (served(deployment="timeout: 5m"), "timeout is 5m, and AWS takes 10m to 8h"),
        (served(deployment="step: {percent: 10}"), "step is for traffic: canary or linear"),
        (served(deployment="rolling: {percent: 10}, termination_wait: 5m"), "no old ones"),
        (served(deployment="traffic: linear, step: {percent: 5}"), "at least 10 and at most 50"),
        (served(deployment="rolling: {percent: 4}"), "at least 5 and at most 50 percent"),
        (served(deployment="traffic: canary, step: {instances: 1}"), "and 1 is the count"),
        (
            served(
                "instance: {type: ml.m5.large, count: 4}",
                deployment="traffic: canary, step: {instances: 2}",
            ),
            "",
        ),
        (served(names="churn Churn"), "its name Churn is that of endpoint/e0 too"),
    ],
)
def test_what_is_longer_or_more_than_aws_takes_or_of_no_effect_is_told(
    tmp_path: Path, text: str, said: str
) -> None:
    found = findings(tmp_path, PLACE + text)
    assert any(said in one for one in found) if said else found == [], found


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ("{group: a, path: b}", "take out path"),
        ("{type: basic, group: a}", "take out type"),
        ("{profile: dev}", "profile is for type: profile"),
        ("{type: basic, profile: dev}", "profile is for type: profile"),
        ("{token_file: /token}", "token_file is for type: web_identity"),
        (f'{{path: eks, role_arn: "{ROLE}"}}', "role_arn is for type: web_identity"),
        (f'{{type: web_identity, role_arn: "{ROLE}", token_file: /token}}', ""),
        ("{type: profile, profile: dev}", ""),
        ("{group: a}", ""),
    ],
)
def test_a_login_is_chosen_in_one_way(tmp_path: Path, login: str, said: str) -> None:
    text = PLACE.replace('"}', f'", credentials: {login}}}')
    found = findings(tmp_path, text)
    assert any(said in one for one in found) if said else found == [], found


def test_the_recipes_of_the_document_are_valid_together(tmp_path: Path) -> None:
    one, two, three = re.findall(r"```yaml\n(.*?)```", RECIPES, flags=re.DOTALL)
    assert findings(tmp_path, PLACE + MODELS + one + two) == []
    assert findings(tmp_path, PLACE + MODELS + three) == []
