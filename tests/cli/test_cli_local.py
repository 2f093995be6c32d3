"""``--local``: the working tree as it is, wherever the project lies."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

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
