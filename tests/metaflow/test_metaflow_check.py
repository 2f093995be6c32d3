"""The flows section is checked, and stale templates noticed, without Metaflow: nothing is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cicd.cli.template import command
from cicd.config import GitFacts, Surroundings, check_stage
from cicd.config.yaml_text import block_lines
from cicd.errors import InvalidStage
from cicd.platforms.aicore.dialect.flows.declared import template_differences
from cicd.platforms.aicore.dialect.flows.loading import load_flows
from cicd.platforms.aicore.dialect.flows.record import header, parts_of
from cicd.platforms.registry import DIALECTS
from tests.metaflow.flow_project import FLOW, STAGE, load, write_project
from tests.told import Told

DOCUMENT = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "WorkflowTemplate",
    "metadata": {
        "name": "trainflow",
        "labels": {"scenarios.ai.sap.com/id": "house-price", "ai.sap.com/version": "1.0.0"},
        "annotations": {"scenarios.ai.sap.com/name": "x", "executables.ai.sap.com/name": "x"},
    },
    "spec": {
        "entrypoint": "tune",
        "templates": [
            {
                "name": "tune",
                "retryStrategy": {"limit": 2},
                "container": {"image": "i", "command": ["a"]},
            }
        ],
    },
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The project with a template as ``build`` would have left it, as far as records go."""
    write_project(tmp_path)
    record = {**load(tmp_path).record, **parts_of(DOCUMENT)}
    text = header("flows/trainflow.py", "metaflow 2.19.1", record)
    text += "\n".join(block_lines(DOCUMENT)) + "\n"
    (tmp_path / "templates/trainflow.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def edit(file: Path, before: str, after: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")


TOLD = Told(Path(__file__).with_name("told_of_flows.json"))


def found(root: Path) -> list[str]:
    problems = check_stage(
        "dev",
        Surroundings(
            root=root, env={"KEY": "hunter2"}, variables={}, dialects=DIALECTS, git=GitFacts()
        ),
    )
    TOLD.check(root, problems)
    return [f"{problem.severity} {problem.message}" for problem in problems]


def check(root: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.chdir(root)
    return int(command.main(["check", "dev"], standalone_mode=False) or 0)


def test_an_untouched_template_matches(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert found(root) == []
    assert check(root, monkeypatch) == 0
    assert capsys.readouterr().out == "templates/trainflow.yaml: matches flows/trainflow.py\n"


@pytest.mark.parametrize(
    ("file", "before", "after", "says"),
    [
        (
            "flows/trainflow.py",
            "self.input * self",
            "self.input + self",
            'step "tune": its code has changed',
        ),
        (
            "flows/trainflow.py",
            "times=2",
            "times=3",
            'step "tune": what is written above it has changed',
        ),
        ("flows/trainflow.py", "default=3", "default=4", "flows/trainflow.py has changed"),
        ("flows/helper.py", "1", "2", "flows/helper.py has changed"),
        ("stages/dev.yaml", "flow:1", "flow:2", "image: this setting of the flow has changed"),
        ("templates/trainflow.yaml", "limit: 2", "limit: 3", 'edited by hand: template "tune"'),
        ("templates/trainflow.yaml", "1.0.0", "1.0.1", "edited by hand: metadata, entrypoint"),
        ("templates/trainflow.yaml", "# Generated", "\n# Generated", "cicd did not write it"),
    ],
)
def test_each_difference_is_named(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    file: str,
    before: str,
    after: str,
    says: str,
) -> None:
    edit(root / file, before, after)
    [warning] = found(root)
    assert warning.startswith("warning ") and says in warning
    assert check(root, monkeypatch) == 1
    assert says in capsys.readouterr().out


def test_a_second_document_is_told_and_the_first_one_compared(root: Path) -> None:
    template = root / "templates/trainflow.yaml"
    template.write_text(template.read_text(encoding="utf-8") + "---\na: 1\n", encoding="utf-8")
    assert template_differences(load(root)) == ["edited by hand: it holds more than one document"]


def test_a_template_where_ai_core_does_not_look_is_told(root: Path) -> None:
    edit(root / "stages/dev.yaml", "path: templates}", "path: other}")
    (root / "other").mkdir()
    told = "templates/trainflow.yaml is not in git.path (other), so AI Core never sees it: move it"
    assert f"warning {told}" in found(root)


def test_a_flow_has_the_names_that_people_call_it_by(root: Path) -> None:
    assert load(root).names == {"TrainFlow", "trainflow"}


def test_a_stage_of_another_platform_has_no_flows(tmp_path: Path) -> None:
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages/dev.yaml").write_text("platform: training_job\n", encoding="utf-8")
    around = Surroundings(root=tmp_path, env={}, variables={}, dialects=DIALECTS, git=GitFacts())
    assert load_flows("dev", around) == []


def test_a_link_out_of_the_project_is_no_file_of_it(root: Path, tmp_path_factory: Any) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "trainflow.py").write_text(FLOW, encoding="utf-8")
    (root / "linked").symlink_to(outside)
    edit(root / "stages/dev.yaml", "file: flows/", "file: linked/")
    assert 'error file is "linked/trainflow.py", which leads out of the project' in found(root)


def test_a_new_step_is_told_once(root: Path) -> None:
    last = '    @kubernetes(image="docker.io/acme/eval:1")'
    more = "    @step\n    def extra(self):\n        self.next(self.end)\n\n"
    edit(root / "flows/trainflow.py", last, more + last)
    [warning] = found(root)
    assert 'step "extra": its code is new' in warning


@pytest.mark.parametrize(
    ("file", "before", "after", "says"),
    [
        (
            "flows/trainflow.py",
            "    @retry(",
            "    @conda()\n    @retry(",
            "@conda, which does not work",
        ),
        (
            "flows/trainflow.py",
            "class TrainFlow(FlowSpec)",
            "class TrainFlow",
            "no class derived from FlowSpec",
        ),
        ("flows/trainflow.py", "class TrainFlow", "class ", "this is no Python"),
        ("flows/trainflow.py", "class TrainFlow", "class Run", "needs 4 to 64 letters"),
        ("flows/trainflow.py", 'Parameter("note"', 'IncludeFile("note"', "use an input artifact"),
        ("stages/dev.yaml", "flows/trainflow.py", "flows/other.py", "cannot be read: No such file"),
        ("stages/dev.yaml", "flows/trainflow.py", "../trainflow.py", "leads out of the project"),
        ("stages/dev.yaml", "{name: model,", "{name: model, step: edn,", '(did you mean "end"?)'),
        (
            "stages/dev.yaml",
            "    image: docker.io/acme/flow:1\n",
            "",
            "no image for linear, spread",
        ),
        (
            "stages/dev.yaml",
            "/app/model}\n",
            "/app/model, U: http://localhost:1}\n",
            "to this machine",
        ),
        *(
            (
                "stages/dev.yaml",
                "/app/model}\n",
                f'/app/model, KEY: "{value}"}}\n{more}',
                "would stand in templates/trainflow.yaml in Git",
            )
            for value, more in (
                ("${env.KEY}", ""),
                ("Bearer ${env.KEY}", ""),
                ("${var.fed}", 'variables: {fed: "${env.KEY}"}\n'),
            )
        ),
        *(
            ("stages/dev.yaml", before, before.replace(part, value), f"{field} comes from")
            for field, before, part, value in (
                ("image", "image: docker.io/acme/flow:1", "flow:1", "flow:${env.KEY}"),
                ("version", 'version: "1.0.0"', "1.0.0", "${env.KEY}"),
                ("datastore", "datastore: s3://bucket/metaflow", "metaflow", "${env.KEY}"),
                ("scenario", "name: House Price}", "House Price", '"${env.KEY}"'),
                ("image_pull_secrets", "[my-docker-secret]", "my-docker-secret", '"${env.KEY}"'),
                ("inputs", "path: /app/data", "/app/data", '"/app/${env.KEY}"'),
            )
        ),
        ("stages/dev.yaml", "version:", "verzion:", 'unknown key "verzion"'),
        (
            "stages/dev.yaml",
            "inputs: [{name: data, path: /app/data}]",
            "inputs: [{name: data, path: /app/data}, {name: data, path: /app/more}]",
            '"data" stands twice in inputs: rename one',
        ),
        (
            "stages/dev.yaml",
            "templates/trainflow.yaml",
            "templates/new.yaml",
            "run cicd template build",
        ),
    ],
)
def test_a_wrong_flow_is_an_error_with_its_place(
    root: Path, file: str, before: str, after: str, says: str
) -> None:
    edit(root / file, before, after)
    errors = [text for text in found(root) if text.startswith("error ")]
    assert any(says in text for text in errors), errors
    if "template build" not in says:
        with pytest.raises(InvalidStage):
            load(root)


def test_two_flows_cannot_write_one_template(root: Path) -> None:
    again = STAGE[STAGE.index("  - file:") :]
    (root / "stages/dev.yaml").write_text(STAGE + again, encoding="utf-8")
    text = "\n".join(found(root))
    assert "is already written by the flow at" in text and "rename a class" in text


def test_stages_change_the_flows_that_they_inherit(root: Path) -> None:
    over = 'extends: dev.yaml\nbranch: prd\nflows: [{file: flows/trainflow.py, version: "2.0.0"}]\n'
    (root / "stages/prd.yaml").write_text(over, encoding="utf-8")
    problems = check_stage(
        "prd", Surroundings(root=root, env={}, variables={}, dialects=DIALECTS, git=GitFacts())
    )
    [warning] = [problem.message for problem in problems]
    assert "version: this setting of the flow has changed" in warning


def test_the_flow_is_read_as_it_is_written(root: Path) -> None:
    source = load(root).source
    assert source.executable_id == "trainflow"
    assert [*source.steps] == ["start", "linear", "spread", "tune", "collect", "choose", "end"]
    assert [parameter.name for parameter in source.parameters] == ["epochs", "note"]
    assert FLOW.count("@step") == len(source.steps)
