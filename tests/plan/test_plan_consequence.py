"""Each change says in one sentence what comes of it for whoever has to approve it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from cicd.model import (
    FieldChange,
    Key,
    LiveResource,
    Options,
    Ref,
    Resource,
    SmokeTest,
    State,
    Status,
)
from cicd.plan import make_destroy_plan, make_stop_plan
from cicd.plan.consequence import phrase, with_values
from tests.plan.plan_world import (
    CREATED_AT,
    KINDS,
    a_live,
    a_stage,
    artifact,
    change_of,
    configuration,
    deployment,
    destination,
    execution,
    plan_of,
    schedule,
    secret,
)

TESTED = Options(wait_for="RUNNING", smoke_test=SmokeTest("/v1/x"))
SERVE = configuration("serve")
LIVE_SERVE = a_live(SERVE, "c2")


def server(state: State = State.RUNNING, **fields: Any) -> LiveResource:
    outputs = {"id": "d1", "url": "https://x/d1"}
    return a_live(deployment(configuration="c2"), "d1", state, outputs=outputs, **fields)


def pointer() -> LiveResource:
    return a_live(destination(url="https://x/d1"), "DEST", State.SUCCEEDED)


def sentence(
    key: str, desired: Sequence[Resource], live: Sequence[LiveResource] = (), **wishes: Any
) -> str:
    return change_of(plan_of(desired, live, **wishes), key).consequence


def test_a_new_server_says_that_its_url_is_new_and_who_points_to_it() -> None:
    desired = [SERVE, deployment(options=TESTED), destination()]
    assert sentence("deployment/serve", desired) == (
        "starts answering at a new URL after its smoke test; DEST will point to it"
    )
    assert sentence("destination/DEST", desired) == "is made and points to deployment/serve"
    assert sentence("deployment/serve", [SERVE, deployment()]) == (
        "starts answering at a new URL as soon as it runs, without a smoke test"
    )


def test_templates_that_are_not_there_yet_are_waited_for() -> None:
    wish = Resource(Key("application", "app"), {"name": "app", "executables": {"t": "d1"}})
    live = replace(a_live(wish, "app"), status=Status(State.PENDING, "OutOfSync"))
    assert sentence("application/app", [wish], [live]) == (
        "is still OutOfSync: apply waits for Synced"
    )


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, ""),
        (1, " (p1 1)"),
        (3, " (p1 1, p2 2, p3 3)"),
        (4, " (p1 1, p2 2, p3 3 and 1 more)"),
        (9, " (p1 1, p2 2, p3 3 and 6 more)"),
    ],
)
def test_of_many_values_three_are_told_and_the_rest_is_counted(count: int, told: str) -> None:
    fields = [FieldChange(f"values.p{n}", None, str(n)) for n in range(1, count + 1)]
    assert with_values(fields) == told


@pytest.mark.parametrize(
    ("path", "before", "after", "told"),
    [
        ("requirements.0", "six==1.16", "six==1.17", "requirements six==1.16 → six==1.17"),
        ("requirements.12", None, "numpy", "requirements numpy added"),
        ("requirements.3", "numpy", None, "requirements removed"),
        ("env.EPOCHS", "5", "6", "EPOCHS 5 → 6"),
        ("image", "a:1", "a:2", "image a:1 → a:2"),
    ],
)
def test_an_item_of_a_list_is_called_by_its_list(
    path: str, before: str | None, after: str | None, told: str
) -> None:
    assert phrase(FieldChange(path, before, after)) == told


def test_the_first_items_of_a_list_are_called_by_their_list() -> None:
    assert with_values([FieldChange("requirements.0", None, "six")]) == " (requirements six)"


def test_what_runs_other_content_for_no_known_cause_says_so_by_its_field() -> None:
    live = [
        a_live(configuration(), "c1"),
        a_live(execution(configuration="c1"), "e1", State.SUCCEEDED),
        a_live(schedule(configuration="c0"), "s1", State.UNKNOWN),
    ]
    told = sentence("schedule/weekly", [configuration(), execution(), schedule()], live)
    assert told == "is changed in place (configuration c0 → c1)"


def test_a_new_pointer_to_what_is_there_says_what_it_points_to() -> None:
    wanted = [SERVE, deployment(), destination("LARGE")]
    told = sentence("destination/LARGE", wanted, [LIVE_SERVE, server()])
    assert told == "is made and points to deployment/serve"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            "a/ghcr.io/one/house-prices-train:1.0",
            "a/docker.io/two/house-prices-train:1.0",
            "changed",
        ),
        ("say </b> and then / or else", "say nothing </details> --> more", "changed"),
        (
            "s3://bucket/2026/01/data.csv.gz.part",
            "s3://bucket/2026/02/next.csv",
            "data.csv.gz.part → s3://bucket/2026/02/next.csv",
        ),
        (True, False, "true → false"),
    ],
)
def test_a_sentence_shows_of_values_no_piece_that_tells_something_else(
    before: Any, after: Any, told: str
) -> None:
    live = a_live(configuration("serve", {"x": before}), "c1")
    wanted = [configuration("serve", {"x": after}), deployment()]
    run = a_live(deployment(configuration="c1"), "d1")
    assert sentence("deployment/serve", wanted, [live, run]) == (
        f"takes x {told}; the same URL goes on answering"
    )


@pytest.mark.parametrize("field", [{}, {"active": False}])
def test_a_schedule_names_what_its_runs_take_otherwise_and_no_ids(field: dict[str, Any]) -> None:
    was = a_live(configuration(parameters={"epochs": "1"}), "549380a7-c1")
    live = [was, a_live(schedule(configuration=was.id), "s1")]
    wanted = [configuration(parameters={"epochs": "2"}), execution(), schedule(**field)]
    change = change_of(plan_of(wanted, live), "schedule/weekly")
    own = ", active true → false" if field else ""
    assert change.consequence == f"is changed in place (epochs 1 → 2{own})"
    assert [(cause.path, cause.before, cause.after) for cause in change.causes] == [
        ("configuration", "train 549380a7", "train (new)"),
        ("parameter_bindings.epochs", "1", "2"),
    ]


def test_a_replaced_server_says_that_its_url_changes_and_who_follows() -> None:
    desired = [SERVE, deployment(options=TESTED, ttl="2h"), destination()]
    live = [LIVE_SERVE, server(spec={"ttl": "1h"}), pointer()]
    assert sentence("deployment/serve", desired, live) == (
        "a new deployment takes over after its smoke test; the URL changes; DEST follows "
        "(ttl changed: fixed when it is created)"
    )
    assert sentence("destination/DEST", desired, live) == (
        "follows to the new URL of deployment/serve"
    )
    assert sentence("deployment/serve", desired[:2], live[:2]) == (
        "a new deployment takes over after its smoke test; the URL changes; "
        "nothing follows, tell its callers (ttl changed: fixed when it is created)"
    )


def test_a_server_that_is_dead_or_asked_to_go_says_why_it_is_replaced() -> None:
    desired = [SERVE, deployment(options=TESTED)]
    dead = sentence("deployment/serve", desired, [LIVE_SERVE, server(State.FAILED)])
    assert dead.endswith("(d1 is DEAD)")
    asked = sentence("deployment/serve", desired, [LIVE_SERVE, server()], replace=["deployment/*"])
    assert asked.endswith("(--replace)")


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (State.PENDING, "is still PENDING: apply waits for RUNNING"),
        (State.UNKNOWN, "is still UNKNOWN: apply waits for RUNNING"),
    ],
)
def test_a_server_on_its_way_is_waited_for(state: State, told: str) -> None:
    desired = [SERVE, deployment(options=TESTED)]
    assert sentence("deployment/serve", desired, [LIVE_SERVE, server(state)]) == told


def test_what_is_deleted_or_stopped_says_that_it_stops_answering() -> None:
    live = [LIVE_SERVE, server(), pointer()]
    pruned = plan_of([artifact()], live, prune="resource_group")
    (found,) = [c for c in pruned.changes if c.key.kind == "deployment"]
    assert found.consequence == (
        "stops answering: the deployment is deleted (not in the stage file, prune: resource_group)"
    )
    desired = [SERVE, deployment(), destination()]
    plan = make_destroy_plan(a_stage(desired), desired, live, KINDS, created_at=CREATED_AT)
    assert change_of(plan, "destination/DEST").consequence == (
        "leads nowhere any more: the destination is deleted (destroy)"
    )
    stop = make_stop_plan(
        a_stage(desired), desired, live, KINDS, ["deployment/serve"], created_at=CREATED_AT
    )
    assert change_of(stop, "deployment/serve").consequence == (
        "stops answering: the deployment is stopped"
    )


def test_a_pointer_that_only_differs_in_other_fields_says_in_which() -> None:
    live = [LIVE_SERVE, server(), replace(pointer(), spec={**pointer().spec, "type": "a"})]
    desired = [SERVE, deployment(), destination(type="b")]
    assert sentence("destination/DEST", desired, live) == "is changed in place (type a → b)"


@pytest.mark.parametrize(
    ("options", "live", "told"),
    [
        ({"rerun": "always"}, {}, "trains again, as at every apply (rerun: always)"),
        ({}, {"state": State.STOPPED}, "trains again: the last run e1 is STOPPED"),
        ({}, {"state": State.RUNNING}, "goes on: e1 is still RUNNING and is followed to its end"),
        (
            {},
            {"spec": {"inputs": "old"}, "state": State.RUNNING},
            "trains again (code or template changed), beside e1, which is still RUNNING",
        ),
    ],
)
def test_a_run_says_why_it_runs_again(
    options: dict[str, Any], live: dict[str, Any], told: str
) -> None:
    run = execution(options=Options(wait_for="COMPLETED", **options))
    spec = {"configuration": "c1", **live.pop("spec", {})}
    state = live.pop("state", State.SUCCEEDED)
    known = [a_live(configuration(), "c1"), a_live(execution(), "e1", state, spec=spec)]
    assert sentence("execution/train", [configuration(), run], known) == told


@pytest.mark.parametrize(
    ("served", "state", "before"),
    [
        ("a130", State.RUNNING, "130"),
        ("a145", State.RUNNING, "145"),
        ("a130", State.STOPPED, "145"),
        ("unknown", State.RUNNING, "145"),
    ],
)
def test_a_training_is_compared_with_the_one_whose_model_is_served(
    served: str, state: State, before: str
) -> None:
    bound = {"model": Ref(Key("execution", "train"), "artifacts.model")}
    wish = configuration("serve", input_artifact_bindings=bound)
    live = [server(state)]
    live.append(a_live(configuration("serve", input_artifact_bindings={"model": served}), "c2"))
    for epochs in ("130", "145"):
        day, made = f"2026-01-{epochs[1:]}", {"artifacts.model": f"a{epochs}"}
        content = configuration(parameters={"epochs": epochs})
        live.append(a_live(content, f"c{epochs}", created_at=day))
        run = execution(configuration=f"c{epochs}")
        live.append(a_live(run, f"e{epochs}", State.SUCCEEDED, outputs=made, created_at=day))
    desired = [configuration(parameters={"epochs": "140"}), execution(), wish, deployment()]
    told = f"trains again (epochs {before} → 140)"
    assert sentence("execution/train", desired, live) == told
    (field,) = change_of(plan_of(desired, live), "configuration/train").fields
    assert (field.before, field.after) == (before, "140")


@pytest.mark.parametrize("day", ["09", "01"])
def test_a_model_that_was_served_before_is_not_called_new(day: str) -> None:
    # as after a rollback, or where Git went back
    model = Ref(Key("execution", "train"), "artifacts.model")
    wish = configuration("serve", input_artifact_bindings={"model": model})
    made = {"id": "e1", "artifacts.model": "a-other"}
    live = [
        a_live(configuration(), "c1"),
        a_live(execution(configuration="c1"), "e1", State.SUCCEEDED, outputs=made),
        a_live(
            configuration("serve", input_artifact_bindings={"model": "a-served"}),
            "c2",
            created_at="2026-01-05",
        ),
        a_live(
            configuration("serve", input_artifact_bindings={"model": "a-other"}),
            "c3",
            created_at=f"2026-01-{day}",
        ),
        server(),
    ]
    assert sentence(
        "deployment/serve", [configuration(), execution(), wish, deployment()], live
    ) == ("takes the model from train; the same URL goes on answering")


@pytest.mark.parametrize("run", ["train", "retrain", "weekly"])
def test_a_model_that_is_made_already_is_told_with_the_run_that_made_it(run: str) -> None:
    # as after an apply that did not wait, or was interrupted
    model = Ref(Key("execution", run), "artifacts.model")
    content = configuration(run), execution(run)
    made = {"id": "e1", "artifacts.model": "a-new"}
    wish = configuration("serve", input_artifact_bindings={"model": model})
    live = [
        a_live(content[0], "c1"),
        a_live(content[1], "e1", State.SUCCEEDED, spec={"configuration": "c1"}, outputs=made),
        a_live(configuration("serve", input_artifact_bindings={"model": "a-old"}), "c2"),
        server(),
    ]
    plan = plan_of([*content, wish, deployment()], live)
    assert change_of(plan, "deployment/serve").consequence == (
        f"takes the new model from {run}; the same URL goes on answering"
    )
    (field,) = change_of(plan, "configuration/serve").fields
    assert (field.before, field.after, field.reason) == (
        "a-old",
        "a-new",
        f"made by execution/{run}",
    )


def test_a_run_that_is_no_training_runs() -> None:
    desired = [configuration("score"), execution("score")]
    assert sentence("execution/score", desired) == "runs for the first time"


def test_the_rest_says_what_happens_to_it() -> None:
    new = schedule(), configuration(), execution()
    assert sentence("schedule/weekly", new) == "is made"
    live = [
        a_live(configuration(), "c1"),
        a_live(execution(configuration="c1"), "e1", State.SUCCEEDED),
        a_live(schedule(configuration="c1", cron="1 0 * * 0"), "s1"),
    ]
    assert sentence("schedule/weekly", new, live) == (
        "is changed in place (cron 1 0 * * 0 → 0 0 * * 0)"
    )
    old = a_live(artifact(url="ai://default/old"), "a1")
    assert sentence("artifact/data", [artifact()], [old]) == (
        "a new one is made beside the old one (url ai://default/old → ai://default/data)"
    )
    kept = a_live(secret("generic_secret", scope="x"), "s1")
    wish = secret("generic_secret", scope="x")
    assert sentence("generic_secret/s", [wish], [kept], refresh_secrets=True) == (
        "is sent again (--refresh-secrets)"
    )


def test_every_change_of_a_plan_has_a_sentence() -> None:
    desired = [artifact(), SERVE, deployment(), destination(), configuration(), execution()]
    for live in ([], [LIVE_SERVE, server(), pointer()], [a_live(artifact(url="x"), "a9")]):
        for change in plan_of(desired, live, prune="resource_group").changes:
            assert change.consequence
            assert "\n" not in change.consequence
            assert not change.consequence.endswith(".")
            assert change.role == KINDS[change.key.kind].role


@pytest.mark.parametrize(
    ("path", "ref", "said"),
    [
        ("models.main", "model/churn", "the new model churn for main"),
        ("models.v2", "model/candidate", "the new model candidate for v2"),
        ("models.main", "model/main", "the new model main for main"),
        ("data", "training_job/train", "the new data from train"),
        ("inputs.models", "execution/train", "the new models from train"),
    ],
)
def test_what_goes_to_a_place_of_a_map_is_told_by_its_own_name(
    path: str, ref: str, said: str
) -> None:
    kind, _, name = ref.partition("/")
    assert phrase(FieldChange(path, "before", Ref(Key(kind, name)))) == said
