"""Why something changes: every cause is named, together, and what cannot be named is said."""

from __future__ import annotations

from typing import Any

import pytest

from cicd.apply.lifecycle import can_adopt
from cicd.model import Action, Change, Hidden, LiveResource, State
from tests.plan.plan_world import (
    KINDS,
    a_live,
    artifact,
    change_of,
    configuration,
    deployment,
    execution,
    plan_of,
)

FILES = {"src/train.py": "aaaa", "templates/train.yaml": "bbbb"}


def again(
    before: dict[str, str],
    after: dict[str, Any],
    files: dict[str, str] | None,
    now: dict[str, str],
    **live: Any,
) -> Change:
    """The change of a run whose parameters and files differ from those of its newest run."""
    was = a_live(configuration(parameters=before), "c1000000-1")
    spec: dict[str, Any] = {"configuration": was.id, "inputs": "old"}
    if files is not None:
        spec["files"] = files
    run = a_live(execution(), "e1", live.pop("state", State.SUCCEEDED), spec=spec, **live)
    if files is None:
        run = LiveResource(
            run.key,
            run.id,
            {name: value for name, value in run.spec.items() if name != "files"},
            run.status,
            created_at=run.created_at,
        )
    wanted = [configuration(parameters=after), execution(inputs="new", files=now)]
    return change_of(plan_of(wanted, [was, run]), "execution/train")


@pytest.mark.parametrize(
    ("before", "after", "now", "causes"),
    [
        ({"epochs": "130"}, {"epochs": "150"}, FILES, "epochs 130 → 150"),
        ({}, {}, {**FILES, "src/train.py": "cccc"}, "train.py changed"),
        ({}, {}, {**FILES, "templates/train.yaml": "c"}, "train.yaml changed"),
        ({}, {}, {**FILES, "src/new.py": "c"}, "new.py added"),
        ({}, {}, {"src/train.py": "aaaa"}, "train.yaml removed"),
        (
            {"epochs": "130"},
            {"epochs": "150"},
            {"src/train.py": "c", "templates/train.yaml": "d"},
            "epochs 130 → 150, train.py changed, train.yaml changed",
        ),
        ({}, {"rate": "0.1"}, FILES, "rate 0.1 added"),
        ({"rate": "0.1"}, {}, FILES, "rate removed"),
        (
            {"image": "docker.io/some/where/house-prices:1.0"},
            {"image": "docker.io/some/where/house-prices:1.1"},
            FILES,
            "image house-prices:1.0 → house-prices:1.1",
        ),
        ({"note": "x" * 99}, {"note": "y" * 99}, FILES, "note changed"),
        ({"key": "old"}, {"key": Hidden("s3cret")}, FILES, "key changed"),
        (
            {"a": "1", "b": "1", "c": "1", "d": "1", "e": "1"},
            {"a": "2", "b": "2", "c": "2", "d": "2", "e": "2"},
            FILES,
            "a 1 → 2, b 1 → 2, c 1 → 2 and 2 more",
        ),
    ],
)
def test_every_cause_of_a_run_is_named_in_one_sentence(
    before: dict[str, str], after: dict[str, str], now: dict[str, str], causes: str
) -> None:
    change = again(before, after, FILES, now)
    assert change.action is Action.RUN
    assert change.consequence == f"trains again ({causes})"


def test_causes_are_named_also_where_the_last_run_failed() -> None:
    now = {**FILES, "src/train.py": "cccc"}
    change = again({}, {}, FILES, now, state=State.FAILED)
    assert change.consequence == "trains again (train.py changed): the last run e1 is DEAD"
    assert change.reason == "last run e1 is DEAD; inputs changed: src/train.py"


def test_a_run_that_kept_one_digest_is_said_not_to_name_its_files() -> None:
    change = again({}, {}, None, FILES)
    assert change.consequence == "trains again (code or template changed)"
    assert [cause.reason for cause in change.causes] == [
        "code or template changed; the last run kept one digest of all files, so not which"
    ]
    change = again({"epochs": "1"}, {"epochs": "2"}, None, FILES)
    told = "trains again (epochs 1 → 2; of its files nothing is known)"
    assert change.consequence == told
    assert change.reason == "inputs changed: parameter_bindings.epochs"


def test_a_run_that_has_no_files_is_not_said_to_hide_any() -> None:
    change = again({"epochs": "1"}, {"epochs": "2"}, None, {})
    assert change.consequence == "trains again (epochs 1 → 2)"


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.RUNNING])
@pytest.mark.parametrize(
    ("before", "after", "is_again"),
    [
        ({"epochs": "5"}, {"epochs": Hidden("5")}, False),  # from the environment from now on
        ({"epochs": "5", "rate": "1"}, {"epochs": "5", "rate": Hidden("1")}, False),
        ({}, {}, False),  # a key of the stage file is called otherwise
        ({"epochs": "5"}, {"epochs": Hidden("6")}, True),
    ],
)
def test_how_a_value_is_written_is_no_reason_to_run_again(
    before: dict[str, str], after: dict[str, Any], is_again: bool, state: State
) -> None:
    change = again(before, after, FILES, FILES, state=state)
    told = (change.action, change.reason)
    if is_again:
        assert told == (Action.RUN, "inputs changed: parameter_bindings.epochs")
        assert change.consequence.startswith("trains again (epochs changed)")
    elif state is State.SUCCEEDED:
        assert told == (Action.NO_OP, "unchanged")
    else:
        assert told == (Action.RUN, "still RUNNING: follow it")
        assert (
            change.live
            and change.desired
            and can_adopt(KINDS["execution"], change.live, change.desired)
        )


def test_a_first_run_says_with_what_it_runs() -> None:
    wanted = [configuration(parameters={"epochs": "3", "rate": "0.1"}), execution(files=FILES)]
    change = change_of(plan_of(wanted), "execution/train")
    assert change.consequence == "trains for the first time (epochs 3, rate 0.1)"
    assert {cause.path: cause.after for cause in change.causes} == {
        "parameter_bindings.epochs": "3",
        "parameter_bindings.rate": "0.1",
    }


def test_a_deployment_tells_the_names_and_parameters_of_both_configurations() -> None:
    was = a_live(configuration("serve", {"tone": "hi", "size": "1"}), "549380a7-1")
    live = a_live(deployment(configuration=was.id), "d1")
    wanted = [configuration("serve", {"tone": "ho", "size": "1"}), deployment()]
    change = change_of(plan_of(wanted, [was, live]), "deployment/serve")
    assert [(cause.path, cause.before, cause.after) for cause in change.causes] == [
        ("configuration", "serve 549380a7", "serve (new)"),
        ("parameter_bindings.tone", "hi", "ho"),
    ]
    assert change.consequence == "takes tone hi → ho; the same URL goes on answering"


def test_a_deployment_that_goes_back_to_a_live_configuration_tells_both() -> None:
    old = a_live(configuration("serve", {"tone": "hi"}), "aaaaaaaa-1")
    new = a_live(configuration("serve", {"tone": "ho"}), "bbbbbbbb-1")
    live = a_live(deployment(configuration=new.id), "d1")
    wanted = [configuration("serve", {"tone": "hi"}), deployment()]
    change = change_of(plan_of(wanted, [old, new, live]), "deployment/serve")
    assert change.causes[0].before == "serve bbbbbbbb"
    assert change.causes[0].after == "serve aaaaaaaa"
    assert change.consequence == "takes tone ho → hi; the same URL goes on answering"


def test_a_content_that_nobody_finds_has_no_parts_to_tell() -> None:
    was = a_live(configuration("serve", parameters={"rate": "1"}), "c1")
    served = a_live(deployment("serve", configuration="c1"), "d1")
    for live, action in (([], Action.CREATE), ([was, served], Action.UPDATE)):
        plan = plan_of([deployment("serve", configuration="nowhere")], live)
        change = change_of(plan, "deployment/serve")
        assert change.action is action
        assert "rate" not in change.consequence and "(new)" not in change.consequence


def test_a_new_thing_lists_its_values_and_a_changed_one_only_its_differences() -> None:
    plan = plan_of([artifact(labels={"a": "b"})])
    (change,) = plan.changes
    assert change.fields == ()
    assert {field.path: (field.before, field.after) for field in change.values} == {
        "name": (None, "data"),
        "kind": (None, "dataset"),
        "url": (None, "ai://default/data"),
        "scenario_id": (None, "demo"),
        "labels.a": (None, "b"),
    }
    live = a_live(artifact(), "a1")
    changed = change_of(plan_of([artifact(url="ai://default/x")], [live]), "artifact/data")
    assert [field.path for field in changed.values] == ["url"]
