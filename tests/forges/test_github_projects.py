"""Several projects in one repository: what each leaves at GitHub is its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cicd.forges.drift import LABEL, sync_drift_issue
from cicd.forges.github import Client
from cicd.forges.outputs import plan_notes, step_outputs, step_summary
from cicd.forges.sticky import write_comment
from cicd.render.dialect import GITHUB
from cicd.render.sections import compose, name_of, parse
from tests.acceptance.conftest import Project, make_project
from tests.forges.github_server import TOKEN, GitHub
from tests.forges.plan_documents import RUN, plan, typical
from tests.forges.test_github_outputs import event_file, pull_request

FOLDERS = [
    "churn",
    "Churn",
    "ml/churn",
    "ml-churn",
    "données",
    "two words",
    "a--b",
    "x>--<!--",
    "dev",
]


def of(project: str, stage: str = "dev", **more: Any) -> dict[str, Any]:
    return {**typical(stage), **({"project": project} if project else {}), **more}


def test_each_project_has_a_section_of_its_own(github: GitHub, client: Client) -> None:
    for number, folder in enumerate(["", *FOLDERS]):
        write_comment(client, 7, [of(folder)], run_url=f"{RUN}{number}")
    [body] = github.bodies()
    found = parse(body)
    assert list(found) == ["dev", *(f"{folder}/dev" for folder in FOLDERS)]
    assert [section.facts["run"] for section in found.values()] == [
        f"{RUN}{number}" for number in range(len(found))
    ]
    write_comment(client, 7, [{**plan("dev"), "project": "Churn"}], run_url=RUN)
    again = parse(*github.bodies())
    assert again["Churn/dev"].facts["summary"] == {}
    assert again["churn/dev"] == found["churn/dev"]


def test_the_hidden_head_holds_no_end_of_a_comment() -> None:
    body = compose({}, [of(folder) for folder in FOLDERS])
    markers = [line for line in body.splitlines() if line.startswith("<!--")]
    assert len(markers) == 1 + 2 * len(FOLDERS)
    assert all("--" not in line[4:-3] and ">" not in line[4:-3] for line in markers)


def test_what_a_project_at_the_top_has_written_before_is_found_again(
    github: GitHub, client: Client
) -> None:
    head = {"schema": 1, "stages": {"dev": {"summary": {"create": 2}, "run": RUN}}}
    section = "<!-- cicd:stage dev -->\nfrom before\n<!-- /cicd:stage dev -->"
    old = f"{GITHUB.hidden('plan', head)}\n## cicd plan\n\n{section}\n"
    github.add_comment(old)
    head_before = '<!-- cicd:drift {"schema":1,"stage":"dev"} -->'
    github.add_issue("Drift on dev", f"{head_before}\nfrom before", [LABEL])
    write_comment(client, 7, [of("")], run_url=RUN)
    sync_drift_issue(client, name_of(of("")), of(""), run_url=RUN)
    assert list(parse(*github.bodies())) == ["dev"]
    assert "from before" not in github.bodies()[0]
    assert len(github.issues) == 1


def test_each_project_has_a_drift_issue_of_its_own(github: GitHub, client: Client) -> None:
    for folder in ("", *FOLDERS):
        sync_drift_issue(client, name_of(of(folder)), of(folder), run_url=RUN)
    titles = [issue["title"].partition(":")[0] for issue in github.issues]
    assert titles == ["Drift on dev", *(f"Drift on {folder}/dev" for folder in FOLDERS)]
    sync_drift_issue(client, "Churn/dev", None)
    closed = [issue["title"] for issue in github.issues if issue["state"] == "closed"]
    assert [title.partition(":")[0] for title in closed] == ["Drift on Churn/dev"]


def test_summary_outputs_and_notes_name_the_project() -> None:
    odd = {"file": "stages/dev.yaml", "line": 3, "column": 1, "message": "odd"}
    documents = [
        of("churn"),
        of("fraud", warnings=["stages/dev.yaml:3:1: odd", "general"], problems=[odd]),
    ]
    text = step_summary(documents)
    assert "Stage <code>churn/dev</code>" in text
    assert "Stage <code>fraud/dev</code>" in text
    assert step_outputs(documents, ["a.json", "b.json"])["plan_path"] == "a.json\nb.json"
    notes = plan_notes(documents[1:], {"fraud/dev": "fraud/stages/dev.yaml"})
    assert [str(note) for note in notes] == [
        "fraud/stages/dev.yaml:3:1: warning: odd",
        "fraud/stages/dev.yaml:1:1: warning: general",
    ]


STAGE = """\
    branch: main
    aicore: {{resource_group: {group}}}
    artifacts: [{{key: data, name: d, kind: dataset, url: "ai://default/x", scenario_id: scn1}}]
    """


@pytest.fixture
def repository(tmp_path: Path) -> Project:
    """A repository with a project at its top and in two folders; each has a stage ``dev``."""
    (tmp_path / "repo").mkdir()
    project = make_project(tmp_path / "repo")
    for folder in ("", "churn/", "my models/fraud/"):
        group = f"{(folder or 'top/').strip('/').replace('/', '-').replace(' ', '-')}-dev"
        project.write(f"{folder}stages/dev.yaml", STAGE.format(group=group))
    who = ("-c", "user.name=someone", "-c", "user.email=someone@example.com")
    for words in (("add", "-A"), ("commit", "-qm", "start")):
        subprocess.run(["git", *who, *words], cwd=project.root, check=True)
    return project


def in_folder(project: Project, folder: str, **environ: str) -> Project:
    return Project(project.root / folder, {**project.environ, **environ})


def test_projects_of_one_workflow_share_a_comment_and_nothing_else(
    repository: Project, github: GitHub
) -> None:
    """By their folders, as a matrix would, and by their stage files from the top."""
    environ = {
        **event_file(repository.root.parent, pull_request(7, "org/repo")),
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": f"{github.url}/api/v3",
        "GITHUB_BASE_REF": "main",
        "GITHUB_REPOSITORY": "org/repo",
        "GITHUB_TOKEN": TOKEN,
    }
    saved = []
    for number, (folder, stage) in enumerate(
        [("churn", None), (".", "my models/fraud/stages/dev.yaml"), (".", None)]
    ):
        here = in_folder(repository, folder, **environ)
        saved.append(str(repository.root.parent / f"{number}.json"))
        named = [stage] if stage else []
        done = here.cicd("plan", *named, "--offline", "--out", saved[-1])
        assert done.returncode == 0, done.stderr
    done = in_folder(repository, ".", **environ).cicd("comment", *saved)
    assert done.returncode == 0, done.stderr
    [body] = github.bodies()
    assert sorted(parse(body)) == ["churn/dev", "dev", "my models/fraud/dev"]
    text = body.replace("\\", "")
    assert all(group in text for group in ("churn-dev", "my-models-fraud-dev", "top-dev"))
    assert "::warning file=my models/fraud/stages/dev.yaml" in done.stdout
    prints = [json.loads(Path(file).read_text())["fingerprint"] for file in saved]
    assert len(set(prints)) == 3


@pytest.mark.parametrize("output", ["github", "sarif"])
def test_findings_are_placed_from_the_top_of_the_repository(
    repository: Project, output: str
) -> None:
    repository.edit("my models/fraud/stages/dev.yaml", "kind: dataset", "kindd: dataset")
    inside = in_folder(repository, "my models/fraud").cicd("validate", "dev", "--output", output)
    outside = repository.cicd("validate", "my models/fraud/stages/dev.yaml", "--output", output)
    assert inside.returncode == outside.returncode == 3
    assert inside.stdout == outside.stdout
    wanted = {"github": "file=my models/fraud/stages/", "sarif": '"my%20models/fraud/stages/'}
    assert wanted[output] in inside.stdout


def test_every_project_below_is_checked_where_none_is_here(repository: Project) -> None:
    """As a hook does that runs at the top of the repository."""
    (repository.root / "stages/dev.yaml").unlink()
    (repository.root / "stages").rmdir()
    (repository.root / "docs").mkdir()
    for folder in (".", "docs"):
        done = in_folder(repository, folder).cicd("validate", "--all")
        assert done.returncode == 0, done.stdout
        assert "churn/stages/dev.yaml, my models/fraud/stages/dev.yaml: valid" in done.stdout
        for named in ([], ["dev"]):
            alone = in_folder(repository, folder).cicd("plan", *named, "--offline")
            assert alone.returncode == 64
            assert "the projects of this repository lie in churn, my models/fraud" in alone.stderr
    repository.edit("churn/stages/dev.yaml", "kind: dataset", "kind: nothing")
    done = repository.cicd("validate", "--all")
    assert done.returncode == 3
    assert done.stdout.startswith("churn/stages/dev.yaml:3:")


def test_a_re_run_leads_to_its_own_page(repository: Project, github: GitHub) -> None:
    environ = {
        **event_file(repository.root.parent, pull_request(7, "org/repo")),
        "GITHUB_API_URL": f"{github.url}/api/v3",
        "GITHUB_REPOSITORY": "org/repo",
        "GITHUB_RUN_ID": "42",
        "GITHUB_TOKEN": TOKEN,
    }
    file = repository.root.parent / "plan.json"
    file.write_text(json.dumps(of("churn")), encoding="utf-8")
    pages = []
    for attempt in ("1", "2", "x", "3"):
        here = in_folder(repository, "churn", **environ, GITHUB_RUN_ATTEMPT=attempt)
        assert here.cicd("comment", str(file)).returncode == 0
        pages.append(parse(github.bodies()[0])["churn/dev"].facts["run"].rpartition("runs/")[2])
    assert pages == ["42", "42/attempts/2", "42", "42/attempts/3"]
