"""What Argo can read and what it cannot: types of fields, conditions, expressions, durations."""

from __future__ import annotations

from tests.emulator.workflows.validated_calls import dag, steps
from tests.emulator.workflows.verdicts import Verdict, leaf, main, says

ONE = "name: a, template: t"
ASKED = "name: b, template: t, depends: "
LOOP = "name: a, template: in, arguments: {parameters: [{name: x, value: '{{item}}'}]}, "
READ = "UnmarshalJSON, docs/fields.md"
REGEX = "common/ancestry.go: taskNameRegex, argoexpr.EvalBool"
DURATION = "operator.go: parseStringToDuration"


def asks(depends: str, *, is_right: bool = False) -> str:
    mark = "" if is_right else "!"
    return dag(ONE, "name: c, template: t", f"{mark}{ASKED}'{depends}'")


DEPENDS = [
    *(
        Verdict(f"depends {text!r}", REGEX, asks(text), "bad-depends", "")
        for text in (
            "a &&",
            "|| a",
            "a & c",
            "a c",
            "a, c",
            "(a || c",
            "a || c)",
            "a && ()",
            "a !",
            "a.succeeded",
            "a.Failed.x",
            "a == c",
            "   ",
            "{{inputs.parameters.x}}",
        )
    ),
    *(
        Verdict(f"depends {text!r}", REGEX, asks(text, is_right=True))
        for text in (
            "a",
            "!a",
            "a&&c",
            "!(a.Failed||c.Failed) && c",
            "((a)) || !!c.Skipped",
            "a.Succeeded\n  && c",
        )
    ),
    *(
        Verdict(
            f"depends {text!r}",
            "validateDAG: dependency not defined",
            asks(text),
            "unknown-task",
            "does not exist in this dag",
        )
        for text in ("d", "a && not && c", "a.Failed || true")
    ),
    Verdict(
        "a dependency with a word behind its name",
        "expandDependency: a.Failed.Succeeded names the task Succeeded",
        dag(ONE, "!name: b, template: t, dependencies: [a.Failed]"),
        "unknown-task",
        "task 'a.Failed' does not exist",
    ),
    Verdict(
        "a dependency that is empty",
        "expandDependency: .Succeeded names the task Succeeded",
        dag(ONE, "!name: b, template: t, dependencies: ['']"),
        "unknown-task",
        "task '' does not exist",
    ),
    Verdict(
        "a dependency that is a placeholder",
        "validateDAG: dependency not defined",
        dag(ONE, "!name: b, template: t, dependencies: ['{{workflow.name}}']"),
        "unknown-task",
        "does not exist",
    ),
    Verdict(
        "the same dependency twice",
        "GetTaskDependencies: a map of names",
        dag(ONE, "name: b, template: t, dependencies: [a, a]"),
    ),
]


def of_step(fields: str) -> str:
    return steps(f"!{ONE}, {fields}")


TYPES = [
    *(
        Verdict(f"{fields} of a step", READ, of_step(fields), "wrong-type", "must be")
        for fields in (
            "when: true",
            "when: {a: b}",
            "when: 1",
            "withItems: {a: 1}",
            "withItems: abc",
            "withParam: [1]",
            "continueOn: failed",
            "continueOn: {failed: 'true'}",
            "onExit: [t]",
            "arguments: []",
            "arguments: {parameters: {x: 1}}",
            "arguments: {parameters: [{name: x, value: [1]}]}",
        )
    ),
    *(
        Verdict(f"{fields} of a task", READ, dag(f"!{ONE}, {fields}"), "wrong-type", "must be")
        for fields in ("depends: [a]", "dependencies: b", "when: 1.5")
    ),
    Verdict(
        "steps that stand in no list of their own",
        "ParallelSteps.UnmarshalJSON",
        main(f"steps:\n- {{{ONE}}}  # HERE"),
        "wrong-type",
        "must be a list",
    ),
    Verdict("a group without steps", "validateSteps: none to go through", main("steps:\n- []")),
    *(
        Verdict(f"{fields} of a template", READ, leaf(f"{fields}  # HERE"), "wrong-type", "must be")
        for fields in (
            "retryStrategy: {limit: [1]}",
            "retryStrategy: {limit: 1, backoff: {duration: 5}}",
            "inputs: {artifacts: [{name: x, path: /x, optional: 'yes please'}]}",
            "outputs: {artifacts: {name: x}}",
            "sidecars: {name: x}",
        )
    ),
    *(
        Verdict(
            f"{fields} of the workflow",
            READ,
            leaf("", f"  {fields}  # HERE\n"),
            "wrong-type",
            "must be",
        )
        for fields in ("parallelism: '2'", "activeDeadlineSeconds: 1h", "hooks: [t]")
    ),
    Verdict(
        "a number where only one value is asked for",
        "AnyString.UnmarshalJSON",
        steps("name: a, template: in, arguments: {parameters: [{name: x, value: 1.5}]}"),
    ),
    Verdict(
        "numbers where text or numbers go",
        "IntOrString",
        leaf("activeDeadlineSeconds: 5\nretryStrategy: {limit: 2}"),
    ),
    *(
        Verdict(
            f"the field {field} of a step",
            "ParallelSteps.UnmarshalJSON: unknown field",
            of_step(field),
            "mistyped-field",
            "is no field here",
        )
        for field in ("description: x", "depends: b", "dependencies: [b]", "x-note: a")
    ),
    Verdict("a field that no task has", READ, dag(f"{ONE}, description: x")),
]

TIMES = [
    *(
        Verdict(
            f"retryStrategy {fields}",
            "operator.go: processNodeRetries",
            leaf(f"retryStrategy: {{{fields}}}  # HERE"),
            "bad-retry",
            "retryStrategy",
        )
        for fields in (
            "limit: many",
            "limit: '1.5'",
            "limit: 2, backoff: {duration: 1x}",
            "limit: 2, backoff: {duration: 1d}",
            "limit: 2, backoff: {duration: '1.5'}",
            "limit: 2, backoff: {duration: 1s, factor: '1.5'}",
            "limit: 2, backoff: {duration: 1s, maxDuration: soon}",
        )
    ),
    *(
        Verdict(f"retryStrategy {fields}", DURATION, leaf(f"retryStrategy: {{{fields}}}"))
        for fields in (
            "limit: -1",
            "limit: '2', backoff: {duration: '5', factor: 2, maxDuration: 1h30m}",
            "limit: 2, backoff: {duration: 1.5s}",
            "limit: '{{workflow.name}}'",
        )
    ),
    Verdict(
        "retryStrategy of the workflow",
        "operator.go: processNodeRetries",
        leaf("", "  retryStrategy: {limit: many}  # HERE\n"),
        "bad-retry",
        "limit",
    ),
    *(
        Verdict(
            f"timeout {text}",
            "operator.go: time.ParseDuration of timeout",
            leaf(f"timeout: {text}  # HERE"),
            "bad-deadline",
            "timeout",
        )
        for text in ("1y", "1d", "soon", "5 m")
    ),
    *(
        Verdict(f"a pause of {text}", DURATION, pause, "bad-deadline", "suspend.duration")
        for text in ("1y", "2d", "soon")
        for pause in [main(f"suspend: {{duration: {text}}}  # HERE")]
    ),
    Verdict("a pause of minutes", DURATION, main("suspend: {duration: 1m30s}")),
    *(
        Verdict(
            f"parallelism of {where} that lets nothing run",
            "operator.go: checkParallelism",
            text,
            "bad-parallelism",
            "at least 1",
        )
        for where, text in {
            "a workflow": leaf("", "  parallelism: 0  # HERE\n"),
            "steps": steps(ONE, more="parallelism: -1  # HERE"),
        }.items()
    ),
]

EXPRESSIONS = [
    *(
        Verdict(
            f"the expression {text}",
            "expr-lang: cannot be compiled",
            says(f"{{{{={text}}}}}"),
            "unresolved-placeholder",
            "spec.templates",
        )
        for text in ("1 +", "(1", "1)", "[1, 2", "'a", "", "* 2", "a ? b :", "1 and", "len(")
    ),
    *(
        Verdict(f"the expression {text}", "expr-lang", says(f"{{{{={text}}}}}"))
        for text in ("-1", "!true", ".5 + 5.", "'(' + ')'", "'it\\\\'s'", "[1, 2,]", "1 /* ( */")
    ),
    Verdict(
        "an expression of retries that ends too early",
        "expr-lang: cannot be compiled",
        leaf("retryStrategy: {limit: 2, expression: '1 <'}  # HERE"),
        "unresolved-placeholder",
        "spec.templates",
    ),
    *(
        Verdict(
            f"a placeholder without an end, {text}",
            "fasttemplate: to the next braces, which are those of the JSON",
            says(text),
            "unresolved-placeholder",
            "has no end",
        )
        for text in ("{{workflow.name", "a {{inputs.parameters.x and so on", "{{pod.name} b")
    ),
    *(
        Verdict(f"braces of somebody else, {text}", "resolveAllVariables", says(text))
        for text in ("{{ else", "a {{ b.c", "{{outputs.parameters.x}}", "{{item}}")
    ),
]

PLACES = [
    Verdict(
        "a hook without a template",
        "executeTemplate: template name undefined",
        leaf("", "  hooks: {exit: {}}  # HERE\n"),
        "bad-hook",
        "template: is missing",
    ),
    Verdict(
        "onExit beside a hook called exit",
        "GetExitHook: onExit comes first",
        leaf("", "  onExit: t\n  hooks: {exit: {template: t}}\n"),
    ),
    Verdict(
        "an archiveLocation in no repository",
        "validateArtifactLocation: git.repo is required",
        leaf("archiveLocation: {git: {}}  # HERE"),
        "bad-artifact-path",
        "git.repo",
    ),
    *(
        Verdict(
            f"templateRef {fields}",
            "validateTemplateHolder",
            steps(f"!name: a, {fields}"),
            "unknown-template",
            "templateRef",
        )
        for fields in (
            "template: t, templateRef: {name: x, template: y}",
            "templateRef: {template: y}",
            "templateRef: {name: x}",
        )
    ),
    Verdict(
        "templates beside workflowTemplateRef",
        "ValidateWorkflowTemplateRefFields",
        leaf("", "  workflowTemplateRef: {name: x}  # HERE\n"),
        "misplaced-field",
        "workflowTemplateRef",
    ),
    *(
        Verdict(
            f"a resource: {name}",
            "validateLeaf: resource",
            main(f"resource:\n{text}"),
            "bad-resource",
            "needs a Kubernetes cluster",
        )
        for name, text in {
            "an action that there is not": "  action: mend  # HERE\n  manifest: 'a: 1'",
            "no manifest": "  action: create  # HERE",
            "two manifests": "  action: apply\n  manifest: 'a: 1'\n"
            "  manifestFrom: {artifact: {name: x}}  # HERE",
            "an artifact that is no input": "  action: apply\n"
            "  manifestFrom: {artifact: {name: x}}  # HERE",
            "a manifest with tags that is no YAML": "  action: apply\n  manifest: |\n"
            "    kind: '{{workflow.name}}'\n    name: {{workflow.name}}: x  # HERE",
            "a manifest that is no YAML": "  action: apply\n  manifest: |\n"
            "    kind: Pod\n    spec: [1\n    more: 2  # HERE",
        }.items()
    ),
]

INSIDE = "inline: {container: {image: i, command: [sh]}}"

INLINE = [
    *(
        Verdict(
            f"a template in a step: {name}",
            "validateTemplateHolder: Inline",
            steps(f"!name: a, inline: {{{text}}}"),
            rule,
            says_what,
        )
        for name, text, rule, says_what in (
            (
                "it calls a template that is not there",
                "steps: [[{name: b, template: zzz}]]",
                "unknown-template",
                "template 'zzz' does not exist",
            ),
            (
                "its tasks wait for each other",
                "dag: {tasks: [{name: b, template: t, depends: c}, "
                "{name: c, template: t, depends: b}]}",
                "unknown-task",
                "wait for each other",
            ),
            (
                "it is not given what it needs",
                "inputs: {parameters: [{name: q}]}, container: {image: i, command: [sh]}",
                "missing-argument",
                "gives no parameter 'q'",
            ),
            (
                "it names an input that it does not have",
                "container: {image: i, command: [sh], args: ['{{inputs.parameters.q}}']}",
                "unresolved-placeholder",
                "{{inputs.parameters.q}} is not known here",
            ),
            (
                "it names a step that is not its own",
                "container: {image: i, command: [sh], args: ['{{steps.b.outputs.result}}']}",
                "unresolved-placeholder",
                "{{steps.b.outputs.result}}",
            ),
        )
    ),
    Verdict(
        "what a template in a step hands on",
        "addOutputsToScope",
        steps(
            f"name: a, {INSIDE}",
            "name: b, template: in, arguments: "
            "{parameters: [{name: x, value: '{{steps.a.outputs.result}}'}]}",
        ),
    ),
    Verdict(
        "what a template in a step does not hand on",
        "addOutputsToScope",
        steps(
            f"name: a, {INSIDE}",
            "!name: b, template: in, arguments: "
            "{parameters: [{name: x, value: '{{steps.a.outputs.parameters.y}}'}]}",
        ),
        "unresolved-placeholder",
        "{{steps.a.outputs.parameters.y}}",
    ),
    Verdict(
        "a template in a step that is given what it needs",
        "validateTemplateHolder: Inline",
        steps(
            "name: a, arguments: {parameters: [{name: q, value: '1'}]}, inline: {inputs: "
            "{parameters: [{name: q}]}, container: {image: i, command: [sh], "
            "args: ['{{inputs.parameters.q}}', '{{pod.name}}']}}"
        ),
    ),
]

PODS = [
    *(
        Verdict(
            f"the mount of a volume that nobody declares, {where}",
            "Kubernetes: volumeMounts[].name not found",
            text,
            "unknown-volume",
            "no volume 'v' is declared",
        )
        for where, text in {
            "of a container": main(
                "container:\n  image: i\n  command: [sh]\n"
                "  volumeMounts: [{name: v, mountPath: /v}]  # HERE"
            ),
            "of a sidecar": leaf(
                "volumes: [{name: w, emptyDir: {}}]\n"
                "sidecars: [{name: s, image: i, command: [sh], "
                "volumeMounts: [{name: v, mountPath: /v}]}]  # HERE"
            ),
        }.items()
    ),
    *(
        Verdict(
            f"a volume of {where}",
            "Kubernetes: volumeMounts",
            leaf(
                "sidecars: [{name: s, image: i, command: [sh], "
                f"volumeMounts: [{{name: v, mountPath: /v}}]}}]\n{inner}",
                outer,
            ),
        )
        for where, inner, outer in (
            ("the template", "volumes: [{name: v, emptyDir: {}}]", ""),
            ("the workflow", "", "  volumes: [{name: v, emptyDir: {}}]\n"),
            ("a claim", "", "  volumeClaimTemplates: [{metadata: {name: v}, spec: {}}]\n"),
        )
    ),
    *(
        Verdict(
            f"a container called {name}",
            "Kubernetes: names of containers are DNS labels",
            text,
            "bad-item-name",
            "name",
        )
        for name, text in {
            "S_x": leaf("sidecars: [{name: S_x, image: i, command: [sh]}]  # HERE"),
            "in.it": leaf("initContainers: [{name: in.it, image: i, command: [sh]}]  # HERE"),
            "a_b": main(
                "containerSet: {containers: [{name: a_b, image: i, command: [sh]}]}  # HERE"
            ),
        }.items()
    ),
    *(
        Verdict(
            f"containerSet.retryStrategy {fields}",
            "container_set_template_types.go: GetRetryStrategy",
            main(
                f"containerSet:\n  retryStrategy: {{{fields}}}  # HERE\n"
                "  containers: [{name: main, image: i, command: [sh]}]"
            ),
            "bad-retry",
            "retryStrategy",
        )
        for fields in ("retries: many", "retries: 2, duration: 1y")
    ),
    *(
        Verdict(f"{fields} of a template", READ, leaf(f"{fields}  # HERE"), "wrong-type", "must be")
        for fields in ("nodeSelector: [a]", "tolerations: {a: b}", "serviceAccountName: 1")
    ),
    Verdict(
        "ttlStrategy in words",
        READ,
        leaf("", "  ttlStrategy: {secondsAfterCompletion: soon}  # HERE\n"),
        "wrong-type",
        "must be number",
    ),
    *(
        Verdict(f"a field that is none, in {text}", READ, leaf(text))
        for text in (
            "retryStrategy: {limit: 1, limits: 2}",
            "retryStrategy: {limit: 1, backoff: {duration: '1', cap: '5'}}",
        )
    ),
    Verdict(
        "fields that are none, of loops and dags",
        READ,
        dag(
            f"{ONE}, withSequence: {{count: 1, step: 2}}, continueOn: {{fail: true}}",
            more="  x: 1\n",
        ),
    ),
    Verdict("a field that no inputs have", READ, leaf("inputs: {parameter: []}")),
    Verdict(
        "a placeholder in the name of a step",
        "isValidWorkflowFieldName",
        steps("!name: 'a-{{workflow.name}}', template: t"),
        "bad-item-name",
        "not a name",
    ),
]

VERDICTS = [*DEPENDS, *TYPES, *TIMES, *EXPRESSIONS, *PLACES, *INLINE, *PODS]
