"""Fields of one run that a command line says otherwise: whose they are, what becomes of them."""

from __future__ import annotations

from typing import Any

import pytest

from cicd.config.overrides import Override, overridden
from cicd.config.tree import Node, Place, plain
from cicd.errors import Usage
from cicd.platforms.registry import DIALECTS
from tests.config.test_config_tree import node

JOBS = DIALECTS["training_job"]
TRAIN: dict[str, Any] = {
    "key": "train",
    "image": "a:1",
    "env": {"A": "1", "B": "2"},
    "resources": {"cpus": 1},
}
TREE = node({"branch": "main", "jobs": [TRAIN, {"key": "other.one", "image": "b:1"}]})
FIELDS = (
    "there are: name, script, image, completion_time, env, resources, resource_plan_id, "
    "requirements, python_major_version, data"
)


def said(path: str, value: Any = "x", *selected: str, tree: Node = TREE, **more: Any) -> Any:
    """The jobs as they are then, by key, and what is remarked."""
    override = Override(tuple(path.split(".")), value, f"--set {path}", **more)
    found, remarks = overridden(tree, [override], selected, JOBS)
    assert found.get("branch") is tree.get("branch")
    return {job["key"]: job for job in plain(found)["jobs"]}, remarks


@pytest.mark.parametrize(
    ("path", "value", "job", "changed", "remark"),
    [
        ("train.image", "c:2", "train", {"image": "c:2"}, " as c:2"),
        ("other.one.image", "c:2", "other.one", {"image": "c:2"}, " as c:2"),
        ("train.env.A", "9", "train", {"env": {"A": "9", "B": "2"}}, " as 9"),
        ("train.env.C", "9", "train", {"env": {**TRAIN["env"], "C": "9"}}, " as 9"),
        ("other.one.env.C", "9", "other.one", {"env": {"C": "9"}}, " as 9"),
        ("train.env", {"C": "9"}, "train", {"env": {"C": "9"}}, ""),
        ("train.requirements", ["a", "b"], "train", {"requirements": ["a", "b"]}, ""),
        ("train.resources.cpus", 4, "train", {"resources": {"cpus": 4}}, " as 4"),
        ("train.image", None, "train", {"image": None}, ""),
        ("train.completion_time", True, "train", {"completion_time": True}, " as True"),
    ],
)
def test_a_field_of_one_run_is_as_it_is_said_and_all_else_as_it_was(
    path: str, value: Any, job: str, changed: dict[str, Any], remark: str
) -> None:
    before = {job["key"]: job for job in plain(TREE)["jobs"]}
    found, remarks = said(path, value)
    assert found == {**before, job: {**before[job], **changed}}
    field = path.removeprefix(f"{job}.")
    assert remarks == [f"job/{job}: {field} is said{remark} by --set {path}"]


def test_the_names_of_the_operator_are_those_of_today() -> None:
    found, [remark] = said("train.jobName", "mine")
    assert (found["train"]["name"], remark) == (
        "mine",
        "job/train: name is said as mine by --set train.jobName",
    )


@pytest.mark.parametrize("selected", [("train",), ("job/train",), ("tr*",), ("job/tr*", "x")])
def test_the_selected_run_is_meant_where_none_is_named(selected: tuple[str, ...]) -> None:
    found, _ = said("image", "c:2", *selected)
    assert (found["train"]["image"], found["other.one"]["image"]) == ("c:2", "b:1")


def test_the_only_run_needs_no_name() -> None:
    alone = node({"branch": "main", "jobs": [TRAIN]})
    assert said("image", "c:2", tree=alone)[0]["train"]["image"] == "c:2"


@pytest.mark.parametrize(
    ("path", "selected", "message", "hint"),
    [
        ("image", (), "of which job?", "say train.image or other.one.image, or --select one"),
        ("image", ("job/*",), "of which job?", "say train.image or other.one.image, or"),
        ("image", ("x",), "the stage has no job that it could be about", ""),
        ("imgae", (), 'there is no field imgae (did you mean "image"?)', FIELDS),
        ("train.imgae", (), 'there is no field imgae (did you mean "image"?)', FIELDS),
        ("lr", (), "there is no field lr", FIELDS),
        ("train", (), "there is no field train", FIELDS),
        ("train.key", (), "there is no field key", FIELDS),
        ("nobody.image", (), "there is no field nobody", FIELDS),
        ("other.image", (), "there is no field other", FIELDS),
    ],
)
def test_what_nobody_can_tell_is_asked_for(
    path: str, selected: tuple[str, ...], message: str, hint: str
) -> None:
    with pytest.raises(Usage) as error:
        said(path, "x", *selected)
    assert error.value.message == f"--set {path}: {message}"
    assert (error.value.hint or "").startswith(hint)


def test_where_every_step_is_a_run_the_last_one_was_to_be_a_field() -> None:
    two = node({"branch": "main", "jobs": [{"key": "a"}, {"key": "b"}]})
    with pytest.raises(Usage, match=r"^--set a\.b: there is no field b "):
        said("a.b", tree=two)


def test_five_runs_are_named_at_most() -> None:
    many = node({"branch": "main", "jobs": [{"key": f"j{n}"} for n in range(7)]})
    with pytest.raises(Usage) as error:
        said("image", tree=many)
    assert error.value.hint == (
        "say j0.image or j1.image or j2.image or j3.image or j4.image, or --select one"
    )


@pytest.mark.parametrize("tree", [node({"branch": "main"}), node({"branch": "main", "jobs": "x"})])
def test_a_stage_without_runs_has_none_that_it_could_be_about(tree: Node) -> None:
    with pytest.raises(Usage, match="the stage has no job that it could be about"):
        said("image", tree=tree)


def test_a_platform_without_such_fields_says_so() -> None:
    override = Override(("image",), "x", "--set image")
    with pytest.raises(Usage, match=r"^--set image: aicore has no fields to override$"):
        overridden(TREE, [override], (), DIALECTS["aicore"])
    assert overridden(TREE, [], (), DIALECTS["aicore"]) == (TREE, [])


def test_a_secret_is_hidden_wherever_it_ends_up_and_not_remarked() -> None:
    override = Override(("train", "env", "TOKEN"), "s3cret", "--set env.TOKEN", is_secret=True)
    found, [remark] = overridden(TREE, [override], (), JOBS)
    assert remark == "job/train: env.TOKEN is said by --set env.TOKEN"
    names = ("TOKEN", "A")
    nodes = [found.get("jobs", 0, "env", name) for name in names]
    assert [one is not None and one.is_hidden for one in nodes] == [True, False]


def test_a_problem_with_what_was_said_is_told_of_the_command_line() -> None:
    override = Override(("train", "resources"), {"cpus": [1, "a"]}, "--set resources")
    found, _ = overridden(TREE, [override], (), JOBS)
    place = Place("--set resources")
    for path in (("cpus",), ("cpus", 0), ("cpus", 1)):
        assert found.place_of("jobs", 0, "resources", *path) == place
    assert found.place_of("jobs", 0, "resources", "cpus", key=True) == place
    assert [found.get("jobs", 0, "resources", "cpus", at).text for at in (0, 1)] == ["1", "a"]  # type: ignore[union-attr]
