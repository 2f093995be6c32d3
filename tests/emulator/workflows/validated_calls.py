"""Steps and tasks that Argo accepts or refuses."""

from __future__ import annotations

from tests.emulator.workflows.verdicts import Verdict, main, says, spec


def dag(*tasks: str, more: str = "", head: str = "") -> str:
    """A dag; each task in flow style, ``!`` in front where the finding is."""
    lines = "\n".join(
        f"  - {{{task.removeprefix('!')}}}{'  # HERE' if task.startswith('!') else ''}"
        for task in tasks
    )
    return main(f"dag:\n{more}  tasks:\n{lines}", head)


def steps(*groups: str, more: str = "", head: str = "") -> str:
    """Steps of one step each, in flow style, ``!`` in front where the finding is."""
    lines = "\n".join(
        f"- - {{{step.removeprefix('!')}}}{'  # HERE' if step.startswith('!') else ''}"
        for step in groups
    )
    return main(f"steps:\n{lines}\n{more}", head)


A = "name: a, template: t"
OUT = "name: a, template: out"
SCRIPT = "name: a, template: script"
ITEMS = "name: a, template: t, withItems: [1, 2]"
ONE = "arguments: {parameters: [{name: x,"
WORDS = ("Succeeded", "Failed", "Errored", "Skipped", "Omitted", "Daemoned")
GLOBAL = """\
  - name: g
    outputs: {parameters: [{name: x, globalName: g, valueFrom: {path: /x}}]}
    container: {image: i, command: [sh]}"""
TARGET = "  arguments: {parameters: [{name: goal, value: a}]}\n"


def given(value: str) -> str:
    return f"arguments: {{parameters: [{{name: x, value: '{value}'}}]}}"


DAGS = [
    Verdict(
        "tasks wait for each other",
        "TestDAGCycle",
        dag("!name: a, template: t, dependencies: [b]", "name: b, template: t, dependencies: [a]"),
        "unknown-task",
        "tasks wait for each other",
    ),
    Verdict(
        "a task waits for itself",
        "verifyNoCycles",
        dag("!name: a, template: t, depends: a"),
        "unknown-task",
        "tasks wait for each other",
    ),
    Verdict(
        "a dependency that is not there",
        "validateDAG: dependency not defined",
        dag(A, "!name: b, template: t, depends: a && nobody.Failed"),
        "unknown-task",
        "task 'nobody' does not exist",
    ),
    Verdict(
        "depends beside dependencies of another task",
        "TestDependsAndDependencies",
        dag(A, "!name: b, template: t, dependencies: [a]", "name: c, template: t, depends: a"),
        "mixed-dependencies",
        "depends or dependencies, not both",
    ),
    Verdict(
        "depends and dependencies of one task",
        "TestDependsAndDependencies",
        dag(A, "!name: b, template: t, dependencies: [a], depends: a"),
        "mixed-dependencies",
        "depends or dependencies, not both",
    ),
    Verdict(
        "depends where another task continues on failure",
        "TestDependsAndContinueOn",
        dag(
            "!name: a, template: t, continueOn: {failed: true}", "name: b, template: t, depends: a"
        ),
        "mixed-dependencies",
        "continueOn does not go with depends",
    ),
    Verdict(
        "an empty continueOn beside depends",
        "TestDependsAndContinueOn",
        dag("!name: a, template: t, continueOn: {}", "name: b, template: t, depends: a"),
        "mixed-dependencies",
        "continueOn does not go with depends",
    ),
    Verdict(
        "continueOn with dependencies",
        "controller/dag_test.go: dagContinueOn",
        dag(
            "name: a, template: t, continueOn: {failed: true}",
            "name: b, template: t, dependencies: [a]",
        ),
    ),
    Verdict(
        "AnySucceeded of a task without items",
        "TestAnyWithoutExpandingTask",
        dag(A, "!name: b, template: t, depends: a.AnySucceeded"),
        "unknown-task",
        "a has no items",
    ),
    Verdict(
        "AllFailed of a task without items",
        "TestAnyWithoutExpandingTask",
        dag(A, "!name: b, template: t, depends: a.AllFailed || a.Succeeded"),
        "unknown-task",
        "a has no items",
    ),
    Verdict(
        "AnySucceeded of a task with items",
        "common/ancestry_test.go",
        dag(ITEMS, "name: b, template: t, depends: a.AnySucceeded"),
    ),
    Verdict(
        "AllFailed of a sequence",
        "validateDAG: withSequence counts as items",
        dag(
            "name: a, template: t, withSequence: {count: 2}",
            "name: b, template: t, depends: a.AllFailed",
        ),
    ),
    Verdict(
        "a word of results that there is not",
        "common/ancestry_test.go: TestValidateTaskResults",
        dag(A, "!name: b, template: t, depends: a.Great"),
        "unknown-task",
        "does not know 'Great'",
    ),
    Verdict(
        "every word of results",
        "common/ancestry_test.go: TestValidateTaskResults",
        dag(
            A,
            "name: b, template: t, depends: " + " || ".join(f"a.{word}" for word in WORDS),
        ),
    ),
    Verdict(
        "a digit in front, with depends",
        "TestDAGDependsDigit",
        dag("!name: 5a, template: t", "name: b, template: t, depends: 5a"),
        "bad-item-name",
        "begins with a digit",
    ),
    Verdict(
        "a digit in front of the task that has dependencies",
        "TestDAGDependenciesDigit",
        dag(A, "!name: 5b, template: t, dependencies: [a]"),
        "bad-item-name",
        "begins with a digit",
    ),
    Verdict(
        "a digit in front, without an order",
        "TestDAGWithDigitNameNoDepends",
        dag("name: 5a, template: t", "name: 6b, template: t"),
    ),
    Verdict(
        "a dag without tasks",
        "validateDAG: must have at least one task",
        main("dag: {tasks: []}  # HERE"),
        "nothing-to-run",
        "needs at least one task",
    ),
    Verdict(
        "a target that is not there",
        "TestDAGNonExistantTarget",
        dag(A, more="  target: gone  # HERE\n"),
        "unknown-task",
        "task 'gone' does not exist",
    ),
    Verdict(
        "one of two targets that is not there",
        "validateDAGTargets",
        dag(A, more="  target: a gone  # HERE\n"),
        "unknown-task",
        "task 'gone' does not exist",
    ),
    Verdict(
        "a target that is a parameter",
        "TestDAGTargetSubstitution",
        dag(A, more="  target: '{{workflow.parameters.goal}}'\n", head=TARGET),
    ),
    Verdict(
        "a target that is a parameter beside one that is not",
        "validateDAGTargets",
        dag(
            A,
            "name: b, template: t",
            more="  target: 'b {{workflow.parameters.goal}}'\n",
            head=TARGET,
        ),
    ),
    Verdict(
        "a target that is no parameter",
        "TestDAGTargetMissingInputParam",
        dag(A, more="  target: '{{inputs.parameters.goal}}'  # HERE\n"),
        "unresolved-placeholder",
        "{{inputs.parameters.goal}} is not known here",
    ),
    Verdict(
        "the status of a task that comes before",
        "TestDAGStatusReference",
        dag(A, "name: b, template: in, dependencies: [a], " + given("{{tasks.a.status}}")),
    ),
    Verdict(
        "the status of a task far before",
        "TestDAGStatusReference: dagStatusPastReferenceChain",
        dag(
            A,
            "name: b, template: t, dependencies: [a]",
            "name: c, template: in, dependencies: [b], " + given("{{tasks.a.status}}"),
        ),
    ),
    Verdict(
        "the status of a task that comes later",
        "TestDAGStatusReference: dagStatusNoFutureReferenceSimple",
        dag(
            "!name: b, template: t, when: '{{tasks.c.status}} == Failed'",
            "name: c, template: t, dependencies: [b]",
        ),
        "unresolved-placeholder",
        "{{tasks.c.status}} names no step, task or output",
    ),
    Verdict(
        "the status of a task beside",
        "TestDAGStatusReference: dagStatusOnlyDirectAncestors",
        dag(
            A,
            "name: b, template: t, dependencies: [a]",
            "!name: c, template: in, dependencies: [a], " + given("is {{tasks.b.status}}"),
        ),
        "unresolved-placeholder",
        "{{tasks.b.status}} names no step, task or output",
    ),
    Verdict(
        "a task's own status without a hook",
        "validateDAG: self status reference for hooks",
        dag("!name: a, template: t, when: '{{tasks.a.status}} == Failed'"),
        "unresolved-placeholder",
        "{{tasks.a.status}} names no step, task or output",
    ),
    Verdict(
        "a task's own status for its hook",
        "validateDAG: self status reference for hooks",
        dag(
            "name: a, template: t, hooks: {exit: {template: in, arguments: "
            "{parameters: [{name: x, value: '{{tasks.a.status}}'}]}}}"
        ),
    ),
    Verdict(
        "the status of a task among the outputs",
        "validateOutputs: the scope of a dag has no status",
        dag(A).replace(
            "\n  - name: t\n",
            "\n    outputs:\n      parameters:\n      - name: s\n"
            "        valueFrom: {parameter: '{{tasks.a.status}}'}  # HERE\n  - name: t\n",
        ),
        "unresolved-placeholder",
        "{{tasks.a.status}} names no step, task or output",
    ),
    Verdict(
        "an output of a task that is no dependency",
        "TestDAGVariableResolution: dagResolvedVarNotAncestor",
        dag(OUT, "!name: b, template: in, " + given("{{tasks.a.outputs.parameters.x}}")),
        "unknown-task",
        "is of a task that it does not depend on",
    ),
    Verdict(
        "an output that the template does not have",
        "TestDAGVariableResolution: dagUnresolvedVar",
        dag(
            OUT,
            "!name: b, template: in, dependencies: [a], "
            + given("{{tasks.a.outputs.parameters.y}}"),
        ),
        "unresolved-placeholder",
        "names no step, task or output",
    ),
    Verdict(
        "an output of the task before",
        "TestDAGVariableResolution: dagResolvedVar",
        dag(
            OUT,
            "name: b, template: in, dependencies: [a], "
            + given("{{tasks.a.outputs.parameters.x}}"),
        ),
    ),
    Verdict(
        "all outputs of a task with items",
        "TestDAGOutputsResolveTaskAggregatedOutputs",
        dag(
            "name: a, template: out, withItems: [1]",
            "name: b, template: in, dependencies: [a], " + given("{{tasks.a.outputs.parameters}}"),
        ),
    ),
    Verdict(
        "all outputs of a task without items",
        "addOutputsToScope: aggregate",
        dag(
            OUT,
            "!name: b, template: in, dependencies: [a], " + given("{{tasks.a.outputs.parameters}}"),
        ),
        "unresolved-placeholder",
        "names no step, task or output",
    ),
    Verdict(
        "the result of a pause",
        "addOutputsToScope: HasOutput",
        dag(
            "name: a, template: nap",
            "!name: b, template: in, dependencies: [a], " + given("{{tasks.a.outputs.result}}"),
        ),
        "unresolved-placeholder",
        "names no step, task or output",
    ),
    Verdict(
        "a template that is not there",
        "TestDAGUndefinedTemplate",
        dag("!name: a, template: gone"),
        "unknown-template",
        "template 'gone' does not exist",
    ),
]

STEPS = [
    Verdict(
        "the status of the step before",
        "TestStepStatusReference",
        steps(A, "name: b, template: in, " + given("{{steps.a.status}}")),
    ),
    Verdict(
        "a step's own status",
        "validateSteps: the status of the step is in its scope",
        steps("name: a, template: in, " + given("{{steps.a.status}}")),
    ),
    Verdict(
        "the status of the step after",
        "TestStepStatusReferenceNoFutureReference",
        steps("!name: a, template: in, " + given("{{steps.b.status}}"), "name: b, template: t"),
        "unresolved-placeholder",
        "{{steps.b.status}} names no step, task or output",
    ),
    Verdict(
        "an output of the step after",
        "validateSteps: scope",
        steps(
            "!name: a, template: in, " + given("{{steps.b.outputs.parameters.x}}"),
            "name: b, template: out",
        ),
        "unresolved-placeholder",
        "names no step, task or output",
    ),
    Verdict(
        "an output of the step itself",
        "validateSteps: scope",
        steps("!name: a, template: script, when: '{{steps.a.outputs.result}} == 1'"),
        "unresolved-placeholder",
        "names no step, task or output",
    ),
    Verdict(
        "an output of the step itself for its exit",
        "validateSteps: HasExitHook",
        steps(
            "name: a, template: script, hooks: {exit: {template: in, arguments: "
            "{parameters: [{name: x, value: '{{steps.a.outputs.result}}'}]}}}"
        ),
    ),
    Verdict(
        "the name of a step before",
        "addOutputsToScope: there is no name",
        steps(A, "!name: b, template: in, " + given("{{steps.a.name}}")),
        "unresolved-placeholder",
        "names no step, task or output",
    ),
    Verdict(
        "the name of the step itself",
        "TestNodeNameParameterInterpoliates",
        steps("name: a, template: in, " + given("{{steps.name}}")),
    ),
    Verdict(
        "times and place of a step before",
        "TestValidateStartedATVariable",
        steps(
            A,
            "name: b, template: in, "
            + given(
                "{{steps.a.startedAt}} {{steps.a.finishedAt}} "
                "{{steps.a.id}} {{steps.a.hostNodeName}}"
            ),
        ),
    ),
    Verdict(
        "the exit code of a pause",
        "addOutputsToScope: HasOutput",
        steps("name: a, template: nap", "!name: b, template: in, " + given("{{steps.a.exitCode}}")),
        "unresolved-placeholder",
        "names no step, task or output",
    ),
    Verdict(
        "two steps of one name",
        "validateSteps: name is not unique",
        steps(A, "!name: a, template: t"),
        "duplicate-item",
        "'a' is used twice",
    ),
    Verdict(
        "a name with an underscore",
        "TestInvalidStepName",
        steps("!name: a_b, template: t"),
        "bad-item-name",
        "'a_b' is not a name",
    ),
    Verdict(
        "two kinds of loops",
        "addItemsToScope: only one of withItems, withParam, withSequence",
        steps("!name: a, template: t, withItems: [1], withParam: '[2]'"),
        "bad-loop",
        "has more than one of",
    ),
    Verdict(
        "count and end of a sequence",
        "TestSpecBadSequenceCountAndEnd",
        steps("!name: a, template: t, withSequence: {count: 3, end: 4}"),
        "bad-loop",
        "needs one of count and end",
    ),
    Verdict(
        "an empty list beside another loop",
        "addItemsToScope: an empty list counts for none",
        steps("name: a, template: t, withItems: [], withParam: '[2]'"),
    ),
    Verdict(
        "keys of items",
        "TestValidWithItems",
        steps(
            "name: a, template: in, withItems: [{k: 1}, {l: 2}], " + given("{{item.k}} {{item.l}}")
        ),
    ),
    Verdict(
        "a key that no item has",
        "addItemsToScope: keys of maps",
        steps("!name: a, template: in, withItems: [{k: 1}], " + given("{{item.z}}")),
        "unresolved-placeholder",
        "{{item.z}} is not known here",
    ),
    Verdict(
        "a key of numbers",
        "addItemsToScope: numbers have no keys",
        steps("!name: a, template: in, withSequence: {count: 2}, " + given("{{item.k}}")),
        "unresolved-placeholder",
        "{{item.k}} is not known here",
    ),
    Verdict(
        "any key of what is known only at run time",
        "TestStepWithItemParam",
        steps("name: a, template: in, withParam: '[]', " + given("{{item.anything}}")),
    ),
    Verdict(
        "an argument without a value",
        "TestInvalidArgumentNoValue",
        steps("!name: a, template: in, arguments: {parameters: [{name: x}]}"),
        "missing-argument",
        "needs value or valueFrom",
    ),
    Verdict(
        "an argument that is not passed",
        "TestParamWithoutValue; ProcessArgs: was not supplied",
        steps("!name: a, template: in"),
        "missing-argument",
        "gives no parameter 'x'",
    ),
    Verdict(
        "an argument from a file",
        "TestFailDAGArgParamValueFromPathInTask",
        steps(
            "!name: a, template: in, arguments: {parameters: [{name: x, valueFrom: {path: /x}}]}"
        ),
        "bad-argument-source",
        "valueFrom",
    ),
    Verdict(
        "an argument from an expression",
        "validateArgumentsValues: only default, configMapKeyRef and supplied",
        steps(f"!name: a, template: in, {ONE} valueFrom: {{expression: '1'}}}}]}}"),
        "bad-argument-source",
        "only configMapKeyRef or supplied",
    ),
    Verdict(
        "an argument that is only a default",
        "validateArgumentsValues: default needs to be accompanied by configMapKeyRef",
        steps(f"!name: a, template: in, {ONE} valueFrom: {{default: '1'}}}}]}}"),
        "bad-argument-source",
        "only configMapKeyRef or supplied",
    ),
    Verdict(
        "an artifact from nowhere",
        "TestInvalidArgumentNoFromOrLocation",
        steps("!name: a, template: art, arguments: {artifacts: [{name: x}]}"),
        "missing-argument",
        "needs from, a location or a key",
    ),
    Verdict(
        "an artifact from two places",
        "validateArgumentsValues: both from and fromExpression",
        steps(
            "name: a, template: art, arguments: {artifacts: [{name: x, raw: {data: x}}]}",
            "!name: b, template: art, arguments: {artifacts: [{name: x, "
            "from: '{{steps.a.outputs.artifacts.x}}', fromExpression: x}]}",
        ),
        "bad-argument-source",
        "has both from and fromExpression",
    ),
    Verdict(
        "the same argument twice",
        "validateArgumentsFieldNames: is not unique",
        steps(f"!name: a, template: in, {ONE} value: '1'}}, {{name: x, value: '2'}}]}}"),
        "duplicate-item",
        "'x' is used twice",
    ),
    Verdict(
        "a hook without an expression",
        "validateHooks: Expression required",
        steps("!name: a, template: t, hooks: {x: {template: t}}"),
        "bad-hook",
        "expression: is missing",
    ),
    Verdict(
        "a deadline of steps",
        "validateNonLeaf: activeDeadlineSeconds",
        steps(A, more="activeDeadlineSeconds: 10  # HERE"),
        "misplaced-field",
        "only where a container runs",
    ),
    Verdict(
        "a timeout of steps",
        "validateTemplate: template doesn't support timeout field",
        steps(A, more="timeout: 10s  # HERE"),
        "misplaced-field",
        "only where a container runs",
    ),
]

INLINE = [
    Verdict(
        "parallelism of a container that stands in a step",
        "validateLeaf; validateTemplateHolder of an inline template",
        steps("!name: a, inline: {parallelism: 2, container: {image: i, command: [sh]}}"),
        "misplaced-field",
    ),
    Verdict(
        "two kinds in a task",
        "validateTemplateType; validateTemplateHolder of an inline template",
        dag("!name: a, inline: {suspend: {duration: 1s}, container: {image: i, command: [sh]}}"),
        "nothing-to-run",
    ),
    Verdict(
        "an output without a value of a container that stands in a task",
        "validateOutputParameter; validateTemplateHolder of an inline template",
        dag(
            "!name: a, inline: {container: {image: i, command: [sh]}, "
            "outputs: {parameters: [{name: x}]}}"
        ),
        "output-without-value",
    ),
    Verdict(
        "an argument without a value of a template that stands in a step",
        "validateArgumentsValues; dag-inline-workflow.yaml",
        steps(
            "!name: a, inline: {container: {image: i, command: [sh]}}, "
            "arguments: {parameters: [{name: x}]}"
        ),
        "missing-argument",
    ),
]

SHARED = [
    Verdict(
        "a global output before it is used",
        "TestGlobalParam",
        spec(
            "  templates:\n  - name: main\n    steps:\n    - - {name: a, template: g}\n"
            "    - - {name: b, template: in, "
            + given("{{workflow.outputs.parameters.g}}")
            + "}\n"
            + GLOBAL
        ),
    ),
    Verdict(
        "a global output after it is used",
        "validateSteps: scope",
        spec(
            "  templates:\n  - name: main\n    steps:\n"
            "    - - {name: b, template: in, "
            + given("{{workflow.outputs.parameters.g}}")
            + "}  # HERE\n"
            "    - - {name: a, template: g}\n" + GLOBAL
        ),
        "unresolved-placeholder",
        "no output before has this globalName",
    ),
    Verdict(
        "global outputs of tasks in the wrong order of lines",
        "TestDAGVariableResolution: dagResolvedGlobalVarReversed",
        spec(
            "  templates:\n  - name: main\n    dag:\n      tasks:\n"
            "      - {name: b, template: in, dependencies: [a], "
            + given("{{workflow.outputs.parameters.g}}")
            + "}\n"
            "      - {name: a, template: g}\n" + GLOBAL
        ),
    ),
    Verdict(
        "failures in the exit handler",
        "TestExitHandler",
        spec(
            "  onExit: bye\n  templates:\n"
            "  - name: main\n    container: {image: i, command: [sh]}\n"
            "  - name: bye\n    container: {image: i, command: [sh], "
            'args: ["{{workflow.failures}} {{workflow.status}}"]}'
        ),
    ),
    Verdict(
        "failures before the exit",
        "TestExitHandler: workflowStatusNotOnExit",
        says("{{workflow.failures}}"),
        "unresolved-placeholder",
        "is known only in the template of onExit",
    ),
    Verdict(
        "failures before the exit, which there is",
        "ValidateWorkflow: the entrypoint is validated first",
        says("{{workflow.failures}}", "  onExit: t\n"),
        "unresolved-placeholder",
        "is known only in the template of onExit",
    ),
]

VERDICTS = [*DAGS, *STEPS, *INLINE, *SHARED]
