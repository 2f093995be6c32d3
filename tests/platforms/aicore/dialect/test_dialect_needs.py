"""What a template takes from the platform beside its inputs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cicd.config.files import read_trees
from cicd.config.tree import plain
from cicd.model import Key, LiveResource, State, Status
from cicd.platforms.aicore.dialect.template_needs import Needs, needs, needs_of
from tests.config.config_sample import load, write_repository

IMAGE = "docker.io/org/churn:1"
KEY_REF = {"valueFrom": {"secretKeyRef": {"name": "keys", "key": "k"}}}
SERVED = """\
predictor:
  imagePullSecrets: [{name: pull}]
  containers: [{image: i, envFrom: [{secretRef: {name: keys}}]}]
"""


def test_the_templates_of_a_stage_tell_their_images_and_plans(tmp_path: Path) -> None:
    root = write_repository(tmp_path)
    found = {}
    for name in ("train", "serve"):
        file = f"templates/{name}.yaml"
        [found[name]] = [needs_of(plain(tree)) for tree in read_trees(root / file, file)]
    assert found == {"train": Needs((IMAGE,)), "serve": Needs((IMAGE,), plans=("starter",))}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"spec": {"imagePullSecrets": [{"name": "pull"}]}}, Needs(pull_secrets=("pull",))),
        ({"containers": [{"image": "a"}, {"image": "b"}, {"image": "a"}]}, Needs(("a", "b"))),
        ({"env": [KEY_REF, KEY_REF]}, Needs(secrets=("keys",))),
        ({"envFrom": [{"secretRef": {"name": "all"}}]}, Needs(secrets=("all",))),
        ({"volumes": [{"name": "v", "secret": {"secretName": "file"}}]}, Needs(secrets=("file",))),
        ({"labels": {"ai.sap.com/resourcePlan": "infer.s"}}, Needs(plans=("infer.s",))),
        ({"labels": {"ai.sap.com/instanceType": "m5"}}, Needs(plans=("m5",))),
        (
            {"labels": [{"key": "ai.sap.com/resourcePlan", "value": "train.l"}]},
            Needs(plans=("train.l",)),
        ),
        ({"labels": [{"key": "team", "value": "x"}]}, Needs()),
        # a ServingTemplate holds its own as text, one document or several
        ({"spec": SERVED}, Needs(("i",), ("pull",), ("keys",))),
        ({"spec": "a: 1\n---\nimage: i\n"}, Needs(("i",))),
        ({"spec": ["x", "image: i\n"]}, Needs(("i",))),
        ({"spec": "image: i"}, Needs()),
        ({"spec": "image: [\n"}, Needs()),
        # what says nothing breaks nothing
        ({"image": "", "env": [{"valueFrom": {"secretKeyRef": None}}]}, Needs()),
        ({"env": [{"valueFrom": {"secretKeyRef": {"key": "k"}}}]}, Needs()),
        ({"envFrom": [{"secretRef": {}}, {"secretRef": "keys"}]}, Needs()),
        ({"volumes": [{"secret": {}}, {"secret": "s"}]}, Needs()),
        ({"imagePullSecrets": [{}, "pull", None]}, Needs()),
        ({"imagePullSecrets": {"name": "pull"}}, Needs()),
        (None, Needs()),
        ("image", Needs()),
        ([{"image": "i"}], Needs(("i",))),
    ],
)
def test_what_a_template_takes_is_found_wherever_it_stands(document: Any, expected: Needs) -> None:
    assert needs_of(document) == expected


def test_what_something_live_needs_is_said_by_the_template_that_it_has_started(
    tmp_path: Path,
) -> None:
    stage = load(write_repository(tmp_path))
    spec = {"scenario_id": "churn", "executable_id": "trainer"}
    live = LiveResource(Key("execution", "e1"), "e1", spec, Status(State.FAILED, "DEAD"))
    assert needs(stage, live) == Needs((IMAGE,))
    assert needs(stage, replace(live, spec={**spec, "executable_id": "server"})).plans == (
        "starter",
    )
    assert needs(stage, replace(live, spec={**spec, "executable_id": "other"})) == Needs()
    file = tmp_path / "templates" / "train.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text("kind: ConfigMap\n---\n" + text, encoding="utf-8")
    assert needs(stage, live) == Needs((IMAGE,))
    for wrong in (text.replace("name: trainer", "name: renamed"), "spec: [", "[]"):
        file.write_text(wrong, encoding="utf-8")
        assert needs(stage, live) == Needs()
    file.unlink()
    assert needs(stage, live) == Needs()
