"""A stage through the Python API, against a real emulator: what is returned, told and raised."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest

from cicd import Project
from cicd.apply import events as change_events
from cicd.automation import Operation, Result, StageSession, events
from cicd.automation.lock import stage_lock
from cicd.errors import (
    Cancelled,
    CicdError,
    ConnectionFailed,
    Denied,
    Failed,
    InvalidStage,
    Refused,
    TimedOut,
    Usage,
)
from cicd.model import Action, Holder, Key, Outcome, Plan
from cicd.model import Result as Ending
from tests.acceptance.operations_world import STAGE
from tests.automation.conftest import TRAIN_ONLY, Desk
from tests.platforms.stub_server import Reply

NO_DESTINATION = STAGE.replace("    destination_name: SERVE\n", "")
SERVING = NO_DESTINATION.partition("deployments:\n")[2]


def of(kind: type[Any], told: list[Any]) -> list[Any]:
    return [event for event in told if isinstance(event, kind)]


def test_a_stage_is_checked_planned_saved_applied_and_looked_at(desk: Desk) -> None:
    project = desk.project
    assert project.check("dev") == []
    told: list[events.Event] = []
    with project.stage("dev", variables={}, local=False) as dev:
        plan = dev.plan(select=["deployment/*"])
        assert plan.summary["create"] and not plan.refusal
        assert desk.world.changes() == []
        saved = dev.save(plan)
        assert json.loads(saved)["stage"] == "dev"
        result = dev.apply(
            saved,
            approve=lambda plan: not plan.summary["delete"],
            on_event=told.append,
            lock_timeout=600,
            workers=10,
        )
        result.raise_for_failure()
        assert result["deployment/serve"].url.startswith("http")
        assert result[Key("deployment", "serve")].result is Ending.APPLIED
        assert result.summary["result"] == "applied" and result.exit_code == 0
        rest = dev.apply()
        assert rest["execution/train"].status == "COMPLETED"
        assert dev.plan().summary[Action.NO_OP] == len(dev.plan().changes)
        lines = [(str(key), entry.text) for key, entry in dev.logs("execution/train", follow=True)]
        assert lines == [("execution/train", f"line {number}") for number in range(3)]
        assert {row["key"]: row["status"] for row in dev.status()}["deployment/serve"] == "RUNNING"
        assert [row["key"] for row in dev.list("deployments")] == ["deployment/serve"]
        assert dev.compare("train").runs
        assert dev.metrics("train").points == ()
        assert dev.explain("serve")["status"] == "RUNNING"
    assert isinstance(told[0], events.Planned) and isinstance(told[-1], events.Ended)
    assert told[-1].summary == result.summary
    assert of(change_events.LogLine, told) == []
    assert len(of(Outcome, told)) >= len(plan.changes)


def test_an_iterator_of_events_opens_the_stage_and_closes_it(desk: Desk) -> None:
    desk.stage(TRAIN_ONLY)
    operation = desk.project.stage("dev").applying()
    assert isinstance(operation, Operation)
    assert desk.world.gate.requests == []  # nothing is done before it is read
    told = list(operation)
    names = [type(event).__name__ for event in told]
    assert names[0] == "Planned" and names[-1] == "Ended"
    assert names.count("Executing") == names.count("Executed") == 2  # its place comes first
    assert operation.result is not None and not operation.result.has_failed
    assert desk.world.number("executions") == 1


def refused(plan: Plan) -> bool:
    return False


@pytest.mark.parametrize(
    "act",
    [
        lambda dev: dev.apply(approve=refused),
        lambda dev: dev.apply(dev.plan(), approve=refused),
        lambda dev: dev.apply(dev.save(dev.plan()), approve=refused),
        lambda dev: dev.destroy(approve=refused),
        lambda dev: dev.stop("execution/*", approve=refused),
        lambda dev: dev.rollback("deployment/serve", approve=refused),
    ],
)
def test_without_consent_nothing_is_changed_and_the_result_says_so(
    desk: Desk, act: Callable[[StageSession], Result]
) -> None:
    text = NO_DESTINATION.replace("mode: complete", "mode: hang")
    text = text.replace("  - key: train\n", "  - key: train\n    wait_for_status: null\n")
    desk.stage(text)
    desk.project.stage("dev").apply().raise_for_failure()
    time.sleep(1)  # what can be gone back to is older, and times are in seconds
    desk.stage(text.replace("greeting: hello", "greeting: howdy"))
    desk.project.stage("dev").apply().raise_for_failure()
    desk.stage(text.replace("greeting: hello", "greeting: salut"))
    before = len(desk.world.changes())
    with desk.project.stage("dev") as dev:
        result = act(dev)
    assert result.exit_code == Refused.exit_code and result.summary["result"] == "refused"
    assert len(result) == 0
    with pytest.raises(Refused, match="consent was not given"):
        result.raise_for_failure()
    assert len(desk.world.changes()) == before


def test_a_result_is_raised_with_the_exit_code_of_the_command_line(desk: Desk) -> None:
    desk.stage(TRAIN_ONLY.replace("mode: complete", "mode: fail"))
    with desk.project.stage("dev") as dev:
        result = dev.apply()
        with pytest.raises(Failed, match="execution/train failed") as failed:
            result.raise_for_failure()
        assert failed.value.exit_code == result.exit_code == 1
        assert result["execution/train"].log
        with pytest.raises(KeyError):
            result["execution/other"]
    desk.stage(
        TRAIN_ONLY.replace("mode: complete}", "mode: hang}").replace(
            "  - key: train\n", "  - key: train\n    timeout: 1s\n"
        )
    )
    with desk.project.stage("dev") as dev:
        result = dev.apply(rerun=["execution/train"])
        assert result.summary["result"] == "timed_out"
        with pytest.raises(TimedOut):
            result.raise_for_failure()


def test_what_stands_against_a_plan_is_in_it_and_in_the_result(desk: Desk) -> None:
    other = SERVING.replace("key: serve", "key: other").replace("churn-serving", "churn-other")
    desk.stage(NO_DESTINATION + other)
    with desk.project.stage("dev") as dev:
        dev.apply().raise_for_failure()
    desk.stage("prune: stage\nlimits: {max_delete: 0}\n" + NO_DESTINATION)
    with desk.project.stage("dev") as dev:
        plan = dev.plan()
        assert plan.summary[Action.DELETE] == 1 and "limit" in plan.refusal
        result = dev.apply(plan)
        assert result.exit_code == 5 and str(result.refusal) == plan.refusal
        told = list(dev.applying())
        assert [type(event) for event in told] == [events.Planned, events.Refused, events.Ended]
        assert told[1].reason == plan.refusal  # type: ignore[union-attr]
        dev.apply(over_limits=True).raise_for_failure()
    assert desk.world.number("deployments") == 1


@pytest.mark.parametrize("moved", ["the stage file", "a variable", "what is live"])
def test_a_saved_plan_that_no_longer_fits_is_refused_and_says_so(desk: Desk, moved: str) -> None:
    text = f"variables: {{word: hello}}\n{NO_DESTINATION}".replace(
        "greeting: hello", 'greeting: "${var.word}"'
    )
    desk.stage(text)
    with desk.project.stage("dev") as dev:
        plan = dev.plan()
        saved = dev.save(plan)
        if moved == "what is live":
            dev.apply(select=["artifact/data"]).raise_for_failure()
    if moved == "the stage file":
        desk.stage(f"{text}protect: [deployment/serve]\n")
    variables = {"word": "howdy"} if moved == "a variable" else {}
    before = len(desk.world.changes())
    with desk.project.stage("dev", variables) as now:
        for bound in (saved, plan):
            result = now.apply(bound)
            assert result.exit_code == 5 and "no longer fits" in str(result.refusal)
    assert len(desk.world.changes()) == before


def test_a_saved_plan_is_applied_once_and_a_plan_at_hand_as_often_as_it_fits(desk: Desk) -> None:
    desk.stage(TRAIN_ONLY)
    with desk.project.stage("dev") as dev:
        saved = dev.save(dev.plan())
        dev.apply(saved).raise_for_failure()
        with pytest.raises(Refused, match="applied"):
            dev.apply(saved).raise_for_failure()
        same = dev.plan()
        dev.apply(same).raise_for_failure()
        dev.apply(same).raise_for_failure()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"schema_version": 1, "stage": 3}'])
def test_bytes_that_are_no_plan_are_no_plan(desk: Desk, content: bytes) -> None:
    with pytest.raises(InvalidStage, match="not a plan"):
        desk.project.stage("dev").apply(content)


def test_a_saved_plan_brings_its_own_choice_and_its_own_stage(desk: Desk) -> None:
    desk.stage(TRAIN_ONLY)
    desk.stage(TRAIN_ONLY, "tst")
    with desk.project.stage("dev") as dev, desk.project.stage("tst") as tst:
        saved = dev.save(dev.plan(select=["artifact/data"]))
        with pytest.raises(Usage, match="its own choice"):
            dev.apply(saved, select=["execution/train"])
        assert "dev" in str(tst.apply(saved).refusal)
        dev.apply(saved).raise_for_failure()
    assert desk.world.number("executions") == 0 and desk.world.number("artifacts") == 1


def test_who_has_the_lock_is_told_and_ends_it_when_the_time_is_over(desk: Desk) -> None:
    desk.world.make_group()
    with desk.project.stage("dev") as dev:
        lock = stage_lock(dev)
        assert lock
        lock.take(Holder("r1", name="bob@desk", command="cicd apply dev"), 600)
        told: list[events.Event] = []
        result = dev.apply(on_event=told.append, lock_timeout=0.2)
        [waiting] = of(events.Waiting, told)
        assert waiting.holder.name == "bob@desk" and waiting.seconds == 0.2
        with pytest.raises(Refused, match="locked by bob@desk"):
            result.raise_for_failure()
        holder = dev.holder()
        assert holder
        with pytest.raises(Refused, match="another lock"):
            dev.unlock(replace(holder, run="r0"))
        dev.unlock(holder)
        assert dev.holder() is None
        dev.apply().raise_for_failure()
        assert dev.holder() is None  # given back


def test_the_lock_that_somebody_gives_back_is_waited_for(desk: Desk) -> None:
    desk.stage(TRAIN_ONLY)
    desk.world.make_group()
    with desk.project.stage("dev") as dev:
        lock = stage_lock(dev)
        assert lock
        lock.take(Holder("r1", name="bob@desk"), 600)
        told: list[events.Event] = []

        def hear(event: events.Event) -> None:
            told.append(event)
            if isinstance(event, events.Waiting):
                lock.drop()

        dev.apply(on_event=hear, lock_timeout=60).raise_for_failure()
        assert len(of(events.Waiting, told)) == 1


def hanging(desk: Desk) -> None:
    desk.stage(TRAIN_ONLY.replace("mode: complete", "mode: hang"))


def test_cancel_from_another_thread_leaves_the_run_running_and_the_next_apply_adopts_it(
    desk: Desk,
) -> None:
    hanging(desk)
    with desk.project.stage("dev") as dev:
        operation = dev.applying()

        def hear(event: events.Event) -> None:
            if isinstance(event, change_events.LogLine):
                threading.Thread(target=operation.cancel).start()

        result = operation.run(hear)
        assert result.is_cancelled and result.summary["result"] == "interrupted"
        assert result["execution/train"].result is Ending.DEFERRED
        assert result["artifact/data"].result is Ending.APPLIED
        with pytest.raises(Cancelled) as cancelled:
            result.raise_for_failure()
        assert cancelled.value.exit_code == 130
        assert dev.holder() is None  # the lock was given back
    [run] = desk.world.listed("executions")
    assert run["status"] == "RUNNING"
    adopting = desk.project.stage("dev").applying()
    for event in adopting:
        if isinstance(event, change_events.Began) and event.key.kind == "execution":
            assert event.id == run["id"]
        if isinstance(event, change_events.LogLine):
            adopting.close()
    assert desk.world.number("executions") == 1


def test_what_is_cancelled_before_it_begins_or_while_it_waits_does_nothing(desk: Desk) -> None:
    desk.world.make_group()
    with desk.project.stage("dev") as dev:
        early = dev.applying()
        early.cancel()
        assert early.run().is_cancelled
        lock = stage_lock(dev)
        assert lock
        lock.take(Holder("r1", name="bob@desk"), 600)
        waiting = dev.applying(lock_timeout=600)
        result = waiting.run(lambda event: waiting.cancel())
        assert result.is_cancelled and len(result) == 0
        lock.drop()
    unopened = desk.project.stage("dev").applying()
    unopened.cancel()
    assert unopened.run().exit_code == 130
    assert desk.world.number("artifacts") == 0


def test_closing_an_iterator_gives_the_lock_back(desk: Desk) -> None:
    hanging(desk)
    desk.world.make_group()
    with desk.project.stage("dev") as dev:
        operation = dev.applying()
        for event in operation:
            if isinstance(event, change_events.LogLine):
                break
        assert dev.holder()
        operation.close()
        assert dev.holder() is None
        assert operation.result is None
        dev.stop("train").raise_for_failure()


def test_stop_ends_what_runs_and_is_fine_with_what_has_ended(desk: Desk) -> None:
    desk.stage(NO_DESTINATION)
    with desk.project.stage("dev") as dev:
        dev.apply().raise_for_failure()
        result = dev.stop("execution/*")
        assert not result.has_failed and result.summary["result"] == "unchanged"
        result = dev.stop("execution/*", "serve")
        assert result["deployment/serve"].result is Ending.APPLIED
        with pytest.raises(Usage):
            dev.stop("deployment/other")
    assert [item["status"] for item in desk.world.listed("deployments")] == ["STOPPED"]


def test_rollback_goes_back_and_says_what_the_next_apply_makes_of_it(desk: Desk) -> None:
    desk.stage(NO_DESTINATION)
    with desk.project.stage("dev") as dev:
        dev.apply().raise_for_failure()
    time.sleep(1)  # what can be gone back to is older, and times are in seconds
    desk.stage(NO_DESTINATION.replace("greeting: hello", "greeting: howdy"))
    with desk.project.stage("dev") as dev:
        dev.apply().raise_for_failure()
        versions = dev.versions("serve")
        assert [version["running"] for version in versions] == [True, False]
        result = dev.rollback("deployment/serve")
        result.raise_for_failure()
        assert "stages/dev.yaml still asks for" in result.remarks[0]
        dev.rollback("serve", to=versions[0]["id"]).raise_for_failure()
        for wrong in ("execution/train", "deployment/other"):
            with pytest.raises(Usage):
                dev.rollback(wrong)


def test_destroy_takes_down_what_was_agreed_to(desk: Desk) -> None:
    # the application is shared by all tests
    desk.stage(
        NO_DESTINATION.replace("git: {application: ops, path: templates, revision: main}\n", "")
    )
    plans: list[Plan] = []

    def approve(plan: Plan) -> bool:
        plans.append(plan)
        return True

    with desk.project.stage("dev") as dev:
        dev.apply().raise_for_failure()
        dev.destroy(approve=approve).raise_for_failure()
    assert plans[0].is_destroy and plans[0].summary[Action.DELETE]
    groups = desk.world.client.get("/v2/admin/resourceGroups")["resources"]
    assert desk.world.group not in {group["resourceGroupId"] for group in groups}


def test_a_stage_without_a_login_is_denied_and_a_wrong_file_tells_every_problem(
    desk: Desk,
) -> None:
    with pytest.raises(Denied), Project(desk.world.folder, environ={}).stage("dev"):
        raise AssertionError("nobody gets here")
    desk.stage("aicore: {resource_group: x}\nodd: 1\nother: 2\n")
    with pytest.raises(InvalidStage) as wrong, desk.project.stage("dev"):
        raise AssertionError("nobody gets here")
    assert len(wrong.value.problems) >= 2
    assert desk.project.check("dev") == list(wrong.value.problems)
    with pytest.raises(InvalidStage, match="no stage"):
        desk.project.stage("nope").plan()


def test_a_platform_that_cannot_be_reached_is_raised_while_planning_and_told_while_applying(
    desk: Desk,
) -> None:
    desk.world.gate.on("POST", "/oauth/token", Reply(503, "down"))
    with pytest.raises(CicdError) as failed, desk.project.stage("dev") as dev:
        dev.plan()
    assert failed.value.exit_code in {1, ConnectionFailed.exit_code}


def test_secrets_that_a_server_repeats_are_in_no_event_and_no_result(desk: Desk) -> None:
    desk.environ["MY_PASSWORD"] = "canary-of-the-coal-mine"
    desk.stage(TRAIN_ONLY.replace("mode: complete", 'mode: "${env.MY_PASSWORD}"'))

    def answer(request: Any) -> Any:
        reply = desk.world.forward(request)
        return Reply(
            reply.status, str(reply.body).replace("line 1", "line canary-of-the-coal-mine")
        )

    desk.world.gate.otherwise = answer
    told: list[events.Event] = []
    with desk.project.stage("dev") as dev:
        plan = dev.plan()
        result = dev.apply(wait=False, on_event=told.append)
        assert "canary" not in dev.save(plan).decode()
        assert "canary" not in json.dumps(result.summary)
        lines = [entry.text for _, entry in dev.logs("train")]
    assert "line ***" in lines
    changes = [event for event in told if not isinstance(event, events.Planned | events.Executing)]
    assert "canary" not in repr([event for event in changes if not hasattr(event, "plan")])


def test_two_sessions_at_once_in_two_threads_do_not_meet(desk: Desk) -> None:
    groups = [f"{desk.world.group}-{letter}" for letter in "ab"]
    for name, group in zip(("one", "two"), groups, strict=True):
        desk.stage(NO_DESTINATION.replace("GROUP", group), name)
    results: dict[str, Result] = {}
    both = threading.Barrier(2)

    def work(name: str) -> None:
        with desk.project.stage(name, variables={}) as stage:
            both.wait(30)
            results[name] = stage.apply(workers=4)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: result.summary["result"] for name, result in results.items()} == {
        "one": "applied",
        "two": "applied",
    }
    ids = {name: result["deployment/serve"].id for name, result in results.items()}
    assert ids["one"] != ids["two"]


def test_events_cannot_be_changed_and_results_are_mappings(desk: Desk) -> None:
    desk.stage(TRAIN_ONLY)
    told: list[events.Event] = []
    result = desk.project.stage("dev").apply(on_event=told.append)
    for event in told:
        with pytest.raises(FrozenInstanceError):
            setattr(event, fields(event)[0].name, None)
    assert dict(result) == {str(outcome.key): outcome for outcome in result.outcomes}
    assert "execution/train" in result and "x" not in result


def test_a_callback_that_raises_ends_it_and_the_lock_is_given_back(desk: Desk) -> None:
    desk.stage(TRAIN_ONLY)
    desk.world.make_group()

    def hear(event: events.Event) -> None:
        if isinstance(event, events.Executing):
            raise ZeroDivisionError

    with desk.project.stage("dev") as dev:
        with pytest.raises(ZeroDivisionError):
            dev.apply(on_event=hear)
        assert dev.holder() is None
        with pytest.raises(Refused, match="not today"):
            dev.apply(approve=_not_today).raise_for_failure()


def _not_today(plan: Plan) -> bool:
    raise Refused("not today")


def test_values_that_a_run_records_are_told_as_they_come(desk: Desk) -> None:
    desk.stage(TRAIN_ONLY)
    with desk.project.stage("dev") as dev:
        dev.apply().raise_for_failure()
        assert [*dev.following_metrics("train")] == []
        began = time.monotonic()
        assert [*dev.logs("train", since="1d")]
        assert time.monotonic() >= began
        with pytest.raises(Usage):
            [*dev.logs("train", since="soon")]
        with pytest.raises(Usage):
            [*dev.logs()]
        with pytest.raises(Usage):
            dev.list("unicorns")
