"""Argo as a generator writes it becomes a template of AI Core: pure, on hand-written pieces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cicd.errors import CicdError
from cicd.metaflow.compare import differing
from cicd.metaflow.convert import convert
from cicd.metaflow.script import without_download, without_parameters
from cicd.platforms.aicore.dialect.flows.declared import Store, loopback_in
from tests.metaflow.flow_project import load, write_project

STORE = Store("s3://bucket/metaflow", "https://store.example.com", "eu10")


def raw(**changes: Any) -> dict[str, Any]:
    """What a generator might write for a flow with start and end; ``changes`` are of start."""
    container = {"image": "i", "command": ["bash", "-c", "true"], "name": "start"}
    start = {"name": "start", "container": container, **changes}
    tasks = [{"name": n, "template": n, "depends": ""} for n in ("start", "end")]
    return {
        "kind": "WorkflowTemplate",
        "metadata": {"name": "x", "namespace": "default", "labels": {"metaflow/user": "a@b"}},
        "spec": {
            "entrypoint": "TrainFlow",
            "hooks": {},
            "onExit": "lost",
            "arguments": {"parameters": [{"name": "n", "value": '"a b"'}, {"name": "m"}]},
            "templates": [
                {"name": "lost", "container": container},
                {"name": "TrainFlow", "dag": {"tasks": tasks, "failFast": True}},
                start,
                {"name": "end", "container": {**container, "name": "end"}},
            ],
        },
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("convert"))


def step(document: dict[str, Any], name: str) -> dict[str, Any]:
    [found] = [item for item in document["spec"]["templates"] if item["name"] == name]
    return dict(found)


def test_all_that_ai_core_needs_and_nothing_of_the_cluster(root: Path) -> None:
    labels = {"labels": {"metaflow/user": "a@b", "ai.sap.com/resourcePlan": "train.l"}}
    made = convert(
        raw(metadata=labels, nodeSelector={}, tolerations=[{"key": "x"}]), load(root), STORE
    )
    assert made["metadata"]["name"] == "trainflow"
    assert made["metadata"]["annotations"]["artifacts.ai.sap.com/model.kind"] == "model"
    assert made["spec"].keys() == {"entrypoint", "imagePullSecrets", "arguments", "templates"}
    assert [item["name"] for item in made["spec"]["templates"]] == ["TrainFlow", "start", "end"]
    start, end = step(made, "start"), step(made, "end")
    assert start["metadata"] == {"labels": {"ai.sap.com/resourcePlan": "train.l"}}
    assert end["metadata"] == {"labels": {"ai.sap.com/resourcePlan": "starter"}}
    assert start["inputs"]["artifacts"] == [{"name": "data", "path": "/app/data"}]
    [output] = end["outputs"]["artifacts"]
    assert (output["globalName"], output["archive"]) == ("model", {"none": {}})
    assert end["container"]["envFrom"] == [{"secretRef": {"name": "default-object-store-secret"}}]
    assert "nodeSelector" not in start and "failFast" not in step(made, "TrainFlow")["dag"]


def test_parameters_are_text_and_come_in_through_the_environment(root: Path) -> None:
    made = convert(raw(), load(root), STORE)
    assert made["spec"]["arguments"]["parameters"] == [{"name": "n", "value": "a b"}, {"name": "m"}]
    first, second = step(made, "start")["container"]["env"][:2]
    assert first == {"name": "METAFLOW_INIT_N", "value": "{{workflow.parameters.n}}"}
    assert second["name"] == "METAFLOW_INIT_M"
    assert "METAFLOW_INIT" not in str(step(made, "end"))


def test_no_person_token_or_loopback_endpoint_is_in_it(root: Path) -> None:
    env = [
        {"name": "METAFLOW_VERSION", "value": '{"username": "bob"}'},
        {"name": "METAFLOW_SERVICE_HEADERS", "value": '{"x-api-key": "hush"}'},
        {"name": "METAFLOW_S3_ENDPOINT_URL", "value": "http://127.0.0.1:1"},
        {"name": "KEPT", "value": "yes", "valueFrom": None},
    ]
    container = {"image": "i", "command": ["bash", "-c", "true"], "env": env}
    made = step(convert(raw(container=container), load(root), STORE), "start")["container"]
    texts = {item["name"]: item["value"] for item in made["env"]}
    assert texts["KEPT"] == "yes" and texts["MODEL_FOLDER"] == "/app/model"
    assert texts["METAFLOW_S3_ENDPOINT_URL"] == "https://store.example.com"
    assert "bob" not in str(made) and "hush" not in str(made) and "127.0.0.1" not in str(made)
    local = Store("s3://bucket/metaflow", "http://localhost:9000", "")
    assert "9000" not in str(convert(raw(), load(root), local))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"podSpecPatch": "{}"}, "image_pull_secrets in the stage file"),
        ({"sidecars": [{}]}, "templates of AI Core have no sidecars"),
        (
            {"container": {"image": "i", "command": ["a {{workflow.parameters.n}}"]}},
            "would be evaluated by a shell",
        ),
        (
            {
                "container": {
                    "image": "i",
                    "command": ["a"],
                    "env": [{"name": "U", "value": "http://[::1]:2/x"}],
                }
            },
            "leads to this machine",
        ),
        (
            {
                "container": {"image": "i", "command": ["a"], "volumeMounts": [{"name": "v"}]},
                "volumes": [{"name": "v", "persistentVolumeClaim": {}}],
            },
            'no volume "v"',
        ),
    ],
)
def test_what_ai_core_cannot_have_is_refused(
    root: Path, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(CicdError) as failure:
        convert(raw(**changes), load(root), STORE)
    assert says in str(failure.value)


def test_an_output_of_a_step_that_runs_many_times_is_refused(root: Path) -> None:
    document = raw()
    document["spec"]["templates"][1]["dag"]["tasks"].pop()
    with pytest.raises(CicdError, match="runs many times"):
        convert(document, load(root), STORE)


def test_scripts_lose_parameters_and_download() -> None:
    value = "{{=toBase64(workflow.parameters['n'])}}"
    program = "python -m metaflow.plugins.argo.set_parameters"
    plain = f"a && {program} xy n,f,{value} && . `pwd`/xy && b"
    assert without_parameters(plain, "start") == "a && b"
    assert without_parameters("init --n={{workflow.parameters.n}} && b", "start") == "init && b"
    install = "if [ -z $METAFLOW_SKIP_INSTALL_DEPENDENCIES ]; then pip; fi"
    download = f"a && {install} && tar -xzf job.tar -C . && b"
    assert without_download(download, "start") == "a && b"
    with pytest.raises(CicdError, match="embedded: false"):
        without_download("curl job.tar && b", "start")


def test_loopback_is_told_from_other_places() -> None:
    for url in ("http://localhost:1/x", "https://127.3.4.5", "http://[::1]:9", "http://0.0.0.0:1"):
        assert loopback_in(f"see {url} there") == url
    assert not loopback_in("http://example.com/localhost 127.0.0.1 http://10.0.0.1")


def test_differences_are_told_where_they_are() -> None:
    before = {"a": 1, "b": {"c": "x" * 200 + "1"}, "gone": 1}
    after = {"a": 2, "b": {"c": "x" * 200 + "2"}, "new": 1}
    found = list(differing(before, after))
    assert found[0] == "a is 1, the flow makes it 2"
    assert found[1].startswith("b.c is …") and len(found[1]) < 200
    assert found[2:] == ["gone is in the file only", "new is not in the file"]
