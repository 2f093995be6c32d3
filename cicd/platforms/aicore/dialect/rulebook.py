"""The rules of AI Core's stage files and templates, and what shared ones mean here."""

from __future__ import annotations

from collections.abc import Mapping

from cicd.config.rulebook import Rule

RULES: Mapping[str, Rule] = {
    # shared ones
    "wrong-type": Rule(
        "Text, number, list or map where another is needed.",
        "cicd: config.schema.json; Argo, fields.md; Kubernetes: containers",
        "write the value as text, number, list or map, as the finding says",
    ),
    "wrong-format": Rule(
        "The value does not have the form that AI Core asks for.",
        "AI Core API: patterns and lengths of names, ids and URLs",
        "change the value to the form that the finding shows",
    ),
    "wrong-length": Rule(
        "The value is empty, or longer than AI Core takes.",
        "AI Core API: patterns and lengths of names, ids and URLs",
        "shorten the value, or fill it",
    ),
    "reference-cycle": Rule(
        "Runs and deployments need each other in a circle.",
        "cicd: names identify",
        "let one of them take a fixed value, so that there is a first one",
    ),
    # what the parts of a stage file say of each other
    "missing-resource-group": Rule(
        "Nothing says which resource group to use.",
        "AI Core API: AI-Resource-Group",
        "set aicore.resource_group in the stage, or AICORE_RESOURCE_GROUP",
    ),
    "duplicate-content": Rule(
        "AI Core could not tell two things apart.",
        "AI Core API: no name is unique, so content identifies",
        "let the two differ in name or content, or keep one",
    ),
    "git-login": Rule(
        "The Git repository, its user and its password do not go together.",
        "AI Core API: POST /admin/repositories",
        "give url, username and password together, the last two as ${env.NAME}",
    ),
    "bad-label": Rule(
        "A label that AI Core refuses, or that cicd keeps for itself.",
        "AI Core API: label keys; Kubernetes: labels",
        "begin the key with ext.ai.sap.com/, and leave ext.ai.sap.com/cicd.* alone",
    ),
    "artifact-url": Rule(
        "AI Core cannot resolve the url of an artifact.",
        "SAP AI Core, artifacts",
        "write ai://SECRET/PATH, where SECRET is an object store secret",
    ),
    "needs-wait": Rule(
        "A result is needed of something that is not waited for.",
        "cicd: what follows needs a result",
        "let wait_for_status be COMPLETED or RUNNING, not null",
    ),
    "bad-ttl": Rule(
        "The time to live is shorter than AI Core takes.",
        "SAP AI Core, AI API overview: timeToLive",
        "give 10m or more, as in 30m, 24h, 7d",
    ),
    "bad-cron": Rule(
        "The cron expression has not five fields, runs too often, or never.",
        "POSIX crontab; SAP AI Core, AI API overview: minimumFrequencyHour",
        "write five fields in UTC, at most once an hour: 0 3 * * 1",
    ),
    "bad-time": Rule(
        "The time is not in UTC and whole seconds, the end before the start, or past.",
        "AI Core API: RFC 3339 in UTC",
        "write UTC as 2026-01-31T00:00:00Z, the end after the start and ahead",
    ),
    "secret-entries": Rule(
        "The data of a secret lacks entries of its type, or has wrong ones.",
        "SAP AI Core, register your object store, Docker and generic secrets",
        "give just the entries that this type of secret has",
    ),
    "secret-fields": Rule(
        "A field of an object store does not go with its type.",
        "SAP AI Core, register your object store, Docker and generic secrets",
        "remove the field, or correct the type",
    ),
    "unknown-plan": Rule(
        "Nodes are reserved of a resource plan that AI Core does not document.",
        "SAP AI Core, choose an instance",
        "check the name against the resource plans that SAP documents",
    ),
    "smoke-test-path": Rule(
        "AI Core does not route that path.",
        "SAP AI Core, serving templates",
        "begin the path with a version: /v1/ or /v2/",
    ),
    # flows
    "bad-flow": Rule(
        "A flow cannot be read, or leads where it must not.",
        "Metaflow; cicd: flows",
        "name a flow file of this repository that imports without an error",
    ),
    "unsupported-in-flow": Rule(
        "A flow uses something that AI Core cannot do.",
        "Metaflow: decorators of other platforms",
        "write the step without it, as the finding says",
    ),
    "missing-image": Rule(
        "A step of a flow has no container image.",
        "Argo, validate.go: image",
        "set image for the flow, or @kubernetes(image=...) at the step",
    ),
    "outdated-template": Rule(
        "A generated template no longer matches its flow, or was edited.",
        "Metaflow; cicd: flows",
        "run cicd template build and commit what it writes",
    ),
    # what a stage file says of its templates
    "unknown-executable": Rule(
        "No template declares the executable.",
        "SAP AI Core, troubleshooting: executable not found",
        "correct executable_id: it is metadata.name of the template",
    ),
    "wrong-scenario": Rule(
        "The executable belongs to another scenario.",
        "AI Core API: POST /lm/configurations",
        "correct scenario_id: it is the label scenarios.ai.sap.com/id",
    ),
    "wrong-executable-kind": Rule(
        "A workflow is deployed, or a server executed.",
        "AI Core API: executable.deployable",
        "run a WorkflowTemplate, deploy a ServingTemplate",
    ),
    "unknown-parameter": Rule(
        "A parameter is bound that the executable does not declare.",
        "cicd: what is bound is declared (AI Core takes it and does nothing with it)",
        "remove the binding, or declare the parameter in the template",
    ),
    "missing-parameter": Rule(
        "A parameter without a default is not bound.",
        "SAP AI Core, troubleshooting: missing input parameter or artifacts",
        "bind it under parameter_bindings, or give it a default in the template",
    ),
    "unquoted-condition": Rule(
        "A when has a text, or may have a value, that Argo can read only in quotes.",
        "Argo, steps.go: shouldExecute; govaluate, MANUAL.md",
    ),
    "bad-condition": Rule(
        "A when is no condition that Argo can read.",
        "Argo, steps.go: shouldExecute; govaluate, MANUAL.md",
    ),
    "wrong-choice": Rule(
        "A parameter has none of the values that its template lists.",
        "Argo, validate.go: enum",
    ),
    "unknown-input": Rule(
        "An input artifact is bound that the executable does not declare.",
        "cicd: what is bound is declared (AI Core takes it and does nothing with it)",
        "remove the binding, or declare the artifact in the template",
    ),
    "missing-input": Rule(
        "An input artifact is not bound.",
        "SAP AI Core, troubleshooting: missing input parameter or artifacts",
        "bind an artifact under input_artifact_bindings",
    ),
    # templates
    "template-folder": Rule(
        "The template folder, or a file in it, cannot be used.",
        "SAP AI Core, applications: path",
        "let git.path name a folder of this repository that holds templates",
    ),
    "template-repository": Rule(
        "The templates lie in another repository than AI Core reads.",
        "SAP AI Core, applications: repository and path",
    ),
    "moving-revision": Rule(
        "A stage with an approval or sync syncs a revision that moves by itself.",
        "SAP AI Core, applications: a branch is synced every few minutes",
        "write revision: ${git.commit}, or leave it out: the commit that is applied is synced",
    ),
    "no-template": Rule(
        "There is no template in the template folder.",
        "SAP AI Core, applications: path",
        "add a template, or correct git.path",
    ),
    "not-a-template": Rule(
        "A document in the template folder is not a template.",
        "SAP AI Core, add a Git repository",
        "move the document out of the template folder",
    ),
    "bad-api-version": Rule(
        "The apiVersion does not go with the kind.",
        "SAP AI Core, workflow and serving templates: apiVersion",
        "argoproj.io/v1alpha1 for workflows, ai.sap.com/v1alpha1 for what serves",
    ),
    "bad-executable-id": Rule(
        "metadata.name is missing, or no id that AI Core takes.",
        "AI Core API: executable ids; Kubernetes: object names",
        "give it 4 to 64 letters, digits, dots and hyphens",
    ),
    "other-executable-id": Rule(
        "An id in a label differs from metadata.name, which alone counts.",
        "SAP AI Core, workflow and serving templates: metadata.name",
        "let the label say what metadata.name says, and name that in the stage",
    ),
    "duplicate-executable": Rule(
        "Two templates have the same executable id.",
        "SAP AI Core, workflow and serving templates: unique in the tenant",
        "give one another metadata.name: ids are unique in the tenant",
    ),
    "missing-label": Rule(
        "A label without which AI Core ignores the template.",
        "SAP AI Core, workflow and serving templates: mandatory",
        "add the label under metadata.labels",
    ),
    "mistyped-label": Rule(
        "A label that is nearly one that AI Core knows.",
        "SAP AI Core, workflow and serving templates: known keys",
        "correct the spelling of the label",
    ),
    "missing-annotation": Rule(
        "An annotation without which AI Core ignores the template.",
        "SAP AI Core, workflow and serving templates: mandatory",
        "add the annotation under metadata.annotations",
    ),
    "mistyped-annotation": Rule(
        "An annotation that is nearly one that AI Core knows.",
        "SAP AI Core, workflow and serving templates: known keys",
        "correct the spelling of the annotation",
    ),
    "metadata-text": Rule(
        "Labels and annotations are maps of text.",
        "Kubernetes: object metadata",
        "put the value in quotes",
    ),
    "artifact-annotation": Rule(
        "An annotation of an artifact that AI Core cannot use.",
        "AI Core API: artifact kinds; SAP AI Core, workflow templates",
        "correct the annotation, as the finding says",
    ),
    "unnamed-item": Rule(
        "A parameter, artifact or template without a name.",
        "Argo, validate.go: names are required and unique",
        "give it a name",
    ),
    "duplicate-item": Rule(
        "Two parameters, artifacts or templates have the same name.",
        "Argo, validate.go: names are required and unique",
        "give one of the two another name",
    ),
    "bad-item-name": Rule(
        "A template, step, container, parameter or artifact has a name that nothing can have.",
        "Argo, validate.go: field names; Kubernetes: names of containers",
    ),
    "mistyped-field": Rule(
        "A field that workflows, containers or predictors do not have.",
        "Argo, fields.md; SAP AI Core, KServe spec; Kubernetes: containers",
    ),
    "unresolved-placeholder": Rule(
        "{{…}} leads to nothing that is declared, or cannot be read.",
        "Argo, variables.md and validate.go; SAP AI Core, troubleshooting",
        "declare what it names, or correct the spelling",
    ),
    "bad-entrypoint": Rule(
        "The entrypoint is none of the templates.",
        "Argo, validate.go: entrypoint",
        "let entrypoint name one of spec.templates",
    ),
    "unknown-template": Rule(
        "A step, a hook or the exit names a template that is not there.",
        "Argo, validate.go: template name undefined",
        "correct the name, or add the template to spec.templates",
    ),
    "unknown-task": Rule(
        "A task depends on one that is not there, or tasks wait for each other.",
        "Argo, validate.go: dependencies",
        "correct the name, and let no two tasks wait for each other",
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
        "A hook does not say when it runs, or what.",
        "Argo, validate.go: validateHooks",
    ),
    "missing-argument": Rule(
        "A step does not pass a parameter that its template needs.",
        "Argo, validate.go: inputs are supplied",
        "pass the parameter with the step, or give it a default",
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
        "A resource has no action, or no manifest that can be read.", "Argo, validate.go: resource"
    ),
    "bad-artifact-path": Rule(
        "An artifact has no place, leads out of it, or shares it.",
        "Argo, validate.go: path; Kubernetes: mountPath is unique",
    ),
    "unknown-volume": Rule(
        "A container mounts a volume that nobody declares.", "Kubernetes: volumeMounts"
    ),
    "bad-container-set": Rule(
        "The containers of a containerSet do not go together.",
        "Argo, container_set_template_types.go: Validate",
    ),
    "bad-metric": Rule(
        "A metric has a wrong name, no help text, or no value.",
        "Argo, validate.go: metrics",
    ),
    "bad-pod-deletion": Rule(
        "podGC has an unknown strategy or selector.",
        "Argo, validate.go: podGC",
    ),
    "nothing-to-run": Rule(
        "A template has nothing to run, or several things.",
        "Argo, validate.go: exactly one template type",
        "give it a container, script, steps or dag",
    ),
    "bad-command": Rule(
        "A container has no command, or one that is not a list.",
        "SAP AI Core, workflow templates: command is mandatory",
        "write command as a list: AI Core runs no ENTRYPOINT of the image",
    ),
    "bad-args": Rule(
        "args must be a list that is not empty.",
        "SAP AI Core, workflow templates: args must not be empty",
        "write args as a list, or leave it out",
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
        "declare it under secrets.generic; the template takes it by secretKeyRef",
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
        "An output is not registered as an artifact.",
        "SAP AI Core, workflow templates: globalName",
        "add globalName, so that the output becomes an artifact",
    ),
    "output-without-archive": Rule(
        "An output is packed into a .tgz file.",
        "SAP AI Core, workflow templates: archive none",
        "add archive: {none: {}}",
    ),
    "serving-without-parameter": Rule(
        "AI Core may ignore a serving template without a parameter.",
        "SAP AI Core, troubleshooting; public templates run without",
        "declare a parameter with a default, and bind it",
    ),
    "hyphen-in-serving-key": Rule(
        "Names in a serving template have no hyphen.",
        "SAP AI Core, troubleshooting: separators in keys",
        "use _ in names of parameters and artifacts of a ServingTemplate",
    ),
    "bad-predictor": Rule(
        "The predictor inside a serving template cannot be used.",
        "SAP AI Core, serving templates and KServe spec",
        "correct the text under spec.template.spec",
    ),
}
