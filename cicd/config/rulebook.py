"""Every rule that a finding can carry, with one line on it and where it comes from.

Ids stay: users filter by them. Only what has a source may be an error.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """``says``: what a finding of it is about, in one sentence. ``source``: what asks for it: the
    API document, documentation of SAP or Argo, or cicd itself; empty where nothing does."""

    says: str
    source: str


RULES: dict[str, Rule] = {
    # files
    "unreadable-file": Rule("The file cannot be read.", "cicd: how files are read"),
    "empty-file": Rule("The file holds nothing.", "cicd: how files are read"),
    "encoding": Rule(
        "The file is not UTF-8 text, or holds characters that are no text.",
        "YAML 1.2, JSON (RFC 8259): UTF-8",
    ),
    "syntax": Rule("The file is not valid YAML or JSON.", "YAML 1.2, JSON (RFC 8259): UTF-8"),
    "yaml": Rule(
        "A feature of YAML that stage files and templates do without.",
        "YAML 1.2: what JSON has as well",
    ),
    "too-complex": Rule(
        "The file is too large, nested too deeply, or expands to too much.",
        "cicd: how files are read",
    ),
    "duplicate-key": Rule("The same key stands twice in one map.", "YAML 1.2: keys are unique"),
    # the shape of a stage file
    "unknown-stage": Rule(
        "No stage file, or more than one, has that name.", "cicd: stages/NAME.yaml"
    ),
    "bad-extends": Rule(
        "extends leads to no file, out of the repository, or in a circle.", "cicd: stages/NAME.yaml"
    ),
    "unknown-key": Rule("A key that stage files do not have.", "cicd: config.schema.json"),
    "missing-key": Rule("A key that must be there is not.", "cicd: config.schema.json"),
    "wrong-type": Rule(
        "Text, number, list or map where another is needed.",
        "cicd: config.schema.json; Argo, fields.md; Kubernetes: containers",
    ),
    "wrong-value": Rule(
        "The value is none of the possible ones, or out of range.", "cicd: config.schema.json"
    ),
    "wrong-format": Rule(
        "The value does not have the form that AI Core asks for.",
        "AI Core API: patterns and lengths of names, ids and URLs",
    ),
    "wrong-length": Rule(
        "The value is empty, or longer than AI Core takes.",
        "AI Core API: patterns and lengths of names, ids and URLs",
    ),
    "unknown-variable": Rule(
        "${…} names something that does not exist.", "cicd: variables of stage files"
    ),
    "misplaced-variable": Rule(
        "${…} stands where it cannot be replaced.", "cicd: variables of stage files"
    ),
    "missing-env": Rule(
        "An environment variable that the stage file needs is not set.",
        "cicd: variables of stage files",
    ),
    "secret-in-plain-text": Rule(
        "A credential is written into a file.", "cicd: no credential in Git"
    ),
    "placeholder-left": Rule(
        "A text still holds a placeholder of an example.", "cicd: what was to be replaced"
    ),
    # what the parts of a stage file say of each other
    "missing-resource-group": Rule(
        "Nothing says which resource group to use.", "AI Core API: AI-Resource-Group"
    ),
    "duplicate-name": Rule(
        "Two things of one sort have the same name or key.", "cicd: names identify"
    ),
    "duplicate-content": Rule(
        "AI Core could not tell two things apart.",
        "AI Core API: no name is unique, so content identifies",
    ),
    "unknown-reference": Rule(
        "Something is used that the stage file does not define.", "cicd: names identify"
    ),
    "reference-cycle": Rule(
        "Runs and deployments need each other in a circle.", "cicd: names identify"
    ),
    "git-login": Rule(
        "The Git repository, its user and its password do not go together.",
        "AI Core API: POST /admin/repositories",
    ),
    "bad-label": Rule(
        "A label that AI Core refuses, or that cicd keeps for itself.",
        "AI Core API: label keys; Kubernetes: labels",
    ),
    "artifact-url": Rule(
        "AI Core cannot resolve the url of an artifact.", "SAP AI Core, artifacts"
    ),
    "bad-watch": Rule(
        "watch matches no file, or leads out of the project.", "cicd: files that count as input"
    ),
    "needs-wait": Rule(
        "A result is needed of something that is not waited for.",
        "cicd: what follows needs a result",
    ),
    "bad-gate": Rule(
        "require can never be met, or says nothing.", "cicd: what follows needs a result"
    ),
    "bad-ttl": Rule(
        "The time to live is shorter than AI Core takes.",
        "SAP AI Core, AI API overview: timeToLive",
    ),
    "bad-cron": Rule(
        "The cron expression has not five fields, runs too often, or never.",
        "POSIX crontab; SAP AI Core, AI API overview: minimumFrequencyHour",
    ),
    "bad-time": Rule(
        "The time is not in UTC and whole seconds, the end before the start, or past.",
        "AI Core API: RFC 3339 in UTC",
    ),
    "secret-entries": Rule(
        "The data of a secret lacks entries of its type, or has wrong ones.",
        "SAP AI Core, register your object store, Docker and generic secrets",
    ),
    "secret-fields": Rule(
        "A field of an object store does not go with its type.",
        "SAP AI Core, register your object store, Docker and generic secrets",
    ),
    "unknown-plan": Rule(
        "Nodes are reserved of a resource plan that AI Core does not document.",
        "SAP AI Core, choose an instance",
    ),
    "smoke-test-path": Rule("AI Core does not route that path.", "SAP AI Core, serving templates"),
    "missing-local-path": Rule("A path for the emulator does not exist.", "cicd: the emulator"),
    "unknown-protected": Rule(
        "protect names something that the stage does not define.", "cicd: protect"
    ),
    # flows
    "bad-flow": Rule("A flow cannot be read, or leads where it must not.", "Metaflow; cicd: flows"),
    "unsupported-in-flow": Rule(
        "A flow uses something that AI Core cannot do.", "Metaflow: decorators of other platforms"
    ),
    "missing-image": Rule("A step of a flow has no container image.", "Argo, validate.go: image"),
    "outdated-template": Rule(
        "A generated template no longer matches its flow, or was edited.", "Metaflow; cicd: flows"
    ),
    # what a stage file says of its templates
    "unknown-executable": Rule(
        "No template declares the executable.", "SAP AI Core, troubleshooting: executable not found"
    ),
    "wrong-scenario": Rule(
        "The executable belongs to another scenario.", "AI Core API: POST /lm/configurations"
    ),
    "wrong-executable-kind": Rule(
        "A workflow is deployed, or a server executed.", "AI Core API: executable.deployable"
    ),
    "unknown-parameter": Rule(
        "A parameter is bound that the executable does not declare.",
        "cicd: what is bound is declared (AI Core takes it and does nothing with it)",
    ),
    "missing-parameter": Rule(
        "A parameter without a default is not bound.",
        "SAP AI Core, troubleshooting: missing input parameter or artifacts",
    ),
    "unquoted-condition": Rule(
        "A when has a text, or may have a value, that Argo can read only in quotes.",
        "Argo, steps.go: shouldExecute; govaluate, MANUAL.md",
    ),
    "wrong-choice": Rule(
        "A parameter has none of the values that its template lists.",
        "Argo, validate.go: enum",
    ),
    "unknown-input": Rule(
        "An input artifact is bound that the executable does not declare.",
        "cicd: what is bound is declared (AI Core takes it and does nothing with it)",
    ),
    "missing-input": Rule(
        "An input artifact is not bound.",
        "SAP AI Core, troubleshooting: missing input parameter or artifacts",
    ),
    # templates
    "template-folder": Rule(
        "The template folder, or a file in it, cannot be used.", "SAP AI Core, applications: path"
    ),
    "template-repository": Rule(
        "The templates lie in another repository than AI Core reads.",
        "SAP AI Core, applications: repository and path",
    ),
    "no-template": Rule(
        "There is no template in the template folder.", "SAP AI Core, applications: path"
    ),
    "not-a-template": Rule(
        "A document in the template folder is not a template.", "SAP AI Core, add a Git repository"
    ),
    "bad-api-version": Rule(
        "The apiVersion does not go with the kind.",
        "SAP AI Core, workflow and serving templates: apiVersion",
    ),
    "bad-executable-id": Rule(
        "metadata.name is missing, or no id that AI Core takes.",
        "AI Core API: executable ids; Kubernetes: object names",
    ),
    "other-executable-id": Rule(
        "An id in a label differs from metadata.name, which alone counts.",
        "SAP AI Core, workflow and serving templates: metadata.name",
    ),
    "duplicate-executable": Rule(
        "Two templates have the same executable id.",
        "SAP AI Core, workflow and serving templates: unique in the tenant",
    ),
    "missing-label": Rule(
        "A label without which AI Core ignores the template.",
        "SAP AI Core, workflow and serving templates: mandatory",
    ),
    "mistyped-label": Rule(
        "A label that is nearly one that AI Core knows.",
        "SAP AI Core, workflow and serving templates: known keys",
    ),
    "missing-annotation": Rule(
        "An annotation without which AI Core ignores the template.",
        "SAP AI Core, workflow and serving templates: mandatory",
    ),
    "mistyped-annotation": Rule(
        "An annotation that is nearly one that AI Core knows.",
        "SAP AI Core, workflow and serving templates: known keys",
    ),
    "metadata-text": Rule(
        "Labels and annotations are maps of text.", "Kubernetes: object metadata"
    ),
    "artifact-annotation": Rule(
        "An annotation of an artifact that AI Core cannot use.",
        "AI Core API: artifact kinds; SAP AI Core, workflow templates",
    ),
    "unnamed-item": Rule(
        "A parameter, artifact or template without a name.",
        "Argo, validate.go: names are required and unique",
    ),
    "duplicate-item": Rule(
        "Two parameters, artifacts or templates have the same name.",
        "Argo, validate.go: names are required and unique",
    ),
    "bad-item-name": Rule(
        "A template, step, parameter or artifact has a name that Argo refuses.",
        "Argo, validate.go: field names",
    ),
    "mistyped-field": Rule(
        "A field that workflows, containers or predictors do not have.",
        "Argo, fields.md; SAP AI Core, KServe spec; Kubernetes: containers",
    ),
    "unresolved-placeholder": Rule(
        "{{…}} leads to nothing that is declared, or cannot be read.",
        "Argo, variables.md and validate.go; SAP AI Core, troubleshooting",
    ),
    "bad-entrypoint": Rule(
        "The entrypoint is none of the templates.", "Argo, validate.go: entrypoint"
    ),
    "unknown-template": Rule(
        "A step, a hook or the exit names a template that is not there.",
        "Argo, validate.go: template name undefined",
    ),
    "unknown-task": Rule(
        "A task depends on one that is not there, or tasks wait for each other.",
        "Argo, validate.go: dependencies",
    ),
    "bad-depends": Rule(
        "depends of a task is no condition that Argo can read.",
        "Argo, ancestry.go and enhanced-depends-logic.md",
    ),
    "mixed-dependencies": Rule(
        "A dag has depends, and dependencies or continueOn too.",
        "Argo, validate.go: validateDAG",
    ),
    "bad-loop": Rule(
        "A step has more than one loop, or a sequence not exactly one end.",
        "Argo, validate.go: withItems, withParam, withSequence",
    ),
    "bad-hook": Rule(
        "A hook does not say when it runs, or what.", "Argo, validate.go: validateHooks"
    ),
    "missing-argument": Rule(
        "A step does not pass a parameter that its template needs.",
        "Argo, validate.go: inputs are supplied",
    ),
    "bad-argument-source": Rule(
        "An argument comes from where arguments cannot.",
        "Argo, validate.go: validateArguments",
    ),
    "misplaced-field": Rule(
        "A field does not go with this kind of template.",
        "Argo, validate.go: validateLeaf, validateNonLeaf, validateInputs",
    ),
    "bad-deadline": Rule(
        "A deadline or a pause is no number of seconds, has no unit, or no end.",
        "Argo, validate.go: activeDeadlineSeconds, timeout; operator.go: suspend",
    ),
    "bad-parallelism": Rule("parallelism lets nothing run.", "Argo, operator.go: parallelism"),
    "bad-retry": Rule(
        "retryStrategy has a policy, a number or a duration that there is not.",
        "Argo, validate.go and operator.go: retryStrategy",
    ),
    "bad-resource": Rule(
        "A resource has no action, or no manifest that can be read.",
        "Argo, validate.go: resource",
    ),
    "bad-artifact-path": Rule(
        "An artifact has no place, leads out of it, or shares it.",
        "Argo, validate.go: path; Kubernetes: mountPath is unique",
    ),
    "bad-container-set": Rule(
        "The containers of a containerSet do not go together.",
        "Argo, container_set_template_types.go: Validate",
    ),
    "bad-metric": Rule(
        "A metric has a wrong name, no help text, or no value.", "Argo, validate.go: metrics"
    ),
    "bad-pod-deletion": Rule(
        "podGC has an unknown strategy or selector.", "Argo, validate.go: podGC"
    ),
    "nothing-to-run": Rule(
        "A template has nothing to run, or several things.",
        "Argo, validate.go: exactly one template type",
    ),
    "bad-command": Rule(
        "A container has no command, or one that is not a list.",
        "SAP AI Core, workflow templates: command is mandatory",
    ),
    "bad-args": Rule(
        "args must be a list that is not empty.",
        "SAP AI Core, workflow templates: args must not be empty",
    ),
    "bad-image": Rule(
        "An image is missing, or no registry can have one of that name.",
        "OCI distribution: names of images; Argo, validate.go: image",
    ),
    "bad-secret-name": Rule(
        "A template names a secret that cannot have that name.",
        "AI Core API: names of secrets; Kubernetes: object names",
    ),
    "secret-parameter": Rule(
        "A parameter gets a secret, and AI Core tells parameters to all who may read them.",
        "AI Core API: parameterBindings of configurations are plain text",
    ),
    "undeclared-secret": Rule(
        "A secret is used that the stage does not declare; AI Core may have it.",
        "SAP AI Core, register your Docker registry secret, consume generic secrets",
    ),
    "output-without-value": Rule(
        "Nothing, or more than one thing, says where the value of an output comes from.",
        "Argo, validate.go: outputs",
    ),
    "output-without-global-name": Rule(
        "An output is not registered as an artifact.", "SAP AI Core, workflow templates: globalName"
    ),
    "output-without-archive": Rule(
        "An output is packed into a .tgz file.", "SAP AI Core, workflow templates: archive none"
    ),
    "serving-without-parameter": Rule(
        "AI Core may ignore a serving template without a parameter.",
        "SAP AI Core, troubleshooting; public templates run without",
    ),
    "hyphen-in-serving-key": Rule(
        "Names in a serving template have no hyphen.",
        "SAP AI Core, troubleshooting: separators in keys",
    ),
    "bad-predictor": Rule(
        "The predictor inside a serving template cannot be used.",
        "SAP AI Core, serving templates and KServe spec",
    ),
}
"""Rule id -> what it is about, and why it is one."""
