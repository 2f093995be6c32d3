"""What is read of a file with a flow of Metaflow, and of the URLs in it, without Metaflow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from cicd.config.tree import Place
from cicd.errors import InvalidStage
from cicd.platforms.aicore.dialect.flows.declared import Store, loopback_in
from cicd.platforms.aicore.dialect.flows.source import read_flow
from tests.metaflow.flow_project import STAGE, load, write_project

HERE = Place("stages/dev.yaml", 5, 9)
FLOW = "class Churn_Flow(metaflow.FlowSpec):\n    pass\n"


@pytest.mark.parametrize(
    "text", [FLOW, f"class Other(Base): pass\n{FLOW}", FLOW.replace("metaflow.", "")]
)
def test_the_one_class_that_is_a_flow_is_what_ai_core_calls(tmp_path: Path, text: str) -> None:
    (tmp_path / "flow.py").write_text(text, encoding="utf-8")
    flow = read_flow(tmp_path, "flow.py", HERE)
    assert (flow.class_name, flow.executable_id) == ("Churn_Flow", "churn-flow")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n", "flow.py: it has no class derived from FlowSpec"),
        ("class A(Base): pass\n", "flow.py: it has no class derived from FlowSpec"),
        ("class A(FlowSpec): pass\nclass B(FlowSpec): pass\n", "2 classes derived from FlowSpec"),
        ("class A(\n", "flow.py:1:8: this is no Python"),
        ("x = '\0'\n", "flow.py"),
        (None, "stages/dev.yaml:5:9: flow.py cannot be read: No such file"),
    ],
)
def test_a_file_without_just_one_flow_is_said(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "flow.py").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidStage) as error:
        read_flow(tmp_path, "flow.py", HERE)
    [problem] = error.value.problems
    assert said in str(problem)


@pytest.mark.parametrize("raw", [b"x = '\xff'\n", "# \u00e4\n".encode("utf-16")])
def test_a_file_that_is_no_utf_8_is_said(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "flow.py").write_bytes(raw)
    with pytest.raises(InvalidStage) as error:
        read_flow(tmp_path, "flow.py", HERE)
    [problem] = error.value.problems
    assert str(problem) == "stages/dev.yaml:5:9: flow.py is no Python text: save it as UTF-8"


def test_only_methods_that_are_steps_are_steps(tmp_path: Path) -> None:
    above = {"one": "retry", "two": "zstep", "three": "step", "four": "mod.step", "five": "stepper"}
    methods = [f"    @{mark}\n    def {name}(self): pass\n" for name, mark in above.items()]
    text = "class F(FlowSpec):\n    def none(self): pass\n" + "".join(methods)
    (tmp_path / "flow.py").write_text(text, encoding="utf-8")
    flow = read_flow(tmp_path, "flow.py", HERE)
    assert [*flow.steps] == ["three", "four"]
    assert flow.steps["three"].code == "    def three(self): pass"
    assert "def five" in flow.rest and "def three" not in flow.rest and "@step\n" not in flow.rest


def test_the_rest_of_a_flow_is_all_but_its_steps(tmp_path: Path) -> None:
    text = (
        "import os\nclass F(FlowSpec):\n    before = 1\n    @retry\n    @step\n    def a(self):\n"
        "        return 1\n    between = 2\n    @step\n    def b(self): pass\n    after = 3\n"
    )
    (tmp_path / "flow.py").write_text(text, encoding="utf-8")
    assert read_flow(tmp_path, "flow.py", HERE).rest.split("\n") == [
        "import os",
        "class F(FlowSpec):",
        "    before = 1",
        "    between = 2",
        "    after = 3",
    ]


def test_parameters_are_found_wherever_they_stand_in_the_class(tmp_path: Path) -> None:
    body = (
        "    text = 'x'\n    number: int\n    other = make()\n"
        "    one = Parameter('one', default=1)\n"
        "    def f(self): pass\n    two: object = metaflow.Parameter(name='two')\n"
        "    three = IncludeFile('three')\n    four = Config(NAME)\n    five = Parameter()\n"
    )
    (tmp_path / "flow.py").write_text(f"class F(FlowSpec):\n{body}", encoding="utf-8")
    found = read_flow(tmp_path, "flow.py", HERE).parameters
    assert [(one.name, one.sort, one.line) for one in found] == [
        ("one", "Parameter", 5),
        ("two", "Parameter", 7),
        ("three", "IncludeFile", 8),
        ("", "Config", 9),
        ("", "Parameter", 10),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see http://localhost:9000/x there", "http://localhost:9000/x"),
        ("http://minio.localhost/x", "http://minio.localhost/x"),
        ("https://127.3.4.5", "https://127.3.4.5"),
        ("http://[::1]:9", "http://[::1]:9"),
        ("http://0.0.0.0:1", "http://0.0.0.0:1"),
        ("http://a.example http://localhost", "http://localhost"),
        ("http://[x http://localhost", "http://localhost"),
        ("http://example.com/localhost 127.0.0.1", ""),
        ("http://10.0.0.1", ""),
        ("http://localhost.example.com http://mylocalhost", ""),
    ],
)
def test_a_url_of_the_machine_itself_is_told_from_others(text: str, expected: str) -> None:
    assert loopback_in(text) == expected


DATA = {"AWS_ACCESS_KEY_ID": "${env.K}", "AWS_SECRET_ACCESS_KEY": "${env.S}"}
SECRET: dict[str, Any] = {"type": "S3", "bucket": "b", "data": DATA}


@pytest.mark.parametrize(
    ("secret", "flow", "expected"),
    [
        (None, {}, None),
        (None, {"datastore": "s3://x/y"}, Store("s3://x/y")),
        ({"name": "default"}, {}, Store("s3://b/metaflow")),
        ({"name": "default", "path_prefix": "/p//q/"}, {}, Store("s3://b/p/q/metaflow")),
        ({"name": "default"}, {"datastore": "s3://x/y"}, Store("s3://x/y")),
        ({"name": "default", "region": "eu"}, {}, Store("s3://b/metaflow", region="eu")),
        (
            {"name": "default", "endpoint": "https://s3.eu.amazonaws.com"},
            {},
            Store("s3://b/metaflow"),
        ),
        (
            {"name": "default", "endpoint": "minio.x:9000"},
            {},
            Store("s3://b/metaflow", "https://minio.x:9000"),
        ),
        (
            {"name": "default", "endpoint": "minio.x:9000", "use_https": False},
            {},
            Store("s3://b/metaflow", "http://minio.x:9000"),
        ),
        (
            {"name": "default", "endpoint": "http://minio.x", "use_https": True},
            {},
            Store("s3://b/metaflow", "http://minio.x"),
        ),
        ({"name": "other"}, {}, None),
        ({"name": "mine"}, {"object_store_secret": "mine"}, Store("s3://b/metaflow")),
        (
            {"name": "mine"},
            {"object_store_secret": "mine-object-store-secret"},
            Store("s3://b/metaflow"),
        ),
    ],
)
def test_a_flow_keeps_its_data_where_its_secret_says(
    tmp_path: Path, secret: dict[str, Any] | None, flow: dict[str, Any], expected: Store | None
) -> None:
    stage = yaml.safe_load(STAGE)
    del stage["flows"][0]["datastore"]
    stage["flows"][0] |= flow
    if secret:
        stage["secrets"] = {"object_store": [{**SECRET, **secret}]}
    write_project(tmp_path, stage=yaml.safe_dump(stage))
    found = load(tmp_path)
    told = replace(found.store, credentials=None) if found.store else None
    assert told == expected
    kept = {key: value for key, value in found.record.items() if "object store" in key}
    assert bool(kept) is (expected is not None)
