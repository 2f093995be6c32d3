"""Templates, their inputs and outputs, and what a workflow says of itself: accepted or refused."""

from __future__ import annotations

from tests.emulator.workflows.verdicts import Verdict, leaf, main, says, spec

STEP = "steps:\n- - {name: a, template: t}\n"
OUT_STEP = "steps:\n- - {name: a, template: out}\n"
BODY = "  templates:\n  - name: main\n    container: {image: i, command: [sh]}"
PASS = "  arguments: {parameters: [{name: text, value: a}]}\n"


def workflow(text: str) -> str:
    """A workflow of one container with further fields of its own."""
    return spec(f"{text}\n{BODY}")


def outputs(parameter: str, body: str = "container: {image: i, command: [sh]}\n") -> str:
    """A template with that output parameter."""
    return main(f"{body}outputs:\n  parameters:\n  - {{{parameter}}}  # HERE")


def artifact(part: str, item: str, body: str = "container: {image: i, command: [sh]}\n") -> str:
    return main(f"{body}{part}:\n  artifacts:\n  - {{{item}}}  # HERE")


def metric(text: str) -> str:
    return leaf(f"metrics:\n  prometheus:\n  - {{{text}}}  # HERE")


NAMES = [
    Verdict(
        "two templates of one name",
        "TestDuplicateOrEmptyNames: dupTemplateNames",
        spec(f"{BODY}\n  - name: main  # HERE\n    suspend: {{duration: 1s}}"),
        "duplicate-item",
        "used twice",
    ),
    Verdict(
        "two inputs of one name",
        "TestDuplicateOrEmptyNames: dupInputNames",
        leaf("inputs:\n  parameters:\n  - {name: x, value: a}\n  - {name: x, value: b}  # HERE"),
        "duplicate-item",
        "'x' is used twice",
    ),
    Verdict(
        "an input without a name",
        "TestDuplicateOrEmptyNames: emptyName",
        leaf("inputs:\n  parameters:\n  - {value: a}  # HERE"),
        "unnamed-item",
        "name: is missing",
    ),
    Verdict(
        "two outputs of one name",
        "validateOutputs: validateWorkflowFieldNames",
        leaf("outputs:\n  parameters:\n  - {name: x, value: a}\n  - {name: x, value: b}  # HERE"),
        "duplicate-item",
        "'x' is used twice",
    ),
    Verdict(
        "two parameters of the workflow of one name",
        "validateArguments: validateArgumentsFieldNames",
        workflow(
            "  arguments:\n    parameters:\n    - {name: x, value: a}\n"
            "    - {name: x, value: b}  # HERE"
        ),
        "duplicate-item",
        "'x' is used twice",
    ),
    Verdict(
        "an underscore in the name of a template",
        "TestInvalidTemplateName",
        spec(f"{BODY}\n  - name: a_b  # HERE\n    suspend: {{duration: 1s}}"),
        "bad-item-name",
        "not a name",
    ),
    Verdict(
        "a blank in the name of an input",
        "TestInvalidInputParamName",
        leaf("inputs: {parameters: [{name: a b, value: x}]}  # HERE"),
        "bad-item-name",
        "'a b' is not a name",
    ),
    Verdict(
        "underscores in names of parameters",
        "TestSpecArgumentSnakeCase",
        says("{{workflow.parameters.a_b}}", "  arguments: {parameters: [{name: a_b, value: x}]}\n"),
    ),
    Verdict(
        "a global name with a dot",
        "validateOutputs: globalName",
        outputs("name: x, globalName: a.b, valueFrom: {path: /x}"),
        "bad-item-name",
        "globalName: 'a.b' is not a name",
    ),
    Verdict(
        "a global name that is a parameter",
        "TestRuntimeResolutionOfVariableNames",
        main(
            "container: {image: i, command: [sh]}\noutputs:\n  parameters:\n"
            "  - {name: x, globalName: '{{workflow.parameters.text}}', valueFrom: {path: /x}}",
            PASS,
        ),
    ),
    Verdict(
        "an init container without a name",
        "TestInitContainerHasName",
        leaf("initContainers:\n- {image: i, command: [sh]}  # HERE"),
        "unnamed-item",
        "initContainers[0].name: is missing",
    ),
    *(
        Verdict(
            f"a sidecar called {name}",
            "common/common.go: names of containers; Kubernetes: they are unique in a pod",
            leaf(f"sidecars:\n- {{name: {name}, image: i, command: [sh]}}  # HERE"),
            "duplicate-item",
            f"'{name}' is used twice, or Argo's own",
        )
        for name in ("main", "wait", "init")
    ),
    Verdict(
        "two sidecars of one name",
        "Kubernetes: names of containers are unique in a pod",
        leaf(
            "sidecars:\n- {name: a, image: i, command: [sh]}\n"
            "- {name: a, image: i, command: [sh]}  # HERE"
        ),
        "duplicate-item",
        "'a' is used twice, or Argo's own",
    ),
]

FIELDS = [
    Verdict(
        "two kinds in one template",
        "TestMultipleTemplateTypes",
        leaf("script: {image: i, command: [sh], source: x}  # HERE"),
        "nothing-to-run",
        "needs exactly one of",
    ),
    Verdict(
        "no image",
        "TestInvalidWfNoImageField",
        main("container: {command: [sh]}  # HERE"),
        "bad-image",
        "image: is missing",
    ),
    Verdict(
        "the image of the defaults",
        "TestValidWfImageContainerInTemplateDefault",
        main("container: {command: [sh]}", "  templateDefaults: {container: {image: i}}\n"),
    ),
    *(
        Verdict(
            f"parallelism of a {kind}",
            "TestLeafWithParallelism",
            main(f"{kind}: {body}\nparallelism: 2  # HERE"),
            "misplaced-field",
            "parallelism: only in steps and dag",
        )
        for kind, body in {
            "container": "{image: i, command: [sh]}",
            "script": "{image: i, command: [sh], source: x}",
            "suspend": "{duration: 1s}",
        }.items()
    ),
    Verdict(
        "parallelism of steps",
        "validateLeaf: only valid for steps and dag templates",
        main(f"{STEP}parallelism: 2"),
    ),
    Verdict(
        "parallelism of the defaults",
        "validateLeaf: what a template says itself; defaults come later",
        leaf("", "  templateDefaults: {parallelism: 2}\n"),
    ),
    *(
        Verdict(
            f"activeDeadlineSeconds {value}",
            "TestValidActiveDeadlineSeconds; util/intstr",
            leaf(f"activeDeadlineSeconds: {value}  # HERE"),
            "bad-deadline",
            "activeDeadlineSeconds: must be a whole number",
        )
        for value in ("1h", "'-1s'", "1.5")
    ),
    Verdict(
        "a deadline that is a parameter",
        "TestValidActiveDeadlineSecondsArgoVariable",
        leaf(
            "activeDeadlineSeconds: '{{inputs.parameters.s}}'\n"
            "inputs: {parameters: [{name: s, default: '10'}]}"
        ),
    ),
    Verdict(
        "a timeout without a unit",
        "validateTemplate: invalid duration format in timeout",
        leaf("timeout: '10'  # HERE"),
        "bad-deadline",
        "timeout: needs a unit",
    ),
    Verdict(
        "a timeout with a unit",
        "validateTemplate: timeout; examples/template-defaults.yaml",
        leaf("timeout: 10s"),
    ),
    Verdict(
        "a policy that there is not",
        "validateTemplateHolder: is not a valid RetryPolicy",
        leaf("retryStrategy: {limit: 1, retryPolicy: Sometimes}  # HERE"),
        "bad-retry",
        "retryPolicy",
    ),
    *(
        Verdict(
            f"the policy {policy}",
            "validateTemplateHolder: RetryPolicy",
            leaf(f"retryStrategy: {{limit: 1, retryPolicy: {policy}}}"),
        )
        for policy in ("Always", "OnFailure", "OnError", "OnTransientError")
    ),
    Verdict(
        "what retries know",
        "validateTemplate: retryStrategy adds retries and lastRetry",
        main(
            "retryStrategy: {limit: 1}\ncontainer:\n  image: i\n  command: [sh]\n"
            '  args: ["{{retries}} {{lastRetry.exitCode}}"]'
        ),
    ),
    Verdict(
        "a template of workflow.parameters that are not declared",
        "TestShouldCheckValidationToSpacedParameters",
        says("{{  workflow.thisdoesnotexist  }}"),
        "unresolved-placeholder",
        "is not known here",
    ),
    Verdict(
        "the name of the pod",
        "TestPodNameVariable",
        says("{{pod.name}}").replace("  # HERE", ""),
    ),
    Verdict(
        "the name of the pod where there is none",
        "validateTemplate: IsPodType",
        main(
            "steps:\n- - {name: a, template: in, arguments: "
            "{parameters: [{name: x, value: '{{pod.name}}'}]}}  # HERE"
        ),
        "unresolved-placeholder",
        "{{pod.name}} is not known here",
    ),
    Verdict(
        "all parameters where there is none",
        "ValidateWorkflow: workflow.parameters",
        says("{{workflow.parameters}}"),
        "unresolved-placeholder",
        "is not known here",
    ),
    Verdict(
        "the priority",
        "TestPriorityVariable",
        says("{{workflow.priority}}", "  priority: 7\n").replace("  # HERE", ""),
    ),
    Verdict(
        "the priority where nobody gave one",
        "ValidateWorkflow: workflow.priority",
        says("{{workflow.priority}}"),
        "unresolved-placeholder",
        "is not known here",
    ),
    Verdict(
        "labels and annotations of the workflow",
        "TestResolveAnnotationsAndLabelsJSson",
        says(
            "{{workflow.labels.json}} {{workflow.annotations}} "
            "{{workflow.labels.scenarios.ai.sap.com/id}}"
        ).replace("  # HERE", ""),
    ),
    Verdict(
        "a template that nothing calls is looked at",
        "ValidateWorkflow: check if all templates can be resolved",
        spec(
            f"{BODY}\n  - name: idle\n    container:\n      image: i\n      command: [sh]\n"
            '      args: ["{{inputs.parameters.x}}"]  # HERE'
        ),
        "unresolved-placeholder",
        "{{inputs.parameters.x}} is not known here",
    ),
    Verdict(
        "a template that calls itself",
        "examples/coinflip-recursive.yaml",
        main(
            "steps:\n- - {name: flip, template: script}\n"
            "- - {name: again, template: main, when: '{{steps.flip.outputs.result}} == tails'}"
        ),
    ),
]

ARTIFACTS = [
    Verdict(
        "an input without a path",
        "CleanPath: did not specify a path",
        artifact("inputs", "name: x"),
        "bad-artifact-path",
        "path: must be absolute",
    ),
    *(
        Verdict(
            f"the path {path} of an input",
            "CleanPath: directory traversal is not permitted",
            artifact("inputs", f"name: x, path: {path}"),
            "bad-artifact-path",
            "cannot be an artifact",
        )
        for path in ("/tmp/safe/../../etc", "/tmp/safe/..", "/a/../b")
    ),
    Verdict(
        "a path that stays in its folder",
        "CleanPath: safeDir",
        artifact("inputs", "name: x, path: /tmp/../tmp/x"),
    ),
    Verdict(
        "the path of an output that leads out",
        "validateOutputs: CleanPath",
        artifact("outputs", "name: x, path: /a/../b"),
        "bad-artifact-path",
        "cannot be an artifact",
    ),
    Verdict(
        "the path of an input of steps",
        "validateInputs: path only valid in container/script templates",
        artifact("inputs", "name: x, path: /x", STEP),
        "misplaced-field",
        "path: only where a container runs",
    ),
    Verdict(
        "the path of an output of steps",
        "validateOutputs: path only valid in container/script templates",
        artifact("outputs", "name: x, path: /x, fromExpression: 'x'", STEP),
        "misplaced-field",
        "path: only where a container runs",
    ),
    Verdict(
        "an input that says from",
        "validateInputs: from not valid in inputs",
        artifact("inputs", "name: x, path: /x, from: '{{inputs.artifacts.x}}'"),
        "misplaced-field",
        "inputs.artifacts[0].from: not supported",
    ),
    Verdict(
        "a volume where an artifact comes",
        "TestVolumeMountArtifactPathCollision",
        main(
            "volumes: [{name: v, emptyDir: {}}]\n"
            "container: {image: i, command: [sh], volumeMounts: [{name: v, mountPath: /src}]}\n"
            "inputs:\n  artifacts:\n  - {name: x, path: /src}  # HERE"
        ),
        "bad-artifact-path",
        "'/src' is the place of two",
    ),
    Verdict(
        "two volumes at one place",
        "validateLeaf: already mounted",
        main(
            "volumes: [{name: v, emptyDir: {}}, {name: w, emptyDir: {}}]\n"
            "container:\n  image: i\n  command: [sh]\n  volumeMounts:\n"
            "  - {name: v, mountPath: /src}\n  - {name: w, mountPath: /src}  # HERE"
        ),
        "bad-artifact-path",
        "'/src' is the place of two",
    ),
    Verdict(
        "two artifacts at one place",
        "validateLeaf: already mounted",
        leaf("inputs:\n  artifacts:\n  - {name: x, path: /x}\n  - {name: y, path: /x}  # HERE"),
        "bad-artifact-path",
        "'/x' is the place of two",
    ),
    Verdict(
        "a volume and an artifact side by side",
        "TestVolumeMountArtifactPathCollision: /differentpath",
        main(
            "volumes: [{name: v, emptyDir: {}}]\n"
            "container: {image: i, command: [sh], volumeMounts: [{name: v, mountPath: /src}]}\n"
            "inputs:\n  artifacts:\n  - {name: x, path: /source}"
        ),
    ),
    Verdict(
        "paths of artifacts in the text",
        "TestResolveIOArtifactPathPlaceholders",
        main(
            "inputs: {artifacts: [{name: x, path: /x}]}\n"
            "outputs: {artifacts: [{name: y, path: /y}]}\n"
            "container:\n  image: i\n  command: [sh]\n"
            '  args: ["{{inputs.artifacts.x.path}} {{outputs.artifacts.y.path}}"]'
        ),
    ),
]

OUTPUTS = [
    Verdict(
        "an output without a value",
        "TestInvalidOutputParam: invalidOutputMissingValueFrom",
        outputs("name: x"),
        "output-without-value",
        "needs valueFrom or value",
    ),
    Verdict(
        "an output from two places",
        "TestInvalidOutputParam: invalidOutputMultipleValueFrom",
        outputs("name: x, valueFrom: {path: /x, parameter: y}"),
        "output-without-value",
        "needs one of path",
    ),
    Verdict(
        "an output with a value and a place",
        "validateOutputParameter: has both valueFrom and value",
        outputs("name: x, value: a, valueFrom: {path: /x}"),
        "output-without-value",
        "has both valueFrom and value",
    ),
    Verdict(
        "an output of steps from a file",
        "TestInvalidOutputParam: invalidOutputIncompatibleValueFromParam",
        outputs("name: x, valueFrom: {path: /x}", STEP),
        "output-without-value",
        "needs one of parameter, expression",
    ),
    Verdict(
        "an output of a container from a parameter",
        "TestInvalidOutputParam: invalidOutputIncompatibleValueFromPath",
        outputs("name: x, valueFrom: {parameter: '{{workflow.name}}'}"),
        "output-without-value",
        "needs one of path",
    ),
    Verdict(
        "an output of steps from a parameter and an expression",
        "validateOutputs: shouldn't have both",
        outputs("name: x, valueFrom: {parameter: '{{workflow.name}}', expression: '1'}", STEP),
        "output-without-value",
        "needs one of parameter, expression",
    ),
    Verdict(
        "an output with only a value",
        "validateOutputParameter: value",
        outputs("name: x, value: a").replace("  # HERE", ""),
    ),
    Verdict(
        "an output of steps from a step",
        "TestStepOutputReference",
        outputs("name: x, valueFrom: {parameter: '{{steps.a.outputs.parameters.x}}'}", OUT_STEP),
    ),
    Verdict(
        "an output of steps from an output that is not there",
        "TestUnresolved: unresolvedOutput",
        outputs("name: x, valueFrom: {parameter: '{{steps.a.outputs.parameters.y}}'}", OUT_STEP),
        "unresolved-placeholder",
        "names no step, task or output",
    ),
    Verdict(
        "an output of steps that is the status of one",
        "validateSteps: scope",
        outputs("name: x, valueFrom: {parameter: '{{steps.a.status}}'}", STEP),
    ),
    Verdict(
        "the path of an output in the text",
        "TestResolveOutputParameterPathPlaceholder",
        main(
            "outputs: {parameters: [{name: x, valueFrom: {path: /x}}]}\n"
            'container: {image: i, command: [sh], args: ["{{outputs.parameters.x.path}}"]}'
        ),
    ),
]

ARGUMENTS = [
    Verdict(
        "what the first template needs and nobody gives",
        "TestParamWithoutValue",
        spec(
            "  templates:\n  - name: main  # HERE\n    inputs: {parameters: [{name: x}]}\n"
            "    container: {image: i, command: [sh]}"
        ),
        "missing-argument",
        "spec.entrypoint: gives no parameter 'x'",
    ),
    Verdict(
        "what the first template needs is bound by a configuration",
        "validateArgumentsValues: allowEmptyValues",
        main(
            "inputs: {parameters: [{name: x}]}\ncontainer: {image: i, command: [sh]}",
            "  arguments: {parameters: [{name: x}]}\n",
        ),
    ),
    Verdict(
        "what the exit needs and nobody gives",
        "ValidateWorkflow: onExit gets the arguments of the workflow",
        workflow("  onExit: in  # HERE"),
        "missing-argument",
        "spec.onExit: gives no parameter 'x'",
    ),
    Verdict(
        "a value of the enum",
        "TestWorkflowTemplateWithEnumValue",
        workflow("  arguments: {parameters: [{name: x, value: a, enum: [a, b]}]}"),
    ),
    Verdict(
        "a value that the enum does not have",
        "TestWorkflowTemplateWithArgumentValueNotFromEnumList",
        workflow("  arguments: {parameters: [{name: x, value: c, enum: [a, b]}]}  # HERE"),
        "wrong-choice",
        "'c' is not in its enum",
    ),
    Verdict(
        "an empty enum",
        "TestWorkflowTemplateWithEmptyEnumList",
        workflow("  arguments: {parameters: [{name: x, value: c, enum: []}]}  # HERE"),
        "wrong-choice",
        "needs at least one value",
    ),
    Verdict(
        "an enum without a value",
        "TestWorkflowTemplateWithEnumValueWithoutValue",
        workflow("  arguments: {parameters: [{name: x, enum: [a, b]}]}"),
    ),
    Verdict(
        "a number of an enum of numbers",
        "AnyString: compared as text",
        workflow("  arguments: {parameters: [{name: x, value: '1', enum: [1, 2]}]}"),
    ),
    Verdict(
        "a parameter of the workflow that is only a default of another source",
        "validateArgumentsValues: default needs to be accompanied by configMapKeyRef",
        workflow("  arguments: {parameters: [{name: x, valueFrom: {default: a}}]}  # HERE"),
        "bad-argument-source",
        "only configMapKeyRef or supplied",
    ),
]

UPKEEP = [
    Verdict(
        "the name of a metric",
        "TestInvalidMetricName",
        metric("name: a.b, help: h, counter: {value: '1'}"),
        "bad-metric",
        "'a.b' is no name of a metric",
    ),
    Verdict(
        "the label of a metric",
        "TestInvalidMetricLabelName",
        metric("name: a, help: h, labels: [{key: a.b, value: x}], counter: {value: '1'}"),
        "bad-metric",
        "'a.b' is no name of a metric",
    ),
    Verdict(
        "a metric without help",
        "TestInvalidMetricHelp",
        metric("name: a, counter: {value: '1'}"),
        "bad-metric",
        "help: is missing",
    ),
    *(
        Verdict(
            f"a {kind} without a value",
            "TestInvalidNoValueMetricGauge; metrics/util.go: ValidateMetricValues",
            metric(f"name: a, help: h, {kind}: {{}}"),
            "bad-metric",
            f"{kind}.value: is missing",
        )
        for kind in ("gauge", "counter", "histogram")
    ),
    Verdict(
        "resources in real time",
        "TestInvalidMetricGauge",
        metric("name: a, help: h, gauge: {realtime: true, value: '{{resourcesDuration.cpu}}'}"),
        "bad-metric",
        "no realtime",
    ),
    Verdict(
        "gauges",
        "TestValidMetricGauge",
        metric("name: a, help: h, gauge: {realtime: true, value: '{{duration}}'}"),
    ),
    Verdict(
        "a strategy of podGC",
        "TestIncorrectPodGCStrategy",
        workflow("  podGC: {strategy: Foo}  # HERE"),
        "bad-pod-deletion",
        "'Foo' is none of",
    ),
    Verdict(
        "an operator of podGC",
        "TestInvalidPodGCLabelSelector",
        workflow(
            "  podGC:\n    labelSelector:\n      matchExpressions:\n"
            "      - {key: a, operator: Is, values: [b]}  # HERE"
        ),
        "bad-pod-deletion",
        "operator: is none of",
    ),
    Verdict(
        "In without values",
        "TestInvalidPodGCLabelSelector; Kubernetes: LabelSelectorAsSelector",
        workflow(
            "  podGC:\n    labelSelector:\n      matchExpressions:\n"
            "      - {key: a, operator: In}  # HERE"
        ),
        "bad-pod-deletion",
        "need some",
    ),
    *(
        Verdict(
            f"{operator} with values",
            "Kubernetes: LabelSelectorAsSelector",
            workflow(
                "  podGC:\n    labelSelector:\n      matchExpressions:\n"
                f"      - {{key: a, operator: {operator}, values: [b]}}{mark}"
            ),
            rule,
            says,
        )
        for operator, mark, rule, says in (
            ("Exists", "  # HERE", "bad-pod-deletion", ""),
            ("DoesNotExist", "  # HERE", "bad-pod-deletion", ""),
            ("NotIn", "", "", ""),
        )
    ),
    Verdict(
        "podGC",
        "TestIncorrectPodGCStrategy",
        workflow(
            "  podGC: {strategy: OnPodCompletion, labelSelector: "
            "{matchExpressions: [{key: a, operator: Exists}]}}"
        ),
    ),
]

A = "name: a, image: i, command: [sh]"
MAIN = "name: main, image: i, command: [sh]"


def container_set(*containers: str, more: str = "") -> str:
    """A set; each container in flow style, ``!`` in front where the finding is."""
    lines = "\n".join(
        f"  - {{{text.removeprefix('!')}}}{'  # HERE' if text.startswith('!') else ''}"
        for text in containers
    )
    return main(f"containerSet:\n  containers:\n{lines}\n{more}")


CONTAINER_SETS = [
    Verdict(
        "containers after each other",
        "examples/container-set-template/graph-workflow.yaml",
        container_set(A, f"{MAIN}, dependencies: [a]"),
    ),
    Verdict(
        "a dependency that is not in the set",
        "TestInvalidContainerSetDependencyNotFound",
        container_set(A, f"!{MAIN}, dependencies: [c]"),
        "bad-container-set",
        "dependency 'c' not defined",
    ),
    Verdict(
        "containers that wait for each other",
        "v1alpha1/container_set_template_types.go: validateNoCycles",
        container_set(f"!{A}, dependencies: [main]", f"{MAIN}, dependencies: [a]"),
        "bad-container-set",
        "wait for each other",
    ),
    Verdict(
        "two containers of one name",
        "v1alpha1/container_set_template_types.go: validateWorkflowFieldNames",
        container_set(A, f"!{A}"),
        "duplicate-item",
        "used twice",
    ),
    Verdict(
        "no container",
        "v1alpha1/container_set_template_types.go: at least one container",
        main("containerSet:\n  containers: []  # HERE"),
        "bad-container-set",
        "at least one container",
    ),
    *(
        Verdict(
            f"{part} {sort} without a main container",
            "TestInvalidContainerSetNoMainContainer",
            main(
                f"containerSet:\n  containers:  # HERE\n  - {{{A}}}\n"
                f"{part}: {{{sort}: [{{name: x, {where}}}]}}"
            ),
            "bad-container-set",
            'must have a container named "main"',
        )
        for part, sort, where in (
            ("inputs", "artifacts", "path: /x"),
            ("outputs", "artifacts", "path: /x"),
            ("outputs", "parameters", "valueFrom: {path: /x}"),
        )
    ),
    Verdict(
        "two volumes of a set at one place",
        "v1alpha1/container_set_template_types.go: already mounted",
        container_set(
            A,
            more="  volumeMounts:\n  - {name: v, mountPath: /x}\n"
            "  - {name: w, mountPath: /x}  # HERE\n"
            "volumes: [{name: v, emptyDir: {}}, {name: w, emptyDir: {}}]",
        ),
        "bad-container-set",
        "'/x' already mounted",
    ),
]

PAUSES = [
    Verdict(
        "a deadline of a pause",
        "validateLeaf: activeDeadlineSeconds of any leaf",
        main("suspend: {duration: 1s}\nactiveDeadlineSeconds: 10"),
    ),
    Verdict(
        "a timeout of a pause",
        "validateTemplate: doesn't support timeout field; IsLeaf",
        main("suspend: {duration: 1s}\ntimeout: 10s  # HERE"),
        "misplaced-field",
        "timeout: only where a container runs",
    ),
    Verdict(
        "an output of a pause",
        "examples/intermediate-parameters.yaml",
        outputs(
            "name: x, valueFrom: {supplied: {}, default: a}", "suspend: {duration: 1s}\n"
        ).replace("  # HERE", ""),
    ),
    Verdict(
        "an output of a pause without a source",
        "validateOutputParameter: valueFrom type unspecified",
        outputs("name: x, valueFrom: {default: a}", "suspend: {duration: 1s}\n"),
        "output-without-value",
        "needs one of supplied",
    ),
]

VERDICTS = [*CONTAINER_SETS, *PAUSES, *NAMES, *FIELDS, *ARTIFACTS, *OUTPUTS, *ARGUMENTS, *UPKEEP]
