"""Steps and dags: order, failures, conditions, depends, continueOn, failFast, targets, nesting."""

from __future__ import annotations

from tests.emulator.workflows.cases import ERROR, FAIL, SAID, Case, call, dag, echoes, flow, steps
from tests.emulator.workflows.play import Answers

AB = echoes("a", "b")
ABC = echoes("a", "b", "c")
OK = "Succeeded"
GOAL = "{{workflow.parameters.goal}}"
OMITTED = "omitted: depends condition not met"

STEPS = [
    Case(
        "steps one after the other",
        flow(steps(call("a"), call("b")), AB),
        rounds=[["[0].a"], ["[1].b"]],
        phases={"[0].a": OK, "[1].b": OK},
        args=["a", "b"],
    ),
    Case(
        "steps of a group side by side",
        flow(steps([call("a"), call("b")], call("c")), ABC),
        rounds=[["[0].a", "[0].b"], ["[1].c"]],
    ),
    Case(
        "a failed step ends the steps after its group",
        flow(steps([call("a"), call("b")], call("c")), ABC),
        {"a": FAIL},
        "Failed",
        {"[0].a": "Failed", "[0].b": OK},
        f"step a failed: {SAID}",
    ),
    Case(
        "an error is a failure too",
        flow(steps(call("a"), call("b")), AB),
        {"a": ERROR},
        "Failed",
        {"[0].a": "Error"},
        "step a failed: no such image",
    ),
    Case(
        "continueOn failed goes on after a failure",
        flow(steps(call("a", continueOn={"failed": True}), call("b")), AB),
        {"a": FAIL},
        phases={"[0].a": "Failed", "[1].b": OK},
    ),
    Case(
        "continueOn failed does not forgive an error",
        flow(steps(call("a", continueOn={"failed": True}), call("b")), AB),
        {"a": ERROR},
        "Failed",
        {"[0].a": "Error"},
    ),
    Case(
        "continueOn error forgives an error",
        flow(steps(call("a", continueOn={"error": True}), call("b")), AB),
        {"a": ERROR},
        phases={"[0].a": "Error", "[1].b": OK},
    ),
    Case(
        "the status of a forgiven step can be asked for",
        flow(
            steps(
                call("a", continueOn={"failed": True}),
                [
                    call("b", when="{{steps.a.status}} == Failed"),
                    call("c", when="{{steps.a.exitCode}} == 0"),
                ],
            ),
            ABC,
        ),
        {"a": FAIL},
        phases={"[0].a": "Failed", "[1].b": OK, "[1].c": "Skipped"},
        messages={"[1].c": "when '1 == 0' evaluated false"},
    ),
    Case(
        "when is false",
        flow(steps(call("a", when="1 > 2"), call("b")), AB),
        phases={"[0].a": "Skipped", "[1].b": OK},
        messages={"[0].a": "when '1 > 2' evaluated false"},
    ),
    Case(
        "when with a regular expression",
        flow(steps([call("a", when="'v1.2' =~ '^v1'"), call("b", when="'v1.2' !~ '^v1'")]), AB),
        phases={"[0].a": OK, "[0].b": "Skipped"},
    ),
    Case(
        "when that is neither true nor false",
        flow(steps(call("a", when="maybe")), AB),
        phase="Failed",
        phases={},
        groups={"[0]": "Error"},
        messages={
            "[0]": "step a failed: Expected boolean evaluation for 'maybe'. Got maybe (only true "
            "and false are a condition of their own: compare it, 'maybe' == 'maybe')"
        },
    ),
    Case(
        "everything skipped is a success",
        flow(steps(call("a", when="false")), AB),
        phases={"[0].a": "Skipped"},
    ),
    Case(
        "one container alone",
        flow(echoes("a")[0]),
        {"a": {"exit": 137}},
        "Failed",
        {"e1": "Failed"},
        "Error (exit code 137)",
    ),
    Case(
        "steps in steps",
        flow(steps(call("x", "inner"), call("b")), steps(call("a"), name="inner"), AB),
        rounds=[["[0].x[0].a"], ["[1].b"]],
    ),
    Case(
        "a failure deep inside goes up",
        flow(steps(call("x", "inner"), call("b")), steps(call("a"), name="inner"), AB),
        {"a": FAIL},
        "Failed",
        message=f"step x failed: step a failed: {SAID}",
    ),
    Case(
        "a recursion ends by its condition",
        flow(
            steps(
                call("a"),
                call("again", "main", when="{{steps.a.outputs.result}} == tails"),
            ),
            AB,
        ),
        {"a": lambda work: {"result": "tails" if work.node.name.count("again") < 2 else "heads"}},
        phases={
            "[0].a": OK,
            "[1].again[0].a": OK,
            "[1].again[1].again[0].a": OK,
            "[1].again[1].again[1].again": "Skipped",
        },
    ),
]

DAGS = [
    Case(
        "a diamond",
        flow(
            dag(
                call("d", dependencies=["b", "c"]),
                call("b", dependencies=["a"]),
                call("c", dependencies=["a"]),
                call("a"),
            ),
            echoes("a", "b", "c", "d"),
        ),
        rounds=[["a"], ["b", "c"], ["d"]],
    ),
    Case(
        "what waits for a failure is omitted",
        flow(dag(call("a"), call("b", dependencies=["a"])), AB),
        {"a": FAIL},
        "Failed",
        {"a": "Failed", "b": "Omitted"},
        f"task a failed: {SAID}",
        {"b": OMITTED},
    ),
    Case(
        "an error in a dag is the dag's",
        flow(dag(call("a")), AB),
        {"a": ERROR},
        "Error",
        {"a": "Error"},
    ),
    Case(
        "dag.go executeDAG: a failure leaves other branches alone, with failFast as well",
        flow(dag(call("a"), call("b"), call("c", dependencies=["b"])), ABC),
        {"a": FAIL},
        "Failed",
        {"a": "Failed", "b": OK, "c": OK},
    ),
    Case(
        "without fail fast all that can runs",
        flow(dag(call("a"), call("b"), call("c", dependencies=["b"]), failFast=False), ABC),
        {"a": FAIL},
        "Failed",
        {"a": "Failed", "b": OK, "c": OK},
    ),
    Case(
        "continueOn in a dag",
        flow(
            dag(call("a", continueOn={"failed": True}), call("b", dependencies=["a"])),
            AB,
        ),
        {"a": FAIL},
        phases={"a": "Failed", "b": OK},
    ),
    Case(
        "a skipped task does not stop those after it",
        flow(dag(call("a", when="false"), call("b", dependencies=["a"])), AB),
        phases={"a": "Skipped", "b": OK},
    ),
    Case(
        "a target that is a parameter (examples/dag-targets.yaml)",
        flow(
            dag(call("a"), call("b", dependencies=["a"]), call("c"), target=GOAL),
            ABC,
            arguments={"parameters": [{"name": "goal", "value": "b"}]},
        ),
        rounds=[["a"], ["b"]],
    ),
    Case(
        "two targets that are one parameter (executeDAG splits it at blanks)",
        flow(
            dag(call("a"), call("b", dependencies=["a"]), call("c"), target=GOAL),
            ABC,
            arguments={"parameters": [{"name": "goal", "value": "a c"}]},
        ),
        rounds=[["a", "c"]],
    ),
    Case(
        "no target, by a parameter that is empty (executeDAG)",
        flow(
            dag(call("a"), call("b", dependencies=["a"]), target=GOAL),
            AB,
            arguments={"parameters": [{"name": "goal", "value": ""}]},
        ),
        rounds=[["a"], ["b"]],
    ),
    Case(
        "a target that is a parameter and no task (validateDAGTargets: found out at run time)",
        flow(
            dag(call("a"), target=GOAL),
            AB,
            arguments={"parameters": [{"name": "goal", "value": "gone"}]},
        ),
        phase="Error",
        message="dag.target: task 'gone' does not exist",
        rounds=[],
    ),
    Case(
        "a target runs alone with what it needs",
        flow(dag(call("a"), call("b", dependencies=["a"]), call("c"), target="b"), ABC),
        phases={"a": OK, "b": OK},
    ),
    Case(
        "a dag in steps in a dag",
        flow(
            dag(call("x", "inner"), call("c", dependencies=["x"])),
            steps(call("y", "leaf"), name="inner"),
            dag(call("a"), call("b", dependencies=["a"]), name="leaf"),
            ABC,
        ),
        rounds=[["x[0].y.a"], ["x[0].y.b"], ["c"]],
    ),
    Case(
        "what runs when a task fails runs to its end",
        flow(
            dag(call("a"), call("x", "inner")),
            steps(call("b"), call("c"), name="inner"),
            ABC,
        ),
        {"a": FAIL},
        "Failed",
        {"a": "Failed", "x[0].b": OK, "x[1].c": OK},
    ),
]


def depends(condition: str, outcome: str, b: str, whole: str) -> Case:
    """What ``b: depends`` does after ``a`` ended in each way."""
    endings: dict[str, Answers] = {"Failed": {"a": FAIL}, "Error": {"a": ERROR}}
    answers = endings.get(outcome, {})
    first = call("a", when="false") if outcome == "Skipped" else call("a")
    return Case(
        f"depends {condition} after {outcome}",
        flow(dag(first, call("b", depends=condition)), AB),
        answers,
        whole,
        {"a": outcome, "b": b},
    )


DEPENDS = [
    depends("a", OK, OK, OK),
    depends("a", "Skipped", OK, OK),
    depends("a", "Failed", "Omitted", "Failed"),
    depends("a.Succeeded", "Skipped", "Omitted", OK),
    depends("a.Failed", "Failed", OK, OK),
    depends("a.Failed", OK, "Omitted", OK),
    depends("a.Errored", "Error", OK, OK),
    depends("a.Errored", "Failed", "Omitted", "Failed"),
    depends("a.Skipped", "Skipped", OK, OK),
    depends("a.Daemoned || a.Failed", "Failed", OK, OK),
    depends("!a.Succeeded", "Error", OK, OK),
    depends("a.Succeeded || a.Failed", "Failed", OK, OK),
    Case(
        "depends a.Omitted",
        flow(
            dag(call("z"), call("a", depends="z"), call("b", depends="a.Omitted")), echoes("z"), AB
        ),
        {"z": FAIL},
        phases={"z": "Failed", "a": "Omitted", "b": OK},
    ),
    Case(
        "a branch left out because of a failure has failed",
        flow(dag(call("a"), call("b", depends="a"), call("c", depends="b")), ABC),
        {"a": FAIL},
        "Failed",
        {"a": "Failed", "b": "Omitted", "c": "Omitted"},
    ),
    Case(
        "depends AnySucceeded of a loop",
        flow(
            dag(call("a", withItems=[0, 1]), call("b", depends="a.AnySucceeded")),
            AB,
        ),
        {"a": lambda work: FAIL if work.node.name.endswith("(0:0)") else {}},
        phases={"a(0:0)": "Failed", "a(1:1)": OK, "b": OK},
    ),
    Case(
        "depends AllFailed of a loop",
        flow(dag(call("a", withItems=[0, 1]), call("b", depends="a.AllFailed")), AB),
        {"a": FAIL},
        phases={"a(0:0)": "Failed", "a(1:1)": "Failed", "b": OK},
    ),
]
CASES = [*STEPS, *DAGS, *DEPENDS]
