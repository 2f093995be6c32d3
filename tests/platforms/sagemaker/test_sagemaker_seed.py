"""What the seed says of SageMaker, sentence by sentence: B1 to B17, but for what an import does."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.emulator.sagemaker.aws import IMAGE, Aws
from tests.platforms.sagemaker.seeded import Project, in_project

STAGE = f"""\
platform: sagemaker
sagemaker: {{region: eu-central-1, role: "arn:aws:iam::123456789012:role/trainer", prefix: seed}}
models:
  - key: double
    image: {IMAGE}
    source_dir: src
    entry_point: double.py
    tags: {{team: churn}}
  - key: triple
    image: {IMAGE}
    source_dir: src
    entry_point: triple.py
endpoint_configs:
  - key: both
    tags: {{team: churn}}
    variants:
      - {{name: main, model: double, instance: {{type: ml.m5.large}}, weight: 3}}
      - {{name: trial, model: triple, instance: {{type: ml.m5.large}}}}
endpoints:
  - key: both
    name: seed-both
    config: both
    tags: {{team: churn}}
    smoke_test: {{json: 2, variant: trial, expect: {{contains: "6"}}}}
"""
SERVING = """\
def model_fn(folder):
    return FACTOR
def predict_fn(data, model):
    print("asked for", data, flush=True)
    if data == "break":
        raise ValueError("no such number")
    return data * model
"""
FILES = {
    "stages/dev.yaml": STAGE,
    "src/double.py": SERVING.replace("FACTOR", "2"),
    "src/triple.py": SERVING.replace("FACTOR", "3"),
}


@pytest.fixture(scope="module")
def project(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    root = tmp_path_factory.mktemp("seed")
    with in_project(root, aws, aws.environ, FILES) as found:
        found.run("apply", "dev", "--yes")
        yield found


def ask(project: Project, body: bytes = b"1", variant: str = "main") -> None:
    runtime = project.aws.client("sagemaker-runtime")
    more = {"ContentType": "application/json", "TargetVariant": variant}
    runtime.invoke_endpoint(EndpointName="seed-both", Body=body, **more)


def test_b9_what_an_endpoint_was_asked_in_the_last_hour_is_told_for_each_variant(
    project: Project,
) -> None:
    pytest.importorskip("moto")
    for _ in range(3):
        ask(project)
    with pytest.raises(Exception, match="no such number"):
        ask(project, b'"break"', "trial")
    text = project.run("metrics", "dev", "endpoint/both").out
    assert "endpoint/both · seed-both · InService" in text
    assert "last hour of main: 3 requests, 0 answered 4xx, 0 answered 5xx, " in text
    found = project.run("metrics", "dev", "both", "-o", "json").json
    values: dict[tuple[str, str], float] = {}
    for point in found["points"]:
        at = point["name"], point["labels"]["variant"]
        values[at] = values.get(at, 0) + point["value"]
    assert values["Invocations", "main"] == 3
    assert values["Invocations", "trial"] == 2  # the smoke test was one
    assert values["Invocation5XXErrors", "trial"] == 1
    assert values["Invocation4XXErrors", "trial"] == 0
    assert values["ModelLatency", "main"] > 0
    assert all(point["time"].endswith(":00Z") for point in found["points"])


def test_b9_an_endpoint_has_status_settings_and_a_log(project: Project) -> None:
    [row] = project.run("status", "dev", "-o", "json").json
    assert (row["key"], row["status"], row["id"]) == ("endpoint/both", "InService", "seed-both")
    assert row["config"].startswith("seed--both--") and row["created_at"]
    assert row["url"].endswith("/endpoints/seed-both/invocations")
    log = project.run("logs", "dev", "endpoint/both").out
    assert re.search(r"^\[trial/i-\w+\] asked for 2$", log, re.MULTILINE)
