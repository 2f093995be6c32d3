"""The life cycle of a model, row by row (B24 to B32), on a platform that is a folder: the real
commands in this process, a real repository, real programs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from cicd import Project
from cicd.apply import execute
from cicd.automation.result import Result
from cicd.logs import Polling
from cicd.model import Approval, ApprovalState
from cicd.platforms import registry

STAGE = """\
platform: toy
branch: main
toy: {box: box}
jobs:
  - {key: train, script: train.txt, knobs: {TURNS: "1"}}
  - {key: try, script: try.txt, knobs: {MODEL: "${jobs.train.files.plan}"},
     require: [{metric: speed, min: 1}]}
services:
  - {key: ride, serves: "${jobs.train.result}"}
"""
ASKS = """\
lifecycle:
  require_assets: {documentation: docs/model.md}
  test: job/try
  test_data: data/test.csv
  approval: {file: approvals/dev.yaml}
"""
COMPARE = """\
import json, sys
from pathlib import Path
folder = Path(sys.argv[-1])
told = json.loads((folder / "input.json").read_text())
Path("seen.json").write_text(json.dumps({**told, "data": sorted(
    path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())}))
"""


class Desk:
    """A project of the toy with a life cycle, and its commands as a program has them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(root)}
        for path, text in {
            "stages/dev.yaml": STAGE + ASKS,
            "train.txt": "turned $TURNS\n",
            "try.txt": "metric speed 2\n",
            "docs/model.md": "what it does\n",
            "data/test.csv": "1,2\n",
            ".gitignore": "box\nseen.json\n",
        }.items():
            self.write(path, text)
        self.git("init", "-q", "-b", "main")
        self.commit()

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def edit(self, before: str, after: str) -> None:
        text = (self.root / "stages/dev.yaml").read_text(encoding="utf-8")
        assert before in text
        self.write("stages/dev.yaml", text.replace(before, after))

    def git(self, *words: str) -> None:
        me = ("-c", "user.name=Alice", "-c", "user.email=alice@example.com")
        subprocess.run(["git", *me, *words], cwd=self.root, check=True, capture_output=True)

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "change")

    @property
    def stage(self) -> Any:
        return Project(self.root, environ=self.environ).stage("dev")

    def apply(self, **options: Any) -> Result:
        return self.stage.apply(**options)  # type: ignore[no-any-return]

    def approve(self, **options: Any) -> Approval:
        _, given = self.stage.approve(**options)
        assert isinstance(given, Approval)
        self.commit()
        return given

    def told(self, result: Result) -> dict[str, str]:
        return {str(one.key): one.result.value for one in result.outcomes}

    def things(self, kind: str) -> int:
        return len(list((self.root / "box" / kind).glob("*.json")))


@pytest.fixture
def desk(tmp_path: Path, mocker: MockerFixture) -> Desk:
    mocker.patch.dict(registry.PLATFORMS, {"toy": "tests.platforms.toy.adapter"})
    soon = Polling(gap=0.01, glance=0.01, first=0.01)  # the toy is done at once
    mocker.patch.dict(execute.__kwdefaults__ or {}, {"polling": soon})
    return Desk(tmp_path)


HELD = {
    "job/train": "applied",
    "job/try": "applied",
    "release/ride": "held",
    "service/ride": "held",
}
DEPLOYED = {
    "job/train": "unchanged",
    "job/try": "unchanged",
    "release/ride": "applied",
    "service/ride": "applied",
}


def test_b27_b29_it_is_trained_and_tested_then_approved_then_deployed(desk: Desk) -> None:
    first = desk.apply()
    assert (first.exit_code, desk.told(first)) == (5, HELD)
    assert "there is no approvals/dev.yaml" in first["release/ride"].error
    assert "cicd approve dev" in first["release/ride"].error
    assert first.summary["result"] == "held"
    assert first.summary["lifecycle"]["step"] == "approval"
    again = desk.apply()  # nothing is trained or tested twice
    assert again.exit_code == 5 and desk.things("job") == 2
    assert desk.approve().is_given
    last = desk.apply()
    assert (last.exit_code, desk.told(last)) == (0, DEPLOYED)
    told = last.summary["lifecycle"]["approval"]
    assert told["by"] == "Alice <alice@example.com>" and told["link"].startswith(
        "approvals/dev.yaml@"
    )
    assert told["at"]
    assert desk.apply().summary["lifecycle"]["step"] == "registered"


@pytest.mark.parametrize(
    ("lifecycle", "waits"),
    [
        ("{test: job/try, deploy: [service/ride]}", True),
        ("{test: job/try}", True),
        ("{deploy: [service/ride]}", False),
        ("{}", False),
    ],
)
def test_b24_test_and_deploy_may_be_there_or_not(
    desk: Desk, lifecycle: str, *, waits: bool
) -> None:
    desk.write("stages/dev.yaml", f"{STAGE}lifecycle: {lifecycle}\n")
    status = desk.stage.plan().lifecycle
    assert bool(status.waits) is waits and status.test_state == ("due" if waits else "none")
    assert desk.apply().exit_code == 0  # nobody has to approve: it goes on once it is tested


@pytest.mark.parametrize(
    ("asset", "said"),
    [
        ("docs/none.md", "is not there"),
        ("docs/empty.md", "is empty"),
        ("http://127.0.0.1:1/model.md", "cannot be looked at: its server cannot be reached"),
        ("s3://bucket/model.md", "cannot be looked at: toy cannot look at s3://"),
    ],
)
def test_b26_without_its_assets_nothing_is_tested_or_deployed_and_trainings_go_on(
    desk: Desk, asset: str, said: str
) -> None:
    desk.write("docs/empty.md", "")
    desk.edit("docs/model.md", f'"{asset}"')
    plan = desk.stage.plan()
    assert plan.lifecycle.missing == (f'documentation "{asset}" {said}',)
    result = desk.apply()
    assert result.exit_code == 5
    assert desk.told(result) == {**HELD, "job/try": "held"}
    held = [one.error for one in result.outcomes if said in one.error]
    assert held and all(asset in text for text in held)


def test_b26_all_that_is_missing_is_told_at_once(desk: Desk) -> None:
    desk.edit("docs/model.md}", "docs/none.md, schema: schema.json}")
    told = desk.stage.plan().lifecycle.missing
    assert [text.partition(" ")[0] for text in told] == ["documentation", "schema"]


@pytest.mark.parametrize("content", [None, ""])
def test_b30_without_test_data_there_is_no_test_and_that_is_said(
    desk: Desk, content: str | None
) -> None:
    (desk.root / "data/test.csv").unlink()
    if content is not None:
        desk.write("data/test.csv", content)
    plan = desk.stage.plan()
    assert "job/try" not in {str(change.key) for change in plan.changes}
    assert "no test: test_data" in plan.lifecycle.notes[0]
    assert desk.apply().exit_code == 5
    desk.approve()
    result = desk.apply()
    assert result.exit_code == 0 and result["service/ride"].result.value == "applied"
    assert desk.things("job") == 1


def test_test_data_that_nobody_can_look_at_are_not_the_same_as_none(desk: Desk) -> None:
    desk.edit("data/test.csv", "s3://bucket/test.csv")
    result = desk.apply()
    assert result.exit_code == 5 and result["job/try"].result.value == "held"
    assert "cannot be looked at" in result.summary["lifecycle"]["missing"][0]


def test_b31_a_stage_in_which_nothing_serves_says_so_in_a_line_and_goes_on(desk: Desk) -> None:
    text = STAGE.partition("services:")[0]
    desk.write("stages/dev.yaml", f"{text}lifecycle: {{approval: {{file: a.yaml}}}}\n")
    result = desk.apply()
    assert result.exit_code == 0 and result["job/train"].result.value == "applied"
    assert result.summary["lifecycle"]["notes"] == [
        "nothing of this stage serves, so nothing waits: name what deploys in deploy"
    ]


def test_b31_a_platform_without_snapshots_says_so_in_a_line(desk: Desk) -> None:
    desk.edit("  test: job/try", "  watch: true\n  test: job/try")
    notes = desk.stage.plan().lifecycle.notes
    assert notes == ("watch: toy has nothing that a service could run and nobody has in Git",)


@pytest.mark.parametrize("script", ["fail\n", "metric speed 0.5\n", "no metric\n"])
def test_b32_after_a_test_that_fails_nothing_is_deployed(desk: Desk, script: str) -> None:
    desk.write("try.txt", script)
    result = desk.apply()
    assert result.exit_code == 1 and result["job/try"].result.value == "failed"
    assert result["service/ride"].result.value == "skipped"
    assert not desk.things("service")
    desk.write("try.txt", "metric speed 3\n")
    assert desk.apply().exit_code == 5


def test_b32_a_test_that_has_failed_and_is_never_repeated_stays_failed(desk: Desk) -> None:
    desk.edit("{key: try,", "{key: try, rerun: never,")
    desk.write("try.txt", "fail\n")
    assert desk.apply().exit_code == 1
    assert desk.apply().exit_code == 1 and not desk.things("service")


def test_b32_what_serves_stays_as_it_is_when_the_test_of_the_next_one_fails(desk: Desk) -> None:
    desk.apply()
    desk.approve()
    desk.apply().raise_for_failure()
    before = next((desk.root / "box/service").glob("*.json")).read_text(encoding="utf-8")
    desk.write("try.txt", "fail\n")
    desk.edit('TURNS: "1"', 'TURNS: "2"')
    assert desk.apply().exit_code == 1
    assert next((desk.root / "box/service").glob("*.json")).read_text(encoding="utf-8") == before


def test_the_status_of_what_waits_says_what_for(desk: Desk) -> None:
    def note() -> str:
        return str({row["key"]: row["notes"] for row in desk.stage.status()}["service/ride"][-1])

    assert note() == "waits for the test job/try"
    desk.apply()
    assert re.match(r"waits for an approval of [0-9a-f]{12}: not approved: there is no", note())
    assert "whoever may push approvals/dev.yaml to main may approve it" in note()
    desk.approve()
    assert note() == "goes on with the next apply"
    (desk.root / "docs/model.md").unlink()
    assert note() == 'waits for assets: documentation "docs/model.md" is not there'
    desk.write("docs/model.md", "again")
    desk.apply().raise_for_failure()
    rows = {row["key"]: row["notes"] for row in desk.stage.status()}
    assert rows["service/ride"] == []


def test_why_a_service_does_not_change_is_explained(desk: Desk) -> None:
    desk.apply()

    def told() -> list[str]:
        found = desk.stage.explain("ride")["findings"]
        return [one["text"] for one in found if one["check"] == "change"]

    [text] = told()
    assert text.startswith("waits for an approval of ") and "may approve it" in text
    desk.approve()
    assert told() == ["goes on with the next apply"]
    desk.apply()
    assert told() == []


def test_a_rejection_is_told_with_its_reason_and_holds_what_waits(desk: Desk) -> None:
    desk.apply()
    assert desk.approve(reject=True, reason="too slow").state is ApprovalState.REJECTED
    result = desk.apply()
    assert result.exit_code == 5
    assert "rejected by Alice <alice@example.com>" in result["release/ride"].error
    assert "too slow" in result["release/ride"].error


def test_an_approval_that_is_withdrawn_while_the_apply_tests_does_not_count(desk: Desk) -> None:
    desk.approve()  # before anything is trained, as in a pull request
    events: list[object] = []

    def withdraw(event: object) -> None:
        events.append(event)
        if type(event).__name__ == "Executing":
            (desk.root / "approvals/dev.yaml").unlink()
            desk.commit()

    result = desk.apply(on_event=withdraw)
    assert result.plan and result.plan.lifecycle and result.plan.lifecycle.approval
    assert result.plan.lifecycle.approval.is_given  # it was when it was planned
    assert (result.exit_code, desk.told(result)) == (5, HELD)


def test_what_a_pull_request_brings_along_approves_nothing_before_it_is_merged(desk: Desk) -> None:
    desk.git("switch", "-qc", "feature")
    desk.approve()
    desk.environ |= {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_BASE_REF": "main",
        "GITHUB_REF": "refs/pull/7/merge",
    }
    assert desk.stage.plan().lifecycle.approval.is_given  # as it will be
    result = desk.apply()
    assert result.exit_code == 5
    assert "is not committed on main" in result["release/ride"].error


def test_an_approval_given_in_the_pull_request_counts_for_the_deployment(desk: Desk) -> None:
    given = desk.approve()
    result = desk.apply()
    assert result.exit_code == 0 and result["service/ride"].result.value == "applied"
    assert result.summary["lifecycle"]["approval"]["fingerprint"] == given.fingerprint


Change = Callable[[Desk], None]
CHANGES: dict[str, tuple[Change, str]] = {
    "a field of the service": (
        lambda desk: desk.edit("key: ride,", "key: ride, size: 2,"),
        "service/ride: size changed",
    ),
    "a parameter of the training": (
        lambda desk: desk.edit('TURNS: "1"', 'TURNS: "2"'),
        "job/train: knobs.TURNS changed",
    ),
    "a program of the training": (
        lambda desk: desk.write("train.txt", "turned twice $TURNS\n"),
        "job/train: files.train.txt changed",
    ),
    "a gate of the test": (
        lambda desk: desk.edit("min: 1", "min: 0"),
        "job/try: require changed",
    ),
    "another service": (
        lambda desk: desk.edit("services:", 'services:\n  - {key: new, serves: "x"}'),
        "service/new: name is new",
    ),
    "a service that goes": (
        lambda desk: desk.write(
            "stages/dev.yaml",
            STAGE.replace("key: ride", "key: other").replace("branch", "prune: stage\nbranch")
            + ASKS,
        ),
        "service/ride: name is gone",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_approval_of_another_content_is_stale_and_says_what_changed(
    desk: Desk, name: str
) -> None:
    change, told = CHANGES[name]
    desk.apply()
    desk.approve()
    change(desk)
    result = desk.apply()
    assert result.exit_code == 5
    assert result.summary["lifecycle"]["approval"]["state"] == "stale"
    assert told in result.summary["lifecycle"]["moved"]
    assert any("was about something else than this" in one.error for one in result.outcomes)
    desk.approve()
    assert desk.apply().exit_code == 0


def test_the_same_change_in_another_commit_needs_no_second_approval(desk: Desk) -> None:
    desk.apply()
    desk.approve()
    desk.write("README.md", "something else")
    desk.commit()
    desk.edit("branch: main", "branch: main # as always")
    desk.commit()
    assert desk.apply().exit_code == 0


def test_a_model_that_is_trained_again_is_another_one(desk: Desk) -> None:
    desk.apply()
    desk.approve()
    result = desk.apply(rerun=["job/train"])
    assert result.exit_code == 5
    assert "job/train was" in " ".join(result.summary["lifecycle"]["moved"])


def test_drift_of_what_was_approved_is_put_back_without_asking_again(desk: Desk) -> None:
    desk.apply()
    desk.approve()
    desk.apply().raise_for_failure()
    for file in (desk.root / "box/service").glob("*.json"):
        file.unlink()
    assert desk.apply().exit_code == 0


def test_who_goes_back_or_takes_down_does_not_wait(desk: Desk) -> None:
    desk.apply()
    desk.approve()
    desk.apply().raise_for_failure()
    desk.edit('TURNS: "1"', 'TURNS: "2"')
    desk.apply()
    desk.approve()
    desk.apply().raise_for_failure()
    assert desk.stage.rollback("ride").exit_code == 0
    assert desk.stage.plan().lifecycle.waits  # what Git asks for, approved, waits for an apply
    assert desk.stage.destroy(approve=lambda plan: True).exit_code == 0


def test_a_service_that_is_deleted_waits_and_so_does_every_delete(desk: Desk) -> None:
    desk.edit("branch: main", "branch: main\nprune: stage\nlimits: {max_delete_percent: 100}")
    desk.apply()
    desk.approve()
    desk.apply().raise_for_failure()
    text = (desk.root / "stages/dev.yaml").read_text(encoding="utf-8")
    start, _, rest = text.partition("services:")
    desk.write("stages/dev.yaml", start + rest.partition("}\n")[2])
    result = desk.apply()
    assert result.exit_code == 5 and result["service/ride"].result.value == "held"
    assert desk.things("service") == 1
    desk.approve()
    assert desk.apply().exit_code == 0 and not desk.things("service")


def test_a_test_that_is_left_out_holds_what_waits(desk: Desk) -> None:
    desk.approve()
    result = desk.apply(select=["service/ride"])
    assert result.exit_code == 5 and "job/try is left out" in result["release/ride"].error


def test_a_saved_plan_waits_as_well(desk: Desk) -> None:
    with desk.stage as stage:
        saved = stage.save(stage.plan())
        assert json.loads(saved)["lifecycle"]["waits"] == ["release/ride", "service/ride"]
    result = desk.stage.apply(saved)
    assert result.exit_code == 5


def test_without_waiting_what_serves_waits_for_the_test(desk: Desk) -> None:
    desk.approve()
    result = desk.apply(wait=False)
    assert result["service/ride"].result.value == "deferred"
    assert desk.apply().exit_code == 0


def test_a_plan_made_offline_says_what_would_wait_and_looks_at_nothing(desk: Desk) -> None:
    plan = Project(desk.root, environ=desk.environ).offline_plan("dev")
    assert plan.lifecycle and plan.lifecycle.approval is None
    assert [str(key) for key in plan.lifecycle.waits] == ["release/ride", "service/ride"]


def test_a_test_that_needs_what_it_is_to_let_through_is_an_error(desk: Desk) -> None:
    desk.edit("test: job/try", "test: job/try\n  deploy: [job/train]")
    problems = desk.stage
    with pytest.raises(Exception, match="job/try needs job/train, which waits for the test"):
        problems.plan()


@pytest.fixture
def compared(desk: Desk) -> Desk:
    desk.write("compare.py", COMPARE)
    program = f'  comparator: {{command: ["{sys.executable}", compare.py], timeout: 20s}}\n'
    desk.edit("  approval:", f"{program}  approval:")
    desk.approve()
    return desk


def judge(desk: Desk, code: str) -> Result:
    desk.write("compare.py", COMPARE + code)
    desk.approve()  # another program is another one to agree to
    return desk.apply()


def test_b27_a_comparator_gets_data_result_and_metrics_of_both(compared: Desk) -> None:
    assert judge(compared, "").exit_code == 0
    seen = json.loads((compared.root / "seen.json").read_text(encoding="utf-8"))
    assert seen["old"] is None and seen["test"] == "job/try"
    assert {"test_data/test.csv", "new/metrics.json"} <= set(seen["data"])
    assert any(path.startswith("new/result/") for path in seen["data"])
    compared.edit('TURNS: "1"', 'TURNS: "2"')
    compared.apply()
    compared.approve()
    assert judge(compared, 'print(json.dumps({"verdict": "accepted", "reason": "faster"}))\n')
    seen = json.loads((compared.root / "seen.json").read_text(encoding="utf-8"))
    assert seen["old"]["run"] != seen["new"]["run"] and "old/metrics.json" in seen["data"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ('print(json.dumps({"verdict": "rejected", "reason": "worse"}))\n', "rejected: worse"),
        ("sys.exit(1)\n", "rejected"),
        ('print(json.dumps({"verdict": "accepted"}))\nsys.exit(1)\n', "rejected"),
        ("sys.exit(3)\n", "ended with 3: no word"),
        ('raise ValueError("odd")\n', "rejected: ValueError: odd"),
        ('print(json.dumps({"verdict": "perhaps"}))\n', 'says "perhaps"'),
        ("import os; os.kill(os.getpid(), 9)\n", "ended with -9"),
    ],
)
def test_a_comparator_that_does_not_accept_lets_nothing_through(
    compared: Desk, code: str, said: str
) -> None:
    result = judge(compared, code)
    assert result.exit_code == 1 and said in result["release/ride"].error
    assert not compared.things("service")


def test_what_a_comparator_said_is_seen_in_the_plan(compared: Desk) -> None:
    judge(compared, 'print(json.dumps({"verdict": "rejected", "reason": "worse"}))\n')
    assert compared.stage.plan().lifecycle.verdict == "rejected: worse"


def test_a_comparator_sees_no_credential(compared: Desk) -> None:
    compared.environ["AWS_SECRET_ACCESS_KEY"] = "s3cret-value"
    code = "import os\nassert 'AWS_SECRET_ACCESS_KEY' not in os.environ and 'PATH' in os.environ\n"
    assert judge(compared, code).exit_code == 0


def test_a_comparator_that_takes_too_long_or_is_not_there_fails(compared: Desk) -> None:
    compared.edit("timeout: 20s", "timeout: 1s")
    compared.approve()
    result = judge(compared, "import time\ntime.sleep(60)\n")
    assert result.exit_code == 1 and "longer than 1 s" in result["release/ride"].error
    compared.edit(f'"{sys.executable}"', "no-such-program")
    compared.approve()
    result = compared.apply()
    assert result.exit_code == 1 and "cannot be started" in result["release/ride"].error


@pytest.mark.parametrize("name", ["compare.py", "rules/worst.json", "rules/ü.txt"])
def test_a_comparator_whose_files_have_changed_needs_another_approval(
    compared: Desk, name: str
) -> None:
    compared.write("rules/worst.json", "1")
    compared.write("rules/ü.txt", "1")
    compared.edit("compare.py]", "compare.py, rules]")
    compared.approve()
    path = compared.root / name
    path.write_text(path.read_text("utf-8") + "\n", encoding="utf-8")
    compared.commit()
    result = compared.apply()
    assert result.exit_code == 5 and not compared.things("service")
    assert f"lifecycle: comparator {name} changed" in result["release/ride"].error


def test_a_comparator_ends_when_nobody_waits_any_more(compared: Desk) -> None:
    begun = 'Path("pid.part").write_text(str(os.getpid()))\nos.rename("pid.part", "pid")\n'
    compared.write(
        "compare.py", f"import os, time\nfrom pathlib import Path\n{begun}time.sleep(60)\n"
    )
    compared.edit("timeout: 20s", "timeout: 90s")
    compared.approve()
    operation = compared.stage.applying()
    pid = compared.root / "pid"

    def cancel() -> None:
        while not pid.exists():
            time.sleep(0.02)
        operation.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    result = operation.run()
    thread.join()
    assert result.is_cancelled and not compared.things("service")
    for _ in range(500):  # killed by the thread that waits for it
        if not Path(f"/proc/{pid.read_text()}").exists():
            break
        time.sleep(0.02)
    else:
        pytest.fail("it runs on")
