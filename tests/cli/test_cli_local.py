"""``--local``: the working tree as it is, wherever the project lies."""

from __future__ import annotations

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.acceptance.conftest import Project

APPLY = ("apply", "dev", "--local", "--auto-approve")


def test_what_git_ignores_is_deployed_and_what_is_no_template_is_not(small: Project) -> None:
    small.write(".gitignore", "templates/serve.yaml\n")
    before = json.loads(small.cicd("plan", "dev", "--local", "--output", "json").stdout)
    small.write("templates/workloads/__pycache__/x.pyc", "generated")
    small.write("templates/notes.txt", "not a template")
    after = json.loads(small.cicd("plan", "dev", "--local", "--output", "json").stdout)
    assert before["commit"] == after["commit"]
    result = small.cicd(*APPLY)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_project_that_was_moved_goes_on(small: Project) -> None:
    assert small.cicd(*APPLY).returncode == 0
    small.stop()
    moved = Project(small.root.rename(small.root.with_name("moved")), small.environ)
    try:
        result = moved.cicd(*APPLY)
        assert result.returncode == 0, result.stdout + result.stderr
        assert len(moved.api("/lm/executions", "small-dev")["resources"]) == 1
    finally:
        moved.stop()
        moved.root.rename(small.root)


def test_plans_at_once_do_not_get_in_each_others_way(small: Project) -> None:
    assert small.cicd("emulator", "start").returncode == 0
    with ThreadPoolExecutor(6) as pool:
        plans = list(pool.map(lambda _: small.cicd("plan", "dev", "--local"), range(6)))
    assert [plan.returncode for plan in plans] == [0] * 6, [plan.stderr for plan in plans]


def test_the_embedded_emulator_has_the_bounds_that_the_environment_says(small: Project) -> None:
    file = small.root / ".cicd/emulator/bounds.json"
    assert small.cicd("plan", "dev", "--local").returncode == 0
    assert not file.exists()
    # one that runs already, then one that is started, obeys
    told = {"CICD_EMULATOR_PARALLEL": "3", "CICD_EMULATOR_MEMORY": "0.5"}
    assert small.cicd("status", "dev", "--local", env=told).returncode in (0, 1)
    assert json.loads(file.read_text()) == {"parallel": 3, "memory": 0.5, "disk": None}
    small.stop()
    assert small.cicd("plan", "dev", "--local", env={"CICD_EMULATOR_DISK": " 2 "}).returncode == 0
    assert json.loads(file.read_text()) == {"parallel": 3, "memory": 0.5, "disk": 2.0}
    small.stop()
    started = small.cicd("emulator", "start", "--disk", "4", env=told | {"CICD_EMULATOR_DISK": "3"})
    assert started.returncode == 0
    assert json.loads(file.read_text())["disk"] == 4


@pytest.mark.parametrize(
    ("name", "text"),
    [("PARALLEL", "many"), ("PARALLEL", "0"), ("MEMORY", "-1"), ("DISK", "nan"), ("DISK", "inf")],
)
def test_a_bound_that_is_none_is_refused_by_its_name(small: Project, name: str, text: str) -> None:
    told = {f"CICD_EMULATOR_{name}": text}
    for arguments in (("apply", "dev", "--local", "--yes"), ("emulator", "start")):
        result = small.cicd(*arguments, env=told)
        assert result.returncode == 64, result.stderr
        assert f"CICD_EMULATOR_{name}" in result.stderr
    assert not (small.root / ".cicd/emulator/bounds.json").exists()


def test_the_log_of_a_failed_run_is_there_after_the_cure_was_edited_in(small: Project) -> None:
    assert small.cicd(*APPLY, "--var", "word=fail").returncode == 1
    logs = small.cicd("logs", "dev", "train", "--local", "--since", "999999d")
    assert "cannot learn this" in logs.stdout, logs.stderr
    rows = json.loads(small.cicd("status", "dev", "--local", "--output", "json").stdout)
    assert {row["key"]: row["status"] for row in rows}["execution/train"] == "DEAD"


def test_the_summary_of_several_stages_is_a_list(small: Project) -> None:
    text = (small.root / "stages/dev.yaml").read_text(encoding="utf-8")
    small.write("stages/tst.yaml", text.replace("branch: main", "branch: tst"))
    result = small.cicd("validate", "dev", "tst")
    assert result.returncode == 0, result.stdout
    apply = ("apply", "dev", "tst", "--local", "--auto-approve", "--summary", "s.json", "--force")
    applied = small.cicd(*apply)
    summaries = json.loads((small.root / "s.json").read_text(encoding="utf-8"))
    assert [summary["stage"] for summary in summaries] == ["dev", "tst"], applied.stderr
    assert {o["result"] for o in summaries[0]["outcomes"]} == {"applied"}


def commit(project: Project, message: str) -> str:
    """All files committed; the id."""
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com"]
    for arguments in (["add", "src", "stages", "templates"], ["commit", "-qm", message]):
        subprocess.run([*git, *arguments], cwd=project.root, check=True)
    head = ["git", "rev-parse", "HEAD"]
    return subprocess.run(
        head, cwd=project.root, check=True, capture_output=True, text=True
    ).stdout.strip()


def planned(project: Project) -> tuple[str, str]:
    """The commit that a plan names, and all of it as text and JSON."""
    texts = [project.cicd("plan", "dev", "--local", "-v", "-o", form) for form in ("json", "text")]
    assert all(text.returncode == 0 for text in texts), texts[0].stderr
    return json.loads(texts[0].stdout)["commit"], "".join(t.stdout + t.stderr for t in texts)


def test_local_shows_the_commit_of_the_user_and_none_that_git_does_not_know(
    small: Project,
) -> None:
    """Clean, with a saved plan beside it, with edits, new templates, and other files alone."""
    seen = planned(small)
    assert seen[0] == "none yet"
    assert "from your files, not committed yet" in seen[1] and "commit none yet" not in seen[1]
    head = commit(small, "first")
    assert planned(small)[0] == head
    small.write("plan.json", "{}")
    assert planned(small)[0] == head
    said = small.cicd(*APPLY, "--select", "application/*")
    assert said.returncode == 0, said.stderr

    small.edit("templates/serve.yaml", "default: hi", "default: hey")
    name, text = planned(small)
    assert name == f"{head} with changes"
    assert f"{head[:12]} with changes" in text and "files applied last" in text
    assert (
        small.cicd("apply", "dev", "--local", "--yes", "--select", "application/*").returncode == 0
    )
    small.edit("templates/serve.yaml", "default: hey", "default: hi")
    small.write(
        "templates/new.yaml",
        (small.root / "templates/train.yaml")
        .read_text("utf-8")
        .replace("small-train", "small-new"),
    )
    assert planned(small)[0] == f"{head} with changes"
    (small.root / "templates/new.yaml").unlink()

    told = "".join([seen[1], text, said.stdout, said.stderr, planned(small)[1]])
    known = {head, head[:12]}
    for word in set(re.findall(r"\b(?:[0-9a-f]{40}|[0-9a-f]{12})\b", told)) - known:
        assert "commit " + word not in told, word
    shadow = next((small.root / ".cicd").glob("worktree-*.git"))
    ids = subprocess.run(
        ["git", "rev-list", "--all"], cwd=shadow, check=True, capture_output=True, text=True
    ).stdout.split()
    assert ids and not [id for id in ids if id[:12] in told]


def test_a_run_remembers_the_commit_of_the_user(small: Project) -> None:
    head = commit(small, "first")
    small.edit("src/train.py", "training on", "learning from")
    result = small.cicd(*APPLY, "--select", "execution/train")
    assert result.returncode == 0, result.stderr
    (run,) = small.api("/lm/executions", "small-dev")["resources"]
    (found,) = small.api(f"/lm/metrics?executionIds={run['id']}", "small-dev")["resources"]
    tags = {tag["name"]: tag["value"] for tag in found["tags"]}
    assert tags["cicd.commit"] == f"{head} with changes"


def test_nobody_is_warned_of_an_object_store_that_local_does_without(small: Project) -> None:
    assert small.cicd(*APPLY).returncode == 0
    for arguments in (("explain", "train", "dev"), ("explain", "serve", "dev"), ("doctor", "dev")):
        told = small.cicd(*arguments, "--local")
        assert told.returncode == 0, told.stderr
        assert "object store secret" not in told.stdout.replace("object store secrets", "")
        assert "warning" not in told.stdout, told.stdout


def test_what_all_stages_lack_is_told_once(small: Project) -> None:
    text = (small.root / "stages/dev.yaml").read_text(encoding="utf-8")
    for name in ("tst", "prd"):
        small.write(f"stages/{name}.yaml", text.replace("branch: main", f"branch: {name}"))
    told = small.cicd("status", "--all")
    assert told.returncode == 4
    assert told.stderr.count("login is missing") == 1
    small.write("stages/base.yaml", "branch: [\n")
    for name in ("tst", "prd"):
        small.write(f"stages/{name}.yaml", f"extends: base.yaml\nbranch: {name}\n")
    told = small.cicd("status", "tst", "prd", "--local")
    assert told.returncode == 3
    assert told.stderr.count("stages/base.yaml:1:9") == 1
