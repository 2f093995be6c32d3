"""What executables take and give, as an application's plan compares it; and whose things are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cicd.model import Key, LiveResource, Options, Ref, Resource
from cicd.plan.diff import diff_specs, undeclared
from cicd.platforms.aicore import convert, owners, statuses, sync, tracking
from cicd.platforms.aicore.interface import executable_spec
from cicd.platforms.aicore.kinds import KINDS

MODEL = Ref(Key("execution", "train"), "artifacts.model")
OLD, NEW = "a" * 40, "b" * 40
WISH = {
    "scenario_id": "s",
    "version": "1",
    "kind": "workflow",
    "parameters": {"epochs": "200", "rate": "0.10", "must": None},
    "inputs": ["a", "b"],
    "outputs": ["model"],
}
LIVE: dict[str, Any] = {
    "id": "train",
    "scenarioId": "s",
    "versionId": "1",
    "deployable": False,
    "parameters": [
        {"name": "rate", "type": "string", "default": "0.1"},
        {"name": "must", "type": "string"},
        {"name": "epochs", "type": "string", "default": "200"},
    ],
    "inputArtifacts": [{"name": "b"}, {"name": "a"}],
    "outputArtifacts": [{"name": "model"}],
}
LESS: tuple[str, ...] = ("deployable", "parameters", "inputArtifacts", "outputArtifacts")


def changed(**changes: Any) -> list[tuple[str, Any, Any]]:
    """What a plan shows when the live executable differs so, and another commit is deployed."""
    found = executable_spec({**LIVE, **changes}, WISH, is_same_commit=False)
    fields = diff_specs({"executables": {"x": found}}, {"executables": {"x": WISH}}, APPLICATION)
    return [(f.path.removeprefix("executables.x."), f.before, f.after) for f in fields]


APPLICATION = KINDS["application"]


def test_order_and_spelling_never_show() -> None:
    assert changed() == []


@pytest.mark.parametrize("missing", [*((name,) for name in LESS), LESS])
def test_what_a_tenant_does_not_report_is_not_compared(missing: tuple[str, ...]) -> None:
    assert changed(**dict.fromkeys(missing)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"versionId": "0"}, [("version", "0", "1")]),
        ({"deployable": True}, [("kind", "serving", "workflow")]),
        (
            {"parameters": [*LIVE["parameters"][:2], {"name": "epochs", "default": "100"}]},
            [("parameters.epochs", "100", "200")],
        ),
        (
            {"parameters": [*LIVE["parameters"], {"name": "gone", "default": "1"}]},
            [("parameters.gone", "1", None)],
        ),
        (
            {"parameters": [LIVE["parameters"][0], {"name": "must", "default": "x"}]},
            [("parameters.epochs", None, "200"), ("parameters.must", "x", None)],
        ),
        ({"inputArtifacts": [{"name": "a"}]}, [("inputs.1", None, "b")]),
        ({"outputArtifacts": []}, [("outputs.0", None, "model")]),
    ],
)
def test_what_changes_shows(changes: dict[str, Any], expected: list[Any]) -> None:
    assert changed(**changes) == expected


def live_application(at: str, **wish: Any) -> LiveResource:
    """The application as it is at a commit, its interface reported in another way."""
    spec = {"name": "app", "executables": {"train": WISH}, **wish}
    status = {"source": {"revision": at}}
    documents = {"train": {**LIVE, "inputArtifacts": []}, "old": {**LIVE, "id": "old"}}
    desired = [Resource(Key("application", "app"), spec)]
    return sync.application({"applicationName": "app"}, status, documents, desired)


@pytest.mark.parametrize("wish", [{"commit": OLD}, {}])
def test_the_commit_that_is_there_has_no_other_interface(wish: dict[str, str]) -> None:
    assert live_application(OLD, **wish).spec["executables"]["train"] == WISH


def test_another_commit_shows_what_it_changes_and_what_is_gone() -> None:
    live = live_application(OLD, commit=NEW)
    desired = {"commit": NEW, "executables": {"train": WISH}}
    fields = diff_specs(live.spec, desired, APPLICATION)
    assert [field.path for field in fields][:2] == ["commit", "executables.train.inputs.0"]
    (note,) = undeclared(live.spec, desired, APPLICATION)
    assert note.startswith("executables.old is live and not declared here")


def a_run(id: str, owner: str, artifact: str) -> LiveResource:
    made = {"id": artifact, "name": "model", "url": "ai://x/model"}
    return replace(convert.execution({"id": id, "outputArtifacts": [made]}), owner=owner)


def a_configuration(id: str, artifact: str) -> LiveResource:
    bindings = [{"key": "model", "artifactId": artifact}]
    return convert.configuration({"id": id, "name": id, "inputArtifactBindings": bindings})


def test_a_deployment_is_of_the_stage_that_made_its_model() -> None:
    runs = [a_run("e1", "dev", "m1"), a_run("e2", "", "m2"), a_run("e3", "tst", "m3")]
    configurations = [a_configuration(f"c{n}", f"m{n}") for n in (1, 2, 3)]
    wish = Resource(Key("deployment", "serve"), {"configuration_name": "n", "scenario_id": "s"})
    names = {"configurationName": "n", "scenarioId": "s"}
    documents = [{"id": f"d{n}", "configurationId": f"c{n}", **names} for n in (1, 2, 4)]
    other = {"id": "d3", "configurationId": "c3", "configurationName": "of no wish"}
    lists = {"deployments": [*documents, other], "live configurations": configurations}
    assert owners.feeding(runs, lists, [wish]) == ["e1", "e2"]
    deployments = [convert.deployment(document) for document in documents]
    wish = Resource(Key("configuration", "c"), {"input_artifact_bindings": {"model": MODEL}})
    found = owners.of_deployments(deployments, configurations, runs, [wish])
    assert [deployment.owner for deployment in found] == ["dev", "", ""]
    by_id = Resource(Key("configuration", "c"), {"input_artifact_bindings": {"model": "m3"}})
    found = owners.of_deployments(deployments, configurations, runs, [wish, by_id])
    assert [deployment.owner for deployment in found] == ["", "", ""]


def test_a_schedule_is_of_the_one_stage_that_ran_its_configuration() -> None:
    def run(owner: str, configuration: str) -> LiveResource:
        return replace(
            convert.execution({"id": "e", "configurationId": configuration}), owner=owner
        )

    runs = [run("dev", "c1"), run("dev", "c1"), run("", "c1"), run("dev", "c2"), run("tst", "c2")]
    schedules = [
        LiveResource(Key("schedule", "s"), id, {"configuration": id}, statuses.THERE)
        for id in ("c1", "c2", "c3")
    ]
    found = owners.of_schedules(schedules, [*runs, run("", "c3")])
    assert [schedule.owner for schedule in found] == ["dev", "", ""]


SERVE, DEST = Key("deployment", "serve"), Key("destination", "DEST")
NAMES = {"configuration_name": "n", "scenario_id": "s", "executable_id": "x"}


def pointing(url: str, known_as: str = "", name: str = "DEST") -> LiveResource:
    live = LiveResource(Key("destination", name), name, {"url": url}, statuses.THERE)
    return replace(live, known_as=known_as)


def deployed(url: str = "u1", **more: Any) -> LiveResource:
    spec = {**NAMES, "configuration_name": "handmade", **more.pop("spec", {})}
    live = LiveResource(Key("deployment", "d1"), "d1", spec, statuses.THERE, {"url": url})
    return replace(live, **more)


@pytest.mark.parametrize(
    ("live", "target", "options", "expected"),
    [
        (deployed(), pointing("u1"), Options(), "deployment/serve"),
        (deployed(), pointing("u1", "destination/DEST", "X"), Options(), "deployment/serve"),
        (deployed(), pointing("u2"), Options(), ""),
        (deployed(url=""), pointing(""), Options(), ""),
        (deployed(), pointing("u1", name="OTHER"), Options(), ""),
        (deployed(applied={"configuration_name": "n"}), pointing("u1"), Options(), ""),
        (deployed(), pointing("u1"), Options(existing_id="d9"), ""),
        (deployed(spec=NAMES), pointing("u1"), Options(), ""),
        (deployed(known_as="deployment/serve"), pointing("u1"), Options(), "deployment/serve"),
    ],
)
def test_a_deployment_that_looks_like_none_is_the_one_its_destination_points_at(
    live: LiveResource, target: LiveResource, options: Options, expected: str
) -> None:
    wishes = [
        Resource(SERVE, NAMES, options),
        Resource(DEST, {"url": Ref(SERVE, "url")}),
        Resource(Key("configuration", "n"), NAMES),
        Resource(Key("destination", "PLAIN"), {"url": "u1"}),
    ]
    [found] = owners.pointed_at([live], [target], wishes)
    assert found.known_as == expected
    assert owners.pointed_at([], [target], wishes) == []


def test_the_tag_of_a_run_names_its_stage() -> None:
    tags = {"tags": [{"name": "cicd.stage", "value": "tst"}, {"name": "cicd.inputs", "value": "i"}]}
    run = tracking.tagged(convert.execution({"id": "e1"}), tags)
    assert (run.owner, run.spec["inputs"]) == ("tst", "i")
    assert tracking.tagged(convert.execution({"id": "e1"}), {}).owner == ""
