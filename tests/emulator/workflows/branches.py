"""What a failure, a condition or a limit does to the rest: executeDAG, executeSteps and
checkParallelism. Each case names Argo's function, test or example that says so."""

from __future__ import annotations

from typing import Any

from cicd.emulator.workflow import Work
from tests.emulator.workflows.cases import ERROR, FAIL, Case, call, dag, echo, echoes, flow, steps
from tests.emulator.workflows.play import Answer

OK = "Succeeded"
AB = echoes("a", "b")
ABC = echoes("a", "b", "c")
ABCD = echoes("a", "b", "c", "d")
LEFT_OUT = "Omitted"
FORGIVEN: dict[str, Any] = {"continueOn": {"failed": True}}
FIRST: dict[str, Any] = {"a": lambda work: FAIL if "(0:" in work.node.name else {}}


def later(name: str, *others: str, **more: Any) -> dict[str, Any]:
    """A task that waits for others."""
    return call(name, dependencies=list(others), **more)


def slow(seconds: float, exit_code: int = 0) -> Answer:
    return {"seconds": seconds, "exit": exit_code}


FAILURES = [
    Case(
        "executeDAG: a chain beside a failed task runs to its end",
        flow(dag(call("a"), call("b"), later("c", "b"), later("d", "c")), ABCD),
        {"a": FAIL},
        "Failed",
        {"a": "Failed", "b": OK, "c": OK, "d": OK},
    ),
    Case(
        "executeDAG: what waits for a failed task, however indirectly, is left out",
        flow(dag(call("a"), later("b", "a"), later("c", "b"), call("d")), ABCD),
        {"a": FAIL},
        "Failed",
        {"a": "Failed", "b": LEFT_OUT, "c": LEFT_OUT, "d": OK},
        messages={"b": "omitted: depends condition not met"},
    ),
    Case(
        "TestDagDisableFailFast: the same with failFast off",
        flow(
            dag(
                call("a"),
                later("b", "a"),
                later("c", "a"),
                later("d", "b"),
                failFast=False,
            ),
            ABCD,
        ),
        {"c": FAIL},
        "Failed",
        {"a": OK, "b": OK, "c": "Failed", "d": OK},
    ),
    Case(
        "assessDAGPhase: a task with one failed parent of two is left out and has failed",
        flow(dag(call("a"), call("b"), later("c", "a", "b")), ABC),
        {"b": FAIL},
        "Failed",
        {"a": OK, "b": "Failed", "c": LEFT_OUT},
        "task b failed: Error (exit code 1)",
    ),
    Case(
        "assessDAGPhase: failFast takes the first failed target by name",
        flow(dag(call("b"), call("a")), AB),
        {"a": ERROR, "b": FAIL},
        "Error",
    ),
    Case(
        "assessDAGPhase: without failFast the last failed target by name counts",
        flow(dag(call("b"), call("a"), failFast=False), AB),
        {"a": ERROR, "b": FAIL},
        "Failed",
    ),
    Case(
        "assessDAGPhase: a task that succeeds after a failure makes its branch succeed",
        flow(dag(call("a"), call("b", depends="a.Failed")), AB),
        {"a": FAIL},
        phases={"a": "Failed", "b": OK},
    ),
    Case(
        "assessDAGPhase: only the target's own continueOn forgives",
        flow(dag(call("a", **FORGIVEN), later("b", "a", when="false")), AB),
        {"a": FAIL},
        "Failed",
        {"a": "Failed", "b": "Skipped"},
    ),
    Case(
        "TestLeafContinueOn: a forgiven leaf",
        flow(dag(call("a"), later("b", "a", **FORGIVEN)), AB),
        {"b": FAIL},
        phases={"a": OK, "b": "Failed"},
    ),
    Case(
        "TestDagAssessPhaseContinueOnExpandedTask: a forgiven loop",
        flow(dag(call("a", withItems=["x", "y"], **FORGIVEN)), AB),
        FIRST,
        phases={"a(0:x)": "Failed", "a(1:y)": OK},
    ),
    Case(
        "TestDagAssessPhaseContinueOnExpandedTask: and what waits for it",
        flow(dag(call("a", withItems=["x", "y"], **FORGIVEN), later("b", "a")), AB),
        FIRST,
        phases={"a(0:x)": "Failed", "a(1:y)": OK, "b": OK},
    ),
    Case(
        "executeDAG: a failed dag in a dag leaves its brother alone",
        flow(
            dag(call("x", "inner"), call("c"), later("d", "c")),
            dag(call("a"), call("b"), name="inner"),
            ABCD,
        ),
        {"a": FAIL},
        "Failed",
        {"x.a": "Failed", "x.b": OK, "c": OK, "d": OK},
        "task x failed: task a failed: Error (exit code 1)",
    ),
    Case(
        "executeStepGroup: the brothers of a failed step end, no further group begins",
        flow(steps([call("a"), call("b")], call("c")), ABC),
        {"a": FAIL, "b": slow(5)},
        "Failed",
        {"[0].a": "Failed", "[0].b": OK},
    ),
    Case(
        "examples/dag-disable-failFast: a slow branch ends after a quick failure",
        flow(dag(call("a"), call("b"), later("c", "b"), failFast=False), ABC),
        {"a": FAIL, "b": slow(30)},
        "Failed",
        {"a": "Failed", "b": OK, "c": OK},
        seconds=30,
    ),
]


def condition(word: str, phases: dict[str, str], b: str, whole: str = OK) -> Case:
    """A loop whose items end as told (a phase for an item), then a task that depends on it."""

    def answer(work: Work) -> Answer:
        label = work.node.name.rpartition(":")[2].removesuffix(")")
        endings: dict[str, Answer] = {"Failed": FAIL, "Error": ERROR}
        return endings.get(phases[label], {})

    return Case(
        f"TestEvaluateAnyAllDependsLogic: a.{word} after {' and '.join(phases.values())}",
        flow(dag(call("a", withItems=list(phases)), call("b", depends=f"a.{word}")), AB),
        {"a": answer},
        whole,
        {**{f"a({n}:{key})": phase for n, (key, phase) in enumerate(phases.items())}, "b": b},
    )


ANY_ALL = [
    condition("AnySucceeded", {"x": OK, "y": OK}, OK),
    condition("AnySucceeded", {"x": "Failed", "y": OK}, OK),
    condition("AnySucceeded", {"x": "Failed", "y": "Error"}, LEFT_OUT, "Error"),
    condition("AllFailed", {"x": "Failed", "y": "Failed"}, OK),
    condition("AllFailed", {"x": "Failed", "y": OK}, LEFT_OUT, "Failed"),
    condition("AllFailed", {"x": "Failed", "y": "Error"}, LEFT_OUT, "Error"),
    condition("Failed", {"x": "Error", "y": "Failed"}, OK),
    condition("Errored", {"x": "Failed", "y": "Error"}, OK),
]


def loop(name: str, group: str, phases: dict[str, str], **more: Any) -> Case:
    """A loop ``b`` in a dag after ``a``; ``group``: the phase of the loop as a whole."""
    items = more.pop("items", {"withItems": ["x", "y"]})
    when, answers = more.pop("when", ""), more.pop("answers", {})
    task = later("b", "a", **items, **({"when": when} if when else {}))
    more.setdefault("groups", {"b": group})
    return Case(
        name,
        flow(dag(call("a"), task, later("c", "b")), ABC),
        answers,
        **more,
        phases={"a": OK, **phases},
    )


def each(phase: str) -> dict[str, str]:
    return {"b(0:x)": phase, "b(1:y)": phase}


LOOPS = [
    loop(
        "executeDAGTask: when is asked for every item",
        OK,
        {**each("Skipped"), "c": OK},
        when="false",
        messages={"b(0:x)": "when 'false' evaluated false"},
    ),
    loop(
        "executeDAGTask: and may say something else for each",
        OK,
        {"b(0:x)": OK, "b(1:y)": "Skipped", "c": OK},
        when="{{item}} == x",
        messages={"b(1:y)": "when 'y == x' evaluated false"},
    ),
    loop("executeDAGTask: when that is true", OK, {**each(OK), "c": OK}, when="true"),
    loop(
        "TestEmptyWithParamDAG: no items",
        "Skipped",
        {"b": "Skipped", "c": OK},
        items={"withParam": "[]"},
        messages={"b": "Skipped, empty params"},
    ),
    loop(
        "expandTask: no items and when false",
        "Skipped",
        {"b": "Skipped", "c": OK},
        items={"withParam": "[]"},
        when="false",
        messages={"b": "Skipped, empty params"},
    ),
    loop(
        "expandTask: what is no list need not be one where when is false",
        "Skipped",
        {"b": "Skipped", "c": OK},
        items={"withParam": "none"},
        when="false",
        messages={"b": "Skipped, empty params"},
    ),
    loop(
        "expandTask: nor a sequence a sequence",
        "Skipped",
        {"b": "Skipped", "c": OK},
        items={"withSequence": {"count": "many"}},
        when="1 == 2",
        messages={"b": "Skipped, empty params"},
    ),
    loop(
        "executeDAGTask: an item whose when is no condition is an error",
        "Error",
        {"b(0:x)": "Error", "b(1:y)": "Error", "c": LEFT_OUT},
        when="{{item}} ==",
        phase="Error",
    ),
    loop(
        "executeDAGTask: the last failed item gives the loop its phase",
        "Error",
        {"b(0:x)": "Failed", "b(1:y)": "Error", "c": LEFT_OUT},
        phase="Error",
        answers={"b": lambda work: FAIL if "(0:" in work.node.name else ERROR},
    ),
    loop(
        "executeDAGTask: also when that is the milder one",
        "Failed",
        {"b(0:x)": "Error", "b(1:y)": "Failed", "c": LEFT_OUT},
        phase="Failed",
        answers={"b": lambda work: ERROR if "(0:" in work.node.name else FAIL},
    ),
    Case(
        "TestFailsWithParamDAG: what is no list is an error where when is true",
        flow(dag(call("b", withParam="none", when="true")), AB),
        phase="Error",
    ),
    Case(
        "executeDAGTask: a skipped loop counts as succeeded for depends",
        flow(dag(call("a", withItems=[1], when="false"), call("b", depends="a.Succeeded")), AB),
        phases={"a(0:1)": "Skipped", "b": OK},
    ),
    Case(
        "executeDAGTask: and not as skipped",
        flow(dag(call("a", withItems=[1], when="false"), call("b", depends="a.Skipped")), AB),
        phases={"a(0:1)": "Skipped", "b": LEFT_OUT},
    ),
    Case(
        "executeDAGTask: an empty loop counts as skipped",
        flow(dag(call("a", withParam="[]"), call("b", depends="a.Skipped")), AB),
        phases={"a": "Skipped", "b": OK},
    ),
    Case(
        "executeStepGroup: a loop of steps is skipped item by item",
        flow(steps(call("a", withItems=["x", "y"], when="false"), call("b")), AB),
        phases={"[0].a(0:x)": "Skipped", "[0].a(1:y)": "Skipped", "[1].b": OK},
    ),
    Case(
        "TestArtifactResolutionWhenSkipped: a skipped step needs no artifact",
        flow(
            steps(
                call("a"),
                call(
                    "b",
                    when="false",
                    arguments={
                        "artifacts": [{"name": "f", "from": "{{steps.a.outputs.artifacts.f}}"}]
                    },
                ),
            ),
            echo("a", outputs={"artifacts": [{"name": "f", "path": "/tmp/f", "optional": True}]}),
            echo("b", inputs={"artifacts": [{"name": "f", "path": "/tmp/f"}]}),
        ),
        phases={"[0].a": OK, "[1].b": "Skipped"},
    ),
    Case(
        "TestArtifactResolutionWhenSkippedDAG: nor does a task",
        flow(
            dag(
                call("a"),
                later(
                    "b",
                    "a",
                    when="false",
                    arguments={
                        "artifacts": [{"name": "f", "from": "{{tasks.a.outputs.artifacts.f}}"}]
                    },
                ),
            ),
            echo("a", outputs={"artifacts": [{"name": "f", "path": "/tmp/f", "optional": True}]}),
            echo("b", inputs={"artifacts": [{"name": "f", "path": "/tmp/f"}]}),
        ),
        phases={"a": OK, "b": "Skipped"},
    ),
]

FOUR = [0, 1, 2, 3]


def rounds(name: str, document: dict[str, Any], *expected: str, **more: Any) -> Case:
    """What starts together, as texts of names."""
    return Case(name, document, rounds=[text.split() for text in expected], **more)


PARALLELISM = [
    rounds(
        "TestWorkflowParallelismLimit: pods of the whole workflow",
        flow(steps([call("a"), call("b"), call("c")]), ABC, parallelism=2),
        "[0].a [0].b",
        "[0].c",
    ),
    rounds(
        "TestDagParallelism: tasks of a dag in a workflow with parallelism 1",
        flow(dag(call("a"), call("b"), call("c")), ABC, parallelism=1),
        "a",
        "b",
        "c",
    ),
    rounds(
        "TestStepsTemplateParallelismLimit: of a steps template",
        flow(steps([call("a"), call("b"), call("c")], parallelism=2), ABC),
        "[0].a [0].b",
        "[0].c",
    ),
    rounds(
        "TestDAGTemplateParallelismLimit: of a dag template",
        flow(dag(call("a"), call("b"), call("c"), parallelism=2), ABC),
        "a b",
        "c",
    ),
    rounds(
        "TestNestedTemplateParallelismLimit: both at once",
        flow(
            steps([call("x", "inner"), call("y", "inner"), call("z", "inner")], parallelism=2),
            steps([call("a"), call("b"), call("c")], name="inner", parallelism=2),
            ABC,
        ),
        "[0].x[0].a [0].x[0].b [0].y[0].a [0].y[0].b",
        "[0].x[0].c [0].y[0].c",
        "[0].z[0].a [0].z[0].b",
        "[0].z[0].c",
    ),
    rounds(
        "examples/parallelism-nested: loops in loops, one at a time inside",
        flow(
            steps(call("x", "inner", withItems=[0, 1]), parallelism=1),
            steps(call("a", withItems=[0, 1]), name="inner", parallelism=1),
            AB,
        ),
        "[0].x(0:0)[0].a(0:0)",
        "[0].x(0:0)[0].a(1:1)",
        "[0].x(1:1)[0].a(0:0)",
        "[0].x(1:1)[0].a(1:1)",
    ),
    rounds(
        "examples/parallelism-nested-workflow: the workflow's limit over that of a template",
        flow(
            steps(call("x", "inner", withItems=[0, 1]), parallelism=2),
            steps(call("a", withItems=[0, 1]), name="inner"),
            AB,
            parallelism=3,
        ),
        "[0].x(0:0)[0].a(0:0) [0].x(0:0)[0].a(1:1) [0].x(1:1)[0].a(0:0)",
        "[0].x(1:1)[0].a(1:1)",
    ),
    rounds(
        "getActiveChildren: a dag that was called counts as one, whatever runs in it",
        flow(
            dag(call("x", "inner"), call("c"), call("d"), parallelism=2),
            dag(call("a"), call("b"), name="inner"),
            ABCD,
        ),
        "x.a x.b c",
        "d",
    ),
    rounds(
        "getActiveChildren: an attempt that waits to be repeated leaves its place to others",
        flow(
            dag(call("a"), call("b"), parallelism=1),
            echo("a", retryStrategy={"limit": 1, "backoff": {"duration": "30s"}}),
            echo("b"),
        ),
        "a(0)",
        "b",
        "a(1)",
        answers={"a": lambda work: FAIL if work.node.name.endswith("(0)") else {}},
    ),
    Case(
        "assessDAGPhase: failFast ends a dag whose other tasks only wait for room",
        flow(
            dag(call("x", "inner"), call("y", "long")),
            dag(call("a"), call("b", depends="a || a.Failed"), name="inner"),
            dag(call("c"), name="long"),
            ABC,
            parallelism=2,
        ),
        {"a": FAIL, "c": slow(9)},
        phases={"x.a": "Failed", "x.b": OK, "y.c": OK},
    ),
    Case(
        "TestStepsFailFast: a loop one by one ends with the first failure",
        flow(steps(call("a", withItems=FOUR), parallelism=1, failFast=True), AB),
        FIRST,
        "Failed",
        {"[0].a(0:0)": "Failed"},
        "template has failed or errored children and failFast enabled",
    ),
    Case(
        "checkParallelism: failFast of a dag template starts no further task",
        flow(dag(call("a"), call("b"), call("c"), parallelism=1) | {"failFast": True}, ABC),
        {"a": FAIL},
        "Failed",
        {"a": "Failed"},
    ),
    Case(
        "checkParallelism: failFast counts a failed attempt",
        flow(
            steps(call("a", withItems=FOUR), parallelism=1, failFast=True),
            echo("a", retryStrategy={"limit": 2}),
        ),
        FIRST | {"a": FAIL},
        "Failed",
    ),
    Case(
        "examples/loops-arbitrary-sequential-steps: one after the other until one fails",
        flow(steps(call("a", withItems=FOUR), parallelism=1, failFast=True), AB),
        {"a": lambda work: FAIL if "(2:" in work.node.name else {}},
        "Failed",
        {"[0].a(0:0)": OK, "[0].a(1:1)": OK, "[0].a(2:2)": "Failed"},
    ),
]
CASES = [*FAILURES, *ANY_ALL, *LOOPS, *PARALLELISM]
