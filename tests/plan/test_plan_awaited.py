"""What waits for something that was started and is not up yet."""

from __future__ import annotations

import pytest

from cicd.model import Gate, Key, LiveResource, Options, Ref, Resource, State
from cicd.plan.awaited import awaited
from tests.plan.plan_world import (
    KINDS,
    a_live,
    configuration,
    deployment,
    destination,
    execution,
    schedule,
)

MODEL = {"model": Ref(Key("execution", "train"), "artifacts.model")}
CHAIN = [
    configuration(),
    execution(),
    configuration("serve", input_artifact_bindings=MODEL),
    deployment(),
    destination(),
]


def told(live: dict[str, LiveResource], *desired: Resource) -> dict[str, str]:
    by_key = {Key(*text.split("/")): item for text, item in live.items()}
    found = awaited(desired or CHAIN, by_key, KINDS)
    return {str(key): str(need) for key, need in found.items()}


def run(state: State) -> dict[str, LiveResource]:
    return {"execution/train": a_live(execution(), "e1", state)}


def server(state: State) -> dict[str, LiveResource]:
    return {"deployment/serve": a_live(deployment(), "d1", state)}


@pytest.mark.parametrize("state", [State.PENDING, State.RUNNING, State.UNKNOWN])
def test_what_is_not_there_waits_for_the_run_that_it_needs_through_content(state: State) -> None:
    assert told(run(state)) == {
        "configuration/serve": "execution/train",
        "deployment/serve": "execution/train",
        "destination/DEST": "execution/train",
    }


def test_the_nearest_one_counts_and_a_service_that_is_there_waits_for_its_model() -> None:
    live = run(State.RUNNING) | server(State.PENDING)
    found = told(live)
    assert found["destination/DEST"] == "deployment/serve"
    assert found["deployment/serve"] == "execution/train"
    live |= {"destination/DEST": a_live(destination(), "DEST")} | server(State.RUNNING)
    assert told(live) == {
        "configuration/serve": "execution/train",
        "deployment/serve": "execution/train",
    }


@pytest.mark.parametrize(
    "live",
    [
        {},
        run(State.SUCCEEDED),
        run(State.FAILED),
        run(State.STOPPED),
        server(State.RUNNING),
        server(State.FAILED),
    ],
)
def test_nothing_waits_for_what_has_ended_is_up_or_was_never_started(
    live: dict[str, LiveResource],
) -> None:
    assert told(live) == {}


@pytest.mark.parametrize(
    ("options", "waits"),
    [
        (Options(wait_for="COMPLETED"), True),
        (Options(wait_for=None), False),
        (Options(wait_for="RUNNING"), False),
        (Options(wait_for=None, require=(Gate("accuracy", minimum=0.9),)), True),
    ],
)
def test_a_run_whose_end_nobody_wants_is_waited_for_by_nothing(
    options: Options, waits: bool
) -> None:
    found = told(run(State.RUNNING), configuration(), execution(options=options), schedule())
    assert found == ({"schedule/weekly": "execution/train"} if waits else {})


@pytest.mark.parametrize(
    ("output", "waits"), [("artifacts.model", True), ("url", True), ("id", False), ("a", True)]
)
def test_who_needs_more_of_a_run_than_its_id_waits_for_its_end(output: str, *, waits: bool) -> None:
    user = configuration(
        "serve", input_artifact_bindings={"m": Ref(Key("execution", "train"), output)}
    )
    started = execution(options=Options(wait_for=None))
    found = told(run(State.RUNNING), configuration(), started, user)
    assert found == ({"configuration/serve": "execution/train"} if waits else {})
