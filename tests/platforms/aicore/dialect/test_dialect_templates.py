"""Templates: what they declare, and all that AI Core would refuse or silently ignore."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd.config.tree import Place
from cicd.platforms.aicore.dialect.templates import read_templates
from tests.config.config_sample import SERVE, TRAIN, changed, write_repository

HERE = Place("stages/dev.yaml", 5, 9)
IMAGE = "docker.io/org/churn:1"


def lint(repo: Path, folder: str = "templates") -> list[str]:
    _, problems = read_templates(repo, folder, HERE)
    return [str(problem) for problem in problems]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return write_repository(tmp_path)


def test_templates_tell_what_they_take_and_give(repo: Path) -> None:
    templates, problems = read_templates(repo, "templates", HERE)
    assert problems == []
    server, trainer = templates
    assert (trainer.executable_id, trainer.scenario_id, trainer.version) == (
        "trainer",
        "churn",
        "1.0",
    )
    assert (trainer.kind, trainer.file) == ("workflow", "templates/train.yaml")
    assert trainer.parameters == {"epochs": None, "rate": "0.10"}
    assert trainer.input_artifacts == {"dataset"}
    assert trainer.output_artifacts == {"model"}
    assert (server.kind, server.parameters) == ("serving", {"greeting": "hello"})
    assert server.input_artifacts == {"model"}
    assert not server.output_artifacts


@pytest.mark.parametrize(
    ("file", "before", "after", "images", "plans"),
    [
        ("train.yaml", "", "", (IMAGE,), ()),
        ("train.yaml", f"image: {IMAGE}", 'image: "{{workflow.parameters.rate}}"', (), ()),
        ("train.yaml", f"image: {IMAGE}", "image: org/a:2 # new", ("org/a:2",), ()),
        (
            "train.yaml",
            "    - name: train\n",
            "    - name: train\n      metadata: {labels: {ai.sap.com/resourcePlan: infer.s}}\n",
            (IMAGE,),
            ("infer.s",),
        ),
        ("serve.yaml", "", "", (IMAGE,), ("starter",)),
        ("serve.yaml", "resourcePlan: starter", "resourcePlan: basic", (IMAGE,), ("basic",)),
        ("serve.yaml", "resourcePlan: starter", "instanceType: m5", (IMAGE,), ("m5",)),
        (
            "serve.yaml",
            "minReplicas: 1",
            "minReplicas: {{inputs.parameters.greeting}}",
            (IMAGE,),
            ("starter",),
        ),
    ],
)
def test_templates_tell_images_and_resource_plans_wherever_they_stand(
    repo: Path,
    file: str,
    before: str,
    after: str,
    images: tuple[str, ...],
    plans: tuple[str, ...],
) -> None:
    path = repo / "templates" / file
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    templates, _ = read_templates(repo, "templates", HERE)
    (found,) = [item for item in templates if item.file.endswith(file)]
    assert (found.images, found.resource_plans) == (images, plans)


def test_remarks_order_and_line_endings_do_not_change_a_digest(repo: Path) -> None:
    before = [template.digest for template in read_templates(repo, "templates", HERE)[0]]
    path = repo / "templates" / "train.yaml"
    text = "# remark\n" + TRAIN.replace("  entrypoint: train\n", "") + "  entrypoint: train\n"
    path.write_bytes(text.replace("\n", "\r\n").encode())
    assert [t.digest for t in read_templates(repo, "templates", HERE)[0]] == before


def test_the_registered_name_of_an_artifact_is_an_output_too(repo: Path) -> None:
    edit = ("  labels:\n", "    artifacts.ai.sap.com/model.name: churn-model\n  labels:\n")
    (repo / "templates" / "train.yaml").write_text(changed(edit, text=TRAIN), encoding="utf-8")
    assert read_templates(repo, "templates", HERE)[0][1].output_artifacts == {
        "model",
        "churn-model",
    }


WORKFLOW = [
    ("kind: WorkflowTemplate", "kind: WorkflowTemplat", '2:7: kind "WorkflowTemplat" is unknown'),
    ("kind: WorkflowTemplate", "kind: Secret", "2:7: a Kubernetes Secret in the template folder"),
    ("kind: WorkflowTemplate", "kind: ConfigMap", "2:7: warning: kind ConfigMap is neither"),
    ("kind: WorkflowTemplate\n", "", "1:1: no kind: this is not a template"),
    ("argoproj.io/v1alpha1", "ai.sap.com/v1alpha1", "1:13: apiVersion of a WorkflowTemplate must"),
    ("  name: trainer\n", "", "metadata.name is missing"),
    ("name: trainer", "name: My_Trainer", 'metadata.name "My_Trainer" must be 4 to 64 lower-case'),
    ("name: trainer", "name: abc", 'metadata.name "abc" must be 4 to 64'),
    ("    scenarios.ai.sap.com/id: churn\n", "", "labels needs scenarios.ai.sap.com/id"),
    (
        "scenarios.ai.sap.com/id",
        "scenario.ai.sap.com/id",
        'label "scenario.ai.sap.com/id" (did you mean "scenarios.ai.sap.com/id"?)',
    ),
    ('ai.sap.com/version: "1.0"', "ai.sap.com/version: 1.0", 'put quotes around it, "1.0"'),
    (
        'ai.sap.com/version: "1.0"',
        'ai.sap.com/version: "a b"',
        "version must be letters",
    ),
    ("    executables.ai.sap.com/name: Trainer\n", "", "annotations needs executables.ai.sap.com"),
    ("    scenarios.ai.sap.com/name: Churn\n", "", "annotations needs scenarios.ai.sap.com/name"),
    ("  entrypoint: train\n", "", "spec.entrypoint is missing"),
    ("entrypoint: train", "entrypoint: trian", '"trian" is not among spec.templates (did you mean'),
    (
        "        command: [python, train.py]\n",
        "",
        '"train" needs a command that is a list',
    ),
    ("command: [python, train.py]", "command: python", 'template "train" needs a command'),
    ('args: ["{{workflow.parameters.epochs}}"]', "args: []", 'template "train" needs a args'),
    ("parameters.epochs}}", "parameters.epoch}}", "{{workflow.parameters.epoch}} is used, but"),
    ("- name: epochs", "- default: 3", "a parameter without a name"),
    ("{name: rate, value: 0.10}", "{name: epochs}", 'a parameter "epochs" is declared twice'),
    (
        "{name: dataset, path: /app/data}",
        "{path: /app/data}",
        'an input artifact of template "train" without a name',
    ),
    ("{name: model, path", "{path", "an output artifact without a name"),
    (" globalName: model,", "", 'warning: output artifact "model" has no globalName'),
    (", archive: {none: {}}", "", 'warning: output artifact "model" has no "archive: {none: {}}"'),
    ("      container:\n", "      containr:\n", 'template "train" has nothing to run'),
    ("spec:\n", "spec: [\n", "not valid YAML"),
    (
        "executables.ai.sap.com/name: T",
        "executable.ai.sap.com/name: T",
        '7:5: AI Core does not know the annotation "executable.ai.sap.com/name" (did you mean',
    ),
    (
        "  labels:\n",
        "    scenarios.ai.sap.com/descripton: x\n  labels:\n",
        'warning: AI Core does not know the annotation "scenarios.ai.sap.com/descripton"',
    ),
    (
        "  labels:\n",
        "    artifacts.ai.sap.com/modle.kind: model\n  labels:\n",
        'warning: artifacts.ai.sap.com/modle.kind: the template has no artifact "modle" (did you',
    ),
    (
        "  labels:\n",
        "    artifacts.ai.sap.com/model.kind: modell\n  labels:\n",
        'must be one of model, dataset, resultset, other (did you mean "model"?)',
    ),
    (
        "  labels:\n",
        "    artifacts.ai.sap.com/model.knd: model\n  labels:\n",
        'must end in .kind, .name, .description, .labels, .suffix (did you mean "kind"?)',
    ),
    (
        "    - name: train\n",
        "    - name: train\n      metadata: {labels: {ai.sap.com/resourceplan: starter}}\n",
        'label "ai.sap.com/resourceplan" (did you mean "ai.sap.com/resourcePlan"?)',
    ),
    (
        "{{workflow.parameters.epochs}}",
        "{{workflows.parameters.epochs}}",
        'nothing replaces it (did you mean "workflow.parameters.epochs"?)',
    ),
    ("{{workflow.parameters.epochs}}", "{{inputs.parameters.x}}", "inputs.parameters.x is not dec"),
    ("{{workflow.parameters.epochs}}", "{{steps.a.outputs.result}}", "steps.a.outputs.result is n"),
    ("{{workflow.parameters.epochs}}", "{{=workflow.parameters.epoch}}", "epoch is not declared"),
    ("{{workflow.parameters.epochs}}", "{{ epochs }}", "{{ epochs }} is used, but nothing repl"),
    (
        "        command: [python, train.py]\n",
        "        command: [python, train.py]\n        env: [{name: DB_PASSWORD, value: abc123}]\n",
        'warning: "DB_PASSWORD" looks like a secret in plain text: use valueFrom.secretKeyRef',
    ),
    ("docker.io/org/churn:1", "AKIAABCDEFGHIJKLMNOP", "this looks like an AWS access key: use va"),
    ("{name: model, path", "{name: mo del, path", "letters, digits, hyphens and _"),
    ("name: train\n", "name: tr_ain\n", "letters, digits, hyphens, 128 at most"),
    (
        "  entrypoint: train\n",
        "  entrypoint: train\n  suspend: true\n",
        "13:12: warning: a workflow that is suspended never goes on: nobody can resume it",
    ),
    (
        "      container:\n",
        "      retryStrategy: {limit: 1, backoff: {factor: 2}}\n      container:\n",
        "25:33: warning: backoff has no duration, without which the first retry ends the run",
    ),
    ("scenarios.ai.sap.com/id: churn", "scenarios.ai.sap.com/id: abc", "must have 4 to 64 char"),
    ("image: docker.io/org/churn:1", "image: Org/churn:1", 'image of the registry "Org", as names'),
    ("image: docker.io/org/churn:1", 'image: " "', 'template "train" has no image: add one'),
    *(
        (
            "      container:\n",
            f"      steps: [[{{name: a, templateRef: {{{given}}}}}]]\n      containr:\n",
            f'templateRef of "a" has no {missing}: add it',
        )
        for given, missing in (
            ("template: t", "name"),
            ("name: t", "template"),
            ("name: '', template: t", "name"),
        )
    ),
]
SERVING = [
    (
        "{name: greeting, default: hello}",
        "",
        "warning: a ServingTemplate without an input parameter may be ignored",
    ),
    ("name: greeting", "name: greet-ing", '"greet-ing" must not contain a hyphen'),
    ("artifacts: [{name: model}]", "artifacts: [{name: my-model}]", '"my-model" must not contain'),
    ("inputs.artifacts.model}}", "inputs.artifacts.modle}}", "{{inputs.artifacts.modle}} is used"),
    ("    spec: |\n", "    spec:\n", "spec.template.spec must be text (write it as a block"),
    ("      labels: |\n", "      labels:\n", "spec.template.metadata.labels must be text"),
    ("        minReplicas: 1", "        minReplicas: [", "spec.template.spec, line 4: not valid"),
    ("      predictor:", "      predictr:", "spec.template.spec needs a predictor"),
    ("        containers:", "        container:", "the predictor has no containers"),
    ("inputs.artifacts.model}}", "inputs.artifact.model}}", "nothing replaces it (did you mean"),
    ("inputs.artifacts.model}}", "workflow.name}}", "{{workflow.name}} is used, but nothing repl"),
    (
        "resourcePlan: starter",
        "resourceplan: starter",
        "19:9: warning: AI Core does not know the label",
    ),
    (
        'env: [{name: STORAGE_URI, value: "{{inputs.artifacts.model}}"}]',
        "env: [{name: API_TOKEN, value: abcdef}]",
        '26:44: warning: "API_TOKEN" looks like a secret',
    ),
    ("      predictor:\n", "      - predictor:\n", "spec.template.spec must hold a YAML map"),
    (
        "    spec: |\n",
        "    spec: |\n      a: 1\n      ---\n",
        "spec.template.spec must hold a YAML",
    ),
    ("kserve-container", "server", 'warning: no container is called "kserve-container"'),
]


@pytest.mark.parametrize(
    ("name", "text", "before", "after", "message"),
    [("train.yaml", TRAIN, *case) for case in WORKFLOW]
    + [("serve.yaml", SERVE, *case) for case in SERVING],
)
def test_what_is_wrong_with_a_template_is_said(
    repo: Path, name: str, text: str, before: str, after: str, message: str
) -> None:
    (repo / "templates" / name).write_text(changed((before, after), text=text), encoding="utf-8")
    found = lint(repo)
    assert any(message in line for line in found), found
    assert all(line.startswith(f"templates/{name}:") for line in found)


def test_placeholders_may_stand_for_numbers_in_a_predictor(repo: Path) -> None:
    edit = ("minReplicas: 1", "minReplicas: {{inputs.parameters.greeting}}")
    (repo / "templates" / "serve.yaml").write_text(changed(edit, text=SERVE), encoding="utf-8")
    assert lint(repo) == []


def test_outputs_between_steps_need_no_global_name(repo: Path) -> None:
    text = changed(
        ("entrypoint: train", "entrypoint: both"),
        (" globalName: model,", ""),
        (
            "  templates:\n",
            "  templates:\n"
            "    - name: both\n"
            "      inputs: {artifacts: [{name: dataset}]}\n"
            "      steps:\n"
            "        - - {name: a, template: train}\n"
            "        - - name: b\n"
            "            template: train\n"
            "            arguments:\n"
            '              artifacts: [{name: x, from: "{{steps.a.outputs.artifacts.model}}"}]\n',
        ),
        text=TRAIN,
    )
    (repo / "templates" / "train.yaml").write_text(text, encoding="utf-8")
    assert lint(repo) == []


INNER = {
    "steps": "      steps:\n        - - {{name: a, template: train{arguments}}}\n",
    "dag": "      dag:\n        tasks:\n          - {{name: a, template: train{arguments}}}\n",
}
PASSED = ', arguments: {artifacts: [{name: dataset, from: "{{inputs.artifacts.raw}}"}]}'


@pytest.mark.parametrize("body", INNER)
@pytest.mark.parametrize(
    ("arguments", "inputs"), [("", {"dataset", "raw"}), (PASSED, {"raw"})], ids=["free", "passed"]
)
def test_inputs_of_inner_steps_are_bound_unless_another_step_passes_them(
    repo: Path, body: str, arguments: str, inputs: set[str]
) -> None:
    text = changed(
        ("entrypoint: train", "entrypoint: all"),
        ("    artifacts:\n      - name: dataset\n", ""),
        (
            "  templates:\n",
            "  templates:\n    - name: all\n      inputs: {artifacts: [{name: raw}]}\n"
            + INNER[body].format(arguments=arguments),
        ),
        text=TRAIN,
    )
    (repo / "templates" / "train.yaml").write_text(text, encoding="utf-8")
    templates, problems = read_templates(repo, "templates", HERE)
    assert problems == []
    [trainer] = [t for t in templates if t.executable_id == "trainer"]
    assert trainer.input_artifacts == inputs


def test_artifacts_of_a_workflow_are_bound_unless_it_brings_them_itself(repo: Path) -> None:
    own = "    artifacts:\n      - name: dataset\n"
    more = (
        "      - {name: only-here}\n"
        "      - {name: brought, raw: {data: x}}\n"
        '      - {name: stored, s3: {key: k}, optional: "true"}\n'
        "      - {name: maybe, optional: true}\n"
    )
    text = changed((own, own + more), text=TRAIN)
    (repo / "templates" / "train.yaml").write_text(text, encoding="utf-8")
    templates, _ = read_templates(repo, "templates", HERE)
    [trainer] = [t for t in templates if t.executable_id == "trainer"]
    assert trainer.input_artifacts == {"dataset", "only-here", "maybe"}


def test_an_executable_defined_twice_is_found_over_all_files(repo: Path) -> None:
    (repo / "templates" / "zweit.json").write_text(
        '{"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate", "metadata": {'
        '"name": "trainer", "labels": {"scenarios.ai.sap.com/id": "churn", '
        '"ai.sap.com/version": "2"}, "annotations": {"scenarios.ai.sap.com/name": "C", '
        '"executables.ai.sap.com/name": "T"}}, "spec": {"entrypoint": "a", "templates": ['
        '{"name": "a", "container": {"image": "a", "command": ["x"]}}]}}',
        encoding="utf-8",
    )
    says = "is already defined in templates/train.yaml:4:9: rename one"
    assert lint(repo) == [f'templates/zweit.json:1:89: the executable "trainer" {says}']


def test_several_documents_in_a_file_and_files_in_folders(repo: Path) -> None:
    (repo / "templates" / "train.yaml").unlink()
    both = f"{TRAIN}---\n{SERVE}---\n"
    (repo / "templates" / "serve.yaml").write_text(both, encoding="utf-8")
    (repo / "templates" / "code" / "ignored.yaml").write_text("a: [", encoding="utf-8")
    (repo / "templates" / "empty.yml").write_text("", encoding="utf-8")
    templates, problems = read_templates(repo, "templates", HERE)
    assert [template.executable_id for template in templates] == ["trainer", "server"]
    assert [str(p) for p in problems] == [
        "templates/empty.yml: warning: the file is empty: fill or delete it"
    ]


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("../other", "leads out of the project"),
        ("/etc", "must be relative to the project"),
        ("C:\\templates", "use forward slashes"),
        ("C:/templates", "must be relative to the project"),
        ("link", "leads out of the project"),
        ("none", "does not exist"),
        ("stages/dev.yaml", "does not exist"),
    ],
)
def test_folders_that_cannot_be_the_template_folder(
    repo: Path, tmp_path_factory: pytest.TempPathFactory, folder: str, message: str
) -> None:
    (repo / "link").symlink_to(tmp_path_factory.mktemp("outside"))
    assert lint(repo, folder) == [f'{HERE}: the template folder "{folder}" {message}']


def test_a_template_that_is_a_link_to_somewhere_else_is_not_read(
    repo: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "x.yaml"
    outside.write_text("password: [", encoding="utf-8")
    (repo / "templates" / "x.yaml").symlink_to(outside)
    says = "is a link that leads out of the project: copy the file"
    assert lint(repo) == [f"templates/x.yaml: {says}"]
    [problem] = read_templates(repo, "templates", HERE)[1]
    assert (problem.line, problem.column) == (0, 0)


def test_a_label_among_the_annotations_is_to_be_moved(repo: Path) -> None:
    label = '    ai.sap.com/version: "1.0"\n'
    text = changed((label, ""), ("  labels:\n", f"{label}  labels:\n"), text=TRAIN)
    (repo / "templates" / "train.yaml").write_text(text, encoding="utf-8")
    says = "ai.sap.com/version must stand under metadata.labels: move it there"
    assert lint(repo) == [f"templates/train.yaml:8:5: {says}"]


def test_all_that_argo_replaces_may_be_used(repo: Path) -> None:
    names = (
        "{{workflow.name}} {{ workflow.parameters.rate }} {{pod.name}} {{inputs.artifacts.dataset."
        "path}} {{outputs.artifacts.model.path}} {{node.name}} {{=1 + 1}}"
    )
    text = changed(("{{workflow.parameters.epochs}}", names), text=TRAIN)
    (repo / "templates" / "train.yaml").write_text(text, encoding="utf-8")
    assert lint(repo) == []


def test_places_inside_a_block_are_those_of_the_file(repo: Path) -> None:
    text = changed(("{{inputs.artifacts.model}}", "{{inputs.artifacts.modle}}"), text=SERVE)
    (repo / "templates" / "serve.yaml").write_text(text, encoding="utf-8")
    [line] = [n for n, row in enumerate(text.splitlines(), 1) if "modle" in row]
    column = text.splitlines()[line - 1].index("{{") + 1
    says = "{{inputs.artifacts.modle}} is used, but inputs.artifacts.modle is not declared"
    assert lint(repo) == [f'templates/serve.yaml:{line}:{column}: {says} (did you mean "model"?)']
