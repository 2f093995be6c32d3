"""The pipelines for GitLab, Azure DevOps and Jenkins that ``cicd init`` writes: the vendors'
schemas, Groovy's own parser, and each shell step run as its system runs it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from jsonschema.validators import validator_for
from ruamel.yaml import YAML

from cicd.automation.new_project import project_files
from cicd.cli.init import fill
from cicd.errors import Usage
from cicd.platforms.registry import scaffold_of
from cicd.scaffold.facts import STAGES, markers_of, stages_in
from cicd.scaffold.pipelines import FILES, check_ci, ci_of

PLATFORMS = ("aicore", "training_job", "sagemaker", "spark")
FOLDERS = ("", "teams/a", "team ü/it's [x]")
"""The top of a repository, a folder, and one whose name means something to YAML and shells."""
KINDS = [*((name, "") for name in PLATFORMS), *(("aicore", folder) for folder in FOLDERS[1:])]
SCHEMAS = {"gitlab": "gitlab-ci", "azure": "azure-pipelines"}
GROOVY = Path("/usr/share/java/groovy-all.jar")


@cache
def files_of(
    ci: str, platform: str = "aicore", project: str = "", stages: str = "dev tst prd"
) -> Any:
    scaffold = scaffold_of(platform)
    assert scaffold is not None
    questions = (*scaffold.QUESTIONS, STAGES)
    known, _ = fill(questions, {"stages": stages}, markers_of(project, ""), False)
    return project_files(scaffold, known, stages_in(stages), project, ci)


def text_of(
    ci: str, platform: str = "aicore", project: str = "", stages: str = "dev tst prd"
) -> str:
    name = f"{project}/{FILES[ci]}".lstrip("/")
    return str(files_of(ci, platform, project, stages)[name])


def load(text: str) -> Any:
    return YAML(typ="safe").load(text)


@pytest.mark.parametrize(("platform", "project"), KINDS)
@pytest.mark.parametrize("ci", SCHEMAS)
def test_the_vendors_schema_takes_it(ci: str, platform: str, project: str) -> None:
    package = find_spec("check_jsonschema")
    if package is None or package.origin is None:
        pytest.skip("check-jsonschema is not installed")
    path = Path(package.origin).parent / f"builtin_schemas/vendor/{SCHEMAS[ci]}.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    found = list(validator_for(schema)(schema).iter_errors(load(text_of(ci, platform, project))))
    assert [f"{list(error.path)}: {error.message[:300]}" for error in found] == []


@pytest.mark.skipif(not GROOVY.exists(), reason="Groovy is not installed")
def test_groovy_reads_every_jenkinsfile(tmp_path: Path) -> None:
    files: list[Path] = []
    for platform, project in KINDS:
        files.append(tmp_path / f"{platform}{len(files)}.groovy")
        files[-1].write_text(text_of("jenkins", platform, project), encoding="utf-8")
    wrong = tmp_path / "wrong.groovy"
    wrong.write_text(files[0].read_text(encoding="utf-8").replace("stages {", "stages ["))
    program = tmp_path / "parse.groovy"
    program.write_text(
        "args.each { try { new GroovyShell().parse(new File(it)); println 'parsed' }\n"
        "            catch (Exception error) { println 'wrong' } }\n"
    )
    command = ("java", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8", "-cp", str(GROOVY))
    parsed = subprocess.run(
        [*command, "groovy.ui.GroovyMain", str(program), *map(str, files), str(wrong)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert parsed.stdout.split() == ["parsed"] * len(files) + ["wrong"]


@pytest.mark.parametrize("ci", FILES)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_no_marker_is_left_and_other_systems_files_are_not_written(ci: str, platform: str) -> None:
    files = files_of(ci, platform)
    assert [name for name in files if name in FILES.values()] == [FILES[ci]]
    assert not [name for name in files if name.startswith(".github/")]
    for name, text in files.items():
        assert not re.search(r"@[A-Z_ ]{2,}@", text), name
    assert f"`{FILES[ci]}`" in files["README.md"]
    assert "GitHub" not in files["README.md"].replace("with GitHub's", "")


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("ci", FILES)
def test_the_readme_names_no_variable_that_only_another_system_reads(
    ci: str, platform: str
) -> None:
    files = files_of(ci, platform)
    named = set(re.findall(r"`(CICD_[A-Z_]+)`", files["README.md"]))
    read = "".join(text for name, text in files.items() if name != "README.md")
    assert {name for name in named if name not in read} == set()


def test_stages_that_are_not_asked_for_have_no_jobs() -> None:
    jobs = load(text_of("gitlab", stages="tst"))
    assert [name for name in jobs if ":" in name] == ["plan:tst", "apply:tst"]
    assert jobs["apply:tst"]["rules"][0]["when"] == "manual"
    stages = load(text_of("azure", stages="dev"))["stages"]
    assert [it["stage"] for it in stages] == ["plan_dev", "apply_dev"]
    assert "[main: 'dev'][" in text_of("jenkins", stages="dev")


def test_a_dev_stage_is_applied_without_a_click_and_the_last_one_is_not() -> None:
    jobs = load(text_of("gitlab"))
    when = {
        name: job["rules"][0]["when"] for name, job in jobs.items() if name.startswith("apply:")
    }
    assert when == {"apply:dev": "on_success", "apply:tst": "on_success", "apply:prd": "manual"}


@pytest.mark.parametrize("ci", SCHEMAS)
def test_two_projects_of_a_repository_share_no_name(ci: str) -> None:
    one, other = (load(text_of(ci, project=name)) for name in ("teams/a", "teams/A"))
    names = [
        set(
            re.findall(r"(?:group|environment|name)'?: '?([\w./:-]*(?:dev|tst|prd)[\w-]*)", str(it))
        )
        for it in (one, other)
    ]
    assert names[0] and not names[0] & names[1]
    if ci == "gitlab":
        assert not set(one) & set(other)


REMOTES = {
    "https://gitlab.com/a/b": "gitlab",
    "https://gitlab.example.com:8443/a/b/c.git": "gitlab",
    "https://dev.azure.com/org/project/_git/repo": "azure",
    "https://org.visualstudio.com/p/_git/r": "azure",
    "https://github.com/gitlab/azure": "github",
    "https://github.tools.example/a/b": "github",
    "": "github",
}


@pytest.mark.parametrize("remote", REMOTES)
def test_the_host_of_the_repository_chooses_the_system(remote: str) -> None:
    assert ci_of(remote) == REMOTES[remote]


def test_a_system_without_a_template_is_told_with_those_that_have_one() -> None:
    with pytest.raises(Usage, match="no template for 'travis'") as told:
        check_ci("travis")
    assert "github, gitlab, azure, jenkins" in str(told.value.hint)


VENV = """\
#!/bin/sh
# python3 -m venv FOLDER, and python -m pip install: what is installed is the cicd beside this
if [ "$2" = venv ]; then
  mkdir -p "$3/bin"
  printf '#!/bin/sh\\necho "pip $*" >> "{log}"\\n' > "$3/bin/pip"
  cp "{bin}/cicd" "$3/bin/cicd"
  chmod +x "$3/bin/pip"
else
  shift 2
  echo "pip $*" >> "{log}"
fi
"""
CICD = """\
#!/bin/sh
echo "$(pwd): cicd $*${{SECRET_OF_AZURE+ +$SECRET_OF_AZURE}}" >> "{log}"
[ "$1" != validate ] || exit "${{VALID_CODE:-0}}"
case "$*" in *--require-reviewed*) exit "${{REVIEW_CODE:-0}}" ;; esac
[ "$1" = plan ] || exit 0
if [ "${{PLAN_CODE:-0}}" != 4 ]; then
  while [ "$1" != --out ]; do shift; done
  echo "{{}}" > "$2"
fi
exit "${{PLAN_CODE:-0}}"
"""


@dataclass(frozen=True)
class Machine:
    """One that runs steps, with a ``cicd`` that writes down how it is called."""

    root: Path

    def run(self, command: tuple[str, ...], script: str, environ: Mapping[str, str]) -> int:
        """The exit code of a script. ``command``: what the system starts with the script's file."""
        file = self.root / "step.sh"
        file.write_text(script, encoding="utf-8")
        done = subprocess.run(
            [*command, str(file)],
            cwd=self.root / "work",
            env={"PATH": f"{self.root / 'bin'}:/usr/bin:/bin", **environ},
            capture_output=True,
            check=False,
        )
        return done.returncode

    @property
    def calls(self) -> list[str]:
        """What ran since the last look, without the folder of the work."""
        log = self.root / "log"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [line.replace(f"{self.root / 'work'}", "") for line in lines]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    programs = {"python3": VENV, "python": VENV, "cicd": CICD}
    (tmp_path / "bin").mkdir()
    for folder in FOLDERS:
        (tmp_path / "work" / folder).mkdir(parents=True, exist_ok=True)
    for name, text in programs.items():
        program = tmp_path / "bin" / name
        program.write_text(text.format(log=tmp_path / "log", bin=tmp_path / "bin"))
        program.chmod(0o755)
    return Machine(tmp_path)


def gitlab(machine: Machine, name: str, environ: Mapping[str, str], project: str = "") -> int:
    """Run a job as GitLab's runner does: one bash for all lines, ended by the first that fails."""
    jobs = load(text_of("gitlab", project=project))
    job: dict[str, Any] = {}
    parents = [jobs[name]]
    while "extends" in parents[-1]:
        parents.append(jobs[parents[-1]["extends"]])
    for parent in reversed(parents):
        variables = {**job.get("variables", {}), **parent.get("variables", {})}
        job = {**job, **parent, "variables": variables}
    told = {
        key: value["value"] if isinstance(value, dict) else value
        for key, value in job["variables"].items()
    }
    lines = ["set -eo pipefail", "set +o noclobber", *job["before_script"], *job["script"]]
    own = {"CI_PROJECT_DIR": str(machine.root / "work"), "CI_PIPELINE_SOURCE": "push"}
    return machine.run(("bash",), "\n".join(lines), {**own, **told, **environ})


def test_gitlab_plans_with_a_note_on_merge_requests_alone(machine: Machine) -> None:
    plan = "/: cicd plan prd --out /cicd-out/plan.json".replace("/:", ":", 1)
    note = ": cicd comment /cicd-out/plan.json"
    assert gitlab(machine, "plan:prd", {}) == 0
    installed, *calls = machine.calls
    assert re.fullmatch(r"pip install --quiet aicore-cicd==\S+", installed)
    assert calls == [plan]
    request = {"CI_MERGE_REQUEST_IID": "7", "CI_PIPELINE_SOURCE": "merge_request_event"}
    assert gitlab(machine, "plan:prd", {**request, "CICD_INSTALL": "git+https://h/r"}) == 0
    assert machine.calls == ["pip install --quiet git+https://h/r", plan, note]
    # what is not valid is told as well, and the job fails as the plan did
    assert gitlab(machine, "plan:prd", {**request, "PLAN_CODE": "3"}) == 3
    assert machine.calls[1:] == [plan, note]
    shutil.rmtree(machine.root / "work" / "cicd-out")
    assert gitlab(machine, "plan:prd", {**request, "PLAN_CODE": "4"}) == 4
    assert machine.calls[1:] == [plan]


def test_gitlab_looks_for_drift_by_schedule_and_applies_the_plan(machine: Machine) -> None:
    assert gitlab(machine, "plan:dev", {"CI_PIPELINE_SOURCE": "schedule"}) == 0
    assert machine.calls[1:] == [
        ": cicd plan dev --drift --out /cicd-out/plan.json",
        ": cicd comment --drift-issue /cicd-out/plan.json",
    ]
    assert gitlab(machine, "apply:dev", {}) == 0
    apply = ": cicd apply dev --plan /cicd-out/plan.json --summary /cicd-out/report.json"
    assert machine.calls[1:] == [apply]


def test_gitlab_works_in_the_folder_of_the_project(machine: Machine) -> None:
    project = FOLDERS[-1]
    jobs = load(text_of("gitlab", project=project))
    name = next(name for name in jobs if name.endswith("plan:tst"))
    assert gitlab(machine, name, {}, project) == 0
    assert machine.calls[1:] == [f"/{project}: cicd plan tst --out /cicd-out/plan.json"]
    validate = next(name for name in jobs if name.endswith("validate"))
    assert gitlab(machine, validate, {}, project) == 0
    assert machine.calls[1:] == [f"/{project}: cicd validate --all --output codequality"]


CHECK = ": cicd comment --require-reviewed"


def test_a_push_is_held_against_the_plan_that_its_change_has_shown(machine: Machine) -> None:
    asked = {"CICD_REQUIRE_REVIEWED_PLAN": "true"}

    def checks() -> list[str]:
        return [line for line in machine.calls if "--require-reviewed" in line]

    for more, wanted in (
        ({}, [f"{CHECK} /cicd-out/plan.json"]),
        ({"CICD_REQUIRE_REVIEWED_PLAN": ""}, []),
        ({"CI_MERGE_REQUEST_IID": "7"}, []),
        ({"CI_PIPELINE_SOURCE": "schedule"}, []),
    ):
        assert gitlab(machine, "plan:prd", {**asked, **more}) == 0
        assert checks() == wanted
    for reason, wanted in (
        ("IndividualCI", [f"{CHECK} /plan.json"]),
        ("PullRequest", []),
        ("Schedule", []),
    ):
        assert azure(machine, "plan_prd", {**asked, "BUILD_REASON": reason}) == 0
        assert checks() == wanted
    for more, wanted in (
        ({}, [f"{CHECK} /cicd-out/plan.json"]),
        ({"CHANGE_ID": "4"}, []),
        ({"DRIFT": "true"}, []),
    ):
        assert jenkins(machine, "plan", {"STAGE": "prd", **asked, **more}) == 0
        assert checks() == wanted
    held = {**asked, "REVIEW_CODE": "5"}
    assert gitlab(machine, "plan:prd", held) == 5
    assert azure(machine, "plan_prd", {**held, "BUILD_REASON": "IndividualCI"}) == 5
    assert jenkins(machine, "plan", {"STAGE": "prd", **held}) == 5


def azure(machine: Machine, stage: str, environ: Mapping[str, str], project: str = "") -> int:
    """Run the steps of a stage as Azure's agent does: a bash for each, none after one that failed
    but where its condition says so."""
    document = load(text_of("azure", project=project))
    job = next(it for it in document["stages"] if it["stage"] == stage)["jobs"][0]
    steps = job.get("steps") or job["strategy"]["runOnce"]["deploy"]["steps"]
    folders = {
        "BUILD_ARTIFACTSTAGINGDIRECTORY": str(machine.root / "work"),
        "PIPELINE_WORKSPACE": str(machine.root / "work"),
    }
    failed = 0
    for step in steps:
        if "bash" in step and (not failed or "condition" in step):
            own = {**document["variables"], **folders, **step.get("env", {}), **environ}
            failed = failed or machine.run(("bash", "--noprofile", "--norc"), step["bash"], own)
    return failed


def test_azure_plans_and_comments_on_pull_requests(machine: Machine) -> None:
    assert azure(machine, "plan_prd", {"BUILD_REASON": "PullRequest"}) == 0
    installed, *calls = machine.calls
    assert re.fullmatch(r"pip install --quiet aicore-cicd==\S+", installed)
    plan = ": cicd plan prd --out /plan.json"
    assert calls == [": cicd validate --all --output azure", plan, ": cicd comment /plan.json"]
    assert azure(machine, "plan_prd", {"BUILD_REASON": "IndividualCI", "PLAN_CODE": "5"}) == 5
    assert machine.calls[2:] == [plan]
    assert azure(machine, "plan_prd", {"BUILD_REASON": "Schedule"}, FOLDERS[-1]) == 0
    assert machine.calls[2:] == [f"/{FOLDERS[-1]}: cicd plan prd --drift --out /plan.json"]


def test_azure_applies_the_plan_and_a_variable_of_no_group_is_none(machine: Machine) -> None:
    unset = {"SECRET_OF_AZURE": "$(SECRET_OF_AZURE)", "BUILD_REASON": "IndividualCI"}
    assert azure(machine, "apply_tst", unset) == 0
    apply = ": cicd apply tst --plan /cicd-plan-tst/plan.json --summary /report.json"
    assert machine.calls[1:] == [apply]
    given = {**unset, "SECRET_OF_AZURE": "a $(b) c"}
    assert azure(machine, "apply_tst", given) == 0
    assert machine.calls[1:] == [f"{apply} +a $(b) c"]


def jenkins(machine: Machine, stage: str, environ: Mapping[str, str], project: str = "") -> int:
    """Run the shell steps of a stage as Jenkins does: each a file of its own, which its first line
    starts; the stage ends with the first that fails."""
    text = text_of("jenkins", project=project)
    body = text.partition(f"stage('{stage}')")[2].partition("\n    stage('")[0]
    folder = re.search(r"CICD_FOLDER = '(.*)' \}", text)
    assert folder is not None
    own = {"CICD_FOLDER": re.sub(r"\\(.)", r"\1", folder[1]), "FORGE_TOKEN": "t"}
    steps = re.findall(r"\bsh '''(.*?)'''|\bsh '([^']*)'", body, re.S)
    assert len(steps) >= 2
    for many, one in steps:
        script = (many or one).replace("/tmp/cicd", str(machine.root / "venv"))
        shell = ("bash",) if many.startswith("#!/usr/bin/env bash\n") else ("/bin/sh", "-xe")
        if code := machine.run(shell, script, {**own, **environ}):
            return code
    return 0


def test_jenkins_plans_comments_and_applies(machine: Machine) -> None:
    project = FOLDERS[-1]
    place = f"/{project}"
    assert jenkins(machine, "plan", {"STAGE": "tst", "CHANGE_ID": "4"}, project) == 0
    installed, *calls = machine.calls
    assert re.fullmatch(r"pip install --quiet aicore-cicd==\S+", installed)
    assert calls == [
        f"{place}: cicd validate --all",
        f"{place}: cicd plan tst --out /cicd-out/plan.json",
        f"{place}: cicd comment /cicd-out/plan.json",
    ]
    assert jenkins(machine, "plan", {"STAGE": "prd", "DRIFT": "true", "PLAN_CODE": "3"}) == 3
    assert machine.calls[1:] == [
        ": cicd validate --all",
        ": cicd plan prd --drift --out /cicd-out/plan.json",
        ": cicd comment --drift-issue /cicd-out/plan.json",
    ]
    assert jenkins(machine, "plan", {"STAGE": "dev", "PLAN_CODE": "4"}) == 4
    assert machine.calls[2:] == [": cicd plan dev --out /cicd-out/plan.json"]
    assert jenkins(machine, "plan", {"STAGE": "dev", "VALID_CODE": "3"}) == 3
    assert machine.calls[2:] == [": cicd plan dev --out /cicd-out/plan.json"]
    (machine.root / "work/cicd-out").mkdir(exist_ok=True)
    assert jenkins(machine, "apply", {"STAGE": "prd"}) == 0
    apply = ": cicd apply prd --plan /cicd-out/plan.json --summary /cicd-out/report.json"
    assert machine.calls[1:] == [apply]


@pytest.mark.parametrize("ci", FILES)
def test_nothing_of_others_is_pasted_into_a_shell_line(ci: str) -> None:
    """Branches, titles and secrets reach scripts as variables of the shell alone."""
    text = text_of(ci)
    if ci == "jenkins":
        assert not re.search(r'sh\s*"', text)
    elif ci == "azure":
        for line in re.findall(r"^ +(?:- bash: |cicd |.*cicd comment).*$", text, re.M):
            assert "$(" not in line.replace("$(compgen -e)", "")
            assert "${{" not in line
    else:
        assert not re.search(r"cicd .*\$CI_(COMMIT|MERGE_REQUEST)", text)
