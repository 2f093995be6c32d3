"""What lives in a resource group as a stage file: which things count and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cicd.config.dialect import Around, Export
from cicd.config.files import yaml_trees
from cicd.config.tree import plain
from cicd.model import Hidden, Key, LiveResource, State, Status
from cicd.platforms.aicore.dialect.exporting import export_stage
from cicd.platforms.aicore.dialect.template import Template

WORDS = {
    "COMPLETED": State.SUCCEEDED,
    "RUNNING": State.RUNNING,
    "DEAD": State.FAILED,
    "STOPPED": State.STOPPED,
    "PENDING": State.PENDING,
}


def uuid(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012}"


def live(kind: str, id: str, status: str = "COMPLETED", **more: Any) -> LiveResource:
    spec = more.pop("spec", {})
    raw = Status(WORDS[status], status)
    created = more.pop("at", "2026-01-01T00:00:00Z")
    return LiveResource(Key(kind, id), id, spec, raw, created_at=created, **more)


def artifact(number: int, name: str = "Data", **spec: Any) -> LiveResource:
    whole = {"name": name, "kind": "dataset", "url": "ai://default/d", "scenario_id": "scen"}
    more = {"labels": {}, "description": "", **spec}
    at = f"2026-01-01T00:00:{number:02}Z"
    return live("artifact", uuid(number), spec={**whole, **more}, at=at)


def configuration(id: str, name: str = "T", **spec: Any) -> LiveResource:
    whole = {"name": name, "scenario_id": "scen", "executable_id": "exec"}
    maps: dict[str, Any] = {"parameter_bindings": {}, "input_artifact_bindings": {}}
    return live("configuration", id, spec={**whole, **maps, **spec})


def run(kind: str, id: str, of: LiveResource, status: str, **more: Any) -> LiveResource:
    spec = {
        "configuration": of.id,
        "configuration_name": of.spec["name"],
        "scenario_id": of.spec["scenario_id"],
        "executable_id": of.spec["executable_id"],
        **more.pop("spec", {}),
    }
    return live(kind, id, status, spec=spec, **more)


GROUP = {"resource_group": "rg-1"}


def exported(
    found: Sequence[LiveResource], templates: Sequence[Template] = (), **around: Any
) -> tuple[Export, dict[str, Any]]:
    export = export_stage(found, Around("dev", GROUP, **around), templates)
    content = plain(yaml_trees(export.text, "x")[0])
    content.pop("aicore")
    return export, content


def others(export: Export) -> tuple[str, ...]:
    """The notes but for the one that there are no templates."""
    return tuple(note for note in export.notes if not note.startswith("git: this folder"))


def test_an_empty_group() -> None:
    group = live("resource_group", "rg-1", spec={"name": "rg-1", "labels": {}})
    export, content = exported([group])
    assert export.text.endswith("aicore:\n  resource_group: rg-1\n")
    assert content == {}
    labels = {"ext.ai.sap.com/cicd.stage": "dev", "ext.ai.sap.com/team": "a ${b}"}
    group = live("resource_group", "rg-1", spec={"name": "rg-1", "labels": labels})
    text = export_stage(
        [group], Around("dev", GROUP, is_named_by_file=False, schema_path="../config.schema.json")
    ).text
    assert text == (
        "# yaml-language-server: $schema=../config.schema.json\n"
        "# Imported from the resource group rg-1.\n"
        "stage: dev\naicore:\n  resource_group: rg-1\n  labels:\n"
        '    ext.ai.sap.com/team: "a $${b}"\n'
    )


def test_the_newest_good_run_of_each_family_counts() -> None:
    one, two = configuration("c1", parameter_bindings={"n": "1"}), configuration("c2")
    runs = [
        run("execution", "e1", one, "COMPLETED", at="2026-01-01T00:00:01Z"),
        run("execution", "e2", two, "COMPLETED", at="2026-01-01T00:00:02Z"),
        run("execution", "e3", one, "DEAD", at="2026-01-01T00:00:03Z"),
    ]
    export, content = exported([one, two, *runs])
    [item] = content["executions"]
    assert item == {
        "key": "t",
        "configuration": {"name": "T", "scenario_id": "scen", "executable_id": "exec"},
        "rerun": "on_change",
    }
    assert others(export) == ("1 run that failed or stopped",)
    _, content = exported([one, two, *runs], never={"t": "why\nnot"})
    assert content["executions"][0]["rerun"] == "never"
    assert (
        "    # why\n    # not\n    rerun: never"
        in exported([one, two, *runs], never={"t": "why\nnot"})[0].text
    )


def test_deployments_of_one_name_and_those_that_are_not_alive() -> None:
    one = configuration("c1", "Größe")
    found = [
        run("deployment", "d1", one, "RUNNING", at="2026-01-01T00:00:01Z", spec={"ttl": "24h"}),
        run("deployment", "d2", one, "PENDING", at="2026-01-01T00:00:02Z"),
        run("deployment", "d3", one, "DEAD"),
    ]
    export, content = exported([one, *found])
    # a stage file has no name like this, so it is said
    assert "deployments" not in content
    assert any(note.startswith("deployment d1: configuration.name") for note in export.notes)
    one = configuration("c1", "S S")
    found = [run("deployment", d.id, one, d.status.raw, spec={"ttl": "24h"}) for d in found]
    export, content = exported([one, *found])
    assert [(d["key"], d["ttl"]) for d in content["deployments"]] == [("s-s", "24h")]
    assert others(export) == (
        "1 deployment not alive",
        "deployment d2: same configuration name as d1, which is taken",
    )


def test_inputs_are_bound_to_what_made_them() -> None:
    train = configuration("c1", "Train", input_artifact_bindings={"data": uuid(2)})
    serve = configuration(
        "c2", "Serve", input_artifact_bindings={"m": uuid(7), "o": uuid(8), "d": uuid(3)}
    )
    outputs = {"id": "e1", "artifacts.model": uuid(7), "artifacts.The Model": uuid(7)}
    found = [
        artifact(1, labels={"ext.ai.sap.com/a": "b"}),
        artifact(2),
        artifact(3, url="ai://default/e"),
        artifact(4, url="ai://default/e"),
        artifact(7, "Model"),
        artifact(8, "Old model"),
        artifact(9, "Unused"),
        train,
        serve,
        run("execution", "e0", train, "COMPLETED", outputs={"artifacts.model": uuid(8)}, at="1"),
        run("execution", "e1", train, "COMPLETED", outputs=outputs, at="2"),
        run("deployment", "d1", serve, "RUNNING"),
    ]
    _, content = exported(found)
    artifacts = {a["key"]: a for a in content["artifacts"]}
    # the plain one would mean the older one with labels, so it says that it has none
    assert artifacts["data"]["labels"] == {}
    assert artifacts.keys() == {"data", "data-2", "unused"}
    [train_item], [serve_item] = content["executions"], content["deployments"]
    assert train_item["configuration"]["input_artifact_bindings"] == {"data": "data"}
    assert serve_item["configuration"]["input_artifact_bindings"] == {
        "m": "${executions.train.artifacts.model}",
        "o": uuid(8),
        "d": "data-2",
    }


def test_values_that_look_like_credentials_or_variables() -> None:
    token = "ghp_" + "a1B2" * 9
    bindings = {"a": "${x}", "t": token, "plain": "1.10"}
    one = configuration("c1", parameter_bindings=bindings)
    export, content = exported([one, run("execution", "e1", one, "COMPLETED")])
    assert token not in export.text
    assert content["executions"][0]["configuration"]["parameter_bindings"] == {
        "a": "$${x}",
        "t": "${env.PARAMETER_T}",
        "plain": "1.10",
    }
    assert export.environment == ("PARAMETER_T",)


KNOWN = {"DB_PASSWORD": "tr0ub4dor&3/x", "API_KEY": "${a}tr0ub4dor&3/x"}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("tr0ub4dor&3/x", "${env.DB_PASSWORD}"),
        ("postgres://u@h?p=tr0ub4dor&3/x&q=${b}", "postgres://u@h?p=${env.DB_PASSWORD}&q=$${b}"),
        ("${a}tr0ub4dor&3/x", "${env.API_KEY}"),
        ("aB3dE5gH7jK9mN1pQ3sT5vW7", "${env.ASKED}"),
        ("hf_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3f", "${env.ASKED}"),
        (Hidden("short"), "${env.ASKED}"),
        ("TrainOnJanuary2026WithAllFeatures", ""),
        ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", ""),
        ("00000000-0000-4000-8000-000000000001", ""),
        ("gpt-4o-2024-11-20", ""),
        ("docker.io/org/image:1.0", ""),
        ("tr0ub4dor", ""),
    ],
)
def test_what_may_be_secret_is_asked_for_wherever_it_stands(text: str, written: str) -> None:
    one = configuration("c1", parameter_bindings={"x": text})
    data = artifact(1, labels={"ext.ai.sap.com/x": text}, description=text)
    bound = configuration("c2", name="U", input_artifact_bindings={"d": data.id})
    runs = [run("execution", "e1", one, "COMPLETED"), run("execution", "e2", bound, "COMPLETED")]
    export, content = exported([one, bound, data, *runs], secrets=KNOWN)
    (declared,) = content["artifacts"]
    parameters = content["executions"][0]["configuration"]["parameter_bindings"]
    found = {
        "PARAMETER_X": parameters["x"],
        "LABEL_EXT_AI_SAP_COM_X": declared["labels"]["ext.ai.sap.com/x"],
        "ARTIFACT_DESCRIPTION": declared["description"],
    }
    for name, shown in found.items():
        assert shown == (written.replace("ASKED", name) or text)
        assert name in export.environment or "ASKED" not in written


def test_two_secrets_of_one_name_are_asked_for_by_two_names() -> None:
    both = [
        configuration(f"c{n}", name=f"T{n}", parameter_bindings={"token": Hidden(f"secret-{n}")})
        for n in (1, 2)
    ]
    runs = [run("execution", f"e{n}", one, "COMPLETED") for n, one in enumerate(both)]
    export, _ = exported([*both, *runs])
    assert export.environment == ("PARAMETER_TOKEN", "PARAMETER_TOKEN_2")


def test_schedules_start_what_was_imported() -> None:
    one, two, three = (configuration(f"c{n}", parameter_bindings={"n": str(n)}) for n in (1, 2, 3))
    plan = {"cron": "0 0 * * 0", "active": True}
    times = {"start": "2026-01-31T07:00:00.123456789+01:00"}
    found = [
        one,
        two,
        three,
        run("execution", "e1", one, "COMPLETED", at="1"),
        run("execution", "e2", two, "COMPLETED", at="2"),
        live("schedule", "s0", spec={"name": "A", "configuration": "c1", **plan, "active": False}),
        live("schedule", "s1", spec={"name": "A", "configuration": "c1", **plan, **times}),
        live("schedule", "s2", spec={"name": "B", "configuration": "c3", **plan}),
    ]
    export, content = exported(found)
    assert [item["key"] for item in content["executions"]] == ["t", "t-2"]
    assert content["schedules"] == [
        {"name": "A", "execution": "t", **plan, "start": "2026-01-31T06:00:00Z"}
    ]
    assert others(export) == (
        "1 schedule with a name that another one has",
        "schedule B: no execution of its configuration could be imported",
    )


def test_secrets_ask_for_variables() -> None:
    store = {"name": "default", "type": "S3", "bucket": "b", "use_https": True, "data": {}}
    found = [
        live("object_store_secret", "default", spec=store),
        live("docker_registry_secret", "mine", spec={"name": "mine"}, owner="dev"),
        live("docker_registry_secret", "theirs", spec={"name": "theirs"}),
        live(
            "generic_secret",
            "g",
            spec={"name": "g.h", "scope": "resource_group", "data": {"api-key": "x"}},
        ),
        live("generic_secret", "u", spec={"name": "u", "scope": "resource_group", "data": {}}),
        live("generic_secret", "t", spec={"name": "t", "scope": "tenant", "data": {"a": "x"}}),
    ]
    export, content = exported(found)
    assert content["secrets"] == {
        "object_store": [
            {
                "name": "default",
                "type": "S3",
                "bucket": "b",
                "use_https": True,
                "data": {
                    "AWS_ACCESS_KEY_ID": "${env.DEFAULT_AWS_ACCESS_KEY_ID}",
                    "AWS_SECRET_ACCESS_KEY": "${env.DEFAULT_AWS_SECRET_ACCESS_KEY}",
                },
            }
        ],
        "docker_registry": [
            {"name": "mine", "data": {".dockerconfigjson": "${env.MINE_DOCKERCONFIGJSON}"}}
        ],
        "generic": [
            {"name": "g.h", "scope": "resource_group", "data": {"api-key": "${env.G_H_API_KEY}"}}
        ],
    }
    assert others(export) == (
        "secret theirs: it is the whole tenant's",
        "secret t: it is the tenant's, not this group's",
        "secret u: which keys it has cannot be read back",
    )
    assert "set these variables: DEFAULT_AWS_ACCESS_KEY_ID, DEFAULT_AWS" in export.text


def test_git_only_with_all_templates_and_the_right_application() -> None:
    one = configuration("c1")
    spec = {"name": "app", "repository": "https://h/O/r.git", "path": "./templates/"}
    found = [
        one,
        run("execution", "e1", one, "COMPLETED"),
        live("application", "app", spec={**spec, "revision": "main"}),
        live(
            "application", "other", spec={**spec, "revision": "main", "repository": "https://h/x"}
        ),
    ]
    export, content = exported(found, repository="git@h:o/r")
    assert "git" not in content
    assert export.notes[0].startswith("git: this folder has no template of exec")
    template = Template(
        "templates/t.yaml", "exec", "scen", "1", "workflow", {}, frozenset(), frozenset(), ""
    )
    export, content = exported(found, repository="git@h:o/r", templates=[template])
    assert content["git"] == {
        "application": "app",
        "repository": "https://h/O/r.git",
        "path": "./templates/",
        "revision": "main",
    }
    export, content = exported(found, repository="https://h/no", templates=[template])
    assert "git" not in content
    assert "(there are: app, other)" in export.notes[0]


def test_scenarios_filter_what_has_one() -> None:
    one, two = configuration("c1"), configuration("c2", "U", scenario_id="other")
    found = [one, two, *(run("execution", f"e{c.id}", c, "COMPLETED") for c in (one, two))]
    _, content = exported(found, select=["oth*"])
    assert [item["key"] for item in content["executions"]] == ["u"]


def syncing(path: str, **around: Any) -> tuple[tuple[str, ...], Any]:
    """The notes and the git section where an application syncs that path of our repository."""
    one = configuration("c1")
    spec = {"name": "app", "repository": "https://h/o/r", "path": path, "revision": "main"}
    found = [one, run("execution", "e1", one, "COMPLETED"), live("application", "app", spec=spec)]
    here = Template(
        "templates/t.yaml", "exec", "scen", "1", "workflow", {}, frozenset(), frozenset(), ""
    )
    export, content = exported(found, templates=[here], repository="https://h/o/r", **around)
    return export.notes, content.get("git")


@pytest.mark.parametrize(
    ("path", "around", "git"),
    [
        ("templates", {}, {"repository": "https://h/o/r", "path": "templates", "revision": "main"}),
        ("templates", {"is_local": True}, {"path": "templates"}),
        (
            "sub/templates",
            {"folder": "sub"},
            {"repository": "https://h/o/r", "path": "templates", "revision": "main"},
        ),
        ("templates", {"folder": "sub"}, None),
        ("other", {}, None),
        ("other", {"is_local": True}, None),
    ],
)
def test_an_application_is_ours_where_it_syncs_our_templates(
    path: str, around: dict[str, Any], git: dict[str, str] | None
) -> None:
    notes, found = syncing(path, **around)
    assert found == (None if git is None else {"application": "app", **git})
    is_told = git is None and not around.get("is_local")
    told = "git: no application is known to sync https://h/o/r (there are: app)"
    assert (told in notes) is is_told


def test_a_run_is_not_bound_to_what_it_has_made_itself() -> None:
    train = configuration("c1", "Train", input_artifact_bindings={"data": uuid(7)})
    outputs = {"id": "e1", "artifacts.model": uuid(7)}
    found = [artifact(7), train, run("execution", "e1", train, "COMPLETED", outputs=outputs)]
    [item] = exported(found)[1]["executions"]
    assert item["configuration"]["input_artifact_bindings"] == {"data": uuid(7)}


def test_a_deployment_has_the_destination_that_points_at_it() -> None:
    one, two = configuration("c1"), configuration("c2", "U")
    found = [
        one,
        two,
        run("deployment", "d1", one, "RUNNING", outputs={"url": "https://x/d1"}),
        run("deployment", "d2", two, "RUNNING"),
        live("destination", "B", spec={"name": "B", "url": "https://x/d1"}, at="2026-01-02"),
        live("destination", "A", spec={"name": "A", "url": "https://x/d1"}, at="2026-01-03"),
        live("destination", "C", spec={"name": "C", "url": "https://x/d9"}),
        live("destination", "D", spec={"name": "D", "url": None}),
    ]
    items = exported(found)[1]["deployments"]
    assert [item.get("destination_name") for item in items] == ["B", None]


@pytest.mark.parametrize("kind", ["", None, "FTP"])
def test_an_object_store_of_a_kind_that_nobody_knows_is_said(kind: str | None) -> None:
    store = live("object_store_secret", "x", spec={"name": "x", "type": kind, "data": {}})
    export, content = exported([store])
    assert "secrets" not in content
    assert others(export) == ("secret x: its type cannot be read back",)
