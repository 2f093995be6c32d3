"""What is no field of a resource and yet changes how apply treats it shows in the plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cicd.model import (
    Action,
    FieldChange,
    FileApproval,
    Gate,
    GitHubApproval,
    Key,
    Lifecycle,
    Limits,
    Options,
    Plan,
    SmokeTest,
    State,
)
from cicd.plan import make_plan
from cicd.plan.treatment import of_stage
from tests.plan.plan_world import (
    CREATED_AT,
    KINDS,
    a_live,
    a_stage,
    change_of,
    configuration,
    deployment,
    destination,
    execution,
    schedule,
)

R2, RMSE = Gate("r2", 0.8), Gate("rmse", maximum=5.0)
TEST = SmokeTest("/v2/predict", expect_contains="prediction")
STANDARD = Options()


def planned(before: Options, after: Options, **stage: Any) -> Plan:
    """A plan in which nothing differs but how a run and its deployment are treated."""
    live = [
        a_live(configuration(), "c1"),
        a_live(configuration("serve"), "c2"),
        a_live(execution(configuration="c1"), "e1", State.SUCCEEDED, metrics={"r2": 1, "rmse": 1}),
        a_live(deployment(configuration="c2"), "d1"),
    ]

    def resources(options: Options) -> list[Any]:
        run, server = execution(), deployment()
        return [
            configuration(),
            configuration("serve"),
            replace(run, options=options),
            replace(server, options=replace(options, require=(), wait_for=None)),
        ]

    former = a_stage(resources(before), **stage.pop("former", {}))
    wanted = a_stage(resources(after), **stage)
    return make_plan(wanted, wanted.resources, live, KINDS, created_at=CREATED_AT, former=former)


def told(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[Any, ...]]:
    plan = planned(replace(STANDARD, **before), replace(STANDARD, **after))
    change = change_of(plan, "execution/train")
    assert change.action is Action.NO_OP
    assert not plan.has_changes
    return [(item.path, item.before, item.after, item.reason) for item in change.treatment]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            {"require": (R2,)},
            {"require": (Gate("r2", 0.6),)},
            ("require.r2.min", 0.8, 0.6, "loosened"),
        ),
        (
            {"require": (R2,)},
            {"require": (Gate("r2", 0.9),)},
            ("require.r2.min", 0.8, 0.9, "tightened"),
        ),
        ({"require": (R2,)}, {}, ("require.r2.min", 0.8, None, "loosened")),
        (
            {"require": (R2, Gate("r2", 0.9))},
            {"require": (R2,)},
            ("require.r2.min", 0.9, 0.8, "loosened"),
        ),
        (
            {"smoke_test": TEST},
            {"smoke_test": replace(TEST, expect_contains="predict")},
            ("smoke_test.expect.contains", "prediction", "predict", "loosened"),
        ),
        (
            {"smoke_test": TEST},
            {"smoke_test": replace(TEST, expect_contains='"prediction": 3')},
            ("smoke_test.expect.contains", "prediction", '"prediction": 3', "tightened"),
        ),
        (
            {"smoke_test": TEST},
            {"smoke_test": replace(TEST, expect_contains="result")},
            ("smoke_test.expect.contains", "prediction", "result", ""),
        ),
        ({}, {"require": (R2,)}, ("require.r2.min", None, 0.8, "tightened")),
        (
            {"require": (RMSE,)},
            {"require": (Gate("rmse", maximum=9.0),)},
            ("require.rmse.max", 5.0, 9.0, "loosened"),
        ),
        (
            {"require": (RMSE,)},
            {"require": (Gate("rmse", maximum=1.0),)},
            ("require.rmse.max", 5.0, 1.0, "tightened"),
        ),
        ({"smoke_test": TEST}, {}, ("smoke_test", "GET /v2/predict", None, "loosened")),
        (
            {"smoke_test": TEST},
            {"smoke_test": replace(TEST, expect_contains=None)},
            ("smoke_test.expect.contains", "prediction", None, "loosened"),
        ),
        (
            {"smoke_test": TEST},
            {"smoke_test": replace(TEST, expect_status=500)},
            ("smoke_test.expect.status", 200, 500, ""),
        ),
        (
            {"smoke_test": TEST},
            {"smoke_test": replace(TEST, path="/v2/ready")},
            ("smoke_test", "GET /v2/predict", "GET /v2/ready", ""),
        ),
        ({}, {"on_failure": "keep"}, ("on_failure", "rollback", "keep", "loosened")),
        ({"on_failure": "keep"}, {}, ("on_failure", "keep", "rollback", "tightened")),
        ({}, {"wait_for": "COMPLETED"}, ("wait_for_status", None, "COMPLETED", "tightened")),
        (
            {"wait_for": "RUNNING"},
            {"wait_for": "COMPLETED"},
            ("wait_for_status", "RUNNING", "COMPLETED", ""),
        ),
        ({"timeout": 3600.0}, {"timeout": 3599.0}, ("timeout", "1h", "3599s", "")),
        ({"timeout": 60.0}, {"timeout": 59.5}, ("timeout", "1m", "59.5s", "")),
        ({"timeout": 5400.0}, {"timeout": 61.0}, ("timeout", "90m", "61s", "")),
        ({}, {"timeout": 7200.0}, ("timeout", "30m", "2h", "")),
        ({}, {"drain": 90.0}, ("drain", "0s", "90s", "")),
        ({}, {"rerun": "never"}, ("rerun", "on_change", "never", "")),
        (
            {"wait_for": "COMPLETED"},
            {"wait_for": None},
            ("wait_for_status", "COMPLETED", None, "loosened"),
        ),
    ],
)
def test_what_is_treated_otherwise_shows_though_nothing_else_changes(
    before: dict[str, Any], after: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    assert told(before, after) == [expected]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            {"protect": {"deployment/a"}},
            {},
            FieldChange("protect", "deployment/a", None, "loosened"),
        ),
        (
            {},
            {"protect": {"deployment/a"}},
            FieldChange("protect", None, "deployment/a", "tightened"),
        ),
        (
            {},
            {"limits": Limits(max_delete=50)},
            FieldChange("limits.max_delete", 10, 50, "loosened"),
        ),
        (
            {},
            {"limits": Limits(max_delete_percent=5.0)},
            FieldChange("limits.max_delete_percent", 30.0, 5.0, "tightened"),
        ),
        (
            {},
            {"prune": "resource_group"},
            FieldChange("prune", "none", "resource_group", "loosened"),
        ),
        (
            {"prune": "stage"},
            {"prune": "everything"},
            FieldChange("prune", "stage", "everything", "loosened"),
        ),
        (
            {"prune": "resource_group"},
            {"prune": "stage"},
            FieldChange("prune", "resource_group", "stage", "tightened"),
        ),
        # two words for the same width
        (
            {"prune": "resource_group"},
            {"prune": "everything"},
            FieldChange("prune", "resource_group", "everything", ""),
        ),
        ({"branch": "dev"}, {}, FieldChange("branch", "dev", "main", "")),
    ],
)
def test_limits_and_protection_of_the_stage_that_differ_show(
    before: dict[str, Any], after: dict[str, Any], expected: FieldChange
) -> None:
    former, wanted = (
        {**item, "protect": frozenset(item.get("protect", ()))} for item in (before, after)
    )
    plan = planned(STANDARD, STANDARD, former=former, **wanted)
    assert plan.treatment == (expected,)


def test_a_new_thing_lists_what_checks_it() -> None:
    wanted = a_stage(
        [
            configuration(),
            execution(options=Options(wait_for="COMPLETED", require=(R2,))),
            configuration("serve"),
            deployment(options=Options(wait_for="RUNNING", smoke_test=TEST, on_failure="keep")),
        ]
    )
    plan = make_plan(wanted, wanted.resources, (), KINDS, created_at=CREATED_AT)
    run, server = (change_of(plan, key) for key in ("execution/train", "deployment/serve"))
    assert run.treatment == (FieldChange("require.r2.min", None, 0.8),)
    assert {item.path: item.after for item in server.treatment} == {
        "on_failure": "keep",
        "smoke_test": "GET /v2/predict",
        "smoke_test.expect.status": 200,
        "smoke_test.expect.contains": "prediction",
    }


def test_where_nobody_knows_how_it_was_treated_nothing_is_claimed() -> None:
    live = [
        a_live(configuration(), "c1"),
        a_live(execution(configuration="c1"), "e1", State.SUCCEEDED, metrics={"r2": 1}),
    ]
    options = Options(wait_for="COMPLETED", require=(R2,))
    wanted = a_stage([configuration(), execution(options=options)])
    plan = make_plan(wanted, wanted.resources, live, KINDS, created_at=CREATED_AT)
    assert [change.treatment for change in plan.changes] == [(), ()]
    assert plan.treatment == ()


def test_the_fingerprint_does_not_depend_on_what_was_in_force() -> None:
    one = planned(STANDARD, replace(STANDARD, timeout=60.0))
    other = planned(replace(STANDARD, timeout=60.0), replace(STANDARD, timeout=60.0))
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            {"deployment/serve"},
            {"deployment/*"},
            [("deployment/serve", None, ""), (None, "deployment/*", "tightened")],
        ),
        (
            {"deployment/*"},
            {"deployment/serve"},
            [("deployment/*", None, "loosened"), (None, "deployment/serve", "")],
        ),
        ({"*"}, {"*", "deployment/a"}, [(None, "deployment/a", "")]),
    ],
)
def test_protection_that_others_cover_is_neither_loosened_nor_tightened(
    before: set[str], after: set[str], expected: list[tuple[Any, ...]]
) -> None:
    plan = planned(
        STANDARD, STANDARD, protect=frozenset(after), former={"protect": frozenset(before)}
    )
    assert [(item.before, item.after, item.reason) for item in plan.treatment] == expected


def test_another_place_is_said_to_leave_what_is_in_the_old_one() -> None:
    plan = planned(
        STANDARD,
        STANDARD,
        target={"resource_group": "b"},
        former={"target": {"resource_group": "a"}},
    )
    (moved,) = plan.treatment
    assert (moved.path, moved.before, moved.after) == ("resource_group", "a", "b")
    assert moved.reason == "made anew there; what is in the other stays"


def test_what_stays_says_in_its_sentence_how_it_is_treated_from_now_on() -> None:
    before = replace(STANDARD, timeout=1200.0, drain=300.0, smoke_test=TEST)
    after = replace(STANDARD, timeout=120.0, drain=0.0, smoke_test=None)
    plan = planned(before, after)
    assert change_of(plan, "deployment/serve").consequence == (
        "stays; from now on timeout 20m → 2m, drain 5m → 0s, smoke_test removed"
    )


GONE = [schedule(), deployment("api"), destination(of="api")]


@pytest.mark.parametrize(
    ("wanted", "prune", "left"),
    [
        ([], "none", ["schedule/weekly", "deployment/api", "destination/DEST"]),
        (GONE, "none", []),
        (
            [replace(GONE[1], key=Key("deployment", "other")), *GONE[:1]],
            "none",
            ["destination/DEST"],
        ),
        (
            [replace(GONE[1], key=Key("deployment", "other"))],
            "none",
            ["schedule/weekly", "destination/DEST"],
        ),
        ([schedule()], "resource_group", ["destination/DEST"]),
        (
            [configuration("api2"), deployment("api2")],
            "none",
            ["schedule/weekly", "deployment/api", "destination/DEST"],
        ),
    ],
)
def test_what_no_stage_file_names_any_more_and_goes_on_is_told(
    wanted: list[Any], prune: Any, left: list[str]
) -> None:
    live = [a_live(deployment("api", configuration="c"), "d1")]
    former = a_stage([configuration(), configuration("api"), execution(), *GONE])
    needed = [configuration(), configuration("api"), execution(), *wanted]
    stage = a_stage(needed, prune=prune)
    plan = make_plan(stage, needed, live, KINDS, created_at=CREATED_AT, former=former)
    assert [hint.partition(" ")[0] for hint in plan.hints] == left


def test_content_and_runs_that_no_stage_file_names_any_more_do_not_go_on() -> None:
    former = a_stage([configuration(), configuration("api"), execution(), GONE[1]])
    plan = make_plan(a_stage(), [], [], KINDS, created_at=CREATED_AT, former=former)
    assert plan.hints == (
        "deployment/api is not in the stage file any more, and stays (prune: none)",
    )


GATED = Lifecycle(
    {"documentation": "docs/model.md"},
    Key("execution", "try"),
    approval=FileApproval("approvals/prd.yaml"),
)
BY_OTHERS = replace(GATED, approval=FileApproval("approvals/prd.yaml", prevent_self_approval=True))


@pytest.mark.parametrize(
    ("former", "wanted", "told"),
    [
        (GATED, GATED, {}),
        (
            GATED,
            None,
            {
                "lifecycle.test": "loosened",
                "lifecycle.approval": "loosened",
                "lifecycle.require_assets.documentation": "loosened",
            },
        ),
        (None, Lifecycle(approval=GitHubApproval("prd")), {"lifecycle.approval": "tightened"}),
        (
            GATED,
            replace(GATED, approval=FileApproval("other.yaml"), deploy=(Key("job", "publish"),)),
            {"lifecycle.approval": "", "lifecycle.deploy.job/publish": "tightened"},
        ),
        (GATED, replace(GATED, approval=GitHubApproval("prd")), {"lifecycle.approval": ""}),
        (BY_OTHERS, GATED, {"lifecycle.prevent_self_approval": "loosened"}),
        (GATED, BY_OTHERS, {"lifecycle.prevent_self_approval": "tightened"}),
    ],
)
def test_what_stood_before_what_serves_and_is_taken_away_is_told(
    former: Lifecycle | None, wanted: Lifecycle | None, told: dict[str, str]
) -> None:
    found = of_stage(a_stage(lifecycle=former), a_stage(lifecycle=wanted))
    assert {field.path: field.reason for field in found} == told
